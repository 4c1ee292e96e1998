/* System calls about signals: of the domain's own flows, and nobody else's. See signals.h. */
#include "common/base/atomic.h"
#include "worker/base/limits.h"
#include "worker/base/lock.h"
#include "worker/base/now.h"
#include "worker/call/death.h"
#include "worker/domain/domain.h"
#include "worker/domain/slot.h"
#include "worker/executor/sleep.h"
#include "worker/signal/signals.h"
#include "worker/syscall/call.h"
#include "worker/syscall/handlers.h"
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>

#define SET_SIZE    8 /* bytes of a set, as every call has to say */
#define SELF        1 /* what getpid answers */
#define STACK_LEAST 2048
#define AUTODISARM  (1u << 31)
#define SECOND      1000000000ull

static long end_domain(struct nw_call *call, const char *reason)
{
    nw_domain_kill(call->domain, NW_STATUS_CRASHED, reason);
    nw_slot_die(call->slot);
    call->parked = true;
    return 0;
}

long nw_sys_sigaction(struct nw_call *call)
{
    const int signal = (int)call->args[0];
    struct nw_signal_action fresh, old;

    if (signal < 1 || signal > NW_SIGNALS || call->args[3] != SET_SIZE)
        return -EINVAL;
    if (call->args[1] && NW_SIGNAL_BIT(signal) & NW_SIGNAL_UNTOUCHED)
        return -EINVAL;
    if (call->args[1] && nw_call_read(call, &fresh, call->args[1], sizeof(fresh)) < 0)
        return -EFAULT;
    pthread_mutex_lock(&nw_monitor_lock);
    old = call->domain->signals.actions[nw_index((uint64_t)signal - 1, NW_SIGNALS)];
    if (call->args[1])
        call->domain->signals.actions[nw_index((uint64_t)signal - 1, NW_SIGNALS)] = fresh;
    pthread_mutex_unlock(&nw_monitor_lock);
    return call->args[2] ? nw_call_write(call, call->args[2], &old, sizeof(old)) : 0;
}

static void set_mask(struct nw_slot *slot, uint64_t mask)
{
    pthread_mutex_lock(&nw_monitor_lock);
    slot->signals.mask = mask & ~NW_SIGNAL_UNTOUCHED;
    nw_signal_look(slot);
    pthread_mutex_unlock(&nw_monitor_lock);
}

long nw_sys_sigprocmask(struct nw_call *call)
{
    const uint64_t old = call->slot->signals.mask;
    uint64_t set;

    if (call->args[3] != SET_SIZE)
        return -EINVAL;
    if (call->args[1] && nw_call_read(call, &set, call->args[1], sizeof(set)) < 0)
        return -EFAULT;
    if (call->args[1] && call->args[0] == SIG_BLOCK)
        set_mask(call->slot, old | set);
    else if (call->args[1] && call->args[0] == SIG_UNBLOCK)
        set_mask(call->slot, old & ~set);
    else if (call->args[1] && call->args[0] == SIG_SETMASK)
        set_mask(call->slot, set);
    else if (call->args[1])
        return -EINVAL;
    return call->args[2] ? nw_call_write(call, call->args[2], &old, sizeof(old)) : 0;
}

long nw_sys_sigpending(struct nw_call *call)
{
    uint64_t set;

    if (call->args[1] != SET_SIZE)
        return -EINVAL;
    pthread_mutex_lock(&nw_monitor_lock);
    set = nw_signal_pending(call->slot) & call->slot->signals.mask;
    pthread_mutex_unlock(&nw_monitor_lock);
    return nw_call_write(call, call->args[0], &set, sizeof(set));
}

static uint64_t stack_pointer(const struct nw_slot *slot)
{
    return slot->gate.kind == NW_CTX_KIND_FULL ? slot->gate.regs.rsp : slot->gate.rsp;
}

