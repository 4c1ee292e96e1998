/*
 * Func workers of fresh functions whose invocation is over and answered, and whose domains still hold what it left. An
 * executor makes each what it was (run/renew.h) before it runs anything else: the next invocation need not wait for
 * that, and what is secret does not stay. It takes no key. Lock held.
 */
#ifndef NW_WORKER_EXECUTOR_STALE_H
#define NW_WORKER_EXECUTOR_STALE_H

struct nw_slot;

void nw_stale(struct nw_slot *slot); /* the caller schedules next */
struct nw_slot *nw_stale_take(void); /* NULL: there is none */
void nw_stale_remove(struct nw_slot *slot);

#endif
