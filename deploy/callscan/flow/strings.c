/* What calls of std::string's methods mean for the data flow. */
#include "deploy/callscan/flow/state.h"
#include "deploy/callscan/known/string.h"

bool nw__is_string_method(LLVMValueRef function)
{
    return nw_string_method(function) != NW_STRING_NONE;
}

/* The length that the string has from now on. */
static uint32_t new_length(struct nw_flow *flow, LLVMValueRef call, enum nw_string_method method)
{
    uint32_t node = nw__node_new(flow);

    if (method == NW_STRING_EMPTY)
        nw__add_target(flow, node, (struct nw_target){.object = NW_OBJECT_INTEGER});
    else if (method == NW_STRING_FROM_BYTES)
        nw__copy(flow, nw__node_of(flow, LLVMGetOperand(call, 2), 0), node);
    else if (method == NW_STRING_FROM_TEXT)
        nw__add_use(flow, nw__node_of(flow, LLVMGetOperand(call, 1), 0),
                    (struct nw__use){.kind = NW__USE_LENGTH, .other = node});
    else if (method == NW_STRING_FROM_STRING)
        nw__load_at(flow, nw__node_of(flow, LLVMGetOperand(call, 1), 0), NW_STRING_LENGTH, node);
    else
        nw__add_unknown(flow, node);
    return node;
}

static void change(struct nw_flow *flow, LLVMValueRef call, uint32_t string, enum nw_string_method method)
{
    nw__add_use(flow, string, (struct nw__use){.kind = NW__USE_STRING});
    nw__store_at(flow, string, NW_STRING_LENGTH, new_length(flow, call, method), NULL);
}

void nw__call_string(struct nw_flow *flow, LLVMValueRef call, LLVMValueRef function)
{
    enum nw_string_method method = nw_string_method(function);
    LLVMTypeKind kind = LLVMGetTypeKind(LLVMTypeOf(call));
    uint32_t string = nw__node_of(flow, LLVMGetOperand(call, 0), 0), result = nw__node_of(flow, call, 0);

    switch (method) {
    case NW_STRING_SIZE:
        nw__load_at(flow, string, NW_STRING_LENGTH, result);
        return;
    case NW_STRING_CHARS:
    case NW_STRING_WITHIN:
        nw__copy(flow, nw__moved(flow, string, NW_STRING_BYTES, method == NW_STRING_WITHIN), result);
        nw__load_at(flow, string, 0, result);
        return;
    case NW_STRING_NEW_BYTES:
        nw__add_target(flow, result, (struct nw_target){.object = nw__object_of(flow, NW_OBJECT_HEAP, call)});
        return;
    case NW_STRING_NONE:
    case NW_STRING_READ:
        break;
    default:
        change(flow, call, string, method);
        break;
    }
    if (kind == LLVMPointerTypeKind)
        nw__copy(flow, string, result);
    else if (kind != LLVMVoidTypeKind)
        nw__add_unknown(flow, result);
}
