/* A version of a function in a worker: what invocations that go there wait in front of. */
#ifndef NW_ENGINE_SERVE_REPLICA_H
#define NW_ENGINE_SERVE_REPLICA_H

#include "common/manifest/resources.h"
#include "engine/base/list.h"
#include <stdbool.h>
#include <stdint.h>

struct nw_deployment;
struct nw_seat;

enum nw_replica_state {
    NW_REPLICA_PENDING,  /* its worker is not up, or loads another one first */
    NW_REPLICA_LOADING,  /* LOAD is sent */
    NW_REPLICA_LOADED,   /* ready to be activated */
    NW_REPLICA_SERVING,  /* ACTIVATE is sent */
    NW_REPLICA_RETIRING, /* RETIRE is sent */
    NW_REPLICA_REFUSED,
};

struct nw_replica {
    struct nw_list of_deployment, of_seat;
    struct nw_deployment *deployment;
    struct nw_seat *seat;
    enum nw_replica_state state;
    unsigned bound;                    /* invocations that chose it */
    unsigned in_flight;                /* of these, those that the worker has */
    unsigned from_clients;             /* of those, the ones that are not nested */
    uint64_t load_begun;               /* LOADING: when */
    unsigned lost_loading;             /* times the worker ended while loading it and nothing else */
    unsigned killed_loading;           /* ... times it was ended */
    bool lost_alone;                   /* that has just happened, and which of the two is not known yet */
    bool suspect;                      /* ... or it and others: it is loaded when nothing else is */
    uint64_t holds[NW_RESOURCE_COUNT]; /* its domain, as the worker says */
    uint64_t memory, memory_peak;      /* the same; the peak is that of all its domains so far */
    struct nw_list queues[2];          /* READY: of clients, and nested calls; they take turns */
    bool nested_next;                  /* whose turn it is */
    struct nw_list pump_link;          /* in engine->pump while it may have something to send */
};

#endif
