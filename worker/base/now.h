/* The clock of the monitor; a file of its own, so that a test can replace it. */
#ifndef NW_WORKER_BASE_NOW_H
#define NW_WORKER_BASE_NOW_H

#include <stdint.h>

uint64_t nw_now(void); /* CLOCK_MONOTONIC, ns */

#endif
