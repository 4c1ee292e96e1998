/*
 * A worker: one process in a seat, from the wish to start it until it is given up, with what is said over its control
 * socket. Its ring is in its link (serve/link.h), whose memory may be needed for longer. Not responsible for when it is
 * started or given up (seats.c).
 */
#ifndef NW_ENGINE_WORKERS_WORKER_H
#define NW_ENGINE_WORKERS_WORKER_H

#include "engine/base/list.h"
#include "engine/base/outbox.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct nw_channels;
struct nw_io_watch;
struct nw_link;
struct nw_seat;

/* Through what a worker is lost. */
enum nw_loss {
    NW_LOSS_OWN,    /* its own doing, or its functions' */
    NW_LOSS_UNTOLD, /* its socket is closed; the launcher says how its process ended */
    NW_LOSS_OTHER,  /* neither: it was killed, or the launcher was */
};

struct nw_worker {
    struct nw_seat *seat;
    struct nw_link *link;         /* a reference; its owner is the worker */
    struct nw_channels *channels; /* those of the other threads; NULL without any */
    enum nw_loss loss;            /* once the link is broken: through what */
    uint32_t number;
    int64_t pid;                 /* 0 until the launcher says */
    uint32_t domains, free_keys; /* as it says */
    uint32_t seen_taken;         /* at the last look of stopped.c: of its ring, by us; by other threads it had busy */
    unsigned seen_busy;
    bool seen_stopped; /* ... and it was stopped */
    uint64_t refused;  /* the same: system calls of its functions */
    int control;
    struct nw_io_watch *control_watch;
    struct nw_outbox outbox;    /* to its control socket */
    struct nw_list outbox_link; /* in all->unsent of its seat while something is kept there */
};

/* One for a seat, whose control socket calls back with it. *socket is its end of that, the caller's to close. NULL with
 * *error negative errno. */
struct nw_worker *nw__worker_new(struct nw_seat *seat, uint32_t number, void (*readable)(void *worker), int *socket,
                                 int *error);

/* Gives up everything but the memory of the link. */
void nw__worker_free(struct nw_worker *worker);

/* Sends it a message, now or as soon as its socket takes it. */
void nw_worker_tell(struct nw_worker *worker, const struct nw_control *head, const char *text, size_t length,
                    const int *fds, int n_fds);

/* Sends on what was kept. */
void nw__worker_send_kept(struct nw_worker *worker);

#endif
