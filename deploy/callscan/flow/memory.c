/* Objects and what lies in them. */
#include "deploy/callscan/flow/state.h"
#include "deploy/callscan/known/known.h"
#include <stdlib.h>

static uint64_t size_of(struct nw_flow *flow, enum nw_object_kind kind, LLVMValueRef value)
{
    LLVMTypeRef type;

    if (kind == NW_OBJECT_GLOBAL)
        type = LLVMGlobalGetValueType(value);
    else if (kind == NW_OBJECT_STACK && LLVMIsConstant(LLVMGetOperand(value, 0)) &&
             LLVMConstIntGetZExtValue(LLVMGetOperand(value, 0)) == 1)
        type = LLVMGetAllocatedType(value);
    else
        return UINT64_MAX;
    return LLVMTypeIsSized(type) ? LLVMABISizeOfType(flow->layout, type) : UINT64_MAX;
}

uint32_t nw__object_of(struct nw_flow *flow, enum nw_object_kind kind, LLVMValueRef value)
{
    uint32_t fresh = (uint32_t)flow->n_objects, object = nw_table_put(&flow->object_of, (uintptr_t)value, kind, fresh);

    if (object != fresh)
        return object;
    flow->objects = nw_grow(flow->objects, flow->n_objects, &flow->objects_room, sizeof *flow->objects);
    flow->objects[flow->n_objects++] = (struct nw__object){.kind = kind,
                                                           .value = value,
                                                           .size = size_of(flow, kind, value),
                                                           .shared_from = INT64_MAX,
                                                           .library_from = INT64_MAX};
    if (kind == NW_OBJECT_GLOBAL)
        flow->rules->initialise(flow, object);
    return object;
}

static uint64_t common_divisor(uint64_t a, uint64_t b)
{
    return b ? common_divisor(b, a % b) : a;
}

/* Whether two pieces may be the same one. */
static bool meets(int64_t a, uint32_t a_stride, int64_t b, uint32_t b_stride)
{
    uint64_t step = common_divisor(a_stride, b_stride);

    if ((!a_stride && b_stride && a < b) || (!b_stride && a_stride && b < a))
        return false;
    return step ? (a - b) % (int64_t)step == 0 : a == b;
}

static void tell_block(struct nw_flow *flow, const struct nw__block *block, const struct nw__cell *cell)
{
    struct nw_target to = block->to;

    if (!block->stride && !cell->stride) {
        if (cell->offset < block->offset || cell->offset - block->offset >= block->length)
            return;
        to.offset += cell->offset - block->offset;
    } else { /* where in the destination it comes to lie is known up to a stride only */
        to.stride = (uint32_t)common_divisor(to.stride, common_divisor(block->stride, cell->stride));
        if (cell->offset > block->offset)
            to.offset += (cell->offset - block->offset) % to.stride;
    }
    nw__copy(flow, cell->node, nw__cell(flow, to, 0));
}

/* Those who read the piece learn of a new cell. Readers and blocks may be added meanwhile: they see the cell
 * themselves. */
static void tell_readers(struct nw_flow *flow, uint32_t object, struct nw__cell cell)
{
    size_t n_readers = flow->objects[object].n_readers, n_blocks = flow->objects[object].n_blocks;

    for (size_t i = 0; i < n_readers; i++) {
        struct nw__cell reader = flow->objects[object].readers[i];
        if (meets(reader.offset, reader.stride, cell.offset, cell.stride))
            nw__copy(flow, cell.node, reader.node);
    }
    for (size_t i = 0; i < n_blocks; i++) {
        struct nw__block block = flow->objects[object].blocks[i];
        tell_block(flow, &block, &cell);
    }
}

uint32_t nw__cell(struct nw_flow *flow, struct nw_target target, int64_t extra)
{
    struct nw__object *object = &flow->objects[target.object];
    struct nw__cell cell = {.offset = target.offset + extra, .stride = target.stride};

    if (object->n_cells >= NW__CELLS_MAX)
        cell.offset = 0, cell.stride = 1;
    for (size_t i = 0; i < object->n_cells; i++)
        if (object->cells[i].offset == cell.offset && object->cells[i].stride == cell.stride)
            return object->cells[i].node;
    cell.node = nw__node_new(flow);
    object->cells = nw_grow(object->cells, object->n_cells, &object->cells_room, sizeof *object->cells);
    object->cells[object->n_cells++] = cell;
    if (object->escaped)
        nw__add_use(flow, cell.node, (struct nw__use){.kind = NW__USE_ESCAPE, .value = object->escaped_by});
    tell_readers(flow, target.object, cell);
    return cell.node;
}

/* What code that was not seen may have put there. */
static void add_shared(struct nw_flow *flow, const struct nw__object *object, const struct nw__cell *reader)
{
    bool shared = object->shared_from != INT64_MAX && (reader->stride || reader->offset >= object->shared_from),
         library = object->library_from != INT64_MAX && (reader->stride || reader->offset >= object->library_from);

    if (shared)
        nw__add_unknown(flow, reader->node);
    if (library)
        nw__add_data(flow, reader->node);
}

