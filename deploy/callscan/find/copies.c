/* See copies.h. */
#include "deploy/callscan/find/copies.h"
#include "deploy/callscan/ir/text.h"
#include "deploy/callscan/known/string.h"
#include <stdlib.h>
#include <string.h>

/* The one constant text that a pointer leads to, or its bytes. */
long nw__constant_bytes(struct nw_flow *flow, LLVMValueRef pointer, char *bytes, size_t room)
{
    struct nw_targets targets = nw_flow_targets(flow, pointer, 0);
    LLVMValueRef variable;

    if (targets.n != 1 || targets.at[0].stride || nw_object_kind(flow, targets.at[0].object) != NW_OBJECT_GLOBAL)
        return -1;
    variable = nw_object_value(flow, targets.at[0].object);
    return LLVMIsGlobalConstant(variable) ? nw_text_bytes(variable, targets.at[0].offset, bytes, room) : -1;
}

bool nw__one_number(struct nw_flow *flow, LLVMValueRef value, int64_t *number)
{
    struct nw_targets targets = nw_flow_targets(flow, value, 0);

    if (targets.n != 1 || targets.at[0].object != NW_OBJECT_INTEGER || targets.at[0].offset < 0)
        return false;
    *number = targets.at[0].offset;
    return true;
}

long nw__copy_bytes(struct nw_flow *flow, const struct nw_write *write, char *bytes, size_t room)
{
    int64_t number;
    long n = nw__constant_bytes(flow, write->source, bytes, room);

    return n > 0 && nw__one_number(flow, write->length, &number) && number > 0 && number <= n ? (long)number : -1;
}

/* The last index of the address that a store writes to, NULL when it has none. */
static LLVMValueRef last_index(LLVMValueRef pointer)
{
    int n = LLVMIsAGetElementPtrInst(pointer) ? LLVMGetNumOperands(pointer) : 0;

    return n > 1 ? LLVMGetOperand(pointer, (unsigned)n - 1) : NULL;
}

static bool is_same(struct nw_flow *flow, LLVMValueRef a, LLVMValueRef b)
{
    int64_t x, y;

    return a == b || (nw__one_number(flow, a, &x) && nw__one_number(flow, b, &y) && x == y);
}

bool nw__write_is_end(struct nw_flow *flow, const struct nw_writes *writes, uint32_t object,
                      const struct nw_write *write)
{
    LLVMValueRef index;

    if (write->kind != NW_WRITE_STORE || !LLVMIsNull(write->source))
        return false;
    index = last_index(LLVMGetOperand(write->by, 1));
    for (const struct nw_write *w = nw__writes_of(writes, object); w && index; w = nw__write_next(writes, w))
        if ((w->kind == NW_WRITE_COPY || w->kind == NW_WRITE_REPLACE) && is_same(flow, w->length, index))
            return true;
    return false;
}

bool nw__write_ends(struct nw_flow *flow, const struct nw_write *write, int64_t length)
{
    LLVMValueRef index;
    int64_t number;

    if (write->kind != NW_WRITE_STORE || !write->stride || !LLVMIsNull(write->source))
        return false;
    index = last_index(LLVMGetOperand(write->by, 1));
    return index && nw__one_number(flow, index, &number) && number == length;
}

/* Whether the block is entered where the number is 1: by a switch, or a comparison with it. */
static bool is_entered_for_one(LLVMBasicBlockRef block, LLVMValueRef number)
{
    LLVMUseRef use = LLVMGetFirstUse(LLVMBasicBlockAsValue(block));
    LLVMValueRef branch = use ? LLVMGetUser(use) : NULL, condition;
    int64_t one = 0;

    if (!branch || LLVMGetNextUse(use))
        return false;
    if (LLVMIsASwitchInst(branch)) {
        for (unsigned i = 2; i + 1 < (unsigned)LLVMGetNumOperands(branch); i += 2)
            if (LLVMGetOperand(branch, i + 1) == LLVMBasicBlockAsValue(block))
                return LLVMGetOperand(branch, 0) == number && nw_is_number(LLVMGetOperand(branch, i), &one) && one == 1;
        return false;
    }
    condition = LLVMIsABranchInst(branch) && LLVMIsConditional(branch) ? LLVMGetCondition(branch) : NULL;
    return condition && LLVMIsAICmpInst(condition) && LLVMGetICmpPredicate(condition) == LLVMIntEQ &&
           LLVMGetOperand(condition, 0) == number && nw_is_number(LLVMGetOperand(condition, 1), &one) && one == 1 &&
           LLVMGetSuccessor(branch, 0) == block;
}

bool nw__write_is_first_byte(struct nw_flow *flow, const struct nw_writes *writes, uint32_t object,
                             const struct nw_write *write)
{
    LLVMValueRef load = write->source;

    (void)flow;
    if (!LLVMIsALoadInst(load))
        return false;
    for (const struct nw_write *w = nw__writes_of(writes, object); w; w = nw__write_next(writes, w))
        if (w->kind == NW_WRITE_COPY && w->offset == write->offset && w->source == LLVMGetOperand(load, 0) &&
            is_entered_for_one(LLVMGetInstructionParent(write->by), w->length))
            return true;
    return false;
}

bool nw__write_is_capacity(const struct nw_write *write)
{
    LLVMValueRef room;

    if (write->kind != NW_WRITE_STORE || !LLVMIsALoadInst(write->source))
        return false;
    room = LLVMGetOperand(write->source, 0);
    for (LLVMUseRef use = LLVMGetFirstUse(room); use; use = LLVMGetNextUse(use)) {
        LLVMValueRef call = LLVMGetUser(use), callee;
        if (!LLVMIsACallInst(call) && !LLVMIsAInvokeInst(call))
            continue;
        callee = LLVMGetCalledValue(call);
        if (LLVMIsAFunction(callee) && nw_string_method(callee) == NW_STRING_NEW_BYTES)
            return true;
    }
    return false;
}
