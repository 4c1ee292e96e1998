/*
 * A part of a processor that a function may have, and no more: over each window of 10 ms, or a little longer where a
 * turn was longer than what was left. What it has used too much it waits for; what it leaves it may use later in the
 * window. Pure, as turn.h: times are ticks.
 */
#ifndef NW_WORKER_TURN_LIMIT_H
#define NW_WORKER_TURN_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

struct nw_limit {
    uint32_t percent; /* of one processor; 0: no limit */
    bool spent;       /* it waits */
    int64_t left;     /* time that it may run before it waits; may be less than nothing */
    uint64_t at;      /* when that was counted */
    uint64_t window;
};

/* `window` in ticks. */
void nw_limit_init(struct nw_limit *limit, uint32_t percent, uint64_t window, uint64_t now);

/* It has run for so long. True: it may no more from now on. */
bool nw_limit_charge(struct nw_limit *limit, uint64_t ran, uint64_t now);

/* While it waits: whether that is over. */
bool nw_limit_over(struct nw_limit *limit, uint64_t now);

/* While it waits: when that is over. */
uint64_t nw_limit_until(const struct nw_limit *limit);

#endif
