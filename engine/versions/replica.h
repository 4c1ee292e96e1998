/*
 * A replica: one version of a function in one seat. It follows its worker:
 *
 *              LOAD           LOADED          ACTIVATE           RETIRE
 *   PENDING ─────────> LOADING ──────> LOADED ────────> SERVING ────────> RETIRING ──RETIRED──> PENDING
 *     ^  │ REFUSE        │ REFUSE        │                 │ CLOSE          ^ ^
 *     │  └──> REFUSED <──┘               │                 └──> CLOSING ────┘ │ RETIRE
 *     └─AGAIN─┘                          └──────────────RETIRE────────────────┘
 *
 * CLOSE: it goes, and its version stays: nobody chooses it any more. LOST leads from each state to PENDING. AGAIN
 * leaves what is PENDING as it is, and REFUSE what is REFUSED. Which replica is loaded when is decided in loads.c.
 */
#ifndef NW_ENGINE_VERSIONS_REPLICA_H
#define NW_ENGINE_VERSIONS_REPLICA_H

#include "common/manifest/resources.h"
#include "engine/base/list.h"
#include "engine/placement/placement.h"
#include "engine/serve/queue.h"
#include <stdbool.h>
#include <stdint.h>

struct nw_deployment;
struct nw_seat;

enum nw_replica_state {
    NW_REPLICA_PENDING,  /* its worker is not up, or loads another one first */
    NW_REPLICA_LOADING,  /* LOAD is sent */
    NW_REPLICA_LOADED,   /* ready to be activated */
    NW_REPLICA_SERVING,  /* ACTIVATE is sent */
    NW_REPLICA_CLOSING,  /* what chose it is finished */
    NW_REPLICA_RETIRING, /* RETIRE is sent */
    NW_REPLICA_REFUSED,
    NW_REPLICA_STATES
};

enum nw_replica_event {
    NW_REPLICA_LOAD,
    NW_REPLICA_HAS_LOADED,
    NW_REPLICA_REFUSE,
    NW_REPLICA_ACTIVATE,
    NW_REPLICA_CLOSE,
    NW_REPLICA_RETIRE,
    NW_REPLICA_HAS_RETIRED,
    NW_REPLICA_AGAIN, /* what it was refused for is mended */
    NW_REPLICA_LOST,  /* its worker is */
    NW_REPLICA_EVENTS
};

struct nw_replica {
    struct nw_list of_deployment, of_seat;
    struct nw_list round; /* in all->round of its deployment while it is SERVING, in all->leaving once it leaves */
    bool leaves;          /* it goes as soon as nobody needs it, and its version stays */
    unsigned held;        /* other threads that may have something under way for it here: see threads.h */
    uint64_t used;        /* when it was last known to be called */
    uint32_t calls;       /* of it so far, as its worker says */
    struct nw_deployment *deployment;
    struct nw_seat *seat;
    enum nw_replica_state state;       /* written by nw__replica_move alone */
    enum nw_placement_rule rule;       /* why it is in this seat */
    struct nw_queue queue;             /* open while it is SERVING */
    uint64_t begun;                    /* LOADING, RETIRING: when its worker was told */
    unsigned lost_loading;             /* times the worker ended while loading it and nothing else */
    unsigned killed_loading;           /* ... times it was ended */
    bool lost_alone;                   /* that has just happened, and which of the two is not known yet */
    bool suspect;                      /* ... or it and others: it is loaded when nothing else is */
    uint64_t holds[NW_RESOURCE_COUNT]; /* its domain, as the worker says */
    uint64_t memory, memory_peak;      /* the same; the peak is that of all its domains so far */
};

/* One of a deployment in a seat, PENDING. NULL when memory is out. */
struct nw_replica *nw__replica_new(struct nw_deployment *deployment, struct nw_seat *seat);
void nw__replica_free(struct nw_replica *replica);

bool nw_replica_is_valid(const struct nw_replica *replica);

/* "waiting", "serving", ... */
const char *nw_replica_state_name(enum nw_replica_state state);

/* Moves it along. False: the event does not fit its state, and nothing changed. */
bool nw__replica_move(struct nw_replica *replica, enum nw_replica_event event);

#endif
