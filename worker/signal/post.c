/* Who gets a signal, and what that does to a flow that waits. See signals.h. */
#include "common/base/atomic.h"
#include "worker/domain/domain.h"
#include "worker/domain/executor.h"
#include "worker/domain/slot.h"
#include "worker/executor/sleep.h"
#include "worker/executor/thread.h"
#include "worker/signal/signals.h"
#include <signal.h>

#define IGNORED_BY_DEFAULT \
    (NW_SIGNAL_BIT(SIGCHLD) | NW_SIGNAL_BIT(SIGCONT) | NW_SIGNAL_BIT(SIGURG) | NW_SIGNAL_BIT(SIGWINCH))

enum nw__signal_effect nw__signal_effect(const struct nw_domain *domain, int signal)
{
    uint64_t handler = domain->signals.actions[signal - 1].handler;

    if (handler == (uint64_t)SIG_IGN)
        return NW_SIGNAL_IGNORED;
    if (handler != (uint64_t)SIG_DFL)
        return NW_SIGNAL_HANDLED;
    return NW_SIGNAL_BIT(signal) & IGNORED_BY_DEFAULT ? NW_SIGNAL_IGNORED : NW_SIGNAL_ENDS;
}

/* Signals of timers that expired and belong to the flow, or to any. */
static uint64_t timers_pending(const struct nw_slot *slot)
{
    const struct nw_signals *signals = &slot->domain->signals;
    uint64_t set = 0;

    for (size_t i = 0; i < NW_SIGNAL_TIMERS; i++)
        if (signals->timers[i].pending && (!signals->timers[i].tid || signals->timers[i].tid == slot->tid))
            set |= NW_SIGNAL_BIT(signals->timers[i].signal);
    return set;
}

uint64_t nw_signal_pending(const struct nw_slot *slot)
{
    return slot->signals.pending | slot->domain->signals.pending | timers_pending(slot);
}

uint64_t nw__signal_deliverable(const struct nw_slot *slot)
{
    return nw_signal_pending(slot) & ~slot->signals.mask;
}

void nw_signal_look(struct nw_slot *slot)
{
    nw_store_relaxed(&slot->signalled, nw__signal_deliverable(slot) != 0); /* read by whoever runs it */
}

/* An executor that runs the slot, in the domain or in a system call for it, comes to the monitor. One that is missed
 * here, since it was about to return to the slot from a nested call, is found by the watch. */
static void kick(const struct nw_slot *slot, const struct nw_executor *self)
{
    for (struct nw_executor *ex = nw_executor_after(NULL); ex; ex = nw_executor_after(ex)) {
        if (ex != self && nw_running(ex) == slot && !ex->away)
            nw_executor_kick(ex);
    }
}

static void nudge(struct nw_slot *slot, const struct nw_executor *self)
{
    nw_store_relaxed(&slot->signalled, 1u); /* read by whoever runs it */
    if (slot->state == NW_SLOT_RUNNING || slot->state == NW_SLOT_BARE)
        kick(slot, self);
    else
        nw_sleep_interrupt(slot);
}

/* How well a flow suits a signal of the domain: one that waits for it, one that is at work, one that has nothing to do.
 */
static int suits(const struct nw_slot *slot, uint64_t bit, uint32_t maker)
{
    if (slot->state == NW_SLOT_UNUSED || slot->state == NW_SLOT_PARKED)
        return 0;
    if (slot->state == NW_SLOT_SIGWAIT && slot->signals.awaited & bit)
        return 4;
    if (slot->signals.mask & bit)
        return 0;
    return slot->state == NW_SLOT_FREE ? 1 : slot->tid == maker ? 3 : 2;
}

static struct nw_slot *choose(struct nw_domain *domain, uint64_t bit, uint32_t maker)
{
    struct nw_slot *best = NULL;
    int most = 0;

    for (size_t i = 0; i < domain->slots_end; i++) {
        int n = suits(&domain->slots[i], bit, maker);

        if (n > most) {
            most = n;
            best = &domain->slots[i];
        }
    }
    return best;
}

/* The flow, if there is one, has it pending: it wakes when that concerns it. */
static void concern(struct nw_slot *slot, uint64_t bit, const struct nw_executor *self)
{
    if (slot && !(slot->signals.mask & bit))
        nudge(slot, self);
    else if (slot && slot->state == NW_SLOT_SIGWAIT && slot->signals.awaited & bit)
        nw_sleep_end(slot);
}

static bool is_awaited(const struct nw_slot *slot, uint64_t bit)
{
    return slot && (slot->signals.mask & bit || (slot->state == NW_SLOT_SIGWAIT && slot->signals.awaited & bit));
}

bool nw_signal_send(struct nw_domain *domain, struct nw_slot *slot, int signal, struct nw_executor *self)
{
    const uint64_t bit = NW_SIGNAL_BIT(signal);
    const enum nw__signal_effect effect = nw__signal_effect(domain, signal);
    const bool to_domain = !slot;

    if (bit & NW_SIGNAL_UNTOUCHED)
        return false;
    if (to_domain)
        slot = choose(domain, bit, self ? nw_running(self)->tid : 0);
    if (effect != NW_SIGNAL_HANDLED && slot && !is_awaited(slot, bit))
        return effect == NW_SIGNAL_IGNORED;
    if (slot)
        slot->signals.pending |= bit;
    else
        domain->signals.pending |= bit;
    if (slot && to_domain)
        slot->signals.from_kill |= bit;
    concern(slot, bit, self);
    return true;
}

struct nw_slot *nw_signal_flow(struct nw_domain *domain, uint32_t tid)
{
    for (size_t i = 0; i < domain->slots_end; i++)
        if (domain->slots[i].state != NW_SLOT_UNUSED && domain->slots[i].tid == tid)
            return &domain->slots[i];
    return NULL;
}

bool nw__signal_send_timer(struct nw_domain *domain, struct nw_signal_timer *timer)
{
    const uint64_t bit = NW_SIGNAL_BIT(timer->signal);
    const enum nw__signal_effect effect = nw__signal_effect(domain, timer->signal);
    struct nw_slot *slot = timer->tid ? nw_signal_flow(domain, timer->tid) : choose(domain, bit, timer->maker);

    if (effect != NW_SIGNAL_HANDLED && slot && !is_awaited(slot, bit))
        return effect == NW_SIGNAL_IGNORED;
    timer->pending = true;
    concern(slot, bit, NULL);
    return true;
}
