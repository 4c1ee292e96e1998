/* What follows from each target that a node gets, by what uses the node. */
#include "deploy/callscan/flow/state.h"
#include "deploy/callscan/ir/text.h"

static uint32_t common_divisor(uint64_t a, uint64_t b)
{
    return b ? common_divisor(b, a % b) : (uint32_t)a;
}

/* The length of a text of the module, which need not be the only one in its place. */
static void add_length(struct nw_flow *flow, struct nw_target target, uint32_t node)
{
    const struct nw__object *object = &flow->objects[target.object];
    int64_t length = -1;

    if (object->kind == NW_OBJECT_GLOBAL && !target.stride && LLVMIsGlobalConstant(object->value))
        length = nw_text_length(object->value, target.offset);
    if (length >= 0)
        nw__add_target(flow, node, (struct nw_target){.object = NW_OBJECT_INTEGER, .offset = length});
    else
        nw__add_unknown(flow, node);
}

static void start(struct nw_flow *flow, struct nw_target target, uint32_t argument)
{
    const struct nw__object *object = &flow->objects[target.object];
    LLVMValueRef function = object->value;

    if (object->kind == NW_OBJECT_UNKNOWN)
        nw__add_use(flow, argument, (struct nw__use){.kind = NW__USE_ESCAPE});
    if (object->kind != NW_OBJECT_FUNCTION)
        return;
    nw__reach(flow, function);
    for (LLVMValueRef p = LLVMGetFirstParam(function); p; p = LLVMGetNextParam(p))
        nw__copy(flow, argument, nw__node_of(flow, p, 0));
}

static bool is_place(struct nw_target target)
{
    return target.object >= NW_SINGLE_OBJECTS || target.object == NW_OBJECT_HANDLE ||
           target.object == NW_OBJECT_CONTEXT || target.object == NW_OBJECT_INPUT;
}

/* Nothing is read beside a null pointer, nor beside the runtime's code. */
static bool leads_nowhere(struct nw_target target)
{
    return target.object == NW_OBJECT_CALLBACK || target.object == NW_OBJECT_APPEND ||
           (target.object == NW_OBJECT_INTEGER && target.offset == 0);
}

static void shift(struct nw_flow *flow, struct nw__use use, struct nw_target target)
{
    struct nw_target moved = {target.object, common_divisor(target.stride, use.stride), target.offset + use.number};

    if (use.number == NW__ANYWHERE)
        moved.offset = 0;
    if (is_place(target) || target.object == NW_OBJECT_DATA)
        nw__add_target(flow, use.other, moved);
    else if (!leads_nowhere(target))
        nw__add_unknown(flow, use.other);
}

static void store(struct nw_flow *flow, struct nw__use use, struct nw_target target)
{
    if (is_place(target))
        nw__copy(flow, use.other, nw__cell(flow, target, use.number));
    else if (target.object == NW_OBJECT_UNKNOWN || target.object == NW_OBJECT_DATA)
        nw__add_use(
            flow, use.other,
            (struct nw__use){.kind = NW__USE_ESCAPE, .value = target.object == NW_OBJECT_UNKNOWN ? use.value : NULL});
}

/* What follows from one target of a node that has this use. */
void nw__follow(struct nw_flow *flow, struct nw__use use, struct nw_target target)
{
    flow->steps++;
    switch ((enum nw__use_kind)use.kind) {
    case NW__USE_COPY:
        nw__add_target(flow, use.other, target);
        break;
    case NW__USE_SHIFT:
        shift(flow, use, target);
        break;
    case NW__USE_LOAD:
        nw__load(flow, target, use.number, use.other);
        break;
    case NW__USE_STORE:
        store(flow, use, target);
        break;
    case NW__USE_COMPUTE:
        nw__compute(flow, use.value);
        break;
    case NW__USE_CALL:
        nw__call_target(flow, use.value, target);
        break;
    case NW__USE_FROM:
    case NW__USE_TO:
        nw__block_news(flow, use.value, target, use.kind == NW__USE_FROM);
        break;
    case NW__USE_START:
        start(flow, target, use.other);
        break;
    case NW__USE_ROW:
        if (flow->objects[target.object].kind == NW_OBJECT_GLOBAL)
            nw__add_rows(flow, use.other, flow->objects[target.object].value);
        else
            nw__add_unknown(flow, use.other);
        break;
    case NW__USE_LENGTH:
        add_length(flow, target, use.other);
        break;
    case NW__USE_STRING:
        if (is_place(target))
            nw__add_target(flow, nw__cell(flow, target, 0),
                           (struct nw_target){target.object, target.stride, target.offset + 16});
        break;
    case NW__USE_ESCAPE:
        nw__escape(flow, target.object, use.value);
        break;
    case NW__USE_FILL:
        nw__share(flow, target);
        break;
    }
}
