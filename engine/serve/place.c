/*
 * Placement as place.h tells. An invocation never holds a block while it waits for a larger one of the same arena: its
 * input so far goes to private memory (spilled) meanwhile, so that those who wait cannot wait for each other. Nor do
 * nested calls wait for room that clients hold whose invocations wait for them: docs/decisions/payload-memory.md.
 */
#include "engine/serve/place.h"
#include "common/base/without.h"
#include "engine/base/bulk.h"
#include "engine/serve/engine.h"
#include "engine/serve/function.h"
#include "engine/serve/link.h"
#include "engine/serve/queue.h"
#include <errno.h>
#include <string.h>

#define SMALLEST_GROWING 65536
#define GROWTH           4
#define GROWN_MOST       (4ul * SMALLEST_GROWING) /* what becomes larger moves to private memory, and needs no copies */
#define PARTIAL_MOST     4              /* inputs that are still arriving hold at most this part of an arena */
#define FUNCTION_MOST    4              /* ... and those of one function, or one input of any size */
#define LITTLE           64             /* this part of an arena is little */
#define SPOOL_FREE       NW_PLACE_SMALL /* bytes of one input that are not charged: connections are bounded */
#define SPOOL_STEP       65536          /* ... and of which more is charged at a time */

/* Of the open queues the one whose worker has the least to do. */
static struct nw_queue *choose(struct nw_function *function)
{
    const struct nw_version *current = nw_function_heir(function)->current;
    struct nw_queue *best = NULL;
    if (!current || current->state != NW_VERSION_SERVING)
        return NULL;
    nw_list_each(&current->queues, at, after)
    {
        struct nw_queue *queue = nw_container(at, struct nw_queue, of_version);
        if (queue->open && (!best || queue->bound < best->bound))
            best = queue;
    }
    return best;
}

void nw_place_forget(struct nw_invocation *inv)
{
    struct nw_queue *queue = inv->queue;
    inv->queue = NULL;
    if (queue)
        nw__queue_unbind(queue);
}

void nw_place_arrived(struct nw_invocation *inv)
{
    if (inv->partial)
        inv->home->partial -= inv->capacity;
    inv->partial = inv->spooled = inv->owes = false;
    inv->spool.cut = NULL; /* from now on it waits for no client */
}

static bool is_small(size_t size)
{
    return size <= NW_PLACE_SMALL;
}

static void count_block(struct nw_invocation *inv, struct nw_link *link, size_t capacity)
{
    struct nw_function *function = inv->function;
    function->arena_bytes += capacity;
    function->small_bytes += is_small(capacity) ? capacity : 0;
    function->nested_bytes += inv->depth ? capacity : 0;
    link->nested += inv->depth ? capacity : 0;
}

static bool has_capped(const struct nw_function *function)
{
    for (int kind = 0; kind < NW_ROOM_KINDS; kind++)
        if (!nw_list_empty(&function->capped[kind]))
            return true;
    return false;
}

static void uncount_block(struct nw_invocation *inv, struct nw_link *link, size_t capacity)
{
    struct nw_function *function = inv->function;
    function->arena_bytes -= capacity;
    function->small_bytes -= is_small(capacity) ? capacity : 0;
    function->nested_bytes -= inv->depth ? capacity : 0;
    link->nested -= inv->depth ? capacity : 0;
    if (has_capped(function) && nw_list_empty(&function->uncap_link))
        nw_list_append(&inv->engine->uncap, &function->uncap_link);
}

static void give_block(struct nw_invocation *inv, struct nw_link *link, uint64_t offset, size_t capacity)
{
    uncount_block(inv, link, capacity);
    nw_link_free_block(link, offset);
}

void nw__place_drop_block(struct nw_invocation *inv)
{
    if (!inv->has_block)
        return;
    if (inv->partial)
        inv->home->partial -= inv->capacity;
    inv->partial = inv->has_block = false;
    give_block(inv, inv->home, inv->offset, inv->capacity);
}

/* The record of its request stays: its function asks for that when it likes. */
void nw_place_read(struct nw_invocation *inv)
{
    if (inv->context) {
        uncount_block(inv, inv->home, inv->capacity);
        count_block(inv, inv->home, inv->context);
        nw__link_shrink_block(inv->home, inv->offset, inv->context);
        inv->capacity = inv->context;
    } else {
        nw__place_drop_block(inv);
    }
    inv->length = inv->context;
    inv->read = true;
}

void nw__place_drop_spilled(struct nw_invocation *inv)
{
    nw_spool_give(&inv->engine->spool, &inv->spool);
    nw_bulk_free(inv->engine->ended ? NULL : &inv->engine->chores, inv->spilled, inv->spilled_room);
    inv->spilled = NULL;
    inv->spilled_size = inv->spilled_room = 0;
}

void nw__place_stop(struct nw_invocation *inv)
{
    if (!inv->next.link)
        return;
    nw_carry_stop(&inv->next.carry);
    give_block(inv, inv->next.link, inv->next.offset, inv->next.capacity);
    nw_link_unref(inv->next.link);
    inv->next.link = NULL;
}

