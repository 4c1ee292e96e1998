/*
 * When snapshots are taken: when a function is up and all its flows wait for the first time, before any invocation. On
 * a thread of its own, since to copy memory may take long; until it is done the domain is not up for anybody else.
 */
#ifndef NW_WORKER_SNAPSHOT_TAKER_H
#define NW_WORKER_SNAPSHOT_TAKER_H

struct nw_domain;
struct nw_snapshot;

/* What is to be done with it, with the lock held; a snapshot is the callee's from then on. NULL: there is none, and
 * why.
 */
struct nw_snapshot_events {
    void (*taken)(struct nw_domain *domain, struct nw_snapshot *snapshot, const char *why);
};

/* While the process may still start threads at will. 0 or negative errno. */
int nw_taker_init(const struct nw_snapshot_events *events);

/* All with the lock held. The domain's first flow waits at READY: a snapshot of it is wanted. */
void nw_taker_await(struct nw_domain *domain);

/* A func worker of a domain for which one is wanted now waits. */
void nw_taker_look(struct nw_domain *domain);

/* Nothing is made from it any more; NULL: nothing happens. The kernel gives back all of its files when they are closed,
 * which takes long, too. */
void nw_taker_drop(struct nw_snapshot *snapshot);

#endif
