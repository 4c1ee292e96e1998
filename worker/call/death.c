/* See death.h. */
#include "worker/call/death.h"
#include "common/base/atomic.h"
#include "common/base/log.h"
#include "worker/base/limits.h"
#include "worker/base/ops.h"
#include "worker/call/deployed.h"
#include "worker/call/invoke.h"
#include "worker/domain/deployed.h"
#include "worker/domain/domain.h"
#include "worker/domain/free.h"
#include "worker/domain/slot.h"
#include "worker/executor/blocked.h"
#include "worker/executor/ready.h"
#include "worker/executor/sleep.h"
#include "worker/executor/stale.h"
#include "worker/executor/thread.h"
#include "worker/executor/wake.h"
#include "worker/life/burial.h"
#include "worker/memory/shortage.h"
#include "worker/wire/send.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

static void leave_lists(struct nw_slot *slot)
{
    switch (slot->state) {
    case NW_SLOT_READY:
        nw_ready_remove(slot);
        break;
    case NW_SLOT_FUTEX:
    case NW_SLOT_SLEEP:
    case NW_SLOT_BLOCK:
    case NW_SLOT_SIGWAIT:
        nw_sleepers_remove(slot);
        break;
    case NW_SLOT_ARENA:
        nw_arena_forget(slot);
        break;
    case NW_SLOT_STALE:
        nw_stale_remove(slot);
        break;
    case NW_SLOT_QUEUED:
        nw__queue_forget(slot);
        break;
    default:
        break;
    }
}

static void reap(struct nw_slot *slot)
{
    struct nw_domain *domain = slot->domain;
    struct nw_deployed *function = domain->function;

    if (slot->assigned) {
        nw__deployed_enqueue_first(function, slot->assigned);
        slot->assigned = NULL;
    }
    nw_freight_drop(slot);
    nw__answer(slot, domain->end_status, domain->reason);
    nw__held_drop(slot);
    nw_blocked_unused(slot);
    slot->call_generation++;
    nw_slot_end(slot);
    if (domain->n_slots > 0)
        return;
    nw_domain_bury(domain);
}

/* To reap a slot may let go of its caller's, which is then the next. */
void nw_deaths_settle(void)
{
    struct nw_slot *slot;

    while ((slot = nw_slot_take_dead()))
        reap(slot);
}

bool nw_deaths_wait(void)
{
    return nw_slot_has_dead();
}

/* A func worker may have been given back after its domain began to die, by an executor that had not looked yet. */
static void sweep_dying(void)
{
    for (struct nw_domain *d = nw_domain_after(NULL); d && nw_domains_dying(); d = nw_domain_after(d)) {
        struct nw_slot *slot, *next;

        if (d->state != NW_DOMAIN_DYING)
            continue;
        for (slot = nw_free_drain(d); slot; slot = next) {
            next = slot->next;
            nw_slot_die(slot);
        }
    }
}

void nw_slot_make_way(struct nw_slot *slot)
{
    if (slot->domain->state == NW_DOMAIN_DYING)
        nw_slot_die(slot);
    else
        nw_ready(slot);
    sweep_dying();
}

static bool is_passive(const struct nw_slot *slot)
{
    switch (slot->state) {
    case NW_SLOT_UNUSED:
    case NW_SLOT_RUNNING:
    case NW_SLOT_BARE:
    case NW_SLOT_CALLING:
    case NW_SLOT_REMOTE: /* until the engine has answered: its payload is in the arena */
    case NW_SLOT_FREE:   /* drained, or on its way from the list to an executor */
    case NW_SLOT_DEAD:
        return false;
    default:
        return true;
    }
}

/* Whether an executor still reads the invocation's block, which is another payload's once the engine has the answer. */
static bool reads_input(const struct nw_slot *slot)
{
    return slot->state == NW_SLOT_RUNNING &&
           nw_load_acquire(&slot->freight.kind) == NW_FREIGHT_INPUT; /* stored by nw__freight_carry, without the lock */
}

/* The engine hears at once of invocations whose slots have yet to surface, but for those that are reaped soon. */
static void answer_early(struct nw_slot *slot)
{
    if (slot->state == NW_SLOT_UNUSED || !(slot->sequence & 1) || !slot->from_ring || slot->answered ||
        reads_input(slot))
        return;
    slot->answered = true;
    nw__answer_engine(slot, slot->domain->end_status, slot->domain->reason);
}

void nw_domain_kill(struct nw_domain *domain, enum nw_status status, const char *reason)
{
    if (domain->state != NW_DOMAIN_STARTING && domain->state != NW_DOMAIN_LIVE)
        return;
    if (!domain->reason[0])
        snprintf(domain->reason, sizeof(domain->reason), "%s", reason);
    if (status != NW_STATUS_UNAVAILABLE)
        nw_shortage_explain(&domain->memory, domain->state == NW_DOMAIN_LIVE, domain->function->timeout_ns,
                            domain->reason);
    domain->end_status = status == NW_STATUS_OK ? NW_STATUS_CRASHED : status; /* what is cut off never ended well */
    nw__deployed_domain_lost(domain, status, domain->reason);
    nw_domain_move(domain, NW_DOMAIN_KILL); /* read by every executor after its kick */
    for (size_t i = 0; i < domain->slots_end; i++)
        answer_early(&domain->slots[i]);
    sweep_dying();
    for (size_t i = 0; i < domain->slots_end; i++)
        if (is_passive(&domain->slots[i])) {
            leave_lists(&domain->slots[i]);
            nw_slot_die(&domain->slots[i]);
        }
    nw_executors_kick();
    pthread_cond_broadcast(&domain->key_given);
    if (domain->n_slots == 0)
        nw_domain_bury(domain);
}

/* Until its deadline: see watch_domain. */
void nw_domain_exit(struct nw_domain *domain)
{
    struct nw_slot *first = domain->grower;

    if (domain->state == NW_DOMAIN_DYING) /* killed meanwhile: none of its flows runs again */
        return;
    if (!first) { /* it makes another func worker, which nobody needs any more */
        nw_domain_kill(domain, NW_STATUS_UNAVAILABLE, NW_REMOVED);
        return;
    }
    nw_store_relaxed(&domain->grower, NULL); /* loaded by may_read_libraries */
    first->gate.result = 0;
    first->gate.result2 = NW_NO_MORE;
    nw_ready(first);
    nw_wake_executor();
}
