/* What the kernel says of a process. */
#ifndef NW_COMMON_PROCESS_STATE_H
#define NW_COMMON_PROCESS_STATE_H

#include <stdint.h>

/* The state of a process, as the letter that /proc/PID/stat has: T is stopped, Z has ended but for what is left of it.
 * X: there is none of this pid; 0: it cannot be told. */
char nw_process_state(int64_t pid);

#endif
