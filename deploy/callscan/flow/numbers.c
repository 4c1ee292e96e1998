/*
 * Numbers: constants where they are few, else a bound, else unknown. A number that is passed on unchanged keeps its
 * origin (the length of an input); one that is computed does not.
 */
#include "deploy/callscan/flow/state.h"
#include "deploy/callscan/ir/text.h"

#define BOUND_MAX ((int64_t)1 << 40) /* beyond it nothing is known */
#define PART_MAX  ((int64_t)1 << 30) /* of an operand: what two of them make fits an int64_t */

bool nw__is_computed(LLVMOpcode opcode)
{
    switch (opcode) {
    case LLVMAdd:
    case LLVMSub:
    case LLVMMul:
    case LLVMUDiv:
    case LLVMURem:
    case LLVMSRem:
    case LLVMShl:
    case LLVMLShr:
    case LLVMAnd:
    case LLVMOr:
    case LLVMTrunc:
    case LLVMZExt:
    case LLVMSExt:
        return true;
    default:
        return false;
    }
}

void nw__watch_operands(struct nw_flow *flow, LLVMValueRef instruction)
{
    struct nw__use use = {.kind = NW__USE_COMPUTE, .value = instruction};

    for (unsigned i = 0; i < (unsigned)LLVMGetNumOperands(instruction); i++)
        nw__add_use(flow, nw__node_of(flow, LLVMGetOperand(instruction, i), 0), use);
    nw__compute(flow, instruction); /* constants have their targets already */
}

static void add(struct nw_flow *flow, uint32_t node, uint32_t object, int64_t number)
{
    if (number < 0 && object == NW_OBJECT_BOUND)
        object = NW_OBJECT_UNKNOWN;
    if (number > BOUND_MAX || number < -BOUND_MAX)
        object = NW_OBJECT_UNKNOWN;
    nw__add_target(flow, node, (struct nw_target){.object = object, .offset = number});
}

static int64_t mask_of(LLVMTypeRef type)
{
    unsigned width = LLVMGetTypeKind(type) == LLVMIntegerTypeKind ? LLVMGetIntTypeWidth(type) : 64;

    return width < 32 ? ((int64_t)1 << width) - 1 : -1;
}

/* A wider or narrower number. What was written as a byte or a short is at most as large as those are. */
static void convert(struct nw_flow *flow, LLVMValueRef instruction, uint32_t node, struct nw_target t)
{
    LLVMOpcode opcode = LLVMGetInstructionOpcode(instruction);
    LLVMTypeRef narrow = LLVMTypeOf(opcode == LLVMTrunc ? instruction : LLVMGetOperand(instruction, 0));
    int64_t mask = mask_of(narrow);

    if (t.object == NW_OBJECT_INTEGER || t.object == NW_OBJECT_BOUND) {
        bool fits = mask < 0 || (t.offset >= 0 && t.offset <= mask);
        if (opcode == LLVMZExt && t.offset < 0)
            add(flow, node, mask < 0 ? NW_OBJECT_UNKNOWN : NW_OBJECT_INTEGER, t.offset & mask);
        else
            add(flow, node, fits || opcode != LLVMTrunc ? t.object : NW_OBJECT_BOUND, fits ? t.offset : mask);
    } else if (mask >= 0 && opcode != LLVMSExt) {
        add(flow, node, NW_OBJECT_BOUND, mask);
    } else {
        nw__add_target(flow, node, t); /* a length stays what it is */
    }
}

static bool is_small(struct nw_target t)
{
    return (t.object == NW_OBJECT_INTEGER || t.object == NW_OBJECT_BOUND) && t.offset <= PART_MAX &&
           t.offset >= -PART_MAX;
}

/* The number that a target of one operand and a constant of the other make, whatever the target is. */
static bool limited(LLVMOpcode opcode, struct nw_target b, int64_t *limit)
{
    if (b.object != NW_OBJECT_INTEGER || b.offset <= 0)
        return false;
    if (opcode == LLVMAnd)
        *limit = b.offset;
    else if (opcode == LLVMURem)
        *limit = b.offset - 1;
    else if (opcode == LLVMLShr && b.offset > 23 && b.offset < 64)
        *limit = (int64_t)(UINT64_MAX >> b.offset);
    else
        return false;
    return true;
}

