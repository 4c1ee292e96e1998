/*
 * How long the requests of a load keep a processor: a distribution as a table of times, each as likely as the others.
 * All have a mean of about 30 us, so that the same rate is the same work. Not responsible for when requests are due.
 */
#ifndef NW_BENCH_MIX_MIX_H
#define NW_BENCH_MIX_MIX_H

#include <stdbool.h>
#include <stdint.h>

#define NW_MIX_POINTS 1000

enum nw_mix_kind {
    NW_MIX_BIMODAL,     /* 995 of 1000 take 5 us, the others 5 ms */
    NW_MIX_EXPONENTIAL, /* most take less than the mean, few several times as long */
    NW_MIX_HEAVY,       /* a Pareto distribution with a shape of 1.1: the longest hundredth is two fifths of the work */
    NW_MIX_KINDS
};

struct nw_mix {
    uint64_t ns[NW_MIX_POINTS]; /* in ascending order */
    double mean_ns;
};

/* bimodal, exponential, heavy; or -EINVAL. */
int nw_mix_parse(const char *name);

void nw_mix_init(struct nw_mix *mix, enum nw_mix_kind kind);

/* All take so long. */
void nw_mix_alike(struct nw_mix *mix, uint64_t ns);

/* Whether the requests of this point are short: they take no longer than the mean. */
bool nw_mix_is_short(const struct nw_mix *mix, unsigned point);

#endif
