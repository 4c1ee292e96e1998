/*
 * Flows of control inside a domain: its threads, their sleep and their end. A thread that waits takes no kernel thread
 * with it: futexes and timers are the monitor's own.
 */
#include "common/base/atomic.h"
#include "common/base/log.h"
#include "worker/account/denied.h"
#include "worker/account/share.h"
#include "worker/base/limits.h"
#include "worker/base/now.h"
#include "worker/call/death.h"
#include "worker/domain/domain.h"
#include "worker/domain/function.h"
#include "worker/domain/monitor.h"
#include "worker/domain/slot.h"
#include "worker/executor/ready.h"
#include "worker/executor/sleep.h"
#include "worker/executor/wake.h"
#include "worker/run/executor.h"
#include "worker/syscall/syscall.h"
#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <linux/sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>

#define ADDRESS_MAX (1ull << 47)
#define SECOND      1000000000ull

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
    memcpy(slot->gate.xsave, call->slot->gate.xsave, nw_m.xsave_size);
    return slot;
}

/*
 * Whether the function may have another thread: one for each slot, those that nested calls need, and its own. Whether
 * it waits for invocations makes none of them more than a thread. Lock held.
 */
static bool may_fork(struct nw_domain *domain)
{
    const struct nw_function *f = domain->function;
    uint64_t may = f->slots + nw_share_used(&domain->account, NW_RESOURCE_FUNC_WORKERS) + f->threads;
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
    pthread_mutex_lock(&nw_m.lock);
    if (call->domain->state != NW_DOMAIN_DYING) {
        nw_ready(slot);
        nw_wake_executor();
    }
    pthread_mutex_unlock(&nw_m.lock);
}

long nw_sys_clone(struct nw_call *call)
{
    uint64_t flags = call->args[0];
    struct nw_slot *slot;
    uint32_t tid;

    if (!call->args[1] || (flags & CLONE_SETTLS && call->args[4] >= ADDRESS_MAX))
        return -EINVAL;
    pthread_mutex_lock(&nw_m.lock);
    slot = may_fork(call->domain) ? fork_slot(call) : NULL;
    tid = slot ? slot->tid : 0;
    pthread_mutex_unlock(&nw_m.lock);
    if (!slot)
        return -EAGAIN;
    store_number(call, tid);
    start_flow(call, slot);
    return (long)tid;
}

/* lock held */
static long wake(struct nw_domain *domain, uint64_t address, uint32_t bits, uint64_t max)
{
    struct nw_slot *slot, *next;
    long woken = 0;

    nw_store_release(&domain->futex_wakes, domain->futex_wakes + 1); /* loaded in futex_wait */
    for (slot = domain->sleepers; slot && (uint64_t)woken < max; slot = next) {
        next = slot->next;
        if (slot->state != NW_SLOT_FUTEX || slot->futex != address || !(slot->futex_bits & bits))
            continue;
        nw_sleepers_remove(slot);
        nw_slot_result(slot, 0);
        nw_ready(slot);
        nw_wake_executor();
        woken++;
    }
    return woken;
}

/* lock held: the executor is done with the flow. A func worker ends only when its function retires, the first flow
 * never. */
static void end_flow(struct nw_call *call)
{
    struct nw_slot *slot = call->slot;
    struct nw_domain *domain = slot->domain;

    domain->n_ending--;
    if (slot->clear_tid)
        wake(domain, slot->clear_tid, FUTEX_BITSET_MATCH_ANY, INT_MAX);
    if (slot->worker && domain->closing) {
        if (--domain->n_workers == 0)
            nw_domain_exit(domain);
    } else if (slot->worker || slot == &domain->slots[0]) {
        nw_domain_kill(domain, NW_STATUS_CRASHED, "one of its func workers ended its thread");
    }
    nw_slot_reap(slot);
    call->parked = true;
}

