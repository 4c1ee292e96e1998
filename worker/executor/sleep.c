/* See sleep.h. */
#include "worker/executor/sleep.h"
#include "worker/base/limits.h"
#include "worker/base/signals.h"
#include "worker/domain/attended.h"
#include "worker/domain/domain.h"
#include "worker/domain/slot.h"
#include "worker/executor/ready.h"
#include "worker/executor/wake.h"
#include <errno.h>
#include <stddef.h>

static uint32_t n_awaiting; /* slots that wait until they may block */

static bool is_asleep(const struct nw_slot *slot)
{
    return slot->state == NW_SLOT_FUTEX || slot->state == NW_SLOT_SLEEP || slot->state == NW_SLOT_BLOCK ||
           slot->state == NW_SLOT_SIGWAIT;
}

void nw_sleep_end(struct nw_slot *slot)
{
    nw_sleepers_remove(slot);
    nw_ready(slot);
    nw_wake_executor();
}

void nw_sleep_interrupt(struct nw_slot *slot)
{
    if (!is_asleep(slot))
        return;
    slot->signals.cut = slot->state == NW_SLOT_BLOCK || slot->state == NW_SLOT_SIGWAIT ? NW_CUT_UNBEGUN : NW_CUT_BEGUN;
    nw_sleep_end(slot);
}

void nw_sleep(struct nw_slot *slot, enum nw_slot_state state, uint64_t wake_at)
{
    n_awaiting += state == NW_SLOT_BLOCK;
    if (state == NW_SLOT_FUTEX)
        nw__ready_lend(slot);
    nw_attend(slot->domain);
    nw_slot_move(slot, state);
    slot->wake_at = wake_at;
    slot->next = slot->domain->sleepers;
    slot->domain->sleepers = slot;
    if (wake_at)
        nw_wake_control_by(wake_at);
    if (slot->signalled) /* it came before the slot slept */
        nw_sleep_interrupt(slot);
}

void nw_sleepers_remove(struct nw_slot *slot)
{
    struct nw_slot **link = &slot->domain->sleepers;

    while (*link && *link != slot)
        link = &(*link)->next;
    if (*link)
        n_awaiting -= slot->state == NW_SLOT_BLOCK;
    if (*link)
        *link = slot->next;
}

static uint64_t domain_timers(struct nw_domain *domain, uint64_t now, uint64_t next)
{
    struct nw_slot *slot = domain->sleepers, *following;

    for (; slot; slot = following) {
        following = slot->next;
        if (!slot->wake_at)
            continue;
        if (slot->wake_at > now) {
            next = slot->wake_at < next ? slot->wake_at : next;
            continue;
        }
        nw_sleepers_remove(slot);
        if (slot->state != NW_SLOT_BLOCK && slot->state != NW_SLOT_SIGWAIT) /* those make their call again */
            nw_slot_result(slot, slot->state == NW_SLOT_FUTEX ? -ETIMEDOUT : 0);
        nw_ready(slot);
        nw_wake_executor();
    }
    return next;
}

uint64_t nw_sleepers_run(uint64_t now)
{
    uint64_t next = UINT64_MAX;

    for (struct nw_domain *d = nw_attended_after(NULL); d; d = nw_attended_after(d)) {
        if (d->sleepers)
            next = domain_timers(d, now, next);
    }
    return next;
}

bool nw_sleepers_timed(const struct nw_domain *domain)
{
    for (const struct nw_slot *slot = domain->sleepers; slot; slot = slot->next)
        if (slot->wake_at)
            return true;
    return false;
}

bool nw__sleepers_await(void)
{
    return n_awaiting > 0;
}
