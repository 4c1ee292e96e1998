/*
 * The snapshot of a function: which it has, what the engine hears of it, and when it is given up. Lock held. Not
 * responsible for what is in it (snapshot/snapshot.h) or for the function's domains (deployed.h).
 */
#ifndef NW_WORKER_CALL_SNAPSHOTS_H
#define NW_WORKER_CALL_SNAPSHOTS_H

#include "worker/snapshot/taker.h"
#include <stdbool.h>
#include <stdint.h>

struct nw_control_message;
struct nw_deployed;
struct nw_domain;
struct nw_snapshot;

/* The file of the one that came with the function, which is the callee's to close, or -1. */
int nw__snapshot_sent(const struct nw_control_message *message);

/* The one that came with it was opened; or NULL and why not: then one is taken of the next domain. */
void nw_deployed_opened(struct nw_deployed *function, struct nw_snapshot *snapshot, const char *why);

/* What becomes of one that is taken. */
extern const struct nw_snapshot_events nw_deployed_snapshots;

/* Whether one is to be taken of this domain, which is up. */
bool nw__snapshot_is_due(const struct nw_domain *domain);

/* No domain can be made from it, which is why it is given up. The second: a domain that may have been made from it has
 * ended; when several did that before they had served, it is no good either. */
void nw_deployed_condemn(struct nw_deployed *function, const char *why);
void nw__snapshot_doubt(struct nw_deployed *function, const struct nw_domain *domain);

/* Gives it up if that was decided. To be called when no domain of the function is left: an executor may be making one
 * of them from it, or what it says. */
void nw__snapshot_give_up(struct nw_deployed *function);

/* A domain that is made from one lies where the last one lay, which may not be gone yet: whether it is worth waiting.
 */
bool nw__snapshot_awaits_place(const struct nw_deployed *function, uint64_t now);

#endif
