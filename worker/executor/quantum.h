/*
 * The timer of an executor: kicks it again and again, once each quantum, until it is set to another or to none. What
 * becomes of the slot that it runs is decided by who is kicked (run/slice.c).
 *
 * Set with the lock held, or by the executor itself while it runs nothing.
 */
#ifndef NW_WORKER_EXECUTOR_QUANTUM_H
#define NW_WORKER_EXECUTOR_QUANTUM_H

#include <stdbool.h>
#include <stdint.h>

struct nw_executor;

/* In ns; 0: no kicks, though one may be on its way. False: the machine has no timer for it, and none is set. */
bool nw_quantum_set(struct nw_executor *ex, uint64_t quantum);

#endif
