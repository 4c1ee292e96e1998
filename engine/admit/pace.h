/* How fast a function answers while requests wait for it: a moving average over stretches of time, since answers come
 * in bursts. */
#ifndef NW_ENGINE_ADMIT_PACE_H
#define NW_ENGINE_ADMIT_PACE_H

#include <stdbool.h>
#include <stdint.h>

struct nw_pace {
    uint64_t since;  /* ms: when this stretch began; 0: none is under way */
    uint64_t n;      /* answers in it */
    uint64_t gap_us; /* the average between two answers; 0: not known yet */
};

/* An answer came at `now` (ms, not 0). `waits`: others wait meanwhile, so that the pace is the function's own. */
void nw_pace_note(struct nw_pace *pace, uint64_t now, bool waits);

#endif
