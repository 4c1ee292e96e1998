/*
 * The timer of an executor: kicks it once, when the quantum ends. What becomes of the slot that it runs is decided by
 * who is kicked, who sets the next quantum (watch/slice.c).
 *
 * Set with the lock held, or by the executor itself while it runs nothing.
 */
#ifndef NW_WORKER_TICK_QUANTUM_H
#define NW_WORKER_TICK_QUANTUM_H

#include <stdbool.h>
#include <stdint.h>

struct nw_executor;

/* In ns, and longer where ticks are dear; begins now, unless one as long goes on. 0: no kick, though one may be on its
 * way. False: the machine has no timer for it, and none is set. */
bool nw_quantum_set(struct nw_executor *ex, uint64_t quantum);

bool nw_quantum_ended(const struct nw_executor *ex); /* ... the one that was set last */

/* The executor was kicked: if that was by the timer, how late it is counts as the cost of a tick. */
void nw_quantum_count(struct nw_executor *ex);

#endif
