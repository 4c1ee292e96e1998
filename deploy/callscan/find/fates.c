/* What becomes of outputs: each instruction that takes a pointer into one is looked at once. */
#include "common/sites/sites.h"
#include "deploy/callscan/find/values.h"
#include "deploy/callscan/known/known.h"
#include "deploy/callscan/known/string.h"

/* What a function outside the module does with its argument `i`. */
static uint32_t given_outside(LLVMValueRef function, unsigned i)
{
    const struct nw_known *known = nw_known_function(function);
    enum nw_string_method method = nw_string_method(function);

    if (method != NW_STRING_NONE)
        return method >= NW_STRING_EMPTY && i > 0 ? NW_FATE(COPIED) : NW_FATE(READ);
    if (!known)
        return NW_FATE(LEFT);
    if ((known->effect == NW_EFFECT_COPIES || known->effect == NW_EFFECT_TEXT) && i == 1)
        return NW_FATE(COPIED);
    return known->result == NW_RESULT_FRESH ? NW_FATE(COPIED) : NW_FATE(READ);
}

/* What a call does with its argument `i`. What has a body here is looked at there. */
static uint32_t given(struct nw_flow *flow, LLVMValueRef call, unsigned i)
{
    struct nw_targets callees = nw_flow_targets(flow, LLVMGetCalledValue(call), 0);
    uint32_t bits = callees.n ? 0 : NW_FATE(LEFT);

    if (nw__callee_of(flow, call) != NW_CALLEE_OTHER)
        return i == 2 ? NW_FATE(PASSED) : NW_FATE(READ);
    for (size_t k = 0; k < callees.n; k++) {
        LLVMValueRef function = nw_object_value(flow, callees.at[k].object);
        enum nw_object_kind kind = nw_object_kind(flow, callees.at[k].object);
        if (kind == NW_OBJECT_APPEND)
            bits |= NW_FATE(APPENDED);
        else if (kind != NW_OBJECT_FUNCTION)
            bits |= kind == NW_OBJECT_UNKNOWN ? NW_FATE(LEFT) : 0;
        else if (LLVMIsDeclaration(function) || nw_string_method(function) != NW_STRING_NONE)
            bits |= given_outside(function, i);
    }
    return bits;
}

static bool is_on_stack(struct nw_flow *flow, LLVMValueRef pointer)
{
    struct nw_targets targets = nw_flow_targets(flow, pointer, 0);

    for (size_t i = 0; i < targets.n; i++)
        if (nw_object_kind(flow, targets.at[i].object) != NW_OBJECT_STACK)
            return false;
    return true;
}

static uint32_t taken(struct nw_flow *flow, LLVMValueRef instruction, unsigned operand)
{
    switch (LLVMGetInstructionOpcode(instruction)) {
    case LLVMLoad:
        return NW_FATE(READ);
    case LLVMStore: /* of a pointer into it; a local variable is followed further */
        return operand == 0 && !is_on_stack(flow, LLVMGetOperand(instruction, 1)) ? NW_FATE(STORED) : 0;
    case LLVMCall:
    case LLVMInvoke:
        return operand < LLVMGetNumArgOperands(instruction) ? given(flow, instruction, operand) : 0;
    default:
        return 0;
    }
}

static void look_at(struct nw_table *fates, struct nw_flow *flow, LLVMValueRef instruction)
{
    for (unsigned i = 0; i < (unsigned)LLVMGetNumOperands(instruction); i++) {
        LLVMValueRef operand = LLVMGetOperand(instruction, i);
        if (LLVMGetTypeKind(LLVMTypeOf(operand)) != LLVMPointerTypeKind || LLVMIsAConstant(operand))
            continue;
        for (size_t k = 0; k < nw_flow_targets(flow, operand, 0).n; k++) {
            struct nw_target target = nw_flow_targets(flow, operand, 0).at[k];
            uintptr_t call = (uintptr_t)nw_object_value(flow, target.object);
            uint32_t old;

            if (nw_object_kind(flow, target.object) != NW_OBJECT_OUTPUT)
                continue;
            old = nw_table_get(fates, call, 0);
            nw_table_set(fates, call, 0, (old == UINT32_MAX ? 0 : old) | taken(flow, instruction, i));
        }
    }
}

void nw__fates_init(struct nw_table *fates, struct nw_flow *flow)
{
    *fates = (struct nw_table){0};
    for (LLVMValueRef f = LLVMGetFirstFunction(nw_flow_module(flow)); f; f = LLVMGetNextFunction(f)) {
        if (!nw_flow_reaches(flow, f))
            continue;
        for (LLVMBasicBlockRef block = LLVMGetFirstBasicBlock(f); block; block = LLVMGetNextBasicBlock(block))
            for (LLVMValueRef i = LLVMGetFirstInstruction(block); i; i = LLVMGetNextInstruction(i))
                look_at(fates, flow, i);
    }
}