static int set_stack(struct nw_call *call, const stack_t *fresh)
{
    struct nw_slot_signals *s = &call->slot->signals;
    const uint32_t flags = (uint32_t)fresh->ss_flags;

    if (nw_signal_on_stack(call->slot, stack_pointer(call->slot)))
        return -EPERM;
    if (flags & ~(AUTODISARM | SS_DISABLE | SS_ONSTACK))
        return -EINVAL;
    if (flags & SS_DISABLE) {
        s->stack = s->stack_size = s->stack_flags = 0;
        return 0;
    }
    if (fresh->ss_size < STACK_LEAST)
        return -ENOMEM;
    s->stack = (uint64_t)fresh->ss_sp;
    s->stack_size = fresh->ss_size;
    s->stack_flags = flags & AUTODISARM;
    return 0;
}

/* Where it lies is looked at when a frame is put there. */
long nw_sys_sigaltstack(struct nw_call *call)
{
    const struct nw_slot_signals *s = &call->slot->signals;
    stack_t fresh, old;
    int error = 0;

    memset(&old, 0, sizeof(old));
    old.ss_sp = (void *)s->stack;
    old.ss_size = s->stack_size;
    old.ss_flags = (int)s->stack_flags | (!s->stack_size                                              ? SS_DISABLE
                                          : nw_signal_on_stack(call->slot, stack_pointer(call->slot)) ? SS_ONSTACK
                                                                                                      : 0);
    if (call->args[0] && nw_call_read(call, &fresh, call->args[0], sizeof(fresh)) < 0)
        return -EFAULT;
    if (call->args[0])
        error = set_stack(call, &fresh);
    if (error || !call->args[1])
        return error;
    return nw_call_write(call, call->args[1], &old, sizeof(old));
}

/* Lock held. To a flow, or, NULL, to the domain. */
static long send(struct nw_call *call, struct nw_slot *to, int signal)
{
    const char *name = sigabbrev_np(signal);
    char reason[NW_REASON_MAX];

    if (signal == 0 || call->domain->state == NW_DOMAIN_DYING)
        return 0;
    if (nw_signal_send(call->domain, to, signal, call->ex))
        return 0;
    snprintf(reason, sizeof(reason), "raised SIG%s%s", name ? name : "RT", signal == SIGABRT ? " (aborted)" : "");
    return end_domain(call, reason);
}

long nw_sys_kill(struct nw_call *call)
{
    const int process = (int)call->args[0], signal = (int)call->args[1];
    long result;

    if (signal < 0 || signal > NW_SIGNALS)
        return -EINVAL;
    if (process != SELF && process != 0 && process != -SELF)
        return -ESRCH;
    pthread_mutex_lock(&nw_monitor_lock);
    result = send(call, NULL, (int)nw_index((uint64_t)signal, NW_SIGNALS + 1));
    pthread_mutex_unlock(&nw_monitor_lock);
    return result;
}

long nw_sys_tkill(struct nw_call *call)
{
    const bool group = call->number == SYS_tgkill;
    const uint64_t tid = call->args[group];
    const int signal = (int)call->args[1 + group];
    struct nw_slot *to;
    long result;

    if (signal < 0 || signal > NW_SIGNALS)
        return -EINVAL;
    if (group && (int)call->args[0] != SELF)
        return -ESRCH;
    pthread_mutex_lock(&nw_monitor_lock);
    to = nw_signal_flow(call->domain, (uint32_t)tid);
    result = to ? send(call, to, (int)nw_index((uint64_t)signal, NW_SIGNALS + 1)) : -ESRCH;
    pthread_mutex_unlock(&nw_monitor_lock);
    return result;
}

/* Its registers are those of the frame from now on, and no result is put into them. */
long nw_sys_sigreturn(struct nw_call *call)
{
    uint64_t mask;

    if (!nw_signal_frame_pop(call->slot, &mask)) {
        pthread_mutex_lock(&nw_monitor_lock);
        end_domain(call, "returned from a signal handler through a bad frame");
        pthread_mutex_unlock(&nw_monitor_lock);
        return 0;
    }
    set_mask(call->slot, mask);
    call->resumed = true;
    return 0;
}

