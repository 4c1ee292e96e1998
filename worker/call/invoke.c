/*
 * Invocations: which waits for which func worker, what a func worker is given, and where its result goes. The nested
 * call's ordinary case is in dispatch.c, the rings are in wire/ and arrive.c.
 */
#include "worker/call/invoke.h"
#include "common/base/atomic.h"
#include "worker/account/share.h"
#include "worker/base/limits.h"
#include "worker/base/lock.h"
#include "worker/base/ops.h"
#include "worker/base/span.h"
#include "worker/call/extra.h"
#include "worker/domain/deployed.h"
#include "worker/domain/domain.h"
#include "worker/domain/free.h"
#include "worker/domain/keys.h"
#include "worker/domain/slot.h"
#include "worker/executor/ready.h"
#include "worker/executor/stale.h"
#include "worker/executor/wake.h"
#include "worker/reach/route.h"
#include "worker/snapshot/taker.h"
#include "worker/wire/carry.h"
#include "worker/wire/link.h"
#include "worker/wire/send.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static struct nw_arrival *spares;

struct nw_arrival *nw__arrival_new(void)
{
    struct nw_arrival *invocation = spares;

    if (invocation)
        spares = invocation->next;
    else
        invocation = malloc(sizeof(*invocation));
    if (invocation)
        memset(invocation, 0, sizeof(*invocation));
    return invocation;
}

void nw__arrival_free(struct nw_arrival *invocation)
{
    invocation->next = spares;
    spares = invocation;
}

void nw__deployed_enqueue(struct nw_deployed *function, struct nw_arrival *invocation)
{
    invocation->next = NULL;
    *function->queue_tail = invocation;
    function->queue_tail = &invocation->next;
    nw_store_relaxed(&function->queued, function->queued + 1); /* a hint for the nested call */
}

/* For an invocation whose func worker ended before it could begin. */
void nw__deployed_enqueue_first(struct nw_deployed *function, struct nw_arrival *invocation)
{
    struct nw_slot *caller = invocation->caller;

    if (caller && nw_load_relaxed(&caller->domain->state) == NW_DOMAIN_DYING) { /* stored under the same lock */
        nw__arrival_free(invocation);
        nw_slot_die(caller);
        return;
    }
    if (caller)
        nw_slot_move(caller, NW_SLOT_QUEUED);
    invocation->next = function->queue;
    function->queue = invocation;
    if (!invocation->next)
        function->queue_tail = &invocation->next;
    nw_store_relaxed(&function->queued, function->queued + 1);
}

static void unlink_invocation(struct nw_deployed *function, struct nw_arrival **link)
{
    struct nw_arrival *invocation = *link;

    *link = invocation->next;
    if (!invocation->next)
        function->queue_tail = link;
    nw_store_relaxed(&function->queued, function->queued - 1);
}

/* Takes the queued nested call of a caller out of whatever queue it is in. */
void nw__queue_forget(struct nw_slot *caller)
{
    for (struct nw_deployed *f = nw_deployed_after(NULL); f; f = nw_deployed_after(f)) {
        for (struct nw_arrival **link = &f->queue; *link; link = &(*link)->next)
            if ((*link)->caller == caller) {
                struct nw_arrival *found = *link;

                unlink_invocation(f, link);
                nw__arrival_free(found);
                return;
            }
    }
}

void nw_queue_cancel(struct nw_slot *caller)
{
    nw__queue_forget(caller);
    caller->gate.result = (uint64_t)(long)-ETIMEDOUT;
    caller->gate.result2 = 0;
    nw_ready(caller);
    nw_wake_executor();
}

/* A caller whose nested call has ended, its result in place: it goes on, unless its domain ended meanwhile. */
static void caller_resume(struct nw_slot *caller)
{
    if (nw_load_relaxed(&caller->domain->state) == NW_DOMAIN_DYING) /* stored under the lock that is held here */
        nw_slot_die(caller);
    else
        nw_ready(caller);
}

/* Fails an invocation that never got a slot. */
void nw__arrival_fail(struct nw_arrival *invocation, enum nw_status status, long error, const char *reason)
{
    if (invocation->caller) {
        invocation->caller->gate.result = (uint64_t)error;
        invocation->caller->gate.result2 = 0;
        caller_resume(invocation->caller);
    } else {
        nw_complete(invocation->id, status, reason);
    }
    nw__arrival_free(invocation);
}

