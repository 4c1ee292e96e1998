/* See histogram.h. Values below 256 have a bucket each; above, every doubling is divided into 128. */
#include "bench/tools/histogram.h"

#include <math.h>

#define SUB_COUNT (UINT64_C(1) << NW_HISTOGRAM_SUB_BITS)

static unsigned bucket_of(uint64_t value)
{
    unsigned shift;

    if (value < 2 * SUB_COUNT)
        return (unsigned)value;
    shift = 63u - (unsigned)__builtin_clzll(value) - NW_HISTOGRAM_SUB_BITS;
    return (shift << NW_HISTOGRAM_SUB_BITS) + (unsigned)(value >> shift);
}

/* The greatest value that falls into it. */
static uint64_t greatest_in(unsigned bucket)
{
    unsigned shift;
    uint64_t leading;

    if (bucket < 2 * SUB_COUNT)
        return bucket;
    shift = (bucket >> NW_HISTOGRAM_SUB_BITS) - 1;
    leading = bucket - (shift << NW_HISTOGRAM_SUB_BITS);
    return ((leading + 1) << shift) - 1;
}

void nw_histogram_add(struct nw_histogram *histogram, uint64_t value)
{
    histogram->counts[bucket_of(value)]++;
    histogram->n++;
    if (value > histogram->max)
        histogram->max = value;
}

uint64_t nw_histogram_percentile(const struct nw_histogram *histogram, double percent)
{
    uint64_t rank = (uint64_t)ceil((double)histogram->n * percent / 100), seen = 0;

    if (rank == 0)
        rank = 1;
    for (unsigned i = 0; i < NW_HISTOGRAM_BUCKETS; i++) {
        seen += histogram->counts[i];
        if (seen >= rank)
            return greatest_in(i) < histogram->max ? greatest_in(i) : histogram->max;
    }
    return histogram->max;
}
