/*
 * What one thread of the engine has counted of the requests for one function. That thread alone writes it and only ever
 * adds, so counting costs it plain stores to memory of its own; whoever shows figures reads them at any time, relaxed:
 * each is right, all together may be of two moments. Made with the first request.
 */
#ifndef NW_ENGINE_TALLY_TALLY_H
#define NW_ENGINE_TALLY_TALLY_H

#include "common/base/atomic.h"
#include "common/base/status.h"
#include <stdint.h>

/* The grid of all histograms: 10, 25, 50 and 100 us and so on up to 10 s, as people ask for; the last step is for all
 * that took longer. */
#define NW_GRID_STEPS  20
#define NW_GRID_BOUNDS (NW_GRID_STEPS - 1)
extern const uint64_t nw_grid_bounds[NW_GRID_BOUNDS]; /* in ns */

struct nw_histogram {
    uint64_t counts[NW_GRID_STEPS]; /* of each step alone */
    uint64_t sum_ns;
};

struct nw_tally {
    unsigned references;
    uint64_t begun, ended[NW_OUTCOMES];
    struct nw_histogram took;   /* of what a worker had: from its head, or call, to its answer */
    struct nw_histogram waited; /* ... from when it was complete until it was handed to the worker */
};

/* Adds to a figure that this thread alone writes. Pairs with nw_load_relaxed of whoever shows it. */
static inline void nw_tally_add(uint64_t *figure, uint64_t n)
{
    nw_store_relaxed(figure, *figure + n);
}

/* The step of a duration: what takes exactly as long as a step's bound belongs to it. */
static inline unsigned nw_grid_step(uint64_t ns)
{
    unsigned step = 0;
    for (unsigned half = 16; half; half /= 2)
        if (step + half <= NW_GRID_BOUNDS && ns > nw_grid_bounds[step + half - 1])
            step += half;
    return step;
}

static inline void nw_histogram_add(struct nw_histogram *histogram, uint64_t ns)
{
    nw_tally_add(&histogram->counts[nw_grid_step(ns)], 1);
    nw_tally_add(&histogram->sum_ns, ns);
}

/* One with a reference. NULL when memory is out. */
struct nw_tally *nw__tally_new(void);
void nw__tally_ref(struct nw_tally *tally);
void nw__tally_unref(struct nw_tally *tally);

/* Adds all figures of a tally, which a thread may be adding to, to `sum`, which is nobody else's. */
void nw__tally_sum(struct nw_tally *sum, const struct nw_tally *tally);

/* How many requests are neither answered nor given up. */
uint64_t nw_tally_in_flight(const struct nw_tally *sum);

#endif
