/* What threads that sleep share: futex.c, sleep.c. A thread that waits takes no thread of the kernel with it: futexes
 * and timers are the monitor's own. */
#ifndef NW_WORKER_SYSCALL_SLEEP_H
#define NW_WORKER_SYSCALL_SLEEP_H

#include "worker/syscall/call.h"
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

/* From a timeout as system calls take it, at this address of the domain, to ns of CLOCK_MONOTONIC. 0 or negative
 * errno. */
int nw__sleep_end(struct nw_call *call, uint64_t address, bool absolute, clockid_t clock, uint64_t *at);

/* Lock held: wakes at most `max` threads that sleep on the address with one of these bits, and says how many. */
long nw__futex_wake(struct nw_domain *domain, uint64_t address, uint32_t bits, uint64_t max);

#endif
