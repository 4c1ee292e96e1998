/*
 * The filter of a worker in mode process: what the profile of its one function needs, and the monitor itself. There the
 * function shares the monitor's rights, so the kernel must hold both.
 */
#ifndef NW_WORKER_AUDIT_FILTER_H
#define NW_WORKER_AUDIT_FILTER_H

#include <stdint.h>

/* Binds every thread of the process, for good; `profile` as in the manifest. 0 or negative errno. */
int nw_filter_install(uint32_t profile);

#endif
