/* The type of a seat: the place of a worker, which lives on when the process ends. Its life is in workers.h. */
#ifndef NW_ENGINE_CONTROL_SEAT_H
#define NW_ENGINE_CONTROL_SEAT_H

#include "common/base/backoff.h"
#include "engine/base/list.h"
#include "engine/control/worker.h"
#include <stdbool.h>
#include <stdint.h>

struct nw_deployment;
struct nw_engine;
struct nw_tenant;

enum nw_seat_state {
    NW_SEAT_DOWN,     /* waits for a launcher or for its backoff */
    NW_SEAT_STARTING, /* START is sent, HELLO not come */
    NW_SEAT_UP,
    NW_SEAT_STATES
};

struct nw_seat {
    struct nw_list link; /* in engine->seats */
    struct nw_list of_tenant;
    struct nw_engine *engine;
    struct nw_tenant *tenant;
    struct nw_deployment *only; /* mode process: the one deployment that it serves */
    enum nw_seat_state state;
    struct nw_worker *worker; /* while STARTING or UP */
    struct nw_list replicas;
    unsigned loading;  /* replicas that are LOADING */
    uint64_t deadline; /* DOWN: when to start; STARTING: HELLO */
    uint64_t up_since;
    struct nw_backoff backoff;
    unsigned restarts;
    uint32_t untold;   /* the worker that was lost: how it ended is not told yet; 0: none */
    uint64_t lived;    /* ms, the one that was lost */
    bool lost_loading; /* ... while it loaded something */
    char why[512];     /* no process could be started for it the last time; "": one could */
};

#endif
