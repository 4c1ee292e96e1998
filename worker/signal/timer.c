/* Timers that send signals: setitimer, alarm and timer_create. The control thread looks at them as it looks at
 * sleepers. */
#include "worker/base/limits.h"
#include "worker/base/now.h"
#include "worker/call/death.h"
#include "worker/domain/attended.h"
#include "worker/domain/domain.h"
#include "worker/executor/wake.h"
#include "worker/signal/signals.h"
#include <signal.h>
#include <stdio.h>
#include <string.h>

#define LEAST_NS   1000000ull   /* between two signals of one timer */
#define IGNORED_NS 100000000ull /* ... whose signal is ignored */

static void find_next(struct nw_signals *signals)
{
    signals->next_timer = 0;
    for (size_t i = 0; i < NW_SIGNAL_TIMERS; i++) {
        const struct nw_signal_timer *timer = &signals->timers[i];

        if (timer->at && !timer->pending && (!signals->next_timer || timer->at < signals->next_timer))
            signals->next_timer = timer->at;
    }
}

static void changed(struct nw_domain *domain)
{
    find_next(&domain->signals);
    if (!domain->signals.next_timer)
        return;
    nw_attend(domain);
    nw_wake_control_by(domain->signals.next_timer);
}

/* It has expired: from when it expires again, `least` from now. */
static void step(struct nw_signal_timer *timer, uint64_t now, uint64_t least)
{
    uint64_t n;

    if (!timer->interval) {
        timer->at = 0;
        return;
    }
    n = timer->at < now + least ? (now + least - timer->at + timer->interval - 1) / timer->interval : 0;
    n = n ? n : 1;
    timer->at += n * timer->interval;
    timer->overrun = n - 1 < INT32_MAX - timer->overrun ? timer->overrun + (uint32_t)(n - 1) : INT32_MAX;
}

void nw_signal_timer_set(struct nw_domain *domain, struct nw_signal_timer *timer, uint64_t at, uint64_t interval)
{
    timer->at = at;
    timer->interval = interval;
    timer->pending = false;
    timer->overrun = 0;
    changed(domain);
}

void nw__signal_timer_taken(struct nw_domain *domain, struct nw_signal_timer *timer)
{
    timer->pending = false;
    if (timer->at)
        step(timer, nw_now(), LEAST_NS);
    timer->overran = timer->overrun;
    timer->overrun = 0;
    changed(domain);
}

/* Nobody handles it. */
static void end(struct nw_domain *domain, int signal)
{
    const char *name = sigabbrev_np(signal);
    char reason[NW_REASON_MAX];

    snprintf(reason, sizeof(reason), "SIG%s of its timer was not handled", name ? name : "RT");
    nw_domain_kill(domain, NW_STATUS_CRASHED, reason);
}

/* False: the domain has ended. A signal that waits for delivery sets the timer on afterwards. */
static bool expire(struct nw_domain *domain, struct nw_signal_timer *timer, uint64_t now)
{
    if (!timer->signal) {
        step(timer, now, IGNORED_NS);
        return true;
    }
    if (!nw__signal_send_timer(domain, timer)) {
        end(domain, timer->signal);
        return false;
    }
    if (!timer->pending)
        step(timer, now, IGNORED_NS);
    else if (!timer->interval)
        timer->at = 0;
    return true;
}

static uint64_t domain_timers(struct nw_domain *domain, uint64_t now)
{
    struct nw_signals *signals = &domain->signals;
    bool lives = domain->state == NW_DOMAIN_STARTING || domain->state == NW_DOMAIN_LIVE;

    if (!lives || !signals->next_timer)
        return UINT64_MAX;
    for (size_t i = 0; i < NW_SIGNAL_TIMERS && lives && signals->next_timer <= now; i++) {
        struct nw_signal_timer *timer = &signals->timers[i];

        if (timer->at && !timer->pending && timer->at <= now)
            lives = expire(domain, timer, now);
    }
    if (!lives)
        return UINT64_MAX;
    find_next(signals);
    return signals->next_timer ? signals->next_timer : UINT64_MAX;
}

uint64_t nw_signal_timers_run(uint64_t now)
{
    uint64_t next = UINT64_MAX;

    for (struct nw_domain *d = nw_attended_after(NULL); d; d = nw_attended_after(d)) {
        uint64_t expires = domain_timers(d, now);

        next = expires < next ? expires : next;
    }
    return next;
}
