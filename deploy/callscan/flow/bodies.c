/* What each instruction of a function means for the data flow. */
#include "deploy/callscan/flow/state.h"
#include "deploy/callscan/ir/text.h"

static unsigned count(struct nw_flow *flow, LLVMTypeRef type)
{
    struct nw__leaf leaves[NW__LEAVES_MAX];

    return nw__leaves(flow, type, leaves);
}

static void unknown(struct nw_flow *flow, LLVMValueRef instruction)
{
    unsigned n = count(flow, LLVMTypeOf(instruction));

    for (unsigned i = 0; i < n; i++)
        nw__add_unknown(flow, nw__node_of(flow, instruction, i));
}

/* Where the leaves of both types are the same ones, each to its own; else all to all. */
static void copy_value(struct nw_flow *flow, LLVMValueRef from, LLVMValueRef to)
{
    unsigned n = count(flow, LLVMTypeOf(from)), m = count(flow, LLVMTypeOf(to));

    for (unsigned i = 0; i < n; i++)
        for (unsigned k = n == m ? i : 0; k < (n == m ? i + 1 : m); k++)
            nw__copy(flow, nw__node_of(flow, from, i), nw__node_of(flow, to, k));
}

static void load(struct nw_flow *flow, LLVMValueRef instruction)
{
    struct nw__leaf leaves[NW__LEAVES_MAX];
    unsigned n = nw__leaves(flow, LLVMTypeOf(instruction), leaves);
    uint32_t pointer = nw__node_of(flow, LLVMGetOperand(instruction, 0), 0);

    for (unsigned i = 0; i < n; i++)
        nw__load_at(flow, pointer, (int64_t)leaves[i].offset, nw__node_of(flow, instruction, i));
}

static void store(struct nw_flow *flow, LLVMValueRef instruction, LLVMValueRef value, LLVMValueRef pointer)
{
    struct nw__leaf leaves[NW__LEAVES_MAX];
    unsigned n = nw__leaves(flow, LLVMTypeOf(value), leaves);
    uint32_t node = nw__node_of(flow, pointer, 0);

    for (unsigned i = 0; i < n; i++)
        nw__store_at(flow, node, (int64_t)leaves[i].offset, nw__node_of(flow, value, i), instruction);
}

static void address(struct nw_flow *flow, LLVMValueRef gep)
{
    struct nw__use use = {.kind = NW__USE_SHIFT, .other = nw__node_of(flow, gep, 0)};

    nw__gep(flow, gep, &use.number, &use.stride);
    if (LLVMGetTypeKind(LLVMTypeOf(gep)) == LLVMPointerTypeKind)
        nw__add_use(flow, nw__node_of(flow, LLVMGetOperand(gep, 0), 0), use);
    else
        unknown(flow, gep);
}

static void phi(struct nw_flow *flow, LLVMValueRef instruction)
{
    for (unsigned i = 0; i < LLVMCountIncoming(instruction); i++)
        copy_value(flow, LLVMGetIncomingValue(instruction, i), instruction);
}

/* The first leaf of the part of an aggregate that the indices name, and how many leaves it has. */
static unsigned part_of(struct nw_flow *flow, LLVMTypeRef type, LLVMValueRef instruction, unsigned *n)
{
    const unsigned *indices = LLVMGetIndices(instruction);
    unsigned first = 0;

    for (unsigned i = 0; i < LLVMGetNumIndices(instruction); i++) {
        bool is_struct = LLVMGetTypeKind(type) == LLVMStructTypeKind;
        for (unsigned k = 0; k < indices[i] && first < NW__LEAVES_MAX; k++)
            first += count(flow, is_struct ? LLVMStructGetTypeAtIndex(type, k) : LLVMGetElementType(type));
        type = is_struct ? LLVMStructGetTypeAtIndex(type, indices[i]) : LLVMGetElementType(type);
    }
    *n = count(flow, type);
    return first;
}

