/* System calls by which a thread of a domain sleeps for a time. */
#include "worker/syscall/sleep.h"
#include "common/base/atomic.h"
#include "worker/base/lock.h"
#include "worker/base/now.h"
#include "worker/domain/domain.h"
#include "worker/domain/slot.h"
#include "worker/executor/ready.h"
#include "worker/executor/sleep.h"
#include "worker/syscall/handlers.h"
#include <errno.h>
#include <limits.h>
#include <linux/futex.h>

#define SECOND 1000000000ull

static bool valid(const struct timespec *t)
{
    return t->tv_sec >= 0 && t->tv_nsec >= 0 && t->tv_nsec < (long)SECOND;
}

int nw__sleep_end(struct nw_call *call, uint64_t address, bool absolute, clockid_t clock, uint64_t *at)
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

/* `left_at`: where a signal stores what was left; 0: nowhere. */
static long sleep_until(struct nw_call *call, uint64_t at, uint64_t left_at)
{
    pthread_mutex_lock(&nw_monitor_lock);
    call->parked = call->domain->state != NW_DOMAIN_DYING;
    call->slot->signals.restarts = false;
    call->slot->signals.left_at = left_at;
    if (call->parked)
        nw_sleep(call->slot, NW_SLOT_SLEEP, at);
    pthread_mutex_unlock(&nw_monitor_lock);
    return 0;
}

long nw_sys_nanosleep(struct nw_call *call)
{
    uint64_t at;
    int error = nw__sleep_end(call, call->args[0], false, CLOCK_MONOTONIC, &at);

    return error ? error : sleep_until(call, at, call->args[1]);
}

long nw_sys_clock_nanosleep(struct nw_call *call)
{
    clockid_t clock = (clockid_t)call->args[0];
    uint64_t at;
    int error;

    error = nw__sleep_end(call, call->args[2], call->args[1] & TIMER_ABSTIME, clock, &at);
    return error ? error : sleep_until(call, at, call->args[1] & TIMER_ABSTIME ? 0 : call->args[3]);
}
