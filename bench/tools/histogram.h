/*
 * A histogram of durations whose buckets grow with the value: every percentile is known to within 1%, from a nanosecond
 * to centuries, in a fixed 58 KiB. Not for several threads at once.
 */
#ifndef NW_BENCH_TOOLS_HISTOGRAM_H
#define NW_BENCH_TOOLS_HISTOGRAM_H

#include <stdint.h>

#define NW_HISTOGRAM_SUB_BITS 7
#define NW_HISTOGRAM_BUCKETS  ((64 - NW_HISTOGRAM_SUB_BITS + 1) << NW_HISTOGRAM_SUB_BITS)

/* All zeros is an empty one. */
struct nw_histogram {
    uint64_t n, max;
    uint64_t counts[NW_HISTOGRAM_BUCKETS];
};

void nw_histogram_add(struct nw_histogram *histogram, uint64_t value);

/* The value that `percent` of a hundred values do not exceed: never below the exact one, above it by less than 1%.
 * 0 when it is empty. */
uint64_t nw_histogram_percentile(const struct nw_histogram *histogram, double percent);

#endif
