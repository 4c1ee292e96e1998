/* Signals reach their handlers here: between the monitor and the domain, and at a fault. See signals.h. */
#include "common/base/atomic.h"
#include "worker/base/limits.h"
#include "worker/base/lock.h"
#include "worker/base/now.h"
#include "worker/call/death.h"
#include "worker/domain/domain.h"
#include "worker/domain/slot.h"
#include "worker/signal/signals.h"
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>

#define SECOND 1000000000ull

extern const char __executable_start[], etext[];

/* What became of the search for a signal that does something. */
enum found { FOUND_NONE, FOUND_HANDLER, FOUND_END };

struct delivery {
    struct nw_signal_info info;
    struct nw_signal_action action;
    uint64_t mask;    /* that the frame gives back */
    uint64_t left_at; /* where the time that was left of a sleep belongs; 0: nowhere */
    uint64_t left;
};

/* Not those that wait for events or for time, nor those whose time limit would begin anew. */
bool nw_signal_restarts(long number)
{
    switch (number) {
    case SYS_read:
    case SYS_readv:
    case SYS_pread64:
    case SYS_preadv:
    case SYS_write:
    case SYS_writev:
    case SYS_pwrite64:
    case SYS_pwritev:
    case SYS_sendto:
    case SYS_sendmsg:
    case SYS_sendmmsg:
    case SYS_recvfrom:
    case SYS_recvmsg:
    case SYS_connect:
    case SYS_flock:
    case SYS_fcntl:
        return true;
    default:
        return false;
    }
}

void nw_signal_cut(struct nw_slot *slot, long number)
{
    slot->signals.cut = NW_CUT_BEGUN;
    slot->signals.restarts = nw_signal_restarts(number);
    slot->signals.left_at = 0;
}

/* The system call that was cut short has its result. */
static void settle(struct nw_slot *slot, bool restart, struct delivery *d)
{
    struct nw_slot_signals *s = &slot->signals;
    const enum nw_signal_cut cut = s->cut;
    const uint64_t now = nw_now();

    s->cut = NW_CUT_NONE;
    if (cut == NW_CUT_NONE || (restart && s->restarts && cut == NW_CUT_UNBEGUN))
        return;
    if (restart && s->restarts) {
        nw_slot_again(slot);
        return;
    }
    if (cut == NW_CUT_UNBEGUN)
        nw_slot_began(slot);
    nw_slot_result(slot, -EINTR);
    slot->block_until = s->wait_until = s->awaited = 0;
    d->left_at = s->left_at;
    d->left = slot->wake_at > now ? slot->wake_at - now : 0;
    s->left_at = 0;
}

/* The handler's mask is the flow's from now on. */
static void enter_mask(struct nw_slot *slot, struct delivery *d)
{
    struct nw_slot_signals *s = &slot->signals;

    d->mask = s->restores ? s->restored_mask : s->mask;
    s->restores = false;
    s->mask |= d->action.mask | (d->action.flags & SA_NODEFER ? 0 : NW_SIGNAL_BIT(d->info.signal));
    s->mask &= ~NW_SIGNAL_UNTOUCHED;
    if (d->action.flags & SA_RESETHAND)
        slot->domain->signals.actions[d->info.signal - 1] = (struct nw_signal_action){0};
}

/* Gives back the mask of sigsuspend, when another flow took the signal that woke this one. */
static void leave_mask(struct nw_slot *slot)
{
    if (slot->signals.restores)
        slot->signals.mask = slot->signals.restored_mask;
    slot->signals.restores = false;
}

/* Lock held. The next signal that is not ignored. */
static enum found next(struct nw_slot *slot, struct delivery *d)
{
    enum nw__signal_effect effect = NW_SIGNAL_IGNORED;

    while (effect == NW_SIGNAL_IGNORED && nw_signal_take(slot, ~slot->signals.mask, &d->info))
        effect = nw__signal_effect(slot->domain, d->info.signal);
    d->action =
        effect == NW_SIGNAL_IGNORED ? (struct nw_signal_action){0} : slot->domain->signals.actions[d->info.signal - 1];
    settle(slot, effect == NW_SIGNAL_IGNORED || d->action.flags & SA_RESTART, d);
    if (effect == NW_SIGNAL_HANDLED)
        enter_mask(slot, d);
    else
        leave_mask(slot);
    nw_signal_look(slot);
    return effect == NW_SIGNAL_HANDLED ? FOUND_HANDLER : effect == NW_SIGNAL_ENDS ? FOUND_END : FOUND_NONE;
}

