/* See watch.h. */
#include "worker/watch/watch.h"
#include "common/base/atomic.h"
#include "worker/base/limits.h"
#include "worker/call/death.h"
#include "worker/call/extra.h"
#include "worker/call/invoke.h"
#include "worker/domain/attended.h"
#include "worker/domain/deployed.h"
#include "worker/domain/domain.h"
#include "worker/domain/executor.h"
#include "worker/domain/free.h"
#include "worker/domain/keys.h"
#include "worker/domain/slot.h"
#include "worker/executor/ready.h"
#include "worker/executor/sleep.h"
#include "worker/executor/thread.h"
#include "worker/executor/wake.h"
#include "worker/watch/slice.h"
#include "worker/wire/link.h"
#include "worker/wire/receive.h"
#include "worker/wire/report.h"
#include "worker/wire/send.h"
#include <stdio.h>

#define QUANTUM_NS    5000000ull /* a slot that ran this long yields to one that waits */
#define BRIEF_WAIT_NS 2000000ull /* ... and to one that will be brief */

/* The deadline of whatever invocation a slot runs, or has yet to take, found by sampling: the nested call reads no
 * clock. */
static bool past_deadline(struct nw_slot *slot, uint64_t now, uint64_t timeout)
{
    uint32_t sequence = nw_load_relaxed(&slot->sequence); /* written by the executor that owns the slot */

    if (nw_without(NW_DEFENCE_DEADLINE) || slot->state == NW_SLOT_UNUSED || (!(sequence & 1) && !slot->assigned))
        return false;
    if (sequence != slot->seen_sequence || !slot->seen_at) {
        slot->seen_sequence = sequence;
        slot->seen_at = now;
        return false;
    }
    if (slot->state == NW_SLOT_ARENA) { /* it waits for whoever reads what others wrote: that is not its time */
        slot->seen_at = now;
        return false;
    }
    return now - slot->seen_at >= timeout;
}

/*
 * A caller whose callee is late is not to blame: it keeps its domain. Its own invocation is answered, and it has its
 * time once more to come to an end; the callee has a deadline of its own.
 */
static bool excuse(struct nw_slot *slot, uint64_t now, const char *reason)
{
    enum nw_slot_state state = slot->state;

    if (slot->excused || (state != NW_SLOT_CALLING && state != NW_SLOT_QUEUED && state != NW_SLOT_REMOTE))
        return false;
    slot->excused = true;
    slot->seen_at = now;
    if (slot->from_ring) {
        slot->answered = true;
        nw_complete(slot->invocation, NW_STATUS_TIMEOUT, reason);
    }
    if (state == NW_SLOT_QUEUED)
        nw_queue_cancel(slot);
    return true;
}

/* Looks at the domains of all callers that wait for this slot: none of their executors comes to the monitor meanwhile.
 * The slot runs while it is read, so what is found may belong to an invocation that is over: then a domain is looked at
 * in vain. */
static void attend_callers(const struct nw_slot *slot)
{
    uint32_t sequence = nw_load_relaxed(&slot->sequence); /* as in past_deadline */

    for (int depth = 0; slot && slot->state != NW_SLOT_UNUSED && sequence & 1 && depth <= NW_CALL_DEPTH_MAX; depth++) {
        slot = nw_load_relaxed(&slot->caller); /* the same */
        if (slot)
            nw_attend(slot->domain);
    }
}

static void watch_slots(struct nw_domain *domain, uint64_t now)
{
    struct nw_deployed *function = domain->function;
    char reason[NW_REASON_MAX];

    for (size_t i = 0; domain->state == NW_DOMAIN_LIVE && i < domain->slots_end; i++) {
        attend_callers(&domain->slots[i]);
        if (!past_deadline(&domain->slots[i], now, function->timeout_ns))
            continue;
        snprintf(reason, sizeof(reason), "ran past its deadline of %llu ms",
                 (unsigned long long)(function->timeout_ns / 1000000));
        if (!excuse(&domain->slots[i], now, reason))
            nw_domain_kill(domain, NW_STATUS_TIMEOUT, reason);
    }
}