/* Its caller holds a slot, here or in another worker, until it is answered. So a nested call never waits for the slots
 * that invocations of clients are limited to. */
static bool is_nested(const struct nw_arrival *invocation)
{
    return invocation->caller || invocation->depth > 0;
}

/* Whether an invocation may begin: the engine may have taken back what waited here, since it gives this worker up. */
static bool claim(const struct nw_arrival *invocation)
{
    return invocation->caller || nw_claim(invocation->id.link->channel.claims, invocation->id.id);
}

/* Begins an invocation in a func worker that waits in the gate. False: it is not to begin, or its input cannot be read
 * or placed. */
static bool begin(struct nw_slot *slot, struct nw_arrival *invocation)
{
    if (invocation->caller)
        nw_slot_move(invocation->caller, NW_SLOT_CALLING);
    if (invocation->input.length > slot->inbox.size) {
        slot->assigned = invocation;
        slot->seen_at = 0; /* the watch gives it the time of an invocation to make room */
        slot->gate.result = invocation->input.length;
        slot->gate.result2 = NW_MORE_ROOM;
        return true;
    }
    if (!claim(invocation)) {
        nw__arrival_fail(invocation, NW_STATUS_UNAVAILABLE, 0, "it was taken back");
        return false;
    }
    if (invocation->input.length > NW_CARRY_LOCKED) {
        slot->freight =
            (struct nw_freight){.kind = NW_FREIGHT_INPUT, .to = (char *)slot->inbox.at, .left = invocation->input};
    } else if (nw_sink_copy(slot->inbox, invocation->input) < 0) {
        nw__arrival_fail(invocation, NW_STATUS_CRASHED, -EFAULT, "the input could not be placed in the function");
        return false;
    }
    slot->caller = invocation->caller;
    slot->from_ring = !invocation->caller;
    slot->takes_slot = !is_nested(invocation);
    slot->domain->n_serving += slot->takes_slot;
    slot->invocation = invocation->id;
    slot->answered = slot->excused = false;
    slot->depth = invocation->depth;
    slot->until = invocation->until;
    slot->request = invocation->request;
    slot->gate.result = invocation->input.length;
    slot->gate.result2 = slot->domain->function->fresh ? NW_RESTORED : 0;
    nw_store_relaxed(&slot->sequence, slot->sequence + 1); /* sampled by nw_watch */
    nw__arrival_free(invocation);
    return true;
}

/* The first invocation that may run now: those that are not nested take at most the function's slots. */
static struct nw_arrival **eligible(struct nw_deployed *function)
{
    struct nw_arrival **link = &function->queue;

    while (*link && !is_nested(*link) && function->domain->n_serving >= function->slots)
        link = &(*link)->next;
    return link;
}

/* Asks for another func worker when none is free and all that were made have come here. A nested call may wait behind
 * invocations from the ring, whose turn comes only when those that wait for it are done. */
static void grow(struct nw_domain *domain)
{
    const struct nw_arrival *waiting = domain->function->queue;

    while (waiting && !is_nested(waiting))
        waiting = waiting->next;
    nw__extra_make(domain, waiting != NULL);
}

/* The func worker has done something and waits. That of a fresh function first becomes what it was. */
static void wait_again(struct nw_slot *slot)
{
    if (slot->domain->function->fresh && slot->domain->restores)
        nw_stale(slot);
    else
        nw_free_push(slot, NULL);
}

uint64_t nw_deployed_first(const struct nw_deployed *function)
{
    return function->queue ? function->queue->id.id | 1ull << 63 : 0; /* a nested call has no id */
}

void nw_deployed_feed(struct nw_deployed *function)
{
    struct nw_domain *domain = function->domain;
    struct nw_arrival **link;

    while (domain && domain->state == NW_DOMAIN_LIVE && *(link = eligible(function))) {
        struct nw_arrival *invocation = *link;
        struct nw_slot *slot;

        if (!nw_key_usable(domain)) {
            nw_key_want(domain, true);
            return;
        }
        slot = nw_free_pop(domain, NULL);
        if (!slot) {
            grow(domain);
            return;
        }
        unlink_invocation(function, link);
        nw_key_used(domain);
        slot->pace = NW_PACE_BRIEF;
        slot->used = 0;
        if (begin(slot, invocation))
            nw_ready(slot);
        else
            wait_again(slot);
    }
}

