/* The system call filter (seccomp) of a worker process. */
#ifndef NW_LAUNCHER_FILTER_H
#define NW_LAUNCHER_FILTER_H

#include <stdint.h>

/*
 * Loads the filter into the calling process. It refuses what neither the monitor nor a function ever needs, new
 * processes, every system call of another architecture, and every execve that does not carry `exec_cookie` in its
 * sixth register. 0 or negative errno.
 */
int nw_filter_load(uint64_t exec_cookie);

#endif
