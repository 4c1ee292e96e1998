/*
 * When the control thread looks again at what executors run, by what it saw: a pure policy. While something runs it
 * looks every tick. As long as each look finds all that ran over, the looks come later and later: a worker that is busy
 * only now and then, among many others, would spend more on looks than on what it runs. What is seen late is only what
 * was known to be brief and is not, this time; for anything else executors wake it (executor/wake.h).
 */
#ifndef NW_WORKER_WATCH_REST_H
#define NW_WORKER_WATCH_REST_H

#include "worker/executor/wake.h"
#include "worker/watch/watch.h"
#include <stdint.h>

#define NW_REST_TICK_NS  2000000ull
#define NW_REST_NAP_NS   (32 * NW_REST_TICK_NS)              /* the longest between two looks before it rests */
#define NW_REST_QUIET_NS (18 * NW_REST_NAP_NS)               /* for so long nothing must have run */
#define NW_REST_LOOKS    (NW_REST_QUIET_NS / NW_REST_NAP_NS) /* it looks at least so often before it rests */

struct nw_rest {
    uint64_t nap;      /* from the last look to the next one */
    uint64_t quiet_at; /* since when nothing runs, has run or waits to be told */
};

/* What it saw at the time `now`. Sets when it looks again, unless somebody wakes it; UINT64_MAX: not by itself. */
enum nw_control_rest nw_rest(struct nw_rest *rest, uint64_t now, enum nw_watched watched, uint64_t *next);

#endif
