/* System calls about timers that send signals to their own domain. See signals.h. */
#include "common/base/bound.h"
#include "worker/account/share.h"
#include "worker/base/lock.h"
#include "worker/base/now.h"
#include "worker/domain/domain.h"
#include "worker/domain/slot.h"
#include "worker/signal/signals.h"
#include "worker/syscall/call.h"
#include "worker/syscall/handlers.h"
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>

#define SECOND 1000000000ull
#define MOST   (UINT64_MAX / 4)

/* A time of a structure that is hostile: ns, or false. */
static bool to_ns(int64_t seconds, int64_t fraction, uint64_t unit, uint64_t *ns)
{
    if (seconds < 0 || fraction < 0 || (uint64_t)fraction >= SECOND / unit)
        return false;
    *ns = (uint64_t)seconds > MOST / SECOND ? MOST : (uint64_t)seconds * SECOND + (uint64_t)fraction * unit;
    return true;
}

static uint64_t left(const struct nw_signal_timer *timer)
{
    uint64_t now = nw_now();

    return !timer->at ? 0 : timer->at > now ? timer->at - now : 1;
}

/* ---- the one of setitimer ---- */

/* Rounded up: what is left of a timer that is on is not 0. */
static struct itimerval to_itimerval(uint64_t value, uint64_t interval)
{
    value = (value + 999) / 1000;
    return (struct itimerval){.it_value = {(time_t)(value / 1000000), (long)(value % 1000000)},
                              .it_interval = {(time_t)(interval / SECOND), (long)(interval % SECOND / 1000)}};
}

static uint64_t set_real(struct nw_call *call, uint64_t value, uint64_t interval, uint64_t *old_interval)
{
    struct nw_signal_timer *timer = &call->domain->signals.timers[0];
    uint64_t old;

    pthread_mutex_lock(&nw_monitor_lock);
    old = left(timer);
    *old_interval = timer->interval;
    timer->signal = SIGALRM;
    timer->maker = call->slot->tid;
    nw_signal_timer_set(call->domain, timer, value ? nw_now() + value : 0, value ? interval : 0);
    pthread_mutex_unlock(&nw_monitor_lock);
    return old;
}

long nw_sys_alarm(struct nw_call *call)
{
    uint64_t interval, old = set_real(call, (uint64_t)(uint32_t)call->args[0] * SECOND, 0, &interval);

    return (long)((old + SECOND - 1) / SECOND);
}

long nw_sys_setitimer(struct nw_call *call)
{
    uint64_t value = 0, interval = 0, old, old_interval;
    struct itimerval t;

    if (call->args[1]) {
        if (nw_call_read(call, &t, call->args[1], sizeof(t)) < 0)
            return -EFAULT;
        if (!to_ns(t.it_value.tv_sec, t.it_value.tv_usec, 1000, &value) ||
            !to_ns(t.it_interval.tv_sec, t.it_interval.tv_usec, 1000, &interval))
            return -EINVAL;
    }
    old = set_real(call, value, interval, &old_interval);
    t = to_itimerval(old, old_interval);
    return call->args[2] ? nw_call_write(call, call->args[2], &t, sizeof(t)) : 0;
}

long nw_sys_getitimer(struct nw_call *call)
{
    const struct nw_signal_timer *timer = &call->domain->signals.timers[0];
    struct itimerval t;

    pthread_mutex_lock(&nw_monitor_lock);
    t = to_itimerval(left(timer), timer->interval);
    pthread_mutex_unlock(&nw_monitor_lock);
    return nw_call_write(call, call->args[1], &t, sizeof(t));
}

/* ---- those of timer_create ---- */

/* As the kernel defines it. */
struct event {
    uint64_t value;
    int32_t signal, notify, tid, padding[11];
};

/* Lock held. NULL: there is no such timer. */
static struct nw_signal_timer *timer_of(struct nw_call *call)
{
    struct nw_signal_timer *timer;

    if (call->args[0] >= NW_LIMIT_SIGNAL_TIMERS)
        return NULL;
    timer = &call->domain->signals.timers[1 + nw_index(call->args[0], NW_LIMIT_SIGNAL_TIMERS)];
    return timer->used ? timer : NULL;
}

/* Lock held. Its number, or negative errno. */
static long make(struct nw_call *call, const struct event *event)
{
    struct nw_signal_timer *timers = call->domain->signals.timers + 1;
    long number = 0;

    if (event->notify == SIGEV_THREAD_ID && !nw_signal_flow(call->domain, (uint32_t)event->tid))
        return -EINVAL;
    while (number < NW_LIMIT_SIGNAL_TIMERS && timers[number].used)
        number++;
    if (number == NW_LIMIT_SIGNAL_TIMERS || nw_share_take(&call->domain->account, NW_RESOURCE_SIGNAL_TIMERS, 1) < 0)
        return -EAGAIN;
    timers[number] = (struct nw_signal_timer){.used = true,
                                              .signal = event->notify == SIGEV_NONE ? 0 : event->signal,
                                              .tid = event->notify == SIGEV_THREAD_ID ? (uint32_t)event->tid : 0,
                                              .maker = call->slot->tid,
                                              .clock = (int)call->args[0],
                                              .value = event->value};
    return number;
}

