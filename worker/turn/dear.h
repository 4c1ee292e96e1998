/*
 * What ticks cost, and how long a quantum has to be for that: where a signal is slow (a busy virtual machine, a program
 * that is traced) a short quantum would leave no time to who runs. Pure, as turn.h.
 */
#ifndef NW_WORKER_TURN_DEAR_H
#define NW_WORKER_TURN_DEAR_H

#include <stdint.h>

#define NW_DEAR_SHARE 10 /* a quantum is at least so many ticks' cost */

/* About the median of how late each of the last ticks was, in ns: those that were late since the kernel ran somebody
 * else meanwhile are few. */
uint64_t nw_dear_cost(uint64_t cost, uint64_t late);

/* The quantum that is wanted, or as many times twice that as it takes. One that is set is left only for one that would
 * stay when ticks cost a little more: to set it takes time, too. 0 stays. */
uint64_t nw_dear_quantum(uint64_t wanted, uint64_t is, uint64_t cost);

#endif
