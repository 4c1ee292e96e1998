/* Threads of a domain: how they begin and end. Each is a slot; none of them is a thread of the kernel. */
#include "common/base/atomic.h"
#include "common/base/log.h"
#include "worker/account/denied.h"
#include "worker/account/share.h"
#include "worker/base/config.h"
#include "worker/base/limits.h"
#include "worker/base/lock.h"
#include "worker/base/now.h"
#include "worker/call/death.h"
#include "worker/domain/deployed.h"
#include "worker/domain/domain.h"
#include "worker/domain/slot.h"
#include "worker/executor/ready.h"
#include "worker/executor/sleep.h"
#include "worker/executor/wake.h"
#include "worker/syscall/call.h"
#include "worker/syscall/handlers.h"
#include "worker/syscall/sleep.h"
#include "worker/watch/slice.h"
#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <linux/sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>

#define ADDRESS_MAX (1ull << 47)

/* A new flow begins as a copy of its parent, on its own stack and thread pointer. */
static struct nw_slot *fork_slot(struct nw_call *call)
{
    struct nw_slot *slot = nw_slot_new(call->domain);
    uint64_t flags = call->args[0];

    if (!slot) {
        nw_share_give(&call->domain->account, NW_RESOURCE_THREADS, 1);
        return NULL;
    }
    slot->gate.regs = call->slot->gate.regs;
    slot->gate.regs.rax = 0;
    slot->gate.regs.rsp = call->args[1];
    slot->gate.fs = flags & CLONE_SETTLS ? call->args[4] : call->slot->gate.fs;
    slot->clear_tid = flags & CLONE_CHILD_CLEARTID ? call->args[3] : 0;
    slot->signals.mask = call->slot->signals.mask;
    memcpy(slot->gate.xsave, call->slot->gate.xsave, nw_config()->xsave_size);
    return slot;
}

/*
 * Whether the function may have another thread: the func workers that were asked for, and its own. Whether it waits for
 * invocations makes none of them more than a thread. Lock held.
 */
static bool may_fork(struct nw_domain *domain)
{
    uint64_t makes = domain->grower ? 0 : 1, may = domain->n_made + makes + domain->function->threads;
    uint64_t used = nw_share_used(&domain->account, NW_RESOURCE_THREADS) - domain->n_ending;
    bool has_all = used >= may && !nw_without(NW_DEFENCE_THREADS);

    if (has_all)
        nw_denied_note(&domain->account.denied, NW_RESOURCE_THREADS, true);
    return !has_all && domain->state != NW_DOMAIN_DYING && nw_share_take(&domain->account, NW_RESOURCE_THREADS, 1) == 0;
}

/* No lock is held: it may lie in a page of a file, which may be long in coming. */
static void store_number(struct nw_call *call, uint32_t tid)
{
    const uint64_t flags = call->args[0];

    if (flags & CLONE_PARENT_SETTID && nw_call_write(call, call->args[2], &tid, sizeof(tid)) < 0)
        nw_log(NW_LOG_DEBUG, "function %s: a thread's id could not be stored", call->domain->function->name);
    if (flags & CLONE_CHILD_SETTID)
        nw_call_write(call, call->args[3], &tid, sizeof(tid));
}

/* Of a domain that is dying it was reaped meanwhile. */
static void start_flow(struct nw_call *call, struct nw_slot *slot)
{
    pthread_mutex_lock(&nw_monitor_lock);
    if (call->domain->state != NW_DOMAIN_DYING) {
        nw_ready(slot);
        nw_wake_executor();
    }
    pthread_mutex_unlock(&nw_monitor_lock);
}

long nw_sys_clone(struct nw_call *call)
{
    uint64_t flags = call->args[0];
    struct nw_slot *slot;
    uint32_t tid;

    if (!call->args[1] || (flags & CLONE_SETTLS && call->args[4] >= ADDRESS_MAX))
        return -EINVAL;
    pthread_mutex_lock(&nw_monitor_lock);
    slot = may_fork(call->domain) ? fork_slot(call) : NULL;
    tid = slot ? slot->tid : 0;
    pthread_mutex_unlock(&nw_monitor_lock);
    if (!slot)
        return -EAGAIN;
    store_number(call, tid);
    start_flow(call, slot);
    return (long)tid;
}