static void leave_home(struct nw_invocation *inv)
{
    nw__place_drop_block(inv);
    if (inv->home)
        nw_link_unref(inv->home);
    inv->home = NULL;
}

/* Whether its function would still hold little of the arenas, or this is a small input and its function would still
 * hold little for those: such an input stands behind no larger ones. */
static bool is_little(const struct nw_invocation *inv, size_t size)
{
    const struct nw_function *function = inv->function;
    uint64_t held = is_small(size) ? function->small_bytes : function->arena_bytes;
    return held + size <= inv->engine->options.arena / LITTLE && !nw_unchecked(NW_CHECK_SHARE);
}

/* Input of clients may fill three quarters of an arena, or all of an empty one; half of the last quarter is for
 * functions that hold little and for nested calls, of which one may have whatever is free. Replies to nested calls need
 * room, too. */
static int alloc_input(const struct nw_invocation *inv, struct nw_link *link, size_t size, uint64_t *offset)
{
    uint64_t arena = link->engine->options.arena, most = arena / 4 * 3;
    size_t used = nw_arena_used(link->channel.arena);
    if (size > arena)
        return -E2BIG;
    if (is_little(inv, size) || inv->depth)
        most += arena / 8;
    if (inv->depth && !link->nested)
        most = arena;
    if (used && used + size > most)
        return -ENOMEM;
    return nw_link_alloc(link, size, offset);
}

/* What may come of an input that grows: the largest body, behind the record of its request. */
static size_t largest(const struct nw_invocation *inv)
{
    return inv->context + inv->engine->options.body_limit;
}

static size_t growing_size(const struct nw_invocation *inv, size_t need)
{
    size_t size = inv->has_block ? inv->capacity * GROWTH : SMALLEST_GROWING;
    size_t limit = largest(inv);
    if (size > limit)
        size = limit;
    return size < need ? need : size;
}

static void settle(struct nw_invocation *inv)
{
    nw__place_drop_spilled(inv);
    leave_home(inv);
    inv->home = inv->next.link;
    inv->offset = inv->next.offset;
    inv->capacity = inv->next.capacity;
    inv->has_block = true;
    inv->next.link = NULL;
}

static const char *input_of(const struct nw_invocation *inv)
{
    return inv->has_block ? nw_link_at(inv->home, inv->offset) : inv->spilled;
}

static void set_next(struct nw_invocation *inv, struct nw_link *link, uint64_t offset, size_t capacity)
{
    nw_link_ref(link);
    inv->next.link = link;
    inv->next.offset = offset;
    inv->next.capacity = capacity;
    count_block(inv, link, capacity);
}

static void move_now(struct nw_invocation *inv, struct nw_link *link, uint64_t offset, size_t capacity)
{
    set_next(inv, link, offset, capacity);
    if (inv->length)
        memcpy(nw_link_at(link, offset), input_of(inv), inv->length);
    settle(inv);
}

static void carried(struct nw_carry *carry)
{
    struct nw_invocation *inv = nw_container(carry, struct nw_invocation, next.carry);
    settle(inv);
    nw_list_remove(&inv->link);
    nw_list_append(&inv->engine->moved, &inv->link);
}

/* 0, or -EAGAIN: it is on its way. */
static int move_input(struct nw_invocation *inv, struct nw_link *link, uint64_t offset, size_t capacity)
{
    if (inv->length <= NW_CARRY_PIECE) {
        move_now(inv, link, offset, capacity);
        return 0;
    }
    set_next(inv, link, offset, capacity);
    inv->next.carry =
        (struct nw_carry){.to = nw_link_at(link, offset), .from = input_of(inv), .left = inv->length, .done = carried};
    nw_carry_start(&inv->engine->chores, &inv->next.carry);
    return -EAGAIN;
}

/* See the head of this file. Without memory for it the block is kept: the queue's timeout ends a standstill. */
static void spill(struct nw_invocation *inv, size_t room)
{
    if (!inv->has_block)
        return;
    char *copy = nw_bulk_new(room);
    if (!copy)
        return;
    memcpy(copy, input_of(inv), inv->length);
    inv->spilled = copy;
    inv->spilled_room = room;
    inv->spilled_size = inv->length;
    leave_home(inv);
}

static bool fits(const struct nw_invocation *inv, const struct nw_link *link, size_t need)
{
    return !need || (inv->has_block && inv->home == link && inv->capacity >= need);
}

/* Whether its function may hold so much of the arenas: as much for nested calls as for clients. */
static bool within_share(const struct nw_invocation *inv, size_t size)
{
    const struct nw_options *options = &inv->engine->options;
    const struct nw_function *function = inv->function;
    uint64_t held = inv->depth ? function->nested_bytes : function->arena_bytes - function->nested_bytes;
    return !held || held + size <= options->arena / FUNCTION_MOST * (uint64_t)options->workers ||
           is_little(inv, size) || nw_unchecked(NW_CHECK_SHARE);
}

