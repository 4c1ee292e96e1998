/* See executor.h. */
#include "worker/run/executor.h"
#include "common/base/atomic.h"
#include "common/base/log.h"
#include "common/host/error_text.h"
#include "common/shm/credit.h"
#include "worker/account/ticks.h"
#include "worker/base/limits.h"
#include "worker/base/lock.h"
#include "worker/call/arrive.h"
#include "worker/call/death.h"
#include "worker/call/deployed.h"
#include "worker/call/snapshots.h"
#include "worker/domain/deployed.h"
#include "worker/domain/domain.h"
#include "worker/domain/slot.h"
#include "worker/executor/blocked.h"
#include "worker/executor/ready.h"
#include "worker/executor/stale.h"
#include "worker/executor/wake.h"
#include "worker/life/load.h"
#include "worker/run/deal.h"
#include "worker/run/freight.h"
#include "worker/run/renew.h"
#include "worker/signal/signals.h"
#include "worker/snapshot/snapshot.h"
#include "worker/tick/quantum.h"
#include "worker/watch/slice.h"
#include "worker/watch/watch.h"
#include "worker/wire/carry.h"
#include "worker/wire/link.h"
#include <errno.h>
#include <sched.h>
#include <stdio.h>

#define SPIN_ROUNDS  200     /* some microseconds */
#define SHARED_TICKS 100000  /* some ten microseconds: work that pays for waking somebody to share it */
#define LONG_TICKS   2500000 /* about a millisecond */
#define KEPT_MOST    8       /* as so many times the mean a turn counts at most */

/* Looks for a while, if that pays. Only the leader is here. */
static bool anything_comes(uint32_t n)
{
    static struct nw_credit credit = {NW_CREDIT_MOST};

    if (!nw_credit_allows(&credit))
        return nw_links_have_come(n);
    for (int i = 0; i < SPIN_ROUNDS; i++) {
        if (nw_links_have_come(n)) {
            nw_credit_paid(&credit);
            return true;
        }
        nw_spin_pause();
    }
    nw_credit_vain(&credit);
    return false;
}

/* The leader's sleep: until the engine or another thread of this worker rings. Lock held on entry and return. */
static void wait_on_doorbell(struct nw_executor *ex)
{
    const uint32_t n = nw_links_count();

    nw_wake_lead(true);
    pthread_mutex_unlock(&nw_monitor_lock);
    if (!anything_comes(n)) {
        nw_quantum_set(ex, 0);
        nw_links_sleep(n);
    }
    nw_links_stay_awake(n);
    pthread_mutex_lock(&nw_monitor_lock);
    nw_wake_lead(false);
}

/* Another executor that is woken to share the brief work that waits: whether that pays, and the last one. */
static struct {
    struct nw_credit credit;
    bool called;
    int processor; /* of who called it */
} helper = {.credit = {NW_CREDIT_MOST}};

/* An executor woke up. It helps when it is in time, and not on the processor of who called it. Lock held. */
static void helper_came(void)
{
    if (!helper.called)
        return;
    helper.called = false;
    if (nw_ready_any() && !nw_executor_is_spare() && sched_getcpu() != helper.processor)
        nw_credit_paid(&helper.credit);
    else
        nw_credit_vain(&helper.credit);
}

static void call_helper(void)
{
    helper.called = true;
    helper.processor = sched_getcpu();
}

static struct nw_slot *find_work(struct nw_executor *ex)
{
    struct nw_slot *slot;

    for (;;) {
        nw_deaths_settle();
        nw_keys_deal();
        if (nw_deaths_wait()) /* of a domain that could not be given a key */
            continue;
        slot = nw_stale_take();
        if (!slot && !nw_executor_is_spare())
            slot = nw_ready_take();
        if (slot)
            return slot;
        if (nw_ring_poll())
            continue;
        nw_store_relaxed(&ex->idle, 1u);                  /* a hint for kicks and the watch */
        if (nw_wake_is_led() || nw_executor_is_spare()) { /* who has its token looks at the rings, too */
            nw_quantum_set(ex, 0);
            nw_wake_await();
        } else {
            wait_on_doorbell(ex);
        }
        nw_store_relaxed(&ex->idle, 0u);
        helper_came();
    }
}

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/*
 * Counts how long what the executor took last kept it, a moving mean for the function. One turn makes a function that
 * was brief no long one: the kernel may have given the processor to somebody else meanwhile. Lock held.
 */
static void account(struct nw_executor *ex)
{
    uint64_t kept = nw_ticks() - ex->taken_at;
    struct nw_deployed *function = ex->took;

    if (!function)
        return;
    nw_slice_end(ex);
    if (function->keeps != NW_KEEPS_UNKNOWN)
        kept = function->keeps - function->keeps / 8 + least(kept, KEPT_MOST * function->keeps) / 8;
    function->keeps = least(kept, NW_KEEPS_UNKNOWN - 1);
}

static bool is_long(const struct nw_slot *slot)
{
    return slot->domain->function->keeps > LONG_TICKS;
}

/*
 * Who else should look for work while this one runs the slot: to run those who are ready, or to wait on the doorbell.
 * To wake one, and to share the lock with it, takes longer than several brief invocations, so a few of them are left to
 * this executor, and more of them where no processor is free for the other one. When the slot keeps it longer than its
 * function usually does, the watch wakes another.
 */
