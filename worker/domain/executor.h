/*
 * An executor is a kernel thread that runs slots (run/executor.c). What it runs, what it trapped on and which rights it
 * has is here.
 */
#ifndef NW_WORKER_DOMAIN_EXECUTOR_H
#define NW_WORKER_DOMAIN_EXECUTOR_H

#include "protect/gate/gate.h"
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#define NW_PREEMPT_SIGNAL 23 /* SIGURG */

struct nw_domain;
struct nw_deployed;
struct nw_slot;

enum nw_timer { NW_TIMER_UNMADE, NW_TIMER_MADE, NW_TIMER_NONE };

struct nw_executor {
    struct nw_gate_thread gate; /* first */
    uint64_t monitor_fs;
    uint32_t id;
    uint32_t idle;
    uint32_t blocked;          /* in a system call that may take long; another executor has its token (right to run) */
    bool has_rights;           /* while blocked: it has the rights of the slot's domain */
    bool away;                 /* it runs no slot */
    uint32_t surfaced;         /* how many recalls of keys there had been when it last surfaced (run/deal.c) */
    struct nw_domain *in_free; /* whose list of free slots it changes as the lock's owner (free.h) */
    pthread_t thread;
    uint32_t runs;             /* slots taken from the ready queue so far */
    struct nw_deployed *took;  /* the function of took_slot */
    struct nw_slot *took_slot; /* the slot that it took last */
    uint64_t taken_at;         /* when, in ticks; later by as long as it has been blocked since */
    uint64_t counted_at;       /* the same; or when its function was last charged, if that is later */
    uint64_t blocked_at;       /* while blocked: since when, in ticks */
    enum nw_timer timer;       /* see tick/timer.c */
    int timer_id;
    uint64_t ticker_due; /* when tick/ticker.c kicks it, in ns; 0: not */
    uint64_t quantum;    /* ns after which it is kicked; 0: it is not */
    uint64_t due;        /* when, in ns; 0: its lateness was counted */
    uint64_t tick_cost;  /* ns; see turn/dear.h */
    uint32_t ticked;     /* it was kicked by the timer since that was set */
    uint32_t seen_runs;
    uint64_t seen_at;
    bool starting;
    struct {
        int signal; /* 0: the slot was preempted or its way out was cut short */
        int code;
        uint64_t address, at;
        long syscall;
        uint32_t arch;
    } trap;
};

static inline struct nw_executor *nw_executor_of(struct nw_gate_thread *thread)
{
    return (struct nw_executor *)thread;
}

static inline struct nw_slot *nw_running(struct nw_executor *ex)
{
    return (struct nw_slot *)ex->gate.current;
}

#endif