/* Whoever sees the number gone may make another thread at once. No lock is held meanwhile, as in store_number. */
static void clear_number(struct nw_call *call)
{
    const uint32_t zero = 0;

    pthread_mutex_lock(&nw_m.lock);
    call->domain->n_ending++;
    pthread_mutex_unlock(&nw_m.lock);
    if (call->slot->clear_tid)
        nw_call_write(call, call->slot->clear_tid, &zero, sizeof(zero));
}

long nw_sys_exit(struct nw_call *call)
{
    clear_number(call);
    pthread_mutex_lock(&nw_m.lock);
    end_flow(call);
    pthread_mutex_unlock(&nw_m.lock);
    return 0;
}

/* Its func workers have ended, and so does its program. Lock held. */
static bool ends_in_order(const struct nw_call *call)
{
    return call->number == SYS_exit_group && call->domain->closing && call->domain->n_workers == 0;
}

static long end_domain(struct nw_call *call, const char *reason)
{
    pthread_mutex_lock(&nw_m.lock);
    if (ends_in_order(call))
        nw_domain_kill(call->domain, NW_STATUS_UNAVAILABLE, NW_REMOVED);
    else
        nw_domain_kill(call->domain, NW_STATUS_CRASHED, reason);
    nw_slot_reap(call->slot);
    call->parked = true;
    pthread_mutex_unlock(&nw_m.lock);
    return 0;
}

long nw_sys_exit_group(struct nw_call *call)
{
    char reason[NW_REASON_MAX];

    snprintf(reason, sizeof(reason), "called exit with status %d", (int)call->args[0]);
    return end_domain(call, reason);
}

static bool valid(const struct timespec *t)
{
    return t->tv_sec >= 0 && t->tv_nsec >= 0 && t->tv_nsec < (long)SECOND;
}

/* From a timeout as system calls take it to nanoseconds of CLOCK_MONOTONIC. 0 or negative errno. */
static int wake_time(struct nw_call *call, uint64_t address, bool absolute, clockid_t clock, uint64_t *at)
{
    struct timespec t, now;
    uint64_t relative, wanted;

    if (nw_call_read(call, &t, address, sizeof(t)) < 0)
        return -EFAULT;
    if (!valid(&t))
        return -EINVAL;
    wanted = t.tv_sec > (long)(INT64_MAX / SECOND) - 1 ? INT64_MAX : (uint64_t)t.tv_sec * SECOND + (uint64_t)t.tv_nsec;
    relative = wanted;
    if (absolute) {
        clock_gettime(clock, &now);
        uint64_t current = (uint64_t)now.tv_sec * SECOND + (uint64_t)now.tv_nsec;
        relative = wanted > current ? wanted - current : 0;
    }
    *at = nw_now() + (relative > INT64_MAX / 2 ? INT64_MAX / 2 : relative);
    return 0;
}

/* Lock held. Who was woken after it had looked at the value looks again, as after any spurious wake-up. */
static void sleep_on(struct nw_call *call, uint32_t bits, uint64_t at, uint64_t wakes)
{
    struct nw_slot *slot = call->slot;

    if (call->domain->futex_wakes != wakes || call->domain->state == NW_DOMAIN_DYING)
        return;
    slot->futex = call->args[0];
    slot->futex_bits = bits;
    slot->signals.left_at = 0;
    call->parked = true;
    nw_sleep(slot, NW_SLOT_FUTEX, at);
}

/* The value may lie in a page of a file, which may be long in coming, so no lock is held meanwhile. */
static long futex_wait(struct nw_call *call, uint32_t bits, bool absolute, clockid_t clock)
{
    const uint64_t wakes = nw_load_acquire(&call->domain->futex_wakes); /* stored by wake */
    uint64_t at = 0;
    uint32_t value;
    long result = 0;

    if (bits == 0)
        return -EINVAL;
    if (call->args[3])
        result = wake_time(call, call->args[3], absolute, clock, &at);
    if (result)
        return result;
    if (nw_call_read(call, &value, call->args[0], sizeof(value)) < 0)
        return -EFAULT;
    if (value != (uint32_t)call->args[2])
        return -EAGAIN;
    pthread_mutex_lock(&nw_m.lock);
    call->slot->signals.restarts = !at || absolute;
    sleep_on(call, bits, at, wakes);
    pthread_mutex_unlock(&nw_m.lock);
    return 0;
}

