/*
 * Placement as place.h tells. An invocation never holds a block while it waits for a larger one of the same arena: its
 * input so far goes to private memory (spilled) meanwhile, so that those who wait cannot wait for each other.
 */
#include "engine/place.h"
#include "engine/deployments.h"
#include "engine/dispatch.h"
#include "engine/link.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SMALLEST_GROWING 65536
#define GROWTH           4

/* A replica that an invocation may be sent to. Older versions finish what chose them. */
static bool usable(const struct nw_replica *replica)
{
    return replica->state == NW_REPLICA_SERVING;
}

/* The one with the least to do. */
static struct nw_replica *choose(const struct nw_function *function)
{
    struct nw_replica *best = NULL;
    if (!function->current || function->current->state != NW_DEPLOYMENT_SERVING)
        return NULL;
    nw_list_each(&function->current->replicas, at, after)
    {
        struct nw_replica *replica = nw_container(at, struct nw_replica, of_deployment);
        if (usable(replica) && (!best || replica->bound < best->bound))
            best = replica;
    }
    return best;
}

void nw_place_forget(struct nw_invocation *inv)
{
    struct nw_replica *replica = inv->replica;
    inv->replica = NULL;
    if (replica)
        nw_replica_unbind(replica);
}

void nw_dispatch_drop_block(struct nw_invocation *inv)
{
    if (inv->has_block)
        nw_link_free_block(inv->home, inv->offset);
    inv->has_block = false;
}

static void leave_home(struct nw_invocation *inv)
{
    nw_dispatch_drop_block(inv);
    if (inv->home)
        nw_link_unref(inv->home);
    inv->home = NULL;
}

/* Input may fill three quarters of an arena, or all of an empty one: replies to nested calls need room, too. */
static int alloc_input(struct nw_link *link, size_t size, uint64_t *offset)
{
    uint64_t arena = link->engine->options.arena;
    size_t used = nw_arena_used(link->channel.arena);
    if (size > arena)
        return -E2BIG;
    if (used && used + size > arena / 4 * 3)
        return -ENOMEM;
    return nw_link_alloc(link, size, offset);
}

static size_t growing_size(const struct nw_invocation *inv, size_t need)
{
    size_t size = inv->has_block ? inv->capacity * GROWTH : SMALLEST_GROWING;
    size_t limit = inv->engine->options.body_limit;
    if (size > limit)
        size = limit;
    return size < need ? need : size;
}

static void move_input(struct nw_invocation *inv, struct nw_link *link, uint64_t offset, size_t capacity)
{
    const char *from = inv->spilled;
    if (inv->has_block)
        from = nw_link_at(inv->home, inv->offset);
    if (inv->length)
        memcpy(nw_link_at(link, offset), from, inv->length);
    free(inv->spilled);
    inv->spilled = NULL;
    nw_link_ref(link);
    leave_home(inv);
    inv->home = link;
    inv->has_block = true;
    inv->offset = offset;
    inv->capacity = capacity;
}

/* See the head of this file. Without memory for it the block is kept: the queue's timeout ends a standstill. */
static void spill(struct nw_invocation *inv)
{
    if (!inv->has_block)
        return;
    char *copy = malloc(inv->length ? inv->length : 1);
    if (!copy)
        return;
    memcpy(copy, nw_link_at(inv->home, inv->offset), inv->length);
    inv->spilled = copy;
    leave_home(inv);
}

static bool fits(const struct nw_invocation *inv, const struct nw_link *link, size_t need)
{
    return !need || (inv->has_block && inv->home == link && inv->capacity >= need);
}

static int take_block(struct nw_invocation *inv, struct nw_link *link, size_t need, bool grows, bool first)
{
    size_t size = grows ? growing_size(inv, need) : need;
    uint64_t offset;
    int rc = -ENOMEM;
    if (first || nw_list_empty(&link->room_waiters))
        rc = alloc_input(link, size, &offset);
    if (rc == 0)
        move_input(inv, link, offset, size);
    else if (rc == -ENOMEM && inv->home == link)
        spill(inv);
    inv->wanted = size;
    return rc == -ENOMEM ? -EAGAIN : rc;
}

bool nw_place_small(struct nw_invocation *inv, size_t total, bool grows)
{
    if (!inv->inlined)
        inv->inlined = !grows && total <= NW_INLINE_MAX && !inv->length && !inv->has_block && !inv->spilled;
    return inv->inlined;
}

int nw_place(struct nw_invocation *inv, size_t need, bool grows, bool first)
{
    inv->wanted = need;
    if (inv->replica && !usable(inv->replica))
        nw_place_forget(inv);
    if (!inv->replica) {
        struct nw_replica *replica = choose(inv->function);
        if (!replica)
            return -EAGAIN;
        inv->replica = replica;
        replica->bound++;
    }
    struct nw_link *link = inv->replica->seat->worker;
    if (fits(inv, link, need)) {
        if (!need)
            leave_home(inv); /* nothing to keep in the arena of a worker that may be lost */
        return 0;
    }
    return take_block(inv, link, need, grows, first);
}
