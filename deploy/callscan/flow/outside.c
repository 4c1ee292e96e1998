/* Calls of code that is not in the module: what is known of it, and what has to be expected of the rest. */
#include "deploy/callscan/flow/state.h"
#include "deploy/callscan/ir/text.h"
#include "deploy/callscan/known/known.h"

static uint32_t argument(struct nw_flow *flow, LLVMValueRef call, unsigned i)
{
    return nw__node_of(flow, LLVMGetOperand(call, i), 0);
}

static bool has_result(LLVMValueRef call)
{
    return LLVMGetTypeKind(LLVMTypeOf(call)) != LLVMVoidTypeKind;
}

/* What is no address cannot be code. */
static bool is_small(LLVMTypeRef type)
{
    return LLVMGetTypeKind(type) == LLVMIntegerTypeKind && LLVMGetIntTypeWidth(type) < 64;
}

static void add_unknown_result(struct nw_flow *flow, LLVMValueRef call, bool of_library)
{
    struct nw__leaf leaves[NW__LEAVES_MAX];
    unsigned n = nw__leaves(flow, LLVMTypeOf(call), leaves);

    for (unsigned i = 0; i < n; i++) {
        uint32_t node = nw__node_of(flow, call, i);
        if (of_library || is_small(leaves[i].type))
            nw__add_data(flow, node);
        else
            nw__add_unknown(flow, node);
        if (LLVMGetTypeKind(leaves[i].type) == LLVMPointerTypeKind)
            nw__copy(flow, flow->escaped, node);
    }
}

void nw__call_unknown(struct nw_flow *flow, LLVMValueRef call, bool leaves)
{
    struct nw__leaf parts[NW__LEAVES_MAX];

    for (unsigned i = 0; i < LLVMGetNumArgOperands(call); i++) {
        LLVMValueRef given = LLVMGetOperand(call, i);
        unsigned n = nw__leaves(flow, LLVMTypeOf(given), parts);
        for (unsigned k = 0; k < n; k++)
            nw__add_use(flow, nw__node_of(flow, given, k),
                        (struct nw__use){.kind = NW__USE_ESCAPE, .value = leaves ? call : NULL});
    }
    add_unknown_result(flow, call, !leaves);
}

static void add_fresh(struct nw_flow *flow, LLVMValueRef call)
{
    nw__add_target(flow, nw__node_of(flow, call, 0),
                   (struct nw_target){.object = nw__object_of(flow, NW_OBJECT_HEAP, call)});
}

static void add_result(struct nw_flow *flow, LLVMValueRef call, enum nw_known_result result)
{
    uint32_t node;

    if (!has_result(call))
        return;
    node = nw__node_of(flow, call, 0);
    switch (result) {
    case NW_RESULT_MOVED:
        nw__copy(flow, argument(flow, call, 0), node);
        add_fresh(flow, call);
        break;
    case NW_RESULT_FRESH:
        add_fresh(flow, call);
        break;
    case NW_RESULT_FIRST:
        nw__copy(flow, argument(flow, call, 0), node);
        break;
    case NW_RESULT_WITHIN:
        nw__copy(flow, nw__moved(flow, argument(flow, call, 0), 0, 1), node);
        break;
    case NW_RESULT_AROUND:
        nw__copy(flow, nw__moved(flow, argument(flow, call, 0), NW__ANYWHERE, 1), node);
        break;
    case NW_RESULT_CAUGHT:
        nw__copy(flow, flow->thrown, node);
        break;
    case NW_RESULT_ROW:
        nw__add_use(flow, argument(flow, call, 0), (struct nw__use){.kind = NW__USE_ROW, .other = node});
        break;
    case NW_RESULT_LENGTH:
        nw__add_use(flow, argument(flow, call, 0), (struct nw__use){.kind = NW__USE_LENGTH, .other = node});
        break;
    case NW_RESULT_UNKNOWN:
        add_unknown_result(flow, call, false);
        break;
    }
}

static void fill(struct nw_flow *flow, LLVMValueRef call, unsigned i)
{
    nw__add_use(flow, argument(flow, call, i), (struct nw__use){.kind = NW__USE_FILL});
}

static void start(struct nw_flow *flow, LLVMValueRef call, unsigned function, uint32_t data)
{
    nw__add_use(flow, argument(flow, call, function), (struct nw__use){.kind = NW__USE_START, .other = data});
}

