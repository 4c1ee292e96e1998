/* See tally.h. */
#include "engine/tally/tally.h"
#include <stdlib.h>

#define US 1000ull
#define MS 1000000ull
#define S  1000000000ull
const uint64_t nw_grid_bounds[NW_GRID_BOUNDS] = {
    10 * US, 25 * US, 50 * US,  100 * US, 250 * US, 500 * US, 1 * MS,    2500 * US, 5 * MS, 10 * MS,
    25 * MS, 50 * MS, 100 * MS, 250 * MS, 500 * MS, 1 * S,    2500 * MS, 5 * S,     10 * S,
};

struct nw_tally *nw__tally_new(void)
{
    struct nw_tally *tally = calloc(1, sizeof *tally);
    if (tally)
        tally->references = 1;
    return tally;
}

void nw__tally_ref(struct nw_tally *tally)
{
    nw_add_fetch(&tally->references, 1u);
}

void nw__tally_unref(struct nw_tally *tally)
{
    if (tally && nw_fetch_sub(&tally->references, 1u) == 1)
        free(tally);
}

static void sum_histogram(struct nw_histogram *sum, const struct nw_histogram *histogram)
{
    for (int i = 0; i < NW_GRID_STEPS; i++)
        sum->counts[i] += nw_load_relaxed(&histogram->counts[i]);
    sum->sum_ns += nw_load_relaxed(&histogram->sum_ns);
}

/* What ended is read before what began, so that no more seems to have ended. */
void nw__tally_sum(struct nw_tally *sum, const struct nw_tally *tally)
{
    for (int i = 0; i < NW_OUTCOMES; i++)
        sum->ended[i] += nw_load_acquire(&tally->ended[i]);
    sum_histogram(&sum->took, &tally->took);
    sum_histogram(&sum->waited, &tally->waited);
    sum->begun += nw_load_relaxed(&tally->begun);
}

uint64_t nw_tally_in_flight(const struct nw_tally *sum)
{
    uint64_t ended = 0;
    for (int i = 0; i < NW_OUTCOMES; i++)
        ended += sum->ended[i];
    return sum->begun > ended ? sum->begun - ended : 0;
}
