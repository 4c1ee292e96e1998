/*
 * Deals out hardware keys (their states: domain/keys.c).
 *
 * A domain in which nothing runs is recalled at once. Any other is when it has had its turn: executors that run it are
 * kicked, and a key is given anew only when each of them has surfaced and the pages are parked. Its flows that could go
 * on wait for its next turn.
 *
 * Pages change keys without the monitor's lock, on the executor that deals: a domain that is being given or parked has
 * no key that it could use meanwhile. All functions here: lock held.
 */
#ifndef NW_WORKER_RUN_DEAL_H
#define NW_WORKER_RUN_DEAL_H

struct nw_executor;

/* Deals out the keys that can be had. Called by executors that run nothing; lets go of the lock meanwhile. */
void nw_keys_deal(void);

/* Called when an executor runs no slot, or is about to run another one. */
void nw__key_surfaced(struct nw_executor *ex);

#endif