static enum nw_wake_whom who_helps(const struct nw_slot *slot)
{
    enum nw_wake_whom whom;

    if (nw_executors_suffice())
        return NW_WAKE_NOBODY;
    if (is_long(slot))
        return nw_ready_any() || (!nw_wake_is_led() && nw_wake_has_idle()) ? nw_wake_whom() : NW_WAKE_NOBODY;
    if (nw_ready_count() * slot->domain->function->keeps <= SHARED_TICKS || helper.called ||
        !nw_credit_allows(&helper.credit))
        return NW_WAKE_NOBODY;
    whom = nw_wake_whom();
    if (whom != NW_WAKE_NOBODY)
        call_helper();
    return whom;
}

static struct nw_slot *take_next(struct nw_executor *ex)
{
    enum nw_wake_whom whom;
    struct nw_slot *slot;

    pthread_mutex_lock(&nw_monitor_lock);
    account(ex);
    ex->away = true;
    if (nw_running(ex))
        nw_watch_after(nw_running(ex)->domain);
    nw_ring_poll();
    slot = find_work(ex);
    nw_slot_move(slot, NW_SLOT_RUNNING);
    ex->gate.current = &slot->gate;
    ex->away = false;
    nw__key_surfaced(ex);
    nw_store_relaxed(&ex->runs, ex->runs + 1); /* sampled by nw_watch, under the same lock */
    ex->took = slot->domain->function;
    ex->took_slot = slot;
    whom = who_helps(slot);
    nw_wake_resting_control(is_long(slot));
    nw_slice_begin(ex, slot);
    pthread_mutex_unlock(&nw_monitor_lock);
    nw_wake(whom);
    return slot;
}

/* The function has a snapshot from now on, unless the one that came with it cannot be used: then the domain is loaded,
 * and another taken. Takes long. */
static void open_snapshot(struct nw_domain *domain)
{
    char why[NW_REASON_MAX] = "";
    struct nw_snapshot *snapshot = nw_snapshot_open(domain, domain->function->file, why);

    pthread_mutex_lock(&nw_monitor_lock);
    nw_deployed_opened(domain->function, snapshot, why);
    pthread_mutex_unlock(&nw_monitor_lock);
    domain->restores = snapshot || nw_memory_keep(&domain->memory) < 0;
}

/* The first flow of a domain that was made from a snapshot waits where it did, and is to run, unless the domain is
 * fresh and already what it is to be. False: it is not to run; maybe the domain is gone. */
static bool resumed(struct nw_domain *domain, struct nw_slot *first, int error)
{
    const struct nw_snapshot *snapshot = domain->function->snapshot;
    bool runs;

    pthread_mutex_lock(&nw_monitor_lock);
    if (!error && domain->state == NW_DOMAIN_STARTING)
        error = nw_snapshot_resume(domain, snapshot);
    if (error) {
        nw_deployed_unmade(domain->function, error);
        nw_domain_kill(domain, NW_STATUS_REFUSED, "it could not be made from its snapshot");
    }
    runs = domain->state == NW_DOMAIN_STARTING && !domain->function->fresh;
    if (domain->state != NW_DOMAIN_STARTING)
        nw_slot_die(first);
    else if (!runs)
        nw_deployed_restored(domain, first);
    pthread_mutex_unlock(&nw_monitor_lock);
    return runs;
}

/* Checks the function's file, once, and maps the program. 0; or negative errno and why, for people. */
static int load(struct nw_domain *domain, struct nw_slot *first, char reason[NW_REASON_MAX])
{
    char text[NW_ERROR_TEXT];
    int error = nw_deployed_inspect(domain->function, reason);

    if (error)
        return error;
    error = nw_domain_load(domain, first);
    if (error)
        snprintf(reason, NW_REASON_MAX, "its domain could not be started: %s", nw_error_text(-error, text));
    return error;
}

/* Gives a domain whose first flow is about to run its memory, which may take long. False: the flow is not to run. */
static bool loaded(struct nw_executor *ex, struct nw_slot *slot)
{
    struct nw_domain *domain = slot->domain;
    char reason[NW_REASON_MAX] = "";
    bool blocked;
    int error;

    if (domain->loaded)
        return true;
    blocked = nw_executor_block(ex) == 0;
    if (domain->restores && domain->function->file >= 0)
        open_snapshot(domain);
    if (!domain->restores)
        error = load(domain, slot, reason);
    else
        error = domain->function->snapshot ? nw_snapshot_put(domain, domain->function->snapshot) : -ENOMEM;
    if (blocked)
        nw_executor_unblock(ex);
    domain->loaded = true;
    if (domain->restores)
        return resumed(domain, slot, error);
    if (error == 0)
        return true;
    pthread_mutex_lock(&nw_monitor_lock);
    nw_domain_kill(domain, NW_STATUS_REFUSED, reason);
    nw_slot_die(slot);
    pthread_mutex_unlock(&nw_monitor_lock);
    return false;
}

struct nw_gate_context *nw_executor_next(struct nw_executor *ex)
{
    struct nw_slot *slot;

    do {
        slot = take_next(ex);
    } while (!loaded(ex, slot) || !nw__renew(ex, slot) || !nw__freight_carry(ex, slot) ||
             (nw_load_relaxed(&slot->signalled) && !nw_signal_deliver(slot))); /* see nudge */
    return &slot->gate;
}
