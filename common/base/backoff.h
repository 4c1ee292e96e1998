/*
 * How long to wait before a process that ended is started again. What keeps ending by itself waits longer each time.
 * What others ended (somebody's kill, the process above it, a function that is held responsible by itself) is there
 * again at once, since waiting would only make that somebody's deed last; but not in a storm, which would take the
 * machine.
 */
#ifndef NW_COMMON_BASE_BACKOFF_H
#define NW_COMMON_BASE_BACKOFF_H

#include <stdint.h>

enum nw_end {
    NW_END_OWN,   /* it failed */
    NW_END_OTHER, /* something else ended it */
    NW_ENDS
};

/* All zero to begin with. */
struct nw_backoff {
    unsigned ends[NW_ENDS]; /* in a row, by cause */
};

/* It ended after `lived` ms: the ms to wait before the next start. */
uint64_t nw_backoff_pause(struct nw_backoff *backoff, enum nw_end cause, uint64_t lived);

/* How a process that was waited for ended: not by itself where it was killed with SIGKILL or SIGTERM. */
enum nw_end nw_backoff_cause(int wait_status);

#endif