static void watch_domain(struct nw_domain *domain, uint64_t now)
{
    uint64_t age = now - domain->started_at;

    if (domain->state == NW_DOMAIN_STARTING && age >= NW_START_TIMEOUT * 1000000ull)
        nw_domain_kill(domain, NW_STATUS_TIMEOUT, "the function was not ready within 10 s of being loaded");
    else if (domain->closing && age >= domain->function->timeout_ns)
        nw_domain_kill(domain, NW_STATUS_TIMEOUT, "faas_destroy_func_worker or an exit handler ran past the deadline");
    else
        watch_slots(domain, now);
    if (domain->state != NW_DOMAIN_LIVE)
        return;
    nw_extra_look(domain, nw_deployed_first(domain->function), now);
    if (nw_extra_retry_due(domain, now) || (domain->function->queue && !nw_extra_awaited(domain)))
        nw_deployed_feed(domain->function); /* one more func worker may be possible by now, or of use */
}

/* How long those that wait leave an executor to one slot. */
static uint64_t quantum(bool waiting)
{
    const struct nw_domain *wanting = nw_keys_first_wanting();

    if (nw_ready_brief() || (wanting && wanting->key_urgent) || nw_links_have_work())
        return BRIEF_WAIT_NS;
    return waiting ? QUANTUM_NS : UINT64_MAX;
}

/* An executor that has run one slot, with all it calls, for a quantum while others wait is told to yield; at once when
 * it is known to be long and others are not. */
static void watch_executor(struct nw_executor *ex, uint64_t now, uint64_t most)
{
    uint32_t runs = nw_load_relaxed(&ex->runs); /* written by the executor, under the lock that is held here */

    /* The kick of nw_domain_kill may have come right before the wait. */
    if (ex->blocked && nw_running(ex)->domain->state == NW_DOMAIN_DYING)
        nw_executor_kick(ex);
    /* Or that of a signal. */
    if (!ex->idle && !ex->away && nw_running(ex)->signalled)
        nw_executor_kick(ex);
    if (runs != ex->seen_runs || ex->idle || ex->blocked) {
        ex->seen_runs = runs;
        ex->seen_at = now;
        if (ex->idle || ex->blocked || ex->away || most > BRIEF_WAIT_NS || ex->took_slot->pace == NW_PACE_BRIEF)
            return;
        most = 0;
    } else if (!ex->away && nw__slice_is_long(ex)) {
        return;
    }
    if (now - ex->seen_at >= most)
        nw_executor_kick(ex);
}

/* Whether nothing in it depends on the time. A slot of it that runs is found from the executor that runs it. */
static bool is_timeless(const struct nw_domain *domain)
{
    if (domain->state == NW_DOMAIN_NONE || domain->state == NW_DOMAIN_BURIED)
        return true;
    return domain->state == NW_DOMAIN_LIVE && !domain->closing && domain->n_free == domain->n_workers &&
           !nw_extra_idle(domain) && !nw_sleepers_timed(domain) && !domain->signals.next_timer &&
           !nw_extra_awaited(domain) && !domain->function->limit.spent;
}

static bool is_quiet(const struct nw_domain *domain)
{
    return is_timeless(domain) && (domain->state != NW_DOMAIN_LIVE || !nw_holds_untold(domain));
}

/* What it holds is found by nw_tell_holds. */
void nw_watch_after(struct nw_domain *domain)
{
    if (is_timeless(domain))
        nw_unattend(domain);
    else
        nw_attend(domain);
}

enum nw_watched nw_watch(uint64_t now)
{
    bool waiting = nw_ready_any() || nw_keys_first_wanting() || nw_links_have_work(), runs = waiting, ran = false;
    uint64_t most = quantum(waiting);

    nw_ready_time(now);
    for (struct nw_executor *ex = nw_executor_after(NULL); ex; ex = nw_executor_after(ex)) {
        if (ex->idle || ex->away)
            continue;
        nw_attend(nw_running(ex)->domain);
        attend_callers(nw_running(ex));
    }
    nw_attended_drop(is_quiet);
    for (struct nw_domain *domain = nw_attended_after(NULL); domain; domain = nw_attended_after(domain)) {
        runs |= domain->n_free < domain->n_workers || nw_extra_awaited(domain) || domain->state == NW_DOMAIN_STARTING ||
                domain->state == NW_DOMAIN_DYING;
        ran |= nw_extra_idle(domain); /* they end after a while */
        if (domain->state == NW_DOMAIN_STARTING || domain->state == NW_DOMAIN_LIVE)
            watch_domain(domain, now);
    }
    for (struct nw_executor *ex = nw_executor_after(NULL); ex; ex = nw_executor_after(ex)) {
        ran |= ex->runs != ex->seen_runs;
        runs |= !ex->idle;
        watch_executor(ex, now, most);
    }
    if (waiting)
        nw_wake_executor();
    return runs ? NW_WATCHED_RUNS : ran ? NW_WATCHED_RAN : NW_WATCHED_NOTHING;
}
