/* See pace.h. */
#include "engine/admit/pace.h"

#define STRETCH_MS 20   /* at least, and ... */
#define ANSWERS    8    /* ... so many answers, or ... */
#define LONG_MS    1000 /* ... so long */
#define WEIGHT     4    /* of what was measured before: one part in so many is new */

void nw_pace_note(struct nw_pace *pace, uint64_t now, bool waits)
{
    uint64_t took = now - pace->since, gap;
    if (!waits || !pace->since) {
        pace->since = waits ? now : 0;
        pace->n = 0;
        return;
    }
    pace->n++;
    if (took < STRETCH_MS || (pace->n < ANSWERS && took < LONG_MS))
        return;
    gap = took * 1000 / pace->n;
    pace->gap_us = pace->gap_us ? (pace->gap_us * (WEIGHT - 1) + gap) / WEIGHT : gap;
    pace->since = now;
    pace->n = 0;
}