long nw_sys_timer_create(struct nw_call *call)
{
    struct event event = {.signal = SIGALRM, .notify = SIGEV_SIGNAL};
    int32_t number = -1;
    long result;

    if (call->args[1] && nw_call_read(call, &event, call->args[1], sizeof(event)) < 0)
        return -EFAULT;
    if ((event.notify != SIGEV_SIGNAL && event.notify != SIGEV_NONE && event.notify != SIGEV_THREAD_ID) ||
        (event.notify != SIGEV_NONE && (event.signal < 1 || event.signal > NW_SIGNALS)))
        return -EINVAL;
    if (nw_call_write(call, call->args[2], &number, sizeof(number)) < 0)
        return -EFAULT;
    pthread_mutex_lock(&nw_monitor_lock);
    result = make(call, &event);
    if (result >= 0 && !call->args[1])
        call->domain->signals.timers[1 + result].value = (uint64_t)result;
    pthread_mutex_unlock(&nw_monitor_lock);
    number = (int32_t)result;
    return result < 0 ? result : nw_call_write(call, call->args[2], &number, sizeof(number));
}

static struct itimerspec to_itimerspec(const struct nw_signal_timer *timer)
{
    uint64_t value = left(timer), interval = timer->interval;

    return (struct itimerspec){.it_value = {(time_t)(value / SECOND), (long)(value % SECOND)},
                               .it_interval = {(time_t)(interval / SECOND), (long)(interval % SECOND)}};
}

/* From a time of the timer's clock. Later steps of that clock do not move it. */
static uint64_t expiry(uint64_t value, bool absolute, clockid_t clock)
{
    struct timespec now;
    uint64_t current;

    if (!value || !absolute)
        return value ? nw_now() + value : 0;
    clock_gettime(clock, &now);
    current = (uint64_t)now.tv_sec * SECOND + (uint64_t)now.tv_nsec;
    return nw_now() + (value > current ? value - current : 0);
}

long nw_sys_timer_settime(struct nw_call *call)
{
    const bool absolute = call->args[1] & TIMER_ABSTIME;
    struct nw_signal_timer *timer;
    struct itimerspec t, old;
    uint64_t value, interval;

    if (nw_call_read(call, &t, call->args[2], sizeof(t)) < 0)
        return -EFAULT;
    if (!to_ns(t.it_value.tv_sec, t.it_value.tv_nsec, 1, &value) ||
        !to_ns(t.it_interval.tv_sec, t.it_interval.tv_nsec, 1, &interval))
        return -EINVAL;
    memset(&old, 0, sizeof(old));
    pthread_mutex_lock(&nw_monitor_lock);
    timer = timer_of(call);
    if (timer) {
        old = to_itimerspec(timer);
        value = expiry(value, absolute, timer->clock);
        nw_signal_timer_set(call->domain, timer, value, value ? interval : 0);
    }
    pthread_mutex_unlock(&nw_monitor_lock);
    if (!timer)
        return -EINVAL;
    return call->args[3] ? nw_call_write(call, call->args[3], &old, sizeof(old)) : 0;
}

long nw_sys_timer_gettime(struct nw_call *call)
{
    struct nw_signal_timer *timer;
    struct itimerspec t = {0};

    pthread_mutex_lock(&nw_monitor_lock);
    timer = timer_of(call);
    if (timer)
        t = to_itimerspec(timer);
    pthread_mutex_unlock(&nw_monitor_lock);
    return timer ? nw_call_write(call, call->args[1], &t, sizeof(t)) : -EINVAL;
}

long nw_sys_timer_getoverrun(struct nw_call *call)
{
    struct nw_signal_timer *timer;
    long result;

    pthread_mutex_lock(&nw_monitor_lock);
    timer = timer_of(call);
    result = timer ? (long)timer->overran : -EINVAL;
    pthread_mutex_unlock(&nw_monitor_lock);
    return result;
}

long nw_sys_timer_delete(struct nw_call *call)
{
    struct nw_signal_timer *timer;

    pthread_mutex_lock(&nw_monitor_lock);
    timer = timer_of(call);
    if (timer) {
        nw_signal_timer_set(call->domain, timer, 0, 0);
        *timer = (struct nw_signal_timer){0};
        nw_share_give(&call->domain->account, NW_RESOURCE_SIGNAL_TIMERS, 1);
    }
    pthread_mutex_unlock(&nw_monitor_lock);
    return timer ? 0 : -EINVAL;
}