static void end(struct nw_slot *slot, int signal, const char *what)
{
    const char *name = sigabbrev_np(signal);
    char reason[NW_REASON_MAX];

    snprintf(reason, sizeof(reason), "SIG%s %s", name ? name : "RT", what);
    pthread_mutex_lock(&nw_monitor_lock);
    nw_domain_kill(slot->domain, NW_STATUS_CRASHED, reason);
    nw_slot_die(slot);
    pthread_mutex_unlock(&nw_monitor_lock);
}

static void store_left(const struct nw_slot *slot, const struct delivery *d)
{
    const struct timespec left = {(time_t)(d->left / SECOND), (long)(d->left % SECOND)};
    uint64_t to = d->left_at;

    if (to && nw_domain_confine(slot->domain, &to, sizeof(left)))
        nw_gate_copy((void *)to, &left, sizeof(left)); /* it says nothing where that is unmapped */
}

/* False: the domain is dying, and the slot was reaped. */
static bool find(struct nw_slot *slot, struct delivery *d, enum found *found)
{
    bool lives;

    *d = (struct delivery){.left_at = 0};
    pthread_mutex_lock(&nw_monitor_lock);
    lives = slot->domain->state != NW_DOMAIN_DYING;
    if (lives)
        *found = next(slot, d);
    else
        nw_slot_die(slot);
    pthread_mutex_unlock(&nw_monitor_lock);
    return lives;
}

bool nw_signal_deliver(struct nw_slot *slot)
{
    enum found found = FOUND_NONE;
    struct delivery d;

    do {
        if (!find(slot, &d, &found))
            return false;
        store_left(slot, &d);
        if (found == FOUND_END) {
            end(slot, d.info.signal, "was not handled");
            return false;
        }
        if (found == FOUND_HANDLER && !nw__signal_frame_push(slot, &d.info, &d.action, d.mask)) {
            end(slot, SIGSEGV, "for want of room for a signal frame");
            return false;
        }
    } while (found == FOUND_HANDLER && nw_load_relaxed(&slot->signalled)); /* stored under the lock, or by who kicks */
    return true;
}

/* The gate and the monitor stop a domain with faults of their own: to those no handler has an answer. */
static bool is_monitors(uint64_t rip)
{
    return (rip >= (uint64_t)__executable_start && rip < (uint64_t)etext) ||
           (rip >= (uint64_t)nw_gate_text_start && rip < (uint64_t)nw_gate_text_end);
}

/* For an address outside of its range a domain is always told that nothing is mapped, whether something is or not. */
static int told_code(const struct nw_domain *domain, int signal, int code, uint64_t address)
{
    bool own = (address >= domain->memory.base && address < domain->memory.end) || nw_without(NW_DEFENCE_SIGNALS);

    return (signal == SIGSEGV || signal == SIGBUS) && code > 0 && code != SI_KERNEL && !own ? SEGV_MAPERR : code;
}

bool nw_signal_fault(struct nw_slot *slot, int signal, int code, uint64_t address, uint64_t rip)
{
    struct nw_domain *domain = slot->domain;
    struct delivery d = {.info = {.signal = signal, .address = address}};
    bool handled;

    if (is_monitors(rip) && !nw_without(NW_DEFENCE_SIGNALS))
        return false;
    d.info.code = told_code(domain, signal, code, address);
    pthread_mutex_lock(&nw_monitor_lock);
    handled = domain->state != NW_DOMAIN_DYING && nw__signal_effect(domain, signal) == NW_SIGNAL_HANDLED &&
              !(slot->signals.mask & NW_SIGNAL_BIT(signal));
    if (handled) {
        d.action = domain->signals.actions[signal - 1];
        enter_mask(slot, &d);
    }
    pthread_mutex_unlock(&nw_monitor_lock);
    return handled && nw__signal_frame_push(slot, &d.info, &d.action, d.mask);
}
