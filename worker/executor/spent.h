/*
 * Functions that have used up their part of a processor (turn/limit.h): none of their slots has a turn until there is
 * some again, which the control thread sees to. Lock held.
 */
#ifndef NW_WORKER_EXECUTOR_SPENT_H
#define NW_WORKER_EXECUTOR_SPENT_H

#include <stdbool.h>
#include <stdint.h>

struct nw_deployed;

/* One of its slots has run for so long, in ticks. */
void nw_spent_charge(struct nw_deployed *function, uint64_t ran, uint64_t now);

/* Those whose time has come have turns again. Returns when the next one's does, in ns. */
uint64_t nw_spent_run(uint64_t now);

#endif
