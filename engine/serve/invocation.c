/*
 * The lifecycle of an invocation.
 *
 *              ┌──WAIT──> WAITING ──QUEUE──┐
 *              │ ┌─GO_ON──┘ ^ ^            v          SEND
 *   (new) ──> OPEN       WAIT ┘ └──WAIT── READY ─────────────> SENT ──ABANDON──> ORPHAN
 *              └───────────QUEUE───────────^ ^────RETURN────────│                  │
 *                                                               └─FINISH─> FREE <──┘ FINISH
 *   OPEN, WAITING and READY ──ABANDON or FINISH──> FREE
 *
 * WAITING stays that when it waits for something else, or behind the others, from now on. READY goes back to it when
 * its worker is lost before it was sent; SENT does so by way of READY, when the worker had not begun it (RETURN). What
 * a state means for lists and counters is in enter() and leave(), so that every path keeps them right.
 */
#include "engine/serve/invocation.h"
#include "common/base/log.h"
#include "common/base/poison.h"
#include "common/base/valid.h"
#include "engine/serve/engine.h"
#include "engine/serve/function.h"
#include "engine/serve/link.h"
#include "engine/serve/place.h"
#include "engine/serve/queue.h"
#include <stdio.h>
#include <stdlib.h>

#define INVOCATIONS_MAX NW_CLAIMS
#define GROWTH          256

/* State x event -> the next state + 1; 0: it does not fit. */
#define TO(state) (NW_INVOCATION_##state + 1)

static const uint8_t next_state[NW_INVOCATION_STATES][NW_INVOCATION_EVENTS] = {
    [NW_INVOCATION_OPEN] = {[NW_INVOCATION_WAIT] = TO(WAITING),
                            [NW_INVOCATION_QUEUE] = TO(READY),
                            [NW_INVOCATION_ABANDON] = TO(FREE),
                            [NW_INVOCATION_FINISH] = TO(FREE)},
    [NW_INVOCATION_WAITING] = {[NW_INVOCATION_WAIT] = TO(WAITING),
                               [NW_INVOCATION_GO_ON] = TO(OPEN),
                               [NW_INVOCATION_QUEUE] = TO(READY),
                               [NW_INVOCATION_ABANDON] = TO(FREE),
                               [NW_INVOCATION_FINISH] = TO(FREE)},
    [NW_INVOCATION_READY] = {[NW_INVOCATION_WAIT] = TO(WAITING),
                             [NW_INVOCATION_SEND] = TO(SENT),
                             [NW_INVOCATION_ABANDON] = TO(FREE),
                             [NW_INVOCATION_FINISH] = TO(FREE)},
    [NW_INVOCATION_SENT] =
        {[NW_INVOCATION_RETURN] = TO(READY), [NW_INVOCATION_ABANDON] = TO(ORPHAN), [NW_INVOCATION_FINISH] = TO(FREE)},
    [NW_INVOCATION_ORPHAN] = {[NW_INVOCATION_FINISH] = TO(FREE)},
};

static bool input_is_valid(const struct nw_invocation *inv)
{
    if (inv->inlined)
        return inv->length <= sizeof inv->small && !inv->has_block && !inv->spilled;
    if (inv->has_block)
        return inv->home && inv->length <= inv->capacity;
    return !inv->partial && (inv->spilled ? inv->length <= inv->spilled_size : !inv->length) &&
           inv->spilled_size <= inv->spilled_room;
}

bool nw_invocation_is_valid(const struct nw_invocation *inv)
{
    const bool sent = inv->state == NW_INVOCATION_SENT || inv->state == NW_INVOCATION_ORPHAN;
    if (!inv->function || !input_is_valid(inv) || (inv->owes && inv->complete) || (inv->read && !sent) ||
        (inv->next.link && inv->state != NW_INVOCATION_WAITING))
        return false;
    switch (inv->state) {
    case NW_INVOCATION_OPEN:
    case NW_INVOCATION_WAITING:
        return inv->owner;
    case NW_INVOCATION_READY:
        return inv->owner && inv->complete && inv->queue && !inv->spilled;
    case NW_INVOCATION_SENT:
        return inv->owner && inv->complete && inv->queue && inv->home && !inv->spilled;
    case NW_INVOCATION_ORPHAN:
        return !inv->owner && inv->queue && inv->home;
    default:
        return false;
    }
}