static void extract(struct nw_flow *flow, LLVMValueRef instruction)
{
    LLVMValueRef from = LLVMGetOperand(instruction, 0);
    unsigned n, first = part_of(flow, LLVMTypeOf(from), instruction, &n);

    for (unsigned i = 0; i < n; i++)
        nw__copy(flow, nw__node_of(flow, from, first + i), nw__node_of(flow, instruction, i));
}

static void insert(struct nw_flow *flow, LLVMValueRef instruction)
{
    LLVMValueRef whole = LLVMGetOperand(instruction, 0), part = LLVMGetOperand(instruction, 1);
    unsigned n, first = part_of(flow, LLVMTypeOf(whole), instruction, &n), all = count(flow, LLVMTypeOf(whole));

    for (unsigned i = 0; i < all; i++)
        if (i >= first && i < first + n)
            nw__copy(flow, nw__node_of(flow, part, i - first), nw__node_of(flow, instruction, i));
        else
            nw__copy(flow, nw__node_of(flow, whole, i), nw__node_of(flow, instruction, i));
}

/* Of a vector: the lane that a constant names, or any. */
static void extract_lane(struct nw_flow *flow, LLVMValueRef instruction)
{
    LLVMValueRef from = LLVMGetOperand(instruction, 0);
    unsigned n = count(flow, LLVMTypeOf(from));
    int64_t lane = -1;

    nw_is_number(LLVMGetOperand(instruction, 1), &lane);
    for (unsigned i = 0; i < n; i++)
        if (lane < 0 || lane == (int64_t)i)
            nw__copy(flow, nw__node_of(flow, from, i), nw__node_of(flow, instruction, 0));
}

static void insert_lane(struct nw_flow *flow, LLVMValueRef instruction)
{
    LLVMValueRef whole = LLVMGetOperand(instruction, 0), part = LLVMGetOperand(instruction, 1);
    unsigned n = count(flow, LLVMTypeOf(whole));
    int64_t lane = -1;

    nw_is_number(LLVMGetOperand(instruction, 2), &lane);
    for (unsigned i = 0; i < n; i++) {
        if (lane < 0 || lane == (int64_t)i)
            nw__copy(flow, nw__node_of(flow, part, 0), nw__node_of(flow, instruction, i));
        if (lane != (int64_t)i)
            nw__copy(flow, nw__node_of(flow, whole, i), nw__node_of(flow, instruction, i));
    }
}

static void shuffle(struct nw_flow *flow, LLVMValueRef instruction)
{
    LLVMValueRef first = LLVMGetOperand(instruction, 0), second = LLVMGetOperand(instruction, 1);
    int width = (int)LLVMGetVectorSize(LLVMTypeOf(first));
    unsigned n = count(flow, LLVMTypeOf(instruction));

    for (unsigned i = 0; i < n && i < LLVMGetNumMaskElements(instruction); i++) {
        int lane = LLVMGetMaskValue(instruction, i);
        if (lane >= 0)
            nw__copy(flow, nw__node_of(flow, lane < width ? first : second, (unsigned)(lane % width)),
                     nw__node_of(flow, instruction, i));
    }
}

static void give_back(struct nw_flow *flow, LLVMValueRef function, LLVMValueRef instruction)
{
    if (LLVMGetNumOperands(instruction) == 0)
        return;
    LLVMValueRef value = LLVMGetOperand(instruction, 0);
    unsigned n = count(flow, LLVMTypeOf(value));
    for (unsigned i = 0; i < n; i++)
        nw__copy(flow, nw__node_of(flow, value, i), nw__returned(flow, function, i));
}

/* A comparison is 0 or 1. */
static void compare(struct nw_flow *flow, LLVMValueRef instruction)
{
    struct nw_target bound = {.object = NW_OBJECT_BOUND, .offset = 1};
    unsigned n = count(flow, LLVMTypeOf(instruction));

    for (unsigned i = 0; i < n; i++)
        nw__add_target(flow, nw__node_of(flow, instruction, i), bound);
}