static int64_t calculate(LLVMOpcode opcode, int64_t a, int64_t b)
{
    switch (opcode) {
    case LLVMAdd:
        return a + b;
    case LLVMSub:
        return a - b;
    case LLVMMul:
        return a * b;
    case LLVMUDiv:
        return b > 0 && a >= 0 ? a / b : BOUND_MAX + 1;
    case LLVMURem:
    case LLVMSRem:
        return b > 0 && a >= 0 ? a % b : BOUND_MAX + 1;
    case LLVMShl:
        return b >= 0 && b < 20 ? a * ((int64_t)1 << b) : BOUND_MAX + 1;
    case LLVMLShr:
        return b >= 0 && b < 63 && a >= 0 ? a >> b : BOUND_MAX + 1;
    case LLVMAnd:
        return a & b;
    default:
        return a | b;
    }
}

/* The largest number of bounds. What falls when an operand grows has none. */
static int64_t calculate_bound(LLVMOpcode opcode, struct nw_target a, struct nw_target b)
{
    if (opcode == LLVMSub)
        return b.object == NW_OBJECT_INTEGER && b.offset <= 0 ? a.offset - b.offset : BOUND_MAX + 1;
    if (opcode == LLVMUDiv || opcode == LLVMLShr)
        return b.object == NW_OBJECT_INTEGER ? calculate(opcode, a.offset, b.offset) : a.offset;
    if (opcode == LLVMURem || opcode == LLVMSRem || opcode == LLVMAnd)
        return a.offset < b.offset ? a.offset : b.offset;
    if (opcode == LLVMOr)
        return a.offset + b.offset;
    return a.offset < 0 || b.offset < 0 ? BOUND_MAX + 1 : calculate(opcode, a.offset, b.offset);
}

static void combine(struct nw_flow *flow, LLVMOpcode opcode, uint32_t node, struct nw_target a, struct nw_target b)
{
    int64_t number;

    if (is_small(a) && is_small(b) && a.object == NW_OBJECT_INTEGER && b.object == NW_OBJECT_INTEGER) {
        add(flow, node, NW_OBJECT_INTEGER, calculate(opcode, a.offset, b.offset));
        return;
    }
    if (limited(opcode, b, &number) || (opcode == LLVMAnd && limited(opcode, a, &number)))
        add(flow, node, NW_OBJECT_BOUND, number);
    else if (is_small(a) && is_small(b))
        add(flow, node, NW_OBJECT_BOUND, calculate_bound(opcode, a, b));
    else
        nw__add_unknown(flow, node);
}

/* An address that is computed as a number stays within what it was made of. */
static void compute_address(struct nw_flow *flow, uint32_t node, struct nw_target t, int64_t number, bool known)
{
    if (known)
        t.offset += number;
    else
        t.stride = 1, t.offset = 0;
    nw__add_target(flow, node, t);
}

static void compute_pair(struct nw_flow *flow, LLVMOpcode opcode, uint32_t node, struct nw_target a, struct nw_target b)
{
    bool moves = opcode == LLVMAdd || opcode == LLVMSub;

    if (moves && a.object >= NW_SINGLE_OBJECTS && b.object < NW_SINGLE_OBJECTS)
        compute_address(flow, node, a, opcode == LLVMAdd ? b.offset : -b.offset, b.object == NW_OBJECT_INTEGER);
    else if (opcode == LLVMAdd && b.object >= NW_SINGLE_OBJECTS && a.object < NW_SINGLE_OBJECTS)
        compute_address(flow, node, b, a.offset, a.object == NW_OBJECT_INTEGER);
    else if (opcode == LLVMAnd && a.object >= NW_SINGLE_OBJECTS)
        compute_address(flow, node, a, 0, false);
    else
        combine(flow, opcode, node, a, b);
}

/* Operands may get targets meanwhile, and move: each is looked up anew. */
void nw__compute(struct nw_flow *flow, LLVMValueRef instruction)
{
    LLVMOpcode opcode = LLVMGetInstructionOpcode(instruction);
    uint32_t node = nw__node_of(flow, instruction, 0), a = nw__node_of(flow, LLVMGetOperand(instruction, 0), 0), b;

    if (opcode == LLVMTrunc || opcode == LLVMZExt || opcode == LLVMSExt) {
        for (size_t i = 0; i < flow->nodes[a].n_targets; i++)
            convert(flow, instruction, node, flow->nodes[a].targets[i]);
        return;
    }
    b = nw__node_of(flow, LLVMGetOperand(instruction, 1), 0);
    for (size_t i = 0; i < flow->nodes[a].n_targets; i++)
        for (size_t k = 0; k < flow->nodes[b].n_targets; k++) {
            compute_pair(flow, opcode, node, flow->nodes[a].targets[i], flow->nodes[b].targets[k]);
            flow->steps++;
        }
}