/* Tells the engine of the invocation that a slot runs, and has from it. */
void nw__answer_engine(const struct nw_slot *slot, enum nw_status status, const char *reason)
{
    if (slot->domain->violated && status == NW_STATUS_CRASHED)
        nw_complete_violated(slot->invocation, reason);
    else
        nw_complete(slot->invocation, status, reason);
}

/* Ends the invocation that a slot runs without an output. */
void nw__answer(struct nw_slot *slot, enum nw_status status, const char *reason)
{
    struct nw_slot *caller = slot->caller;

    if (!(slot->sequence & 1))
        return;
    nw_slot_served(slot);
    if (!caller) {
        if (!slot->answered)
            nw__answer_engine(slot, status, reason);
        return;
    }
    nw__reply_fail(caller, status == NW_STATUS_TIMEOUT ? -ETIMEDOUT : -EIO);
    caller_resume(caller);
}

void nw_input_failed(struct nw_slot *slot)
{
    struct nw_slot *caller = slot->caller;

    nw__answer(slot, NW_STATUS_CRASHED, "the input could not be placed in the function");
    if (caller && caller->state == NW_SLOT_READY)
        caller->gate.result = (uint64_t)(long)-EFAULT;
    if (nw_turn(slot))
        nw_ready(slot);
}

void nw_answer_carried(struct nw_slot *slot, int error)
{
    struct nw_slot *caller = slot->caller;

    if (error == -ECANCELED) /* reaped, it answers */
        return;
    if (error)
        nw__reply_fail(caller, error);
    nw_slot_served(slot);
    caller_resume(caller);
}

/* A nested call's output that does not fit the reply buffer, or whose caller needs the longer way. 0, or -EINPROGRESS
 * of nw_carry. */
static int answer_caller(struct nw_slot *slot)
{
    struct nw_slot *caller = slot->caller;
    int error = 0;
    char *to;

    if (caller->domain->state == NW_DOMAIN_DYING || slot->output_status != 0 || slot->output.length > NW_PAYLOAD_MAX) {
        nw__answer(slot, NW_STATUS_FUNCTION_FAILED, "");
        return 0;
    }
    to = nw__reply_place(caller, slot->output.length);
    if (to)
        error = nw_carry(slot, &(struct nw_freight){.kind = NW_FREIGHT_ANSWER, .to = to, .left = slot->output});
    if (error == -EINPROGRESS)
        return error;
    nw_answer_carried(slot, error);
    return 0;
}

/* Keeps an output that is larger than the caller's reply buffer until the caller fetches it. A domain may have as much
 * of this as of its own memory. */
static char *hold(struct nw_slot *caller, uint64_t length)
{
    nw__held_drop(caller);
    if (nw_share_take(&caller->domain->account, NW_RESOURCE_HELD_BYTES, length) == 0) {
        caller->held = malloc(length);
        caller->held_length = length;
    }
    caller->gate.result = (uint64_t)(long)(caller->held ? -ENOBUFS : -ENOMEM);
    caller->gate.result2 = length;
    return caller->held;
}

char *nw__reply_place(struct nw_slot *caller, uint64_t length)
{
    if (length > caller->reply.size)
        return hold(caller, length);
    caller->gate.result = length;
    caller->gate.result2 = 0;
    return (char *)caller->reply.at;
}

void nw__reply_fail(struct nw_slot *caller, long error)
{
    nw__held_drop(caller);
    caller->gate.result = (uint64_t)error;
    caller->gate.result2 = 0;
}

void nw__held_drop(struct nw_slot *caller)
{
    free(caller->held);
    caller->held = NULL;
    if (caller->held_length)
        nw_share_give(&caller->domain->account, NW_RESOURCE_HELD_BYTES, caller->held_length);
    caller->held_length = 0;
}

long nw_fetch_carried(struct nw_slot *slot, int error)
{
    const long length = (long)slot->held_length;

    nw__held_drop(slot);
    return error ? error : length;
}

