/* Where the data flow begins, and what may be asked of it. */
#include "deploy/callscan/flow/flow.h"
#include "deploy/callscan/flow/state.h"
#include <stdlib.h>
#include <string.h>

static LLVMValueRef defined(struct nw_flow *flow, const char *name)
{
    LLVMValueRef function = LLVMGetNamedFunction(flow->module, name);

    return function && !LLVMIsDeclaration(function) ? function : NULL;
}

static void add_object(struct nw_flow *flow, LLVMValueRef function, unsigned i, enum nw_object_kind kind)
{
    if (i < LLVMCountParams(function))
        nw__add_target(flow, nw__node_of(flow, LLVMGetParam(function, i), 0), (struct nw_target){.object = kind});
}

/* A func worker's handle comes back to the other entries as faas_create_func_worker wrote it. */
static void add_handle(struct nw_flow *flow, LLVMValueRef function)
{
    if (LLVMCountParams(function) > 0)
        nw__load(flow, (struct nw_target){.object = NW_OBJECT_HANDLE}, 0,
                 nw__node_of(flow, LLVMGetParam(function, 0), 0));
}

static void begin_at_entries(struct nw_flow *flow)
{
    static const char *const names[] = {"faas_init", "faas_create_func_worker", "faas_destroy_func_worker",
                                        "faas_func_call"};
    LLVMValueRef create = defined(flow, names[1]), destroy = defined(flow, names[2]), call = defined(flow, names[3]);

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (defined(flow, names[i]))
            nw__reach(flow, defined(flow, names[i]));
    if (create) {
        add_object(flow, create, 0, NW_OBJECT_CONTEXT);
        add_object(flow, create, 1, NW_OBJECT_CALLBACK);
        add_object(flow, create, 2, NW_OBJECT_APPEND);
        add_object(flow, create, 3, NW_OBJECT_HANDLE);
    }
    if (call) {
        add_object(flow, call, 1, NW_OBJECT_INPUT);
        add_object(flow, call, 2, NW_OBJECT_INPUT_LENGTH);
        add_handle(flow, call);
    }
    if (destroy)
        add_handle(flow, destroy);
    if (!create) /* another module hands it out */
        nw__share(flow, (struct nw_target){.object = NW_OBJECT_HANDLE});
}

static bool is_entry(LLVMValueRef function)
{
    size_t length;

    return strncmp(LLVMGetValueName2(function, &length), "faas_", 5) == 0;
}

/* What another module of the same function may call, it calls with whatever it has. */
static void begin_at_visible(struct nw_flow *flow)
{
    for (LLVMValueRef f = LLVMGetFirstFunction(flow->module); f; f = LLVMGetNextFunction(f)) {
        LLVMLinkage linkage = LLVMGetLinkage(f);
        if (LLVMIsDeclaration(f) || linkage == LLVMInternalLinkage || linkage == LLVMPrivateLinkage ||
            linkage == LLVMAvailableExternallyLinkage || is_entry(f) || nw__is_string_method(f))
            continue;
        nw__reach(flow, f);
        for (LLVMValueRef p = LLVMGetFirstParam(f); p; p = LLVMGetNextParam(p))
            nw__add_unknown(flow, nw__node_of(flow, p, 0));
    }
}

/* Constructors of variables run when the module is loaded. */
static void begin_at_constructors(struct nw_flow *flow)
{
    LLVMValueRef list = LLVMGetNamedGlobal(flow->module, "llvm.global_ctors");
    LLVMValueRef rows = list ? LLVMGetInitializer(list) : NULL;

    if (!rows || !LLVMIsAConstantArray(rows))
        return;
    for (unsigned i = 0; i < (unsigned)LLVMGetNumOperands(rows); i++) {
        LLVMValueRef row = LLVMGetOperand(rows, i), f = NULL;
        if (LLVMIsAConstantStruct(row) && LLVMGetNumOperands(row) > 1)
            f = LLVMGetOperand(row, 1);
        if (f && LLVMIsAFunction(f))
            nw__reach(flow, f);
    }
}

