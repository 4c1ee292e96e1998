/* See rest.h. */
#include "worker/watch/rest.h"

enum nw_control_rest nw_rest(struct nw_rest *rest, uint64_t now, enum nw_watched watched, uint64_t *next)
{
    rest->nap = watched == NW_WATCHED_RUNS ? NW_REST_TICK_NS : 2 * rest->nap;
    if (rest->nap > NW_REST_NAP_NS)
        rest->nap = NW_REST_NAP_NS;
    if (watched != NW_WATCHED_NOTHING || !rest->quiet_at)
        rest->quiet_at = now;
    *next = now + rest->nap;
    if (watched == NW_WATCHED_RUNS)
        return NW_CONTROL_TICKS;
    if (now - rest->quiet_at < NW_REST_QUIET_NS)
        return NW_CONTROL_NAPS;
    *next = UINT64_MAX;
    return NW_CONTROL_RESTS;
}