/* -EAGAIN: the slot waits for room in the arena and does this again. -EINPROGRESS: see nw_carry. */
static int finish(struct nw_slot *slot)
{
    int error = 0;

    nw__held_drop(slot);
    if (!(slot->sequence & 1))
        return 0;
    if (!slot->from_ring)
        error = answer_caller(slot);
    else if (slot->answered)
        nw_slot_served(slot);
    else
        error = nw_send_output(slot);
    return error;
}

/* What comes of it that a func worker waits. */
static void look_around(struct nw_domain *domain)
{
    if (domain->closing)
        nw_workers_dismiss(domain);
    nw_deployed_feed(domain->function);
    if (domain->snapshot_wanted)
        nw_taker_look(domain);
}

/* A func worker is done and takes the next invocation of its function, or becomes free. */
struct nw_gate_context *nw_turn(struct nw_slot *slot)
{
    if (slot->assigned) {
        struct nw_arrival *assigned = slot->assigned;

        slot->assigned = NULL;
        if (assigned->input.length > slot->inbox.size) /* it did not make room after all */
            nw__arrival_fail(assigned, NW_STATUS_CRASHED, -ENOMEM, "the function has no memory for its input");
        else if (begin(slot, assigned)) {
            if (!slot->freight.kind)
                return &slot->gate;
            nw_ready(slot);
            return NULL;
        }
    }
    wait_again(slot);
    look_around(slot->domain);
    return NULL;
}

void nw_renewed(struct nw_slot *slot)
{
    nw_free_push(slot, NULL);
    look_around(slot->domain);
}

void nw_workers_dismiss(struct nw_domain *domain)
{
    struct nw_slot *slot;

    while ((slot = nw_free_pop(domain, NULL))) {
        slot->gate.result = 0;
        slot->gate.result2 = NW_NO_MORE;
        nw_ready(slot);
        nw_wake_executor();
    }
    if (domain->n_free) { /* they are dismissed when it has a key */
        nw_key_want(domain, true);
        nw_wake_executor();
    }
}

/* Whether every func worker of the callee belongs to this chain of calls and there will be no more: then waiting would
 * never end. */
static bool would_wait_for_itself(const struct nw_slot *caller, const struct nw_deployed *function)
{
    const struct nw_domain *callee = function->domain;
    uint32_t held = 0;

    if (!callee || nw__extra_possible(callee))
        return false;
    for (const struct nw_slot *s = caller; s; s = s->caller)
        held += s->domain == callee;
    return held >= callee->n_workers;
}

/* -EINPROGRESS: the call waits in the callee's queue. */
static long enqueue_call(struct nw_slot *slot, struct nw_deployed *function, struct nw_source input)
{
    struct nw_arrival *invocation;

    if (!function)
        return -ENOENT;
    if (would_wait_for_itself(slot, function))
        return -ELOOP;
    invocation = nw__arrival_new();
    if (!invocation)
        return -ENOMEM;
    *invocation = (struct nw_arrival){.caller = slot, .input = input, .depth = slot->depth + 1};
    nw_slot_move(slot, NW_SLOT_QUEUED);
    nw__deployed_enqueue(function, invocation);
    nw_deployed_feed(function);
    return -EINPROGRESS;
}

struct nw_gate_context *nw_slot_done(struct nw_slot *slot)
{
    int error;

    if (!slot->worker) {
        slot->worker = true;
        slot->domain->n_workers++;
    }
    error = slot->domain->state == NW_DOMAIN_DYING ? -ECANCELED : finish(slot);
    if (slot->domain->state == NW_DOMAIN_DYING)
        nw_slot_die(slot);
    else if (error == -EAGAIN)
        nw_arena_wait(slot);
    else if (!error)
        return nw_turn(slot);
    return NULL;
}

void nw_slot_call(struct nw_slot *slot, struct nw_deployed *function, struct nw_source input)
{
    long error;

    if (slot->domain->state == NW_DOMAIN_DYING) {
        nw_slot_die(slot);
        return;
    }
    error = enqueue_call(slot, function, input);
    if (error == -EINPROGRESS)
        return;
    slot->gate.result = (uint64_t)error;
    slot->gate.result2 = 0;
    nw_ready(slot);
}
