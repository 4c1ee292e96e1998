/* What a domain and each of its slots have of signals; signal/signals.h says what is done with it. */
#ifndef NW_WORKER_BASE_SIGNALS_H
#define NW_WORKER_BASE_SIGNALS_H

#include "common/manifest/resources.h"
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

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

#endif
