/* See invoke.h. */
#include "engine/dispatch/invoke.h"
#include "common/shm/claims.h"
#include "engine/admit/admit.h"
#include "engine/dispatch/count.h"
#include "engine/dispatch/dispatch.h"
#include "engine/serve/engine.h"
#include "engine/serve/function.h"
#include "engine/serve/link.h"
#include "engine/serve/place.h"
#include "engine/serve/queue.h"
#include <errno.h>
#include <string.h>

static void wait_for_place(struct nw_invocation *inv)
{
    if (!inv->deadline)
        inv->deadline = nw_io_now(inv->engine->io) + inv->engine->options.queue_timeout;
    nw_invocation_move(inv, NW_INVOCATION_WAIT);
}

/* As many as may wait, and those that workers take beside them. */
static uint64_t most_here(const struct nw_function *function)
{
    const struct nw_version *version = function->current;
    uint64_t most = version->queue / (unsigned)function->engine->options.threads, workers = 0;
    nw_list_each(&version->queues, at, after) workers += nw_container(at, struct nw_queue, of_version)->open;
    return (most ? most : 1) + NW_QUEUE_WAVES * version->slots * (workers ? workers : 1);
}

static struct nw_admit_state admit_state(const struct nw_function *function, uint64_t patience)
{
    const struct nw_engine *engine = function->engine;
    const struct nw_options *options = &engine->options;
    return (struct nw_admit_state){.queued = function->queued,
                                   .here = function->queued + function->sent,
                                   .most = most_here(function),
                                   .all_queued = engine->queued,
                                   .all_most = options->queue / options->threads,
                                   .others = engine->queueing - (function->queued > 0),
                                   .gap_us = function->pace.gap_us,
                                   .patience_ms = patience};
}

/* Nested calls are never refused here: their callers hold slots, so there is a bound to them. */
static enum nw_admit admit(const struct nw_function *function, uint32_t depth, uint64_t patience)
{
    if (depth || !function->queued) /* those that nothing waits for are not worth a look */
        return NW_ADMIT;
    const struct nw_admit_state state = admit_state(function, patience);
    return nw_admit(&state);
}

unsigned nw_invoke_retry_after(const struct nw_function *function)
{
    const struct nw_admit_state state = admit_state(function, 0);
    uint64_t seconds = (nw_admit_wait_ms(&state) + 999) / 1000;
    return seconds ? (unsigned)seconds : 1;
}

struct nw_invocation *nw_invoke_begin(struct nw_function *function, uint32_t depth, uint64_t patience,
                                      const struct nw_invocation_owner *owner, void *arg, enum nw_status *status,
                                      const char **reason)
{
    *status = NW_STATUS_OK;
    *reason = "";
    if (!function || !function->current)
        *status = NW_STATUS_NOT_FOUND;
    else if (depth > NW_DEPTH_MAX)
        *status = NW_STATUS_CALL_DEPTH;
    else if (function->current->state == NW_VERSION_FAILED)
        *status = NW_STATUS_UNAVAILABLE, *reason = function->current->reason, nw_function_want(function);
    if (*status != NW_STATUS_OK) {
        if (function)
            nw__count_refused(function, *status);
        return NULL;
    }
    struct nw_engine *engine = function->current->engine;
    uint64_t most = engine->options.queue_timeout;
    enum nw_admit verdict = admit(function, depth, patience && patience < most ? patience : most);
    if (verdict != NW_ADMIT) {
        engine->counters.refused++;
        *status = NW_STATUS_OVERLOADED;
        *reason = nw_admit_reason(verdict);
        nw__count_refused(function, *status);
        return NULL;
    }
    struct nw_invocation *inv = nw_invocation_new(engine, function);
    if (!inv) {
        *status = NW_STATUS_UNAVAILABLE;
        *reason = "too many invocations are under way";
        nw__count_refused(function, *status);
        return NULL;
    }
    engine->counters.requests++;
    inv->depth = depth;
    inv->owner = owner;
    inv->owner_arg = arg;
    nw__count_begun(inv);
    return inv;
}

void nw_invoke_with_context(struct nw_invocation *inv, size_t length)
{
    inv->context = length;
}

static bool needs_no_place(struct nw_invocation *inv, size_t total, bool grows)
{
    return nw_place_small(inv, total, grows) || nw_place_private(inv, total, grows);
}

int nw_invoke_reserve(struct nw_invocation *inv, size_t total, bool grows)
{
    int rc = needs_no_place(inv, total, grows) ? 0 : nw_place(inv, total, grows, false);
    if (rc != -EAGAIN)
        return rc;
    if (!inv->queue && nw__dispatch_fail_if_hopeless(inv))
        return -ECANCELED;
    wait_for_place(inv);
    return -EAGAIN;
}

/* Where the input goes. NULL: there is no memory for it. */
static char *input_at(struct nw_invocation *inv, size_t length)
{
    if (inv->inlined)
        return (char *)inv->small;
    if (inv->has_block)
        return nw_link_at(inv->home, inv->offset);
    return nw_place_spool(inv, length) < 0 ? NULL : inv->spilled;
}

int nw_invoke_write(struct nw_invocation *inv, const void *data, size_t length)
{
    char *at = length ? input_at(inv, length) : NULL;
    if (!length) /* then no block was reserved, nor a home for it found */
        return 0;
    if (!at)
        return -ENOMEM;
    memcpy(at + inv->length, data, length);
    inv->length += length;
    if (!inv->owes)
        return 0;
    wait_for_place(inv);
    return -EAGAIN;
}

/* Many bodies may have begun to arrive when there was still room for one more. */
static bool refuse(struct nw_invocation *inv)
{
    uint64_t patience = nw_invocation_left(inv, inv->engine->options.queue_timeout);
    enum nw_admit verdict = inv->function->current ? admit(inv->function, inv->depth, patience) : NW_ADMIT;
    if (verdict == NW_ADMIT)
        return false;
    inv->engine->counters.refused++;
    nw__dispatch_fail(inv, NW_STATUS_OVERLOADED, nw_admit_reason(verdict));
    return true;
}

void nw_invoke_end(struct nw_invocation *inv)
{
    if (refuse(inv))
        return;
    inv->complete = true;
    nw__count_complete(inv);
    nw_place_arrived(inv);
    inv->engine->counters.bytes_in += inv->length;
    if (nw_place(inv, inv->inlined ? 0 : inv->length, false, false) < 0) {
        if (inv->queue || !nw__dispatch_fail_if_hopeless(inv))
            wait_for_place(inv);
        return;
    }
    if (!inv->deadline)
        inv->deadline = nw_io_now(inv->engine->io) + inv->engine->options.queue_timeout;
    nw_invocation_move(inv, NW_INVOCATION_QUEUE);
}

/* A worker has it: if it has not begun it, it says so instead when its turn comes. What it calls meanwhile is cancelled
 * at the end of the turn (nw_nested_cancel). */
static void cancel(struct nw_invocation *inv)
{
    struct nw_link *link = inv->home;
    inv->engine->counters.cancelled++;
    nw_claim_take_back(link->channel.claims, nw_invocation_id(inv));
    if (link->n_calls && nw_list_empty(&link->orphan_link))
        nw_list_append(&inv->engine->orphan, &link->orphan_link);
}

void nw_invoke_abandon(struct nw_invocation *inv, enum nw_outcome outcome)
{
    nw__count_ended(inv, outcome);
    inv->owner = NULL;
    if (inv->state == NW_INVOCATION_SENT)
        cancel(inv);
    else
        inv->engine->counters.abandoned++;
    nw_invocation_move(inv, NW_INVOCATION_ABANDON);
}