static void exchange(struct nw_flow *flow, LLVMValueRef instruction)
{
    bool compares = LLVMGetInstructionOpcode(instruction) == LLVMAtomicCmpXchg;
    LLVMValueRef pointer = LLVMGetOperand(instruction, 0);

    store(flow, instruction, LLVMGetOperand(instruction, compares ? 2 : 1), pointer);
    nw__load_at(flow, nw__node_of(flow, pointer, 0), 0, nw__node_of(flow, instruction, 0));
    if (!compares && LLVMGetAtomicRMWBinOp(instruction) != LLVMAtomicRMWBinOpXchg)
        nw__add_unknown(flow, nw__node_of(flow, instruction, 0));
}

/* What reaches memory, or says where it is. */
static bool look_at_memory(struct nw_flow *flow, LLVMValueRef instruction)
{
    struct nw_target place = {0};

    switch (LLVMGetInstructionOpcode(instruction)) {
    case LLVMAlloca:
        place.object = nw__object_of(flow, NW_OBJECT_STACK, instruction);
        nw__add_target(flow, nw__node_of(flow, instruction, 0), place);
        return true;
    case LLVMLoad:
        load(flow, instruction);
        return true;
    case LLVMStore:
        store(flow, instruction, LLVMGetOperand(instruction, 0), LLVMGetOperand(instruction, 1));
        return true;
    case LLVMGetElementPtr:
        address(flow, instruction);
        return true;
    case LLVMAtomicCmpXchg:
    case LLVMAtomicRMW:
        exchange(flow, instruction);
        return true;
    default:
        return false;
    }
}

/* What only takes structures and vectors apart and puts them together. */
static bool look_at_parts(struct nw_flow *flow, LLVMValueRef instruction)
{
    switch (LLVMGetInstructionOpcode(instruction)) {
    case LLVMExtractValue:
        extract(flow, instruction);
        return true;
    case LLVMInsertValue:
        insert(flow, instruction);
        return true;
    case LLVMExtractElement:
        extract_lane(flow, instruction);
        return true;
    case LLVMInsertElement:
        insert_lane(flow, instruction);
        return true;
    case LLVMShuffleVector:
        shuffle(flow, instruction);
        return true;
    default:
        return false;
    }
}

static void look_at(struct nw_flow *flow, LLVMValueRef function, LLVMValueRef instruction)
{
    LLVMOpcode opcode = LLVMGetInstructionOpcode(instruction);

    if (look_at_memory(flow, instruction) || look_at_parts(flow, instruction))
        return;
    if (nw__is_computed(opcode) && LLVMGetTypeKind(LLVMTypeOf(instruction)) == LLVMIntegerTypeKind) {
        nw__watch_operands(flow, instruction);
        return;
    }
    switch (opcode) {
    case LLVMBitCast:
    case LLVMIntToPtr:
    case LLVMPtrToInt:
    case LLVMAddrSpaceCast:
    case LLVMFreeze:
        copy_value(flow, LLVMGetOperand(instruction, 0), instruction);
        break;
    case LLVMPHI:
        phi(flow, instruction);
        break;
    case LLVMSelect:
        copy_value(flow, LLVMGetOperand(instruction, 1), instruction);
        copy_value(flow, LLVMGetOperand(instruction, 2), instruction);
        break;
    case LLVMCall:
    case LLVMInvoke:
        nw__add_call(flow, instruction);
        break;
    case LLVMRet:
        give_back(flow, function, instruction);
        break;
    case LLVMICmp:
        compare(flow, instruction);
        break;
    default:
        unknown(flow, instruction);
        break;
    }
}

void nw__look_through(struct nw_flow *flow, LLVMValueRef function)
{
    for (LLVMBasicBlockRef block = LLVMGetFirstBasicBlock(function); block; block = LLVMGetNextBasicBlock(block))
        for (LLVMValueRef i = LLVMGetFirstInstruction(block); i; i = LLVMGetNextInstruction(i)) {
            flow->steps++;
            look_at(flow, function, i);
        }
}
