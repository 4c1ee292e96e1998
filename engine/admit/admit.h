/*
 * Whether one more request may wait for a function, from numbers alone. The rules:
 *   - A function has a bound of its own. What cannot be answered before its deadline, by the pace of the last answers,
 * is refused at once; while nothing waits nothing is refused for that, so that a pace that is too slow does not last.
 *   - All functions of a thread have a bound together. Half of it is for whoever comes first; the other half is dealt
 * out evenly to the functions for which requests wait, so that none can leave the others nothing.
 */
#ifndef NW_ENGINE_ADMIT_ADMIT_H
#define NW_ENGINE_ADMIT_ADMIT_H

#include <stdint.h>

struct nw_admit_state {
    uint64_t queued;               /* requests for the function that no worker has yet */
    uint64_t here;                 /* these, and those that workers have */
    uint64_t most;                 /* how many may be here */
    uint64_t all_queued, all_most; /* of all functions, that no worker has, and how many may be that */
    uint64_t others;               /* functions other than this one of which some are queued */
    uint64_t gap_us;               /* between two answers of the function while others wait (pace.h); 0: not known */
    uint64_t patience_ms;          /* in so long the request must be answered */
};

enum nw_admit {
    NW_ADMIT,
    NW_ADMIT_FULL,      /* the function has as many as it may */
    NW_ADMIT_HOST_FULL, /* the functions together have, and this one has its part */
    NW_ADMIT_LATE,      /* it would not be answered in time */
};

enum nw_admit nw_admit(const struct nw_admit_state *state);

/* When one more would be answered; 0: not known. */
uint64_t nw_admit_wait_ms(const struct nw_admit_state *state);

/* Why, for people; "" for NW_ADMIT. Static text. */
const char *nw_admit_reason(enum nw_admit verdict);

#endif