/* Whether its end leaves the first flow alone, which waits though it has made a func worker: then this was one, of
 * which nobody knew yet, as it had not waited for an invocation. */
static bool was_to_serve(const struct nw_domain *domain)
{
    return domain->n_slots == 2 && domain->grower && domain->n_made > domain->n_workers;
}

/* lock held: the executor is done with the flow. A func worker ends only when its function retires, the first flow
 * never. */
static void end_flow(struct nw_call *call)
{
    struct nw_slot *slot = call->slot;
    struct nw_domain *domain = slot->domain;

    domain->n_ending--;
    if (slot->clear_tid)
        nw__futex_wake(domain, slot->clear_tid, FUTEX_BITSET_MATCH_ANY, INT_MAX);
    if (slot->worker && domain->closing) {
        if (--domain->n_workers == 0)
            nw_domain_exit(domain);
    } else if (slot->worker || slot == &domain->slots[0] || was_to_serve(domain)) {
        nw_domain_kill(domain, NW_STATUS_CRASHED, "one of its func workers ended its thread");
    }
    nw_slot_die(slot);
    call->parked = true;
}

/* Whoever sees the number gone may make another thread at once. No lock is held meanwhile, as in store_number. */
static void clear_number(struct nw_call *call)
{
    const uint32_t zero = 0;

    pthread_mutex_lock(&nw_monitor_lock);
    call->domain->n_ending++;
    pthread_mutex_unlock(&nw_monitor_lock);
    if (call->slot->clear_tid)
        nw_call_write(call, call->slot->clear_tid, &zero, sizeof(zero));
}

long nw_sys_exit(struct nw_call *call)
{
    clear_number(call);
    pthread_mutex_lock(&nw_monitor_lock);
    end_flow(call);
    nw_deaths_settle(); /* from now on it is none of the domain's threads */
    pthread_mutex_unlock(&nw_monitor_lock);
    return 0;
}

/* Its func workers have ended, and so does its program. Lock held. */
static bool ends_in_order(const struct nw_call *call)
{
    return call->number == SYS_exit_group && call->domain->closing && call->domain->n_workers == 0;
}

static long end_domain(struct nw_call *call, const char *reason)
{
    pthread_mutex_lock(&nw_monitor_lock);
    if (ends_in_order(call))
        nw_domain_kill(call->domain, NW_STATUS_UNAVAILABLE, NW_REMOVED);
    else
        nw_domain_kill(call->domain, NW_STATUS_CRASHED, reason);
    nw_slot_die(call->slot);
    call->parked = true;
    pthread_mutex_unlock(&nw_monitor_lock);
    return 0;
}

long nw_sys_exit_group(struct nw_call *call)
{
    char reason[NW_REASON_MAX];

    snprintf(reason, sizeof(reason), "called exit with status %d", (int)call->args[0]);
    return end_domain(call, reason);
}

long nw_sys_yield(struct nw_call *call)
{
    nw_slot_result(call->slot, 0);
    pthread_mutex_lock(&nw_monitor_lock);
    nw_slice_yield(call->ex, call->slot);
    call->parked = call->domain->state != NW_DOMAIN_DYING;
    if (call->parked)
        nw_ready(call->slot);
    pthread_mutex_unlock(&nw_monitor_lock);
    return 0;
}

long nw_sys_gettid(struct nw_call *call)
{
    return (long)call->slot->tid;
}

long nw_sys_set_tid_address(struct nw_call *call)
{
    call->slot->clear_tid = call->args[0];
    return (long)call->slot->tid;
}

long nw_sys_arch_prctl(struct nw_call *call)
{
    if (call->args[1] >= ADDRESS_MAX)
        return -EPERM;
    call->slot->gate.fs = call->args[1];
    return 0;
}
