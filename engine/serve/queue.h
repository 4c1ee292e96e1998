/*
 * The invocations for one version of a function in one worker: how many chose it, which of them wait for a slot, how
 * many the worker has. Whoever loads versions into workers makes it, says whether it may be chosen, and ends it when
 * nothing is bound to it. Not responsible for sending (dispatch.c).
 */
#ifndef NW_ENGINE_SERVE_QUEUE_H
#define NW_ENGINE_SERVE_QUEUE_H

#include "engine/base/list.h"
#include <stdbool.h>
#include <stdint.h>

struct nw_link;
struct nw_version;

#define NW_QUEUE_WAVES 2 /* invocations that a worker has per slot: one runs, one is ready to run */

struct nw_queue {
    struct nw_list of_version;
    struct nw_version *version;
    struct nw_link *link;      /* its worker; NULL while there is none */
    bool open;                 /* invocations may choose it */
    unsigned bound;            /* those that did */
    unsigned in_flight;        /* of these, those that the worker has */
    unsigned from_clients;     /* of those, the ones that are not nested */
    uint64_t completed;        /* by the worker since the queue was opened for it */
    unsigned lost;             /* invocations that the worker had begun when it was lost */
    struct nw_list waiting[2]; /* READY: of clients, and nested calls; they take turns */
    bool nested_next;          /* whose turn it is */
    struct nw_list pump_link;  /* in engine->pump while it may have something to send */
};

bool nw_queue_is_valid(const struct nw_queue *queue);

/* One of a version, closed and without a worker; the end of it, when nothing is bound to it. */
void nw_queue_init(struct nw_queue *queue, struct nw_version *version);
void nw_queue_fini(struct nw_queue *queue);

/* The worker serves the version now. */
void nw_queue_open(struct nw_queue *queue, struct nw_link *link);

/* Nobody chooses it any more; what did is finished. */
void nw_queue_close(struct nw_queue *queue);

/* The worker is lost. To be called before what it had is failed (nw_dispatch_link_lost); nw_dispatch_unqueue follows.
 */
void nw_queue_lost(struct nw_queue *queue);

/* An invocation chooses it; it does not need it any more. */
void nw__queue_bind(struct nw_queue *queue);
void nw__queue_unbind(struct nw_queue *queue);

/* It is looked at before the loop waits. */
void nw__queue_pump_later(struct nw_queue *queue);

#endif
