/*
 * The hosts, workers and functions of a simulation, and what may happen to them. What calls do and what is counted is
 * in simulate.c.
 */
#ifndef NW_BENCH_SIMULATE_WORLD_H
#define NW_BENCH_SIMULATE_WORLD_H

#include "bench/simulate/simulate.h"
#include "common/base/valid.h"
#include "engine/placement/placement.h"

#define NW_SIM_NONE (~0u)

struct nw_sim_function {
    unsigned worker;       /* of its host; NW_SIM_NONE: it is cold */
    unsigned newer, older; /* on its host, by the last call; NW_SIM_NONE at the ends */
    double last;           /* when it was called */
};

struct nw_sim_worker {
    unsigned functions, held;
    unsigned holders[NW_SIMULATION_KEYS_MAX]; /* which functions hold its keys */
};

struct nw_sim_host {
    struct nw_sim_worker *of;        /* its workers: those that were ever started; empty ones have ended */
    struct nw_placement_seat *seats; /* the same, as the policy sees them */
    unsigned started, workers, warm; /* workers ever started; workers and functions that are there */
    unsigned newest, oldest;         /* functions by their last call */
};

struct nw_sim_world {
    const struct nw_simulation_plan *plan;
    struct nw_sim_function *functions;
    struct nw_sim_host *hosts;
};

/* 0 or -ENOMEM. Freed by nw__sim_world_fini. */
int nw__sim_world_init(struct nw_sim_world *world, const struct nw_simulation_plan *plan);
void nw__sim_world_fini(struct nw_sim_world *world);
bool nw_sim_host_is_valid(const struct nw_sim_host *host);

struct nw_sim_host *nw__sim_host_of(struct nw_sim_world *world, unsigned function);
bool nw__sim_is_warm(const struct nw_sim_world *world, unsigned function);
bool nw__sim_holds_key(struct nw_sim_world *world, unsigned function);

/* A cold function becomes warm where the policy says, without a key. */
void nw__sim_start(struct nw_sim_world *world, struct nw_sim_host *host, unsigned function);

/* A warm one becomes cold. */
void nw__sim_end(struct nw_sim_world *world, unsigned function);

/* A warm function without a key goes to a worker with a free one, if the policy has one, and takes it. */
bool nw__sim_move(struct nw_sim_world *world, struct nw_sim_host *host, unsigned function);

/* A key of its worker that nobody holds. False: there is none. */
bool nw__sim_take_free_key(struct nw_sim_world *world, unsigned function);

/* The key of the function of its worker that was called longest ago. */
void nw__sim_rob_key(struct nw_sim_world *world, unsigned function);

/* It was called now. */
void nw__sim_touch(struct nw_sim_world *world, struct nw_sim_host *host, unsigned function, double now);

#endif
