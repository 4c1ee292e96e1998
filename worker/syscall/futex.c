/* Futexes, which are the monitor's own: a thread of a domain that waits at one takes no thread of the kernel with it.
 */
#include "common/base/atomic.h"
#include "worker/base/lock.h"
#include "worker/base/now.h"
#include "worker/domain/domain.h"
#include "worker/domain/slot.h"
#include "worker/executor/ready.h"
#include "worker/executor/sleep.h"
#include "worker/executor/wake.h"
#include "worker/syscall/call.h"
#include "worker/syscall/handlers.h"
#include "worker/syscall/sleep.h"
#include <errno.h>
#include <limits.h>
#include <linux/futex.h>

long nw__futex_wake(struct nw_domain *domain, uint64_t address, uint32_t bits, uint64_t max)
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
    const uint64_t wakes = nw_load_acquire(&call->domain->futex_wakes); /* stored by nw__futex_wake */
    uint64_t at = 0;
    uint32_t value;
    long result = 0;

    if (bits == 0)
        return -EINVAL;
    if (call->args[3])
        result = nw__sleep_end(call, call->args[3], absolute, clock, &at);
    if (result)
        return result;
    if (nw_call_read(call, &value, call->args[0], sizeof(value)) < 0)
        return -EFAULT;
    if (value != (uint32_t)call->args[2])
        return -EAGAIN;
    pthread_mutex_lock(&nw_monitor_lock);
    call->slot->signals.restarts = !at || absolute;
    sleep_on(call, bits, at, wakes);
    pthread_mutex_unlock(&nw_monitor_lock);
    return 0;
}

static long futex_wake(struct nw_call *call, uint32_t bits, uint64_t max)
{
    long woken;

    pthread_mutex_lock(&nw_monitor_lock);
    woken = nw__futex_wake(call->domain, call->args[0], bits, max);
    pthread_mutex_unlock(&nw_monitor_lock);
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