/* Requests of clients count from when they are complete until a worker has them. */
static void count_queued(struct nw_invocation *inv)
{
    struct nw_engine *engine = inv->engine;
    inv->queued = !inv->depth && inv->complete;
    engine->queued += inv->queued;
    engine->queueing += inv->queued && !inv->function->queued;
    inv->function->queued += inv->queued;
}

static void uncount_queued(struct nw_invocation *inv)
{
    struct nw_engine *engine = inv->engine;
    inv->function->queued -= inv->queued;
    engine->queueing -= inv->queued && !inv->function->queued;
    engine->queued -= inv->queued;
    inv->queued = false;
}

static void leave(struct nw_invocation *inv)
{
    nw_list_remove(&inv->link);
    uncount_queued(inv);
    if (inv->state != NW_INVOCATION_SENT && inv->state != NW_INVOCATION_ORPHAN)
        return;
    inv->queue->in_flight--;
    inv->queue->from_clients -= !inv->depth;
    inv->function->sent -= !inv->depth;
    inv->home->busy--;
    inv->engine->in_flight--;
    nw__queue_pump_later(inv->queue);
}

static struct nw_list *waits_in(struct nw_invocation *inv)
{
    if (inv->owes)
        return &inv->engine->owing;
    if (inv->next.link)
        return &inv->engine->moving;
    if (!inv->queue)
        return &nw_function_heir(inv->function)->waiting;
    if (inv->capped)
        return &inv->function->capped[nw__place_kind(inv, inv->wanted <= NW_PLACE_SMALL)];
    return &inv->queue->link->waiters[inv->room];
}

static void enter(struct nw_invocation *inv)
{
    switch (inv->state) {
    case NW_INVOCATION_WAITING:
        nw_list_append(waits_in(inv), &inv->link);
        count_queued(inv);
        if (!inv->queue)
            nw_function_want(inv->function);
        break;
    case NW_INVOCATION_READY:
        count_queued(inv);
        nw_list_append(&inv->queue->waiting[inv->depth > 0], &inv->link);
        nw__queue_pump_later(inv->queue);
        break;
    case NW_INVOCATION_SENT:
    case NW_INVOCATION_ORPHAN:
        nw_list_append(&inv->home->sent, &inv->link);
        inv->queue->in_flight++;
        inv->queue->from_clients += !inv->depth;
        inv->function->sent += !inv->depth;
        inv->home->busy++;
        inv->engine->in_flight++;
        break;
    default:
        break;
    }
}

/* What nobody may look at while it lies in the pool. */
#define PRIVATE_PART(inv) &(inv)->complete, sizeof(struct nw_invocation) - offsetof(struct nw_invocation, complete)

static void give_up(struct nw_invocation *inv)
{
    struct nw_queue *queue = inv->queue;
    nw__place_stop(inv);
    nw__place_drop_block(inv);
    if (inv->home)
        nw_link_unref(inv->home);
    nw__place_drop_spilled(inv);
    nw_function_unref(inv->function);
    inv->generation++;
    inv->engine->live_invocations--;
    nw_list_append(&inv->engine->free_invocations, &inv->link);
    nw_poison(PRIVATE_PART(inv));
    if (queue)
        nw__queue_unbind(queue);
}

void nw_invocation_time(struct nw_invocation *inv)
{
    uint64_t next = inv->state == NW_INVOCATION_OPEN ? NW_WHEEL_NEVER : inv->deadline;
    if (inv->expires && inv->owner && inv->expires < next)
        next = inv->expires;
    if (next != NW_WHEEL_NEVER)
        nw_wheel_set_by(&inv->engine->wheel, &inv->timer, next);
}

