/*
 * A replica: one version of a function in one seat. It follows its worker:
 *
 *              LOAD           LOADED          ACTIVATE           RETIRE
 *   PENDING ─────────> LOADING ──────> LOADED ────────> SERVING ────────> RETIRING ──RETIRED──> PENDING
 *     ^  │ REFUSE        │ REFUSE        │                 │ CLOSE          ^ ^
 *     │  └──> REFUSED <──┘               │                 └──> CLOSING ────┘ │ RETIRE
 *     └─AGAIN─┘                          └──────────────RETIRE────────────────┘
 *
 * CLOSE: the replica is to go while its version stays, so new invocations no longer choose it. LOST, the end of its
 * worker, leads from each state to PENDING. AGAIN changes nothing in PENDING, nor REFUSE in REFUSED. Which replica is
 * loaded when is decided in loads.c.
 */
#ifndef NW_ENGINE_VERSIONS_REPLICA_H
#define NW_ENGINE_VERSIONS_REPLICA_H

#include "common/host/backoff.h"
#include "common/manifest/control.h"
#include "common/manifest/resources.h"
#include "engine/base/list.h"
#include "engine/placement/heat.h"
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
    NW_REPLICA_CLOSING,  /* nobody chooses it any more; invocations that had chosen it finish */
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
    NW_REPLICA_AGAIN, /* the reason for its refusal may be over */
    NW_REPLICA_LOST,  /* its worker has ended */
    NW_REPLICA_EVENTS
};

struct nw_replica {
    struct nw_list of_deployment, of_seat;
    struct nw_list round; /* in all->round of its deployment once it has served, in all->leaving once it leaves */
    bool leaves;          /* it is freed as soon as nobody needs it, while its version stays */
    unsigned held;        /* how many other threads may still have invocations for it in this worker */
    uint64_t used;        /* when a call of it was last noticed */
    uint32_t calls;       /* how often its worker says that it was called so far */
    struct nw_deployment *deployment;
    struct nw_seat *seat;
    enum nw_replica_state state; /* written by nw__replica_move alone */
    enum nw_placement_rule rule; /* why it is in this seat */
    const struct nw_seat *from;  /* the seat whose replica leaves once this one serves, which may be gone; or NULL */
    struct nw_queue queue;       /* open while it is SERVING */
    bool awaits_snapshot;        /* its worker may send one: once for each load */
    bool has_snapshot;           /* its worker was handed one, or sent it, and did not say that it is of no use */
    uint64_t begun;              /* LOADING, RETIRING: when its worker was told */
    bool has_load_slot;          /* LOADING: one of the load slots of its worker is charged to it */
    unsigned lost_loading;       /* how often its worker ended by itself while it loaded this and nothing else */
    unsigned killed_loading;     /* ... how often its worker was killed then */
    bool lost_alone;             /* one of these two has just happened; which, nw__loads_judged will know */
    bool suspect;                /* its worker ended while it loaded this and maybe others: it is loaded alone */
    struct nw_backoff blamed;    /* how often it was blamed for the end of its worker */
    uint64_t late_until;         /* PENDING: it is not loaded before that, as it was blamed; 0: it was not */
    uint64_t holds[NW_RESOURCE_COUNT]; /* what its domain holds, as the worker says */
    uint32_t func_workers;             /* that its domain has, as the worker says */
    struct nw_calls done;              /* what the worker says that it has done */
    struct nw_heat heat;               /* written by nw__replica_heat alone */
    uint64_t memory, memory_peak;      /* bytes of its domain now, and the most that any of its domains here ever had */
};

/* Makes a replica of a deployment in a seat, PENDING. NULL when memory is out. */
struct nw_replica *nw__replica_new(struct nw_deployment *deployment, struct nw_seat *seat);
void nw__replica_free(struct nw_replica *replica);

bool nw_replica_is_valid(const struct nw_replica *replica);

/* How busy it is has changed. */
void nw__replica_heat(struct nw_replica *replica, const struct nw_heat *heat);

/* "waiting", "serving", ... */
const char *nw_replica_state_name(enum nw_replica_state state);

/* Carries out the transition for an event. False: the event does not fit its state, and nothing changed. */
bool nw__replica_move(struct nw_replica *replica, enum nw_replica_event event);

/* Gives back the load slot that LOAD has taken. When LOADING is over it is given back in any case. */
void nw__replica_give_slot(struct nw_replica *replica);

#endif
