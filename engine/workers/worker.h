/*
 * A worker: one process in a seat, from before it is started until it is given up, and the sending of messages to its
 * control socket. Its ring is in its link (serve/link.h), whose memory may be needed for longer. Not responsible for
 * when it is started or given up (seats.c).
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

/* How a worker was lost. */
enum nw_loss {
    NW_LOSS_OWN,    /* its own doing, or its functions' */
    NW_LOSS_UNTOLD, /* not known yet: its socket is closed, and the launcher will say how its process ended */
    NW_LOSS_OTHER,  /* not its doing: it was killed or stopped, or the launcher ended */
};

struct nw_worker {
    struct nw_seat *seat;
    struct nw_link *link;         /* a reference to the link, whose `owner` is this worker */
    struct nw_channels *channels; /* to the other threads; NULL when there are none */
    enum nw_loss loss;            /* how it was lost, once its link is broken */
    uint32_t number;
    int64_t pid;                 /* 0 until the launcher says it */
    uint32_t domains, free_keys; /* as it says itself */
    uint32_t seen_taken;         /* at the last look of stopped.c: how far we had read its ring */
    unsigned seen_busy;          /* ... how many invocations of other threads it had */
    bool seen_stopped;           /* ... and it was stopped */
    uint64_t rekeyed;            /* how often a key was taken from one of its domains for another, as it says itself */
    uint64_t refused;            /* system calls of its functions that were refused, as it says itself */
    int control;
    struct nw_io_watch *control_watch;
    struct nw_outbox outbox;    /* to its control socket */
    struct nw_list outbox_link; /* in all->unsent of its seat while something is kept there */
};

/* Makes a worker for a seat, before its process is started. `readable` is called when its control socket may have
 * something. *socket gets the process's end of that socket; the caller closes it. NULL with *error negative errno. */
struct nw_worker *nw__worker_new(struct nw_seat *seat, uint32_t number, void (*readable)(void *worker), int *socket,
                                 int *error);

/* Frees everything but the link, which stays while others have references to it. */
void nw__worker_free(struct nw_worker *worker);

/* Sends it a message, now or as soon as its socket takes it. */
void nw_worker_tell(struct nw_worker *worker, const struct nw_control *head, const char *text, size_t length,
                    const int *fds, int n_fds);

/* Sends messages that the socket did not take at once. */
void nw__worker_send_kept(struct nw_worker *worker);

#endif