void nw__load(struct nw_flow *flow, struct nw_target target, int64_t extra, uint32_t node)
{
    struct nw__object *object = &flow->objects[target.object];
    struct nw__cell reader = {.offset = target.offset + extra, .stride = target.stride, .node = node};

    switch (object->kind) {
    case NW_OBJECT_HANDLE:
    case NW_OBJECT_GLOBAL:
    case NW_OBJECT_STACK:
    case NW_OBJECT_HEAP:
    case NW_OBJECT_VARARGS:
        break;
    case NW_OBJECT_DATA:
    case NW_OBJECT_INPUT:
    case NW_OBJECT_OUTPUT:
        nw__add_data(flow, node);
        return;
    case NW_OBJECT_INTEGER: /* nothing lies at a null pointer */
        if (target.offset != 0)
            nw__add_unknown(flow, node);
        return;
    case NW_OBJECT_CONTEXT: /* which is the runtime's, like code: nobody looks into it */
    case NW_OBJECT_CALLBACK:
    case NW_OBJECT_APPEND:
    case NW_OBJECT_FUNCTION:
        return;
    default:
        nw__add_unknown(flow, node);
        return;
    }
    add_shared(flow, object, &reader);
    object = &flow->objects[target.object];
    object->readers = nw_grow(object->readers, object->n_readers, &object->readers_room, sizeof *object->readers);
    object->readers[object->n_readers++] = reader;
    for (size_t i = 0; i < flow->objects[target.object].n_cells; i++) {
        struct nw__cell cell = flow->objects[target.object].cells[i];
        if (meets(reader.offset, reader.stride, cell.offset, cell.stride))
            nw__copy(flow, cell.node, node);
    }
}

void nw__copy_block(struct nw_flow *flow, struct nw_target from, struct nw_target to, int64_t length)
{
    struct nw__block block = {.offset = from.offset, .length = length, .stride = from.stride, .to = to};
    struct nw__object *object = &flow->objects[from.object];

    object->blocks = nw_grow(object->blocks, object->n_blocks, &object->blocks_room, sizeof *object->blocks);
    object->blocks[object->n_blocks++] = block;
    if (object->shared_from != INT64_MAX || object->kind < NW_SINGLE_OBJECTS || object->kind == NW_OBJECT_OUTPUT)
        nw__share(flow, to);
    if (flow->objects[from.object].library_from != INT64_MAX)
        nw__share_library(flow, to.object);
    for (size_t i = 0; i < flow->objects[from.object].n_cells; i++) {
        struct nw__cell cell = flow->objects[from.object].cells[i];
        tell_block(flow, &block, &cell);
    }
}

static void tell_shared(struct nw_flow *flow, uint32_t object)
{
    for (size_t i = 0; i < flow->objects[object].n_readers; i++) {
        struct nw__cell reader = flow->objects[object].readers[i];
        add_shared(flow, &flow->objects[object], &reader);
    }
}

void nw__share(struct nw_flow *flow, struct nw_target target)
{
    struct nw__object *object = &flow->objects[target.object];

    if (target.object < NW_OBJECT_HANDLE || target.offset >= object->shared_from)
        return;
    object->shared_from = target.offset;
    tell_shared(flow, target.object);
    for (size_t i = 0; i < flow->objects[target.object].n_blocks; i++)
        nw__share(flow, flow->objects[target.object].blocks[i].to);
}

void nw__share_library(struct nw_flow *flow, uint32_t object)
{
    if (object < NW_SINGLE_OBJECTS || flow->objects[object].library_from != INT64_MAX)
        return;
    flow->objects[object].library_from = 0;
    tell_shared(flow, object);
    for (size_t i = 0; i < flow->objects[object].n_blocks; i++)
        nw__share_library(flow, flow->objects[object].blocks[i].to.object);
}

static void leave(struct nw_flow *flow, LLVMValueRef call)
{
    size_t n = flow->left.n;

    nw_table_put(&flow->left, (uintptr_t)call, 0, 0);
    if (flow->left.n == n)
        return;
    flow->leaves = nw_grow(flow->leaves, flow->n_leaves, &flow->leaves_room, sizeof *flow->leaves);
    flow->leaves[flow->n_leaves++] = call;
}

/* Code that was not seen may call it, with whatever that may hold. */
static void escape_function(struct nw_flow *flow, LLVMValueRef function, bool to_library)
{
    nw__reach(flow, function);
    for (LLVMValueRef p = LLVMGetFirstParam(function); p; p = LLVMGetNextParam(p)) {
        uint32_t node = nw__node_of(flow, p, 0);
        nw__copy(flow, flow->escaped, node);
        if (to_library)
            nw__add_data(flow, node);
        else
            nw__add_unknown(flow, node);
    }
}

void nw__escape(struct nw_flow *flow, uint32_t object, LLVMValueRef by)
{
    enum nw_object_kind kind = flow->objects[object].kind;
    LLVMValueRef value = flow->objects[object].value;

    if (kind == NW_OBJECT_CALLBACK && by)
        leave(flow, by);
    bool first = !flow->objects[object].escaped;
    if (kind < NW_SINGLE_OBJECTS || (!first && (flow->objects[object].escaped_by || !by)))
        return;
    flow->objects[object].escaped = true;
    flow->objects[object].escaped_by = by;
    if (kind != NW_OBJECT_FUNCTION && (kind != NW_OBJECT_GLOBAL || !nw_is_type_data(value)))
        nw__add_target(flow, flow->escaped, (struct nw_target){.object = object});
    if (kind == NW_OBJECT_FUNCTION)
        escape_function(flow, value, !by);
    if (kind == NW_OBJECT_FUNCTION)
        return;
    bool constant = kind == NW_OBJECT_GLOBAL && LLVMIsGlobalConstant(value);
    if (!constant && by)
        nw__share(flow, (struct nw_target){.object = object});
    else if (!constant)
        nw__share_library(flow, object);
    for (size_t i = 0; i < flow->objects[object].n_cells; i++)
        nw__add_use(flow, flow->objects[object].cells[i].node, (struct nw__use){.kind = NW__USE_ESCAPE, .value = by});
}
