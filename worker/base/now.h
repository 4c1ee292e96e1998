/* The clock that the monitor goes by; a file of its own, so that a test can set it. */
#ifndef NW_WORKER_BASE_NOW_H
#define NW_WORKER_BASE_NOW_H

#include <stdint.h>

uint64_t nw_now(void); /* CLOCK_MONOTONIC, ns */

#endif
