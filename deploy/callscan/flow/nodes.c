/* Nodes, their sets of targets, and the work that news in them make. */
#include "deploy/callscan/flow/state.h"
#include <stdlib.h>
#include <string.h>

#define RETURN_LEAF 0x10000u

uint32_t nw__node_new(struct nw_flow *flow)
{
    if (flow->n_nodes >= NW__NODES_MAX) { /* the last one takes what there is no room for, and is unknown */
        flow->complete = false;
        nw__add_unknown(flow, (uint32_t)flow->n_nodes - 1);
        return (uint32_t)flow->n_nodes - 1;
    }
    flow->nodes = nw_grow(flow->nodes, flow->n_nodes, &flow->nodes_room, sizeof *flow->nodes);
    flow->nodes[flow->n_nodes] = (struct nw__node){0};
    return (uint32_t)flow->n_nodes++;
}

uint32_t nw__node_of(struct nw_flow *flow, LLVMValueRef value, unsigned leaf)
{
    uint32_t node = nw_table_get(&flow->node_of, (uintptr_t)value, leaf);

    if (node != NW__NO_NODE)
        return node;
    node = nw_table_put(&flow->node_of, (uintptr_t)value, leaf, nw__node_new(flow));
    if (LLVMIsAConstant(value))
        flow->rules->add_constant(flow, node, value, leaf);
    return node;
}

uint32_t nw__returned(struct nw_flow *flow, LLVMValueRef function, unsigned leaf)
{
    uint32_t node = nw_table_get(&flow->node_of, (uintptr_t)function, RETURN_LEAF + leaf);

    if (node == NW__NO_NODE)
        node = nw_table_put(&flow->node_of, (uintptr_t)function, RETURN_LEAF + leaf, nw__node_new(flow));
    return node;
}

void nw__reach(struct nw_flow *flow, LLVMValueRef function)
{
    size_t n = flow->reached.n;

    if (LLVMIsDeclaration(function))
        return;
    nw_table_put(&flow->reached, (uintptr_t)function, 0, 1);
    if (flow->reached.n == n)
        return;
    flow->bodies = nw_grow(flow->bodies, flow->n_bodies, &flow->bodies_room, sizeof *flow->bodies);
    flow->bodies[flow->n_bodies++] = function;
}

static void enqueue(struct nw_flow *flow, uint32_t node)
{
    if (flow->nodes[node].queued)
        return;
    flow->nodes[node].queued = true;
    if (flow->queue_first > flow->queue_n / 2 && flow->queue_first > 1024) {
        flow->queue_n -= flow->queue_first;
        memmove(flow->queue, flow->queue + flow->queue_first, flow->queue_n * sizeof *flow->queue);
        flow->queue_first = 0;
    }
    flow->queue = nw_grow(flow->queue, flow->queue_n, &flow->queue_room, sizeof *flow->queue);
    flow->queue[flow->queue_n++] = node;
}

static uint32_t common_divisor(uint64_t a, uint64_t b)
{
    while (b) {
        uint64_t rest = a % b;
        a = b;
        b = rest;
    }
    return (uint32_t)a;
}

static bool covers(const struct nw_target *old, const struct nw_target *new)
{
    if (old->object != new->object)
        return false;
    if (!old->stride || (new->stride &&new->stride % old->stride != 0))
        return old->offset == new->offset && old->stride == new->stride;
    return new->offset >= old->offset && (new->offset - old->offset) % old->stride == 0;
}

/* Too many places in one object: all of them, and what lies evenly between. */
static void widen(const struct nw__node *node, struct nw_target *target)
{
    uint64_t stride = target->stride;

    for (size_t i = 0; i < node->n_targets; i++) {
        const struct nw_target *other = &node->targets[i];
        if (other->object != target->object)
            continue;
        stride = common_divisor(stride, other->stride);
        stride = common_divisor((uint64_t)llabs(other->offset - target->offset), stride);
        target->offset = other->offset < target->offset ? other->offset : target->offset;
    }
    target->stride = stride ? (uint32_t)stride : 1;
}