/* The arguments that no parameter has, by way of the list that va_start fills. */
static void add_varargs(struct nw_flow *flow, LLVMValueRef call)
{
    LLVMValueRef function = LLVMGetBasicBlockParent(LLVMGetInstructionParent(call));
    struct nw_target all = {.object = nw__object_of(flow, NW_OBJECT_VARARGS, function), .stride = 1};
    uint32_t node = nw__node_new(flow), offsets = nw__node_new(flow);

    nw__add_target(flow, node, all);
    nw__add_unknown(flow, offsets);
    nw__store_at(flow, argument(flow, call, 0), 0, offsets, NULL);
    nw__store_at(flow, argument(flow, call, 0), 4, offsets, NULL);
    nw__store_at(flow, argument(flow, call, 0), 8, node, NULL);
    nw__store_at(flow, argument(flow, call, 0), 16, node, NULL);
}

static void add_effect(struct nw_flow *flow, LLVMValueRef call, enum nw_known_effect effect)
{
    unsigned n = LLVMGetNumArgOperands(call);

    switch (effect) {
    case NW_EFFECT_COPIES:
        nw__add_use(flow, argument(flow, call, 0), (struct nw__use){.kind = NW__USE_TO, .value = call});
        nw__add_use(flow, argument(flow, call, 1), (struct nw__use){.kind = NW__USE_FROM, .value = call});
        break;
    case NW_EFFECT_TEXT:
    case NW_EFFECT_PRINTS:
        fill(flow, call, 0);
        break;
    case NW_EFFECT_STARTS:
        start(flow, call, 2, argument(flow, call, 3));
        break;
    case NW_EFFECT_SORTS:
        start(flow, call, n - 1, nw__moved(flow, argument(flow, call, 0), 0, 1));
        break;
    case NW_EFFECT_RUNS:
        start(flow, call, 1, nw__node_new(flow));
        break;
    case NW_EFFECT_THROWS:
        nw__copy(flow, argument(flow, call, 0), flow->thrown);
        break;
    case NW_EFFECT_VARARGS:
        add_varargs(flow, call);
        break;
    case NW_EFFECT_ZEROES: /* a null pointer is called by nobody, and a number that is not set is not known */
    case NW_EFFECT_NONE:
        break;
    }
}

/* Arguments that an effect needs: a function of the same name may be declared with fewer. */
static unsigned needed(const struct nw_known *known)
{
    static const unsigned char by_effect[] = {
        [NW_EFFECT_COPIES] = 2, [NW_EFFECT_TEXT] = 2,   [NW_EFFECT_PRINTS] = 2,
        [NW_EFFECT_ZEROES] = 1, [NW_EFFECT_STARTS] = 4, [NW_EFFECT_SORTS] = 2,
        [NW_EFFECT_RUNS] = 2,   [NW_EFFECT_THROWS] = 1, [NW_EFFECT_VARARGS] = 1,
    };
    bool first =
        known->result != NW_RESULT_UNKNOWN && known->result != NW_RESULT_FRESH && known->result != NW_RESULT_CAUGHT;

    return by_effect[known->effect] > first ? by_effect[known->effect] : first;
}

void nw__call_outside(struct nw_flow *flow, LLVMValueRef call, LLVMValueRef function)
{
    const struct nw_known *known = nw_known_function(function);
    unsigned n = LLVMGetNumArgOperands(call);

    if (nw__is_string_method(function) && n > 0) {
        nw__call_string(flow, call, function);
        return;
    }
    if (!known || n < needed(known)) {
        nw__call_unknown(flow, call, !nw_is_library(function));
        return;
    }
    add_result(flow, call, known->result);
    add_effect(flow, call, known->effect);
    for (unsigned i = 0; i < n && i < 8; i++)
        if (known->writes >> i & 1)
            fill(flow, call, i);
}

void nw__block_news(struct nw_flow *flow, LLVMValueRef call, struct nw_target target, bool is_source)
{
    uint32_t other = argument(flow, call, is_source ? 0 : 1);
    int64_t length = INT64_MAX, number;

    if (LLVMGetNumArgOperands(call) > 2 && nw_is_number(LLVMGetOperand(call, 2), &number) && number >= 0)
        length = number;
    for (size_t i = 0; i < flow->nodes[other].n_done; i++) {
        struct nw_target there = flow->nodes[other].targets[i], from = is_source ? target : there,
                         to = is_source ? there : target;
        if (to.object >= NW_SINGLE_OBJECTS || to.object == NW_OBJECT_HANDLE)
            nw__copy_block(flow, from, to, length);
        flow->steps++;
    }
}