/* Room for input that is still arriving: in the arena while little of that lies there, else as it comes. */
static int take_partial(struct nw_invocation *inv, struct nw_link *link, size_t need, bool grows)
{
    size_t size = grows ? growing_size(inv, need) : need;
    uint64_t most = link->engine->options.arena / PARTIAL_MOST, offset;
    inv->room = NW_ROOM_OTHERS;
    if (need > link->engine->options.arena)
        return -E2BIG;
    bool may = nw_unchecked(NW_CHECK_SHARE) ||
               (link->partial + size <= most && within_share(inv, size) && !(grows && size > GROWN_MOST));
    if (may && nw_list_empty(&link->waiters[NW_ROOM_OTHERS]) && alloc_input(inv, link, size, &offset) == 0) {
        move_now(inv, link, offset, size);
        inv->partial = true;
        link->partial += size;
        return 0;
    }
    size_t room = grows && need < largest(inv) ? largest(inv) : need;
    spill(inv, room);
    inv->spooled = !inv->has_block && !nw_unchecked(NW_CHECK_SHARE);
    inv->spilled_room = inv->spooled ? room : inv->spilled_room;
    return inv->spooled ? 0 : -EAGAIN;
}

/* Charges for what an input takes. -EAGAIN: it must wait until it can. */
static int charge(struct nw_invocation *inv, size_t size)
{
    uint64_t more = size > SPOOL_FREE ? size - inv->spool.held : 0;
    inv->spool.account = &inv->function->spooled;
    inv->spool.moved = &inv->length;
    inv->spool.cut = inv->owner->cut;
    inv->spool.arg = inv->owner_arg;
    return more ? nw_spool_take(&inv->engine->spool, &inv->spool, more, nw_io_now(inv->engine->io)) : 0;
}

int nw_place_spool(struct nw_invocation *inv, size_t length)
{
    size_t need = inv->length + length, size = (need + SPOOL_STEP - 1) / SPOOL_STEP * SPOOL_STEP;
    if (need <= inv->spilled_size)
        return 0;
    if (size > inv->spilled_room) /* what was announced */
        size = inv->spilled_room;
    if (!inv->spilled)
        inv->spilled = nw_bulk_new(inv->spilled_room);
    if (!inv->spilled || need > size)
        return -ENOMEM;
    inv->owes = charge(inv, size) == -EAGAIN;
    if (inv->owes) { /* what was read already is kept all the same, and is the last for now */
        inv->spool.cut = NULL;
        size = need;
    }
    inv->spilled_size = size;
    return 0;
}

bool nw_place_pay(struct nw_invocation *inv)
{
    inv->owes = charge(inv, inv->spilled_size) == -EAGAIN;
    if (inv->owes)
        inv->spool.cut = NULL;
    else
        inv->spool.since = nw_io_now(inv->engine->io); /* that it stood still was not its client's doing */
    return !inv->owes;
}

static int take_block(struct nw_invocation *inv, struct nw_link *link, size_t need, bool grows, bool first)
{
    size_t size = grows ? growing_size(inv, need) : need;
    uint64_t offset;
    int rc = -ENOMEM;
    inv->capped = !within_share(inv, size);
    inv->room = nw__place_kind(inv, is_little(inv, size));
    bool is_next = first || nw_list_empty(&link->waiters[inv->room]);
    if (!inv->capped && is_next)
        rc = alloc_input(inv, link, size, &offset);
    if (rc == 0)
        rc = move_input(inv, link, offset, size);
    else if (rc == -ENOMEM && inv->home == link)
        spill(inv, inv->length + 1);
    inv->wanted = size;
    return rc == -ENOMEM ? -EAGAIN : rc;
}

bool nw_place_private(struct nw_invocation *inv, size_t total, bool grows)
{
    if (!inv->context || grows || inv->length || inv->has_block || inv->spilled ||
        (!is_small(total) && total != inv->context))
        return false;
    inv->spooled = true;
    inv->spilled_room = total;
    return true;
}

bool nw_place_small(struct nw_invocation *inv, size_t total, bool grows)
{
    if (!inv->inlined)
        inv->inlined =
            !grows && total <= NW_INLINE_MAX && !inv->context && !inv->length && !inv->has_block && !inv->spilled;
    return inv->inlined;
}

int nw_place(struct nw_invocation *inv, size_t need, bool grows, bool first)
{
    inv->wanted = need;
    inv->capped = false;
    if (inv->queue && !inv->queue->open)
        nw_place_forget(inv);
    if (!inv->queue) {
        inv->queue = inv->engine->ended ? NULL : choose(inv->function); /* at the end one after the other is freed */
        if (!inv->queue)
            return -EAGAIN;
        nw__queue_bind(inv->queue);
    }
    struct nw_link *link = inv->queue->link;
    if (inv->spooled)
        return need > inv->engine->options.arena ? -E2BIG : 0;
    if (fits(inv, link, need)) {
        if (!need)
            leave_home(inv); /* nothing to keep in the arena of a worker that may be lost */
        return 0;
    }
    /* What waits for no client comes as a whole, and lies in the arena of its caller until it is placed. */
    bool arrives = !inv->complete && inv->owner->cut;
    return arrives ? take_partial(inv, link, need, grows) : take_block(inv, link, need, grows, first);
}
