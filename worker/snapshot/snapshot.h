/*
 * A domain as it was when its function had just been loaded, from which others of the same function are made: its
 * memory (picture.h) and its flows of control, which all wait at the gate. Says which domains can be taken so.
 * Not responsible for when that happens (taker.h).
 *
 * A snapshot holds what a function wrote while it was loaded and nothing of an invocation. It is a file, which is
 * read again before it is used, and checked as if a stranger had made it (read.h).
 */
#ifndef NW_WORKER_SNAPSHOT_SNAPSHOT_H
#define NW_WORKER_SNAPSHOT_SNAPSHOT_H

#include "worker/base/limits.h"
#include "worker/range/pages.h"
#include <stdbool.h>
#include <stdint.h>

struct nw_domain;
struct nw_snapshot;

/* Why no snapshot can be taken of the domain, for people; NULL: one can, and all its flows wait. Lock held. */
const char *nw__snapshot_hindrance(const struct nw_domain *domain);

/* Of a domain in which nothing runs and for which nw__snapshot_hindrance was NULL. NULL and why, or the snapshot; then
 * *why says nothing. Lock NOT held. */
struct nw_snapshot *nw__snapshot_take(struct nw_domain *domain, char why[NW_REASON_MAX]);

/* A snapshot from its file, which is taken over, for a domain that is starting, or just has. May take as long as
 * loading does. NULL and why. Lock NOT held. */
struct nw_snapshot *nw_snapshot_open(struct nw_domain *domain, int fd, char why[NW_REASON_MAX]);

/* A descriptor of its file, for whoever asks to close; -1 if there is none. */
int nw_snapshot_file(const struct nw_snapshot *snapshot);

/* Puts a snapshot from which nothing is made any more in front of `next`, in a list for nw__snapshots_free. */
void nw__snapshot_link(struct nw_snapshot *snapshot, struct nw_snapshot *next);

/* Frees all snapshots of a list. On the taker's thread only, lock NOT held. */
void nw__snapshots_free(struct nw_snapshot *list);

/* First step: fills the range of a new domain with the snapshot's memory. 0 or negative errno. Lock NOT held. */
int nw_snapshot_put(struct nw_domain *domain, const struct nw_snapshot *snapshot);

/* Second step: makes its flows. The first one, which there must be already, is about to learn what NW_OP_READY returns;
 * the func worker waits for an invocation. 0 or negative errno. Lock held. */
int nw_snapshot_resume(struct nw_domain *domain, const struct nw_snapshot *snapshot);

/* How far a domain has been made what it was; zeroed before the first step. */
struct nw_renewal {
    uint64_t emptied; /* all below this address holds what the snapshot has, or zeros */
    struct nw_pages_piece piece;
};

/* Whether a domain can be made what it was: it was made from a snapshot, no flow but its func worker, which waits, has
 * done anything, and no timer is set. Lock held. */
bool nw_snapshot_renews(const struct nw_domain *domain);

/* The next step: memory, files and directory. 1: there is more to do; 0; negative errno: it cannot be made what it was.
 * Lock NOT held. */
int nw_snapshot_renew(struct nw_domain *domain, const struct nw_snapshot *snapshot, struct nw_renewal *renewal);

/* The last: its flows and signals. Lock held. */
void nw_snapshot_rewind(struct nw_domain *domain, const struct nw_snapshot *snapshot);

#endif
