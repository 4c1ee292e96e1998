/* See values.h: inputs, lengths and what is called. */
#include "deploy/callscan/find/values.h"
#include "common/sites/sites.h"
#include "deploy/callscan/ir/signature.h"

#define BOUND_MAX (16 << 20) /* no payload is larger */

static uint32_t from_target(struct nw_flow *flow, struct nw_target target)
{
    switch (nw_object_kind(flow, target.object)) {
    case NW_OBJECT_INTEGER:
        return target.offset == 0 ? NW_FROM(NONE) : NW_FROM(UNKNOWN);
    case NW_OBJECT_GLOBAL:
        return LLVMIsGlobalConstant(nw_object_value(flow, target.object)) ? NW_FROM(CONSTANT) : NW_FROM(GLOBAL);
    case NW_OBJECT_INPUT:
        return NW_FROM(OWN_INPUT);
    case NW_OBJECT_OUTPUT:
        return NW_FROM(OUTPUT);
    case NW_OBJECT_STACK:
        return NW_FROM(STACK);
    case NW_OBJECT_HEAP:
        return NW_FROM(HEAP);
    default:
        return NW_FROM(UNKNOWN);
    }
}

uint32_t nw__input_from(struct nw_flow *flow, LLVMValueRef input)
{
    struct nw_targets targets = nw_flow_targets(flow, input, 0);
    uint32_t bits = targets.n ? 0 : NW_FROM(UNKNOWN);

    for (size_t i = 0; i < targets.n; i++)
        bits |= from_target(flow, targets.at[i]);
    return bits;
}

static uint32_t length_of_target(struct nw_flow *flow, struct nw_target target, uint64_t *most)
{
    bool whole = target.offset == 0 && target.stride == 0;

    switch (nw_object_kind(flow, target.object)) {
    case NW_OBJECT_INTEGER:
    case NW_OBJECT_BOUND:
        if (target.offset < 0 || target.offset > BOUND_MAX)
            return NW_LENGTH(UNKNOWN);
        *most = *most > (uint64_t)target.offset ? *most : (uint64_t)target.offset;
        return target.object == NW_OBJECT_INTEGER ? NW_LENGTH(CONSTANT) : NW_LENGTH(BOUNDED);
    case NW_OBJECT_INPUT_LENGTH:
        return whole ? NW_LENGTH(OWN_INPUT) : NW_LENGTH(UNKNOWN);
    case NW_OBJECT_OUTPUT_LENGTH:
        return whole ? NW_LENGTH(OUTPUT) : NW_LENGTH(UNKNOWN);
    default:
        return NW_LENGTH(UNKNOWN);
    }
}

uint32_t nw__length_from(struct nw_flow *flow, LLVMValueRef length, uint64_t *most)
{
    struct nw_targets targets = nw_flow_targets(flow, length, 0);
    uint32_t bits = targets.n ? 0 : NW_LENGTH(UNKNOWN);
    unsigned numbers = 0;

    for (size_t i = 0; i < targets.n; i++) {
        uint32_t bit = length_of_target(flow, targets.at[i], most);
        numbers += bit == NW_LENGTH(CONSTANT);
        bits |= bit;
    }
    if (numbers > 1 || (bits & NW_LENGTH(BOUNDED))) /* one of several */
        bits = (bits & ~NW_LENGTH(CONSTANT)) | NW_LENGTH(BOUNDED);
    return bits;
}

enum nw_callee nw__callee_of(struct nw_flow *flow, LLVMValueRef call)
{
    LLVMValueRef callee = LLVMGetCalledValue(call);
    struct nw_targets targets;

    if (LLVMIsAFunction(callee) || LLVMIsAInlineAsm(callee))
        return NW_CALLEE_OTHER;
    if (nw_flow_may_be(flow, callee, NW_OBJECT_CALLBACK))
        return LLVMGetNumArgOperands(call) >= 6 ? NW_CALLEE_CALLBACK : NW_CALLEE_OTHER;
    if (!nw_is_invoke_type(LLVMGetCalledFunctionType(call)))
        return NW_CALLEE_OTHER;
    targets = nw_flow_targets(flow, callee, 0);
    for (size_t i = 0; i < targets.n; i++)
        if (targets.at[i].object == NW_OBJECT_UNKNOWN || targets.at[i].object == NW_OBJECT_DATA)
            return NW_CALLEE_MAYBE;
    return targets.n == 0 ? NW_CALLEE_MAYBE : NW_CALLEE_OTHER;
}
