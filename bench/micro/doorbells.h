/* Ways to wake a thread that waits, behind one interface, to be compared. Two threads of one process. */
#ifndef NW_BENCH_MICRO_DOORBELLS_H
#define NW_BENCH_MICRO_DOORBELLS_H

#include <liburing.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

/* One direction: one thread rings, another waits. */
struct nw_bell {
    uint32_t rung; /* spin, yield, futex, cond */
    int fds[2];    /* eventfd, pipe: to wait on, to ring */
    pthread_t waiter;
    pthread_mutex_t lock;
    pthread_cond_t cond;
    struct io_uring inbox, outbox;
};

struct nw_bell_kind {
    const char *name;
    bool one_core, two_cores; /* where it makes sense */
    int (*open)(struct nw_bell *bell);
    void (*ring)(struct nw_bell *bell);
    void (*wait)(struct nw_bell *bell); /* returns once for each ring */
    void (*close)(struct nw_bell *bell);
};

extern const struct nw_bell_kind nw__bell_kinds[];
extern const int nw__bell_kinds_count;

#endif
