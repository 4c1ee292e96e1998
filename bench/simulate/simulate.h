/*
 * Placement under load, without machines: hosts with workers, workers with hardware keys, and functions that are
 * called. Where a function is started is said by the engine's own policy (engine/placement); how often calls then find
 * it warm, cold or without a key is counted. The same plan gives the same counts everywhere. Knows nothing of what a
 * start or a key costs in time, nor of functions that call one another.
 */
#ifndef NW_BENCH_SIMULATE_SIMULATE_H
#define NW_BENCH_SIMULATE_SIMULATE_H

#include "bench/simulate/traffic.h"

#define NW_SIMULATION_KEYS_MAX 15

struct nw_simulation_plan {
    struct nw_traffic_plan traffic;
    unsigned hosts;   /* a function is always called on the same one */
    unsigned workers; /* at most, on each host */
    unsigned keys;    /* of each worker, up to NW_SIMULATION_KEYS_MAX */
    unsigned room;    /* warm functions of a host, at most: its memory */
    double idle;      /* seconds after which a function that is not called goes */
};

/* calls = warm + cold. The first quarter of the time, in which everything is cold, is not counted. */
struct nw_simulation_result {
    uint64_t calls, warm, cold;
    uint64_t rekeys;                  /* calls, warm or cold, for which a key was taken from another function */
    uint64_t moves;                   /* functions that went to another worker because they had no key */
    uint64_t evicted;                 /* functions that went early because there was no room */
    unsigned most_warm, most_workers; /* at a time, of one host */
};

/* 0 or -ENOMEM. */
int nw__simulate(const struct nw_simulation_plan *plan, struct nw_simulation_result *result);

#endif