static long futex_wake(struct nw_call *call, uint32_t bits, uint64_t max)
{
    long woken;

    pthread_mutex_lock(&nw_m.lock);
    woken = wake(call->domain, call->args[0], bits, max);
    pthread_mutex_unlock(&nw_m.lock);
    return woken;
}

/* Waiters that would be moved are woken instead; they look again, as after any spurious wake-up. */
static long futex_requeue(struct nw_call *call, bool compare)
{
    uint32_t value;

    if (compare && nw_call_read(call, &value, call->args[0], sizeof(value)) < 0)
        return -EFAULT;
    if (compare && value != (uint32_t)call->args[5])
        return -EAGAIN;
    return futex_wake(call, FUTEX_BITSET_MATCH_ANY, INT_MAX);
}

long nw_sys_futex(struct nw_call *call)
{
    uint32_t op = (uint32_t)call->args[1], bits = (uint32_t)call->args[5];
    clockid_t clock = op & FUTEX_CLOCK_REALTIME ? CLOCK_REALTIME : CLOCK_MONOTONIC;

    if (call->args[0] % sizeof(uint32_t))
        return -EINVAL;
    if (!nw_domain_confine(call->domain, &call->args[0], sizeof(uint32_t)))
        return -EFAULT;
    switch (op & FUTEX_CMD_MASK) {
    case FUTEX_WAIT:
        return futex_wait(call, FUTEX_BITSET_MATCH_ANY, false, clock);
    case FUTEX_WAIT_BITSET:
        return futex_wait(call, bits, true, clock);
    case FUTEX_WAKE:
        return futex_wake(call, FUTEX_BITSET_MATCH_ANY, (uint32_t)call->args[2]);
    case FUTEX_WAKE_BITSET:
        return futex_wake(call, bits, (uint32_t)call->args[2]);
    case FUTEX_REQUEUE:
        return futex_requeue(call, false);
    default: /* FUTEX_CMP_REQUEUE */
        return futex_requeue(call, true);
    }
}

/* `left_at`: where a signal stores what was left; 0: nowhere. */
static long sleep_until(struct nw_call *call, uint64_t at, uint64_t left_at)
{
    pthread_mutex_lock(&nw_m.lock);
    call->parked = call->domain->state != NW_DOMAIN_DYING;
    call->slot->signals.restarts = false;
    call->slot->signals.left_at = left_at;
    if (call->parked)
        nw_sleep(call->slot, NW_SLOT_SLEEP, at);
    pthread_mutex_unlock(&nw_m.lock);
    return 0;
}

long nw_sys_nanosleep(struct nw_call *call)
{
    uint64_t at;
    int error = wake_time(call, call->args[0], false, CLOCK_MONOTONIC, &at);

    return error ? error : sleep_until(call, at, call->args[1]);
}

long nw_sys_clock_nanosleep(struct nw_call *call)
{
    clockid_t clock = (clockid_t)call->args[0];
    uint64_t at;
    int error;

    error = wake_time(call, call->args[2], call->args[1] & TIMER_ABSTIME, clock, &at);
    return error ? error : sleep_until(call, at, call->args[1] & TIMER_ABSTIME ? 0 : call->args[3]);
}

long nw_sys_yield(struct nw_call *call)
{
    nw_slot_result(call->slot, 0);
    pthread_mutex_lock(&nw_m.lock);
    call->slot->pace = nw_executor_pace(call->ex);
    call->parked = call->domain->state != NW_DOMAIN_DYING;
    if (call->parked)
        nw_ready(call->slot);
    pthread_mutex_unlock(&nw_m.lock);
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
