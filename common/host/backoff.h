/*
 * How long to wait before a process that ended is started again. A process that keeps failing by itself waits longer
 * each time. One that something else ended (a kill, the process above it, a function that is blamed for it) starts
 * again at once, because the cause is not its own; unless it ends so often that restarts would take the whole machine.
 */
#ifndef NW_COMMON_HOST_BACKOFF_H
#define NW_COMMON_HOST_BACKOFF_H

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

/* The process ended after `lived` ms. Returns the ms to wait before the next start. */
uint64_t nw_backoff_pause(struct nw_backoff *backoff, enum nw_end cause, uint64_t lived);

/* How a process ended, from its wait status: NW_END_OTHER where it was killed with SIGKILL or SIGTERM. */
enum nw_end nw_backoff_cause(int wait_status);

#endif
