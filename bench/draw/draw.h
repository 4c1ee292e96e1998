/*
 * Which of many comes next: in turn, or at random with the popularity that requests have (Zipf). The same seed draws
 * the same on every machine. Not for several threads at once.
 */
#ifndef NW_BENCH_DRAW_DRAW_H
#define NW_BENCH_DRAW_DRAW_H

#include <stdbool.h>
#include <stdint.h>

/* Random numbers (splitmix64). Any seed is a good one. */
struct nw_random {
    uint64_t state;
};

uint64_t nw_random_next(struct nw_random *random);

/* In [0, 1). */
double nw_random_unit(struct nw_random *random);

struct nw_draw {
    unsigned count, next;
    double *below; /* Zipf: the share of all draws that goes to ranks up to this one; NULL: in turn */
    unsigned *of;  /* which one has a rank: popular ones are scattered */
    struct nw_random random;
};

/* Of 0 to count - 1, which is at least 1. Rank k is drawn with a share proportional to 1 / k^exponent; an exponent of 0
 * means in turn, the first one first. 0 or -ENOMEM. Freed by nw_draw_fini. */
int nw_draw_init(struct nw_draw *draw, unsigned count, double exponent, uint64_t seed);
void nw_draw_fini(struct nw_draw *draw);
bool nw_draw_is_valid(const struct nw_draw *draw);

unsigned nw_draw_next(struct nw_draw *draw);

#endif
