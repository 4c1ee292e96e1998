/*
 * When snapshots are taken: when a function is up and all its flows wait for the first time, before any invocation. A
 * thread of its own takes them, since copying memory may take long; until it is done the domain gets no invocation.
 */
#ifndef NW_WORKER_SNAPSHOT_TAKER_H
#define NW_WORKER_SNAPSHOT_TAKER_H

struct nw_domain;
struct nw_snapshot;

/* Called with the lock held when a snapshot was taken or could not be. The callee owns `snapshot`; if it is NULL there
 * is none, and `why` says why.
 */
struct nw_snapshot_events {
    void (*taken)(struct nw_domain *domain, struct nw_snapshot *snapshot, const char *why);
};

/* While the process may still start threads at will. 0 or negative errno. */
int nw_taker_init(const struct nw_snapshot_events *events);

/* Lock held, here and below. A snapshot is wanted of the domain, whose first flow has said that the function is up. */
void nw_taker_await(struct nw_domain *domain);

/* To be called when a func worker begins to wait: if a snapshot is wanted and all flows wait, the taker is told; also
 * if there is none but the first, since nobody will make another. */
void nw_taker_look(struct nw_domain *domain);

/* Has a snapshot freed, on the taker's thread since closing its files takes long. Nothing may be made from it any more.
 * NULL: nothing happens. */
void nw_taker_drop(struct nw_snapshot *snapshot);

#endif