/* Until a handler has run. */
static void sleep_for_signal(struct nw_call *call)
{
    nw_signal_look(call->slot);
    call->slot->signals.restarts = false;
    call->slot->signals.left_at = 0;
    call->parked = call->domain->state != NW_DOMAIN_DYING;
    if (call->parked)
        nw_sleep(call->slot, NW_SLOT_SLEEP, 0);
}

long nw_sys_pause(struct nw_call *call)
{
    pthread_mutex_lock(&nw_monitor_lock);
    sleep_for_signal(call);
    pthread_mutex_unlock(&nw_monitor_lock);
    return 0;
}

long nw_sys_sigsuspend(struct nw_call *call)
{
    struct nw_slot_signals *s = &call->slot->signals;
    uint64_t mask;

    if (call->args[1] != SET_SIZE)
        return -EINVAL;
    if (nw_call_read(call, &mask, call->args[0], sizeof(mask)) < 0)
        return -EFAULT;
    pthread_mutex_lock(&nw_monitor_lock);
    s->restored_mask = s->mask;
    s->restores = true;
    s->mask = mask & ~NW_SIGNAL_UNTOUCHED;
    sleep_for_signal(call);
    pthread_mutex_unlock(&nw_monitor_lock);
    return 0;
}

/* When it is over, ns of CLOCK_MONOTONIC; 0: never. A call that is made again has the end that it had. */
static int wait_end(struct nw_call *call, uint64_t *until)
{
    struct timespec t;

    *until = call->slot->signals.wait_until;
    if (!call->args[2] || *until)
        return 0;
    if (nw_call_read(call, &t, call->args[2], sizeof(t)) < 0)
        return -EFAULT;
    if (t.tv_sec < 0 || t.tv_nsec < 0 || t.tv_nsec >= (long)SECOND)
        return -EINVAL;
    *until = nw_now() + (t.tv_sec > INT32_MAX ? INT32_MAX : (uint64_t)t.tv_sec) * SECOND + (uint64_t)t.tv_nsec;
    return 0;
}

/* Lock held. The signal, -EAGAIN when none came in time, or it waits. */
static long wait_for(struct nw_call *call, uint64_t set, uint64_t until, struct nw_signal_info *info)
{
    struct nw_slot_signals *s = &call->slot->signals;
    bool taken = nw_signal_take(call->slot, set & ~NW_SIGNAL_UNTOUCHED, info);

    nw_signal_look(call->slot);
    if (!taken && (!until || nw_now() < until) && call->domain->state != NW_DOMAIN_DYING) {
        s->awaited = set;
        s->wait_until = until;
        s->restarts = false;
        s->left_at = 0;
        call->parked = true;
        nw_slot_again(call->slot);
        nw_sleep(call->slot, NW_SLOT_SIGWAIT, until);
        return 0;
    }
    s->awaited = s->wait_until = 0;
    return taken ? info->signal : -EAGAIN;
}

long nw_sys_sigtimedwait(struct nw_call *call)
{
    struct nw_signal_info info;
    uint8_t form[NW_SIGINFO_SIZE];
    uint64_t set, until;
    long result;
    int error;

    if (call->args[3] != SET_SIZE)
        return -EINVAL;
    if (nw_call_read(call, &set, call->args[0], sizeof(set)) < 0)
        return -EFAULT;
    error = wait_end(call, &until);
    if (error)
        return error;
    pthread_mutex_lock(&nw_monitor_lock);
    result = wait_for(call, set, until, &info);
    pthread_mutex_unlock(&nw_monitor_lock);
    if (call->parked || result < 0 || !call->args[1])
        return result;
    nw_signal_siginfo(form, &info);
    return nw_call_write(call, call->args[1], form, sizeof(form)) < 0 ? -EFAULT : result;
}