void nw_invocation_move(struct nw_invocation *inv, enum nw_invocation_event event)
{
    uint8_t next = next_state[inv->state][event];
    nw_check_that(next);
    if (!next) {
        nw_log(NW_LOG_ERROR, "internal error: invocation %u in state %d got event %d", inv->index, inv->state, event);
        return;
    }
    leave(inv);
    inv->state = (enum nw_invocation_state)(next - 1);
    if (inv->state == NW_INVOCATION_FREE) {
        give_up(inv);
        return;
    }
    enter(inv);
    nw_invocation_time(inv);
    nw_check_valid(nw_invocation, inv);
}

static int grow(struct nw_engine *engine)
{
    if (engine->n_invocations >= INVOCATIONS_MAX)
        return -1;
    struct nw_invocation **table =
        realloc(engine->invocations, (engine->n_invocations + GROWTH) * sizeof(struct nw_invocation *));
    if (!table)
        return -1;
    engine->invocations = table;
    for (int i = 0; i < GROWTH; i++) {
        struct nw_invocation *inv = calloc(1, sizeof *inv);
        if (!inv)
            return i ? 0 : -1;
        inv->engine = engine;
        inv->index = engine->n_invocations;
        inv->generation = 1;
        nw_list_append(&engine->free_invocations, &inv->link);
        table[engine->n_invocations++] = inv;
    }
    return 0;
}

struct nw_invocation *nw_invocation_new(struct nw_engine *engine, struct nw_function *function)
{
    if (nw_list_empty(&engine->free_invocations) && grow(engine) < 0)
        return NULL;
    /* The one freed longest ago, so that an id that a worker kept is unlikely to be in use again. */
    struct nw_invocation *inv = nw_container(engine->free_invocations.next, struct nw_invocation, link);
    nw_list_remove(&inv->link);
    nw_unpoison(PRIVATE_PART(inv));
    *inv = (struct nw_invocation){
        .engine = engine, .index = inv->index, .generation = inv->generation, .timer = inv->timer};
    inv->timer.due = engine->invocation_due;
    inv->began = nw_io_now(engine->io);
    nw_list_init(&inv->link);
    inv->state = NW_INVOCATION_OPEN;
    engine->live_invocations++;
    inv->function = function;
    function->references++;
    return inv;
}

void nw_invocation_limit(const struct nw_invocation *inv, char text[NW_LIMIT_TEXT], const char *limit, uint64_t ms,
                         const char *where)
{
    unsigned long long after = nw_io_now(inv->engine->io) - inv->began;
    snprintf(text, NW_LIMIT_TEXT, "%s of %llu ms passed after %llu ms, %s", limit, (unsigned long long)ms, after,
             where);
}

uint64_t nw_invocation_left(const struct nw_invocation *inv, uint64_t most)
{
    uint64_t now = nw_io_now(inv->engine->io);
    uint64_t left = inv->expires > now ? inv->expires - now : 1;
    return inv->expires && left < most ? left : most;
}

uint64_t nw_invocation_id(const struct nw_invocation *inv)
{
    return (uint64_t)inv->generation << 32 | inv->index;
}

struct nw_invocation *nw_invocation_find(struct nw_engine *engine, uint64_t id)
{
    uint32_t index = (uint32_t)id;
    if (index >= engine->n_invocations)
        return NULL;
    struct nw_invocation *inv = engine->invocations[index];
    if (inv->generation != id >> 32 || (inv->state != NW_INVOCATION_SENT && inv->state != NW_INVOCATION_ORPHAN))
        return NULL;
    return inv;
}

void nw_invocations_fini(struct nw_engine *engine)
{
    for (uint32_t i = 0; i < engine->n_invocations; i++)
        free(engine->invocations[i]);
    free(engine->invocations);
}
