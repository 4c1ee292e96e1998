/*
 * Signals within a domain: sent by its own flows, by its timers, and by its own faults. The kernel never delivers one:
 * a signal is a bit in the monitor, and a handler is entered where the monitor gives an executor to a flow. What was
 * interrupted lies meanwhile in a frame in the domain's memory, in the kernel's form, and is believed in nothing but
 * what the domain could do by itself. See docs/decisions/signals-within-a-domain.md.
 *
 *   sent (signal/post.c) ──> pending ──> delivered (signal/deliver.c) ──> frame, handler ──> rt_sigreturn
 *   expired (signal/timer.c) ──^                       a fault ──────────^   (signal/frame.c)
 *
 * All of it is guarded by nw_monitor_lock, but `signalled` of a slot, which whoever runs it may look at without, and
 * what only the executor of a slot changes: its alternate stack.
 */
#ifndef NW_WORKER_SIGNAL_SIGNALS_H
#define NW_WORKER_SIGNAL_SIGNALS_H

#include "common/manifest/resources.h"
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct nw_call;
struct nw_domain;
struct nw_executor;
struct nw_slot;

#define NW_SIGNALS          64
#define NW_SIGNAL_BIT(n)    (1ull << ((n)-1))
#define NW_SIGNAL_TIMERS    (1 + NW_LIMIT_SIGNAL_TIMERS) /* the first is that of setitimer and alarm */
#define NW_SIGNAL_UNTOUCHED (NW_SIGNAL_BIT(SIGKILL) | NW_SIGNAL_BIT(SIGSTOP))

/* As the kernel defines it. */
struct nw_signal_action {
    uint64_t handler, flags, restorer, mask;
};

struct nw_signal_timer {
    bool used;
    bool pending;   /* it has expired, and its signal was not delivered yet; it expires no more until it was */
    int signal;     /* 0: it only counts */
    uint32_t tid;   /* whose signal it is; 0: anybody's */
    uint32_t maker; /* the flow that suits it best */
    int clock;
    uint64_t value;        /* for the handler */
    uint64_t at, interval; /* ns of CLOCK_MONOTONIC; 0: it is off, it expires once */
    uint32_t overrun;      /* since the last delivery ... */
    uint32_t overran;      /* ... and at that */
};

/* Part of a domain. */
struct nw_signals {
    struct nw_signal_action actions[NW_SIGNALS];
    uint64_t pending; /* sent to the domain when every flow had it blocked */
    struct nw_signal_timer timers[NW_SIGNAL_TIMERS];
    uint64_t next_timer; /* the first of them expires; 0: none is on */
};

/* What a signal made of the system call of its flow. */
enum nw_signal_cut {
    NW_CUT_NONE,
    NW_CUT_BEGUN,   /* it has a result to be decided on: EINTR, or it is made again */
    NW_CUT_UNBEGUN, /* it is to be made again already, unless it gets EINTR */
};

/* Part of a slot. */
struct nw_slot_signals {
    uint64_t mask;
    uint64_t pending, from_kill; /* those of `pending` that were sent to the domain */
    bool restores;               /* sigsuspend: the mask that the frame gives back is this one */
    uint64_t restored_mask;
    uint64_t stack, stack_size; /* alternate; size 0: there is none */
    uint32_t stack_flags;
    enum nw_signal_cut cut;
    bool restarts;       /* the system call that waits is made again behind a handler with SA_RESTART */
    uint64_t left_at;    /* nanosleep: where the time that was left is stored; 0: nowhere */
    uint64_t awaited;    /* sigtimedwait: which */
    uint64_t wait_until; /* ... its end, while it is made again; 0: none */
};

/* A signal that is being delivered to its handler. */
struct nw_signal_info {
    int signal, code;
    uint64_t address; /* of a fault */
    uint64_t value;
    uint32_t timer, overrun;
};

/* ---- signal/post.c; lock held ---- */

/* Sends to a flow of the domain, or, NULL, to the domain. False: nobody handles it, and it ends the domain. `self`, or
 * NULL, is the executor that this is called on. */
bool nw_signal_send(struct nw_domain *domain, struct nw_slot *slot, int signal, struct nw_executor *self);
bool nw_signal_send_timer(struct nw_domain *domain, struct nw_signal_timer *timer);

/* What waits for a flow; what of it is not blocked. */
uint64_t nw_signal_pending(const struct nw_slot *slot);
uint64_t nw_signal_deliverable(const struct nw_slot *slot);

/* The flow of this number. NULL: there is none in the domain. */
struct nw_slot *nw_signal_flow(struct nw_domain *domain, uint32_t tid);

/* After its mask has changed. */
void nw_signal_look(struct nw_slot *slot);

/* The one of a set that comes first is taken out of what is pending for a flow. False: none is. */
bool nw_signal_take(struct nw_slot *slot, uint64_t set, struct nw_signal_info *info);

enum nw_signal_effect { NW_SIGNAL_IGNORED, NW_SIGNAL_ENDS, NW_SIGNAL_HANDLED };
enum nw_signal_effect nw_signal_effect(const struct nw_domain *domain, int signal);

/* ---- signal/deliver.c; on the executor of the slot, lock NOT held ---- */

/* Called before a signalled slot runs. False: the slot ended with its domain. */
bool nw_signal_deliver(struct nw_slot *slot);

/* Delivers a fault of the slot, whose registers are saved. False: it has no handler for it. */
bool nw_signal_fault(struct nw_slot *slot, int signal, int code, uint64_t address, uint64_t rip);

/* The slot's system call was cut short by a signal. */
void nw_signal_cut(struct nw_slot *slot, long number);

/* Whether a call is made again behind a handler that wants that. */
bool nw_signal_restarts(long number);

/* ---- signal/frame.c; likewise ---- */

/* Lets the slot go on in the handler. False: its stack has no room. */
bool nw_signal_frame_push(struct nw_slot *slot, const struct nw_signal_info *info,
                          const struct nw_signal_action *action, uint64_t mask);

/* Lets the slot go on where the frame at its stack pointer says. False: that is no frame. */
bool nw_signal_frame_pop(struct nw_slot *slot, uint64_t *mask);

/* The form that the kernel gives `info`. */
#define NW_SIGINFO_SIZE 128
void nw_signal_siginfo(uint8_t to[NW_SIGINFO_SIZE], const struct nw_signal_info *info);

/* Whether the flow, at this stack pointer, is on its alternate stack. */
bool nw_signal_on_stack(const struct nw_slot *slot, uint64_t rsp);

/* ---- signal/timer.c; lock held ---- */

/* Sends the signals of expired timers, in all domains, which may end of them. Returns when to call again; UINT64_MAX:
 * never. */
uint64_t nw_signal_timers_run(uint64_t now);

void nw_signal_timer_set(struct nw_domain *domain, struct nw_signal_timer *timer, uint64_t at, uint64_t interval);

/* Its signal is delivered. */
void nw_signal_timer_taken(struct nw_domain *domain, struct nw_signal_timer *timer);

#endif