/* Numbers that are too many become a bound, then unknown; so does what lies outside an object that is known in size. */
static bool shorten(struct nw_flow *flow, const struct nw__node *node, struct nw_target *target)
{
    const struct nw__object *object = &flow->objects[target->object];
    size_t n = 0;

    for (size_t i = 0; i < node->n_targets; i++)
        n += node->targets[i].object == target->object;
    if (target->object == NW_OBJECT_INTEGER || target->object == NW_OBJECT_BOUND) {
        if (n >= NW__PLACES_MAX)
            *target = (struct nw_target){.object = NW_OBJECT_UNKNOWN};
        return true;
    }
    if (!target->stride && object->size != UINT64_MAX &&
        (target->offset < -(int64_t)4096 || target->offset > (int64_t)object->size))
        return false; /* nothing may be read or written there */
    if (n >= NW__PLACES_MAX)
        widen(node, target);
    return true;
}

void nw__add_target(struct nw_flow *flow, uint32_t node, struct nw_target target)
{
    struct nw__node *at = &flow->nodes[node];

    if (target.object == NW_OBJECT_UNKNOWN || target.object == NW_OBJECT_DATA)
        target.offset = target.stride = 0;
    for (int again = 0; again < 2; again++) {
        for (size_t i = 0; i < at->n_targets; i++)
            if (covers(&at->targets[i], &target))
                return;
        if (again == 0 && !shorten(flow, at, &target))
            return;
    }
    if (at->saturated && target.object != NW_OBJECT_UNKNOWN)
        return;
    at->targets = nw_grow(at->targets, at->n_targets, &at->targets_room, sizeof *at->targets);
    at->targets[at->n_targets++] = target;
    enqueue(flow, node);
    if (at->n_targets == NW__TARGETS_MAX) {
        at->saturated = true;
        nw__add_unknown(flow, node);
    }
}

void nw__add_unknown(struct nw_flow *flow, uint32_t node)
{
    nw__add_target(flow, node, (struct nw_target){.object = NW_OBJECT_UNKNOWN});
}

void nw__add_data(struct nw_flow *flow, uint32_t node)
{
    nw__add_target(flow, node, (struct nw_target){.object = NW_OBJECT_DATA});
}

void nw__add_use(struct nw_flow *flow, uint32_t node, struct nw__use use)
{
    struct nw__node *at = &flow->nodes[node];
    size_t n = at->n_done;

    at->uses = nw_grow(at->uses, at->n_uses, &at->uses_room, sizeof *at->uses);
    at->uses[at->n_uses++] = use;
    for (size_t i = 0; i < n; i++)
        flow->rules->follow(flow, use, flow->nodes[node].targets[i]);
}

void nw__copy(struct nw_flow *flow, uint32_t from, uint32_t to)
{
    if (from != to)
        nw__add_use(flow, from, (struct nw__use){.kind = NW__USE_COPY, .other = to});
}

/* Targets and uses may be added to the node meanwhile, and move: each is looked up anew. A use that is added meanwhile
 * sees the targets before `n_done` when it is added, and the others here. */
static void tell_news(struct nw_flow *flow, uint32_t node)
{
    flow->nodes[node].queued = false;
    while (flow->nodes[node].n_done < flow->nodes[node].n_targets) {
        struct nw_target target = flow->nodes[node].targets[flow->nodes[node].n_done++];
        size_t n_uses = flow->nodes[node].n_uses;

        for (size_t i = 0; i < n_uses; i++)
            flow->rules->follow(flow, flow->nodes[node].uses[i], target);
    }
}

void nw__solve(struct nw_flow *flow)
{
    while (flow->queue_first < flow->queue_n || flow->n_bodies > 0) {
        if (flow->steps > NW__STEPS_MAX) {
            flow->complete = false;
            return;
        }
        if (flow->queue_first < flow->queue_n)
            tell_news(flow, flow->queue[flow->queue_first++]);
        else
            flow->rules->look_through(flow, flow->bodies[--flow->n_bodies]);
    }
}

uint32_t nw__moved(struct nw_flow *flow, uint32_t from, int64_t offset, uint32_t stride)
{
    uint32_t node = nw__node_new(flow);

    nw__add_use(flow, from, (struct nw__use){.kind = NW__USE_SHIFT, .other = node, .number = offset, .stride = stride});
    return node;
}

void nw__store_at(struct nw_flow *flow, uint32_t pointer, int64_t offset, uint32_t value, LLVMValueRef by)
{
    struct nw__use use = {.kind = NW__USE_STORE, .other = value, .number = offset, .value = by};

    nw__add_use(flow, pointer, use);
}

void nw__load_at(struct nw_flow *flow, uint32_t pointer, int64_t offset, uint32_t to)
{
    nw__add_use(flow, pointer, (struct nw__use){.kind = NW__USE_LOAD, .other = to, .number = offset});
}