static const struct nw__rules rules = {
    .follow = nw__follow,
    .look_through = nw__look_through,
    .add_constant = nw__add_constant,
    .initialise = nw__initialise,
};

struct nw_flow *nw_flow_new(LLVMModuleRef module)
{
    struct nw_flow *flow = calloc(1, sizeof *flow);

    if (!flow)
        abort();
    flow->rules = &rules;
    flow->module = module;
    flow->layout = LLVMGetModuleDataLayout(module);
    flow->complete = true;
    for (enum nw_object_kind kind = 0; kind < NW_SINGLE_OBJECTS; kind++)
        nw__object_of(flow, kind, NULL);
    flow->escaped = nw__node_new(flow);
    flow->thrown = nw__node_new(flow);
    flow->whole = defined(flow, "faas_create_func_worker") && defined(flow, "faas_func_call");
    begin_at_entries(flow);
    begin_at_constructors(flow);
    if (!flow->whole)
        begin_at_visible(flow);
    nw__solve(flow);
    return flow;
}

void nw_flow_free(struct nw_flow *flow)
{
    for (size_t i = 0; i < flow->n_nodes; i++) {
        free(flow->nodes[i].targets);
        free(flow->nodes[i].uses);
    }
    for (size_t i = 0; i < flow->n_objects; i++) {
        free(flow->objects[i].cells);
        free(flow->objects[i].readers);
        free(flow->objects[i].blocks);
    }
    nw_table_fini(&flow->node_of);
    nw_table_fini(&flow->object_of);
    nw_table_fini(&flow->reached);
    nw_table_fini(&flow->left);
    free(flow->nodes);
    free(flow->objects);
    free(flow->queue);
    free(flow->bodies);
    free(flow->leaves);
    free(flow);
}

bool nw_flow_is_whole(const struct nw_flow *flow)
{
    return flow->whole;
}

bool nw_flow_is_complete(const struct nw_flow *flow)
{
    return flow->complete;
}

bool nw_flow_reaches(const struct nw_flow *flow, LLVMValueRef function)
{
    return nw_table_get(&flow->reached, (uintptr_t)function, 0) != UINT32_MAX;
}

bool nw_flow_is_private(const struct nw_flow *flow, LLVMValueRef variable)
{
    LLVMLinkage linkage = LLVMGetLinkage(variable);

    return flow->whole || linkage == LLVMInternalLinkage || linkage == LLVMPrivateLinkage;
}

struct nw_targets nw_flow_targets(struct nw_flow *flow, LLVMValueRef value, unsigned leaf)
{
    uint32_t node = nw__node_of(flow, value, leaf);

    return (struct nw_targets){flow->nodes[node].targets, flow->nodes[node].n_targets};
}

bool nw_flow_may_be(struct nw_flow *flow, LLVMValueRef value, enum nw_object_kind kind)
{
    struct nw_targets targets = nw_flow_targets(flow, value, 0);

    for (size_t i = 0; i < targets.n; i++)
        if (flow->objects[targets.at[i].object].kind == kind)
            return true;
    return false;
}

enum nw_object_kind nw_object_kind(const struct nw_flow *flow, uint32_t object)
{
    return flow->objects[object].kind;
}

LLVMValueRef nw_object_value(const struct nw_flow *flow, uint32_t object)
{
    return flow->objects[object].value;
}

bool nw_object_escapes(const struct nw_flow *flow, uint32_t object)
{
    return flow->objects[object].escaped;
}

size_t nw_flow_n_leaves(const struct nw_flow *flow)
{
    return flow->n_leaves;
}

LLVMValueRef nw_flow_leave(const struct nw_flow *flow, size_t i)
{
    return flow->leaves[i];
}

LLVMModuleRef nw_flow_module(const struct nw_flow *flow)
{
    return flow->module;
}

LLVMTargetDataRef nw_flow_layout(const struct nw_flow *flow)
{
    return flow->layout;
}
