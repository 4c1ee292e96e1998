/*
 * Which function is called when: functions as popular as Zipf says, called at an even rate, by the time of the day in
 * 24 time zones, or with a crowd that comes all at once.
 */
#ifndef NW_BENCH_SIMULATE_TRAFFIC_H
#define NW_BENCH_SIMULATE_TRAFFIC_H

#include "bench/draw/draw.h"

enum nw_traffic_kind {
    NW_TRAFFIC_ZIPF,    /* popularity does not change */
    NW_TRAFFIC_DIURNAL, /* each function has a time zone, and is called ten times as often by day as by night */
    NW_TRAFFIC_FLASH, /* in the middle, for a twentieth of the time, half of all calls go to NW_TRAFFIC_CROWD functions
                       */
};

#define NW_TRAFFIC_CROWD 1000

struct nw_traffic_plan {
    enum nw_traffic_kind kind;
    unsigned functions;
    double exponent;      /* of Zipf; 0: in turn */
    double rate, seconds; /* calls in a second; of diurnal ones, `seconds` is one day */
    uint64_t seed;
};

struct nw_traffic {
    const struct nw_traffic_plan *plan;
    struct nw_draw draw;
    struct nw_random random;
    uint64_t drawn; /* calls so far */
};

/* 0 or -ENOMEM. Freed by nw__traffic_fini; the plan must outlive it. */
int nw__traffic_init(struct nw_traffic *traffic, const struct nw_traffic_plan *plan);
void nw__traffic_fini(struct nw_traffic *traffic);

/* The next call. False when the time is over. */
bool nw__traffic_next(struct nw_traffic *traffic, unsigned *function, double *time);

#endif
