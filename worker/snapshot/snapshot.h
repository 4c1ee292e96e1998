/*
 * A domain as it was when its function had just been loaded, from which others of the same function are made: its
 * memory (picture.h) and its flows of control, which all wait at the gate. Says which domains can be taken so.
 * Not responsible for when that happens (taker.h).
 *
 * A snapshot holds what a function wrote while it was loaded and nothing of an invocation. What the monitor believes of
 * it is what the monitor itself had written down.
 */
#ifndef NW_WORKER_SNAPSHOT_SNAPSHOT_H
#define NW_WORKER_SNAPSHOT_SNAPSHOT_H

#include <stdint.h>

struct nw_domain;
struct nw_snapshot;

/* NULL, or why no domain can be made from what this one is now, for people. Its flows all wait. Lock held. */
const char *nw_snapshot_hindrance(const struct nw_domain *domain);

/* Of a domain in which nothing runs and that nothing hinders. NULL and why. Lock NOT held. */
struct nw_snapshot *nw_snapshot_take(struct nw_domain *domain, const char **why);

/* Nothing is made from it any more: it is in a list of such snapshots, before `next`. */
void nw_snapshot_link(struct nw_snapshot *snapshot, struct nw_snapshot *next);

/* All of a list. Only the taker does that, and NOT with the lock held. */
void nw_snapshots_free(struct nw_snapshot *list);

/* Where a domain must lie that is made from it. */
uint64_t nw_snapshot_base(const struct nw_snapshot *snapshot);

/* Puts the memory into a domain that has none but its range. 0 or negative errno. Lock NOT held. */
int nw_snapshot_put(struct nw_domain *domain, const struct nw_snapshot *snapshot);

/* Then its flows, `first` among them, which waits at READY as all func workers wait for an invocation. 0 or negative
 * errno. Lock held. */
int nw_snapshot_resume(struct nw_domain *domain, const struct nw_snapshot *snapshot);

#endif
