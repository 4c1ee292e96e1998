/*
 * System calls that may take long. Each keeps its executor, and another takes over the token, so that nobody else
 * waits. How many a domain may keep is a matter of shares (share.h); a flow that finds none left waits in its domain's
 * sleepers and makes its call anew when one is free. Domains take turns at what is given back.
 */
#include "worker/executor/blocked.h"
#include "common/base/atomic.h"
#include "worker/account/share.h"
#include "worker/account/ticks.h"
#include "worker/base/limits.h"
#include "worker/base/lock.h"
#include "worker/base/now.h"
#include "worker/domain/domain.h"
#include "worker/domain/executor.h"
#include "worker/domain/keys.h"
#include "worker/domain/slot.h"
#include "worker/executor/ready.h"
#include "worker/executor/sleep.h"
#include "worker/executor/thread.h"
#include "worker/executor/wake.h"
#include "worker/tick/quantum.h"
#include <errno.h>

#define RETRY_NS \
    5000000ull /* for who waits although there is room: no kernel thread could be made, or it came too late */

static uint32_t n_blocked; /* executors; guarded by the monitor's lock */

/* Whether no executor is left over that could take over the token of one that blocks. */
static bool is_last(void)
{
    return nw__executors_count() - n_blocked <= nw_executors_at_once();
}

int nw_executor_block(struct nw_executor *ex)
{
    struct nw_slot *slot = nw_running(ex);
    int error = 0;

    pthread_mutex_lock(&nw_monitor_lock);
    if (!slot->may_block)
        error = nw_share_take(&slot->domain->account, NW_RESOURCE_BLOCKED, 1);
    slot->may_block = false;
    if (!error && is_last() && nw__executor_start() < 0) {
        nw_share_give(&slot->domain->account, NW_RESOURCE_BLOCKED, 1);
        error = -EAGAIN;
    }
    if (!error) {
        n_blocked++;
        ex->blocked = 1;
        ex->has_rights = true;
        ex->blocked_at = nw_ticks();
        nw_quantum_set(ex, 0); /* it would cut the call short */
        if (nw_ready_any() || !nw_wake_is_led())
            nw_wake_executor();
    }
    pthread_mutex_unlock(&nw_monitor_lock);
    return error;
}

static uint32_t count_awake(void)
{
    return nw__executors_count() - n_blocked - nw__wake_asleep();
}

bool nw_executor_is_spare(void)
{
    return count_awake() > nw_executors_at_once();
}

bool nw_executors_suffice(void)
{
    return count_awake() >= nw_executors_at_once();
}

/* The one that has waited longest: a flow that begins to wait is put first. */
static struct nw_slot *oldest_waiter(const struct nw_domain *domain)
{
    struct nw_slot *oldest = NULL;

    for (struct nw_slot *s = domain->sleepers; s; s = s->next)
        if (s->state == NW_SLOT_BLOCK)
            oldest = s;
    return oldest;
}

/* Gives what was given back to the next domain that waits for it and may have it. Lock held. */
static void hand_on(void)
{
    static size_t turn;

    for (size_t i = 0; nw__sleepers_await() && i < NW_DOMAINS_MAX; i++) {
        struct nw_domain *domain = nw_domain_at((turn + i) % NW_DOMAINS_MAX);
        struct nw_slot *slot = domain && domain->sleepers ? oldest_waiter(domain) : NULL;

        if (!slot || nw_share_take(&domain->account, NW_RESOURCE_BLOCKED, 1) < 0)
            continue;
        slot->may_block = true;
        nw_sleepers_remove(slot);
        nw_ready(slot);
        nw_wake_executor();
        turn = (turn + i + 1) % NW_DOMAINS_MAX;
        return;
    }
}

static void give_back(struct nw_domain *domain)
{
    nw_share_give(&domain->account, NW_RESOURCE_BLOCKED, 1);
    hand_on();
}

void nw_executor_unblock(struct nw_executor *ex)
{
    struct nw_slot *slot = nw_running(ex);

    pthread_mutex_lock(&nw_monitor_lock);
    n_blocked--;
    ex->blocked = 0;
    ex->taken_at += nw_ticks() - ex->blocked_at;
    ex->counted_at += nw_ticks() - ex->blocked_at;
    give_back(slot->domain);
    /* It may not have been kicked: it surfaces by itself. */
    if (nw_keys_called_back() || slot->state == NW_SLOT_BARE || !nw_key_usable(slot->domain))
        ex->gate.pending = 1;
    nw_slot_move(slot, NW_SLOT_RUNNING);
    pthread_mutex_unlock(&nw_monitor_lock);
}

bool nw_blocked_await(struct nw_slot *slot, bool restarts, uint64_t until)
{
    struct nw_domain *domain = slot->domain;
    uint64_t soon = nw_now() + RETRY_NS;
    bool live;

    pthread_mutex_lock(&nw_monitor_lock);
    live = domain->state != NW_DOMAIN_DYING;
    if (live && nw_share_take(&domain->account, NW_RESOURCE_BLOCKED, 1) == 0) {
        nw_share_give(&domain->account, NW_RESOURCE_BLOCKED, 1);
        until = until && until < soon ? until : soon;
    }
    if (live) {
        nw_slot_again(slot);
        slot->signals.restarts = restarts;
        slot->signals.left_at = 0;
        nw_sleep(slot, NW_SLOT_BLOCK, until);
    }
    pthread_mutex_unlock(&nw_monitor_lock);
    return live;
}

void nw_blocked_unused(struct nw_slot *slot)
{
    if (slot->may_block)
        give_back(slot->domain);
    slot->may_block = false;
}
