/* The system call filter (seccomp) of a worker process. */
#ifndef NW_LAUNCHER_FILTER_H
#define NW_LAUNCHER_FILTER_H

#include "common/host/mode.h"
#include <stdint.h>

/*
 * Loads the filter into the calling process. What a worker in this mode and of this enum nw_profile needs passes,
 * and so does an execveat that carries `exec_cookie` in its sixth register; everything else fails with EPERM, and a
 * call of another architecture ends the process. 0 or negative errno.
 */
int nw__filter_load(uint64_t exec_cookie, enum nw_mode mode, uint32_t profile);

#endif
