/* Calls: arguments become parameters, what is returned becomes the value of the call. */
#include "deploy/callscan/flow/state.h"
#include "deploy/callscan/ir/signature.h"
#include <string.h>

/* Debug and life-time markers mean nothing here. */
static bool is_marker(LLVMValueRef callee)
{
    static const char *const names[] = {"llvm.dbg.", "llvm.lifetime.", "llvm.assume", "llvm.experimental.noalias",
                                        "llvm.prefetch"};
    size_t length;
    const char *name = LLVMIsAFunction(callee) ? LLVMGetValueName2(callee, &length) : "";

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strncmp(name, names[i], strlen(names[i])) == 0)
            return true;
    return false;
}

void nw__add_call(struct nw_flow *flow, LLVMValueRef call)
{
    LLVMValueRef callee = LLVMGetCalledValue(call);

    if (is_marker(callee))
        return;
    if (LLVMIsAInlineAsm(callee))
        nw__call_unknown(flow, call, true);
    else
        nw__add_use(flow, nw__node_of(flow, callee, 0), (struct nw__use){.kind = NW__USE_CALL, .value = call});
}

static unsigned count(struct nw_flow *flow, LLVMTypeRef type)
{
    struct nw__leaf leaves[NW__LEAVES_MAX];

    return nw__leaves(flow, type, leaves);
}

/* What a function with "..." may take from its arguments: any of those that no parameter has. */
static void add_varargs(struct nw_flow *flow, LLVMValueRef function, uint32_t node)
{
    struct nw_target all = {.object = nw__object_of(flow, NW_OBJECT_VARARGS, function), .stride = 1};

    nw__copy(flow, node, nw__cell(flow, all, 0));
}

static void call_function(struct nw_flow *flow, LLVMValueRef call, LLVMValueRef function)
{
    unsigned n_args = LLVMGetNumArgOperands(call), n_params = LLVMCountParams(function), i, k;
    bool variadic = LLVMIsFunctionVarArg(LLVMGlobalGetValueType(function));

    nw__reach(flow, function);
    for (i = 0; i < n_args; i++) {
        LLVMValueRef argument = LLVMGetOperand(call, i);
        unsigned n = count(flow, LLVMTypeOf(argument));
        for (k = 0; k < n; k++)
            if (i < n_params)
                nw__copy(flow, nw__node_of(flow, argument, k), nw__node_of(flow, LLVMGetParam(function, i), k));
            else if (variadic)
                add_varargs(flow, function, nw__node_of(flow, argument, k));
    }
    unsigned n = count(flow, LLVMTypeOf(call));
    for (k = 0; k < n; k++)
        nw__copy(flow, nw__returned(flow, function, k), nw__node_of(flow, call, k));
}

/* A call of another function of the runtime: its output is written where the caller says. */
static void call_invoke(struct nw_flow *flow, LLVMValueRef call)
{
    static const enum nw_object_kind kinds[] = {NW_OBJECT_OUTPUT, NW_OBJECT_OUTPUT_LENGTH};

    for (unsigned i = 0; i < 2 && LLVMGetNumArgOperands(call) >= 6; i++) {
        struct nw_target target = {.object = nw__object_of(flow, kinds[i], call)};
        uint32_t node = nw__node_new(flow);
        nw__add_target(flow, node, target);
        nw__store_at(flow, nw__node_of(flow, LLVMGetOperand(call, 4 + i), 0), 0, node, NULL);
    }
    if (LLVMGetTypeKind(LLVMTypeOf(call)) != LLVMVoidTypeKind)
        nw__add_data(flow, nw__node_of(flow, call, 0));
}

void nw__call_target(struct nw_flow *flow, LLVMValueRef call, struct nw_target target)
{
    struct nw__object object = flow->objects[target.object];

    switch (object.kind) {
    case NW_OBJECT_FUNCTION:
        if (LLVMIsDeclaration(object.value) || nw__is_string_method(object.value))
            nw__call_outside(flow, call, object.value);
        else
            call_function(flow, call, object.value);
        break;
    case NW_OBJECT_CALLBACK:
        call_invoke(flow, call);
        break;
    case NW_OBJECT_APPEND:
    case NW_OBJECT_INTEGER:
    case NW_OBJECT_BOUND:
        break;
    case NW_OBJECT_DATA:
        if (nw_is_invoke_type(LLVMGetCalledFunctionType(call)))
            call_invoke(flow, call);
        else
            nw__call_unknown(flow, call, false);
        break;
    default:
        if (nw_is_invoke_type(LLVMGetCalledFunctionType(call)))
            call_invoke(flow, call);
        else
            nw__call_unknown(flow, call, true);
        break;
    }
}
