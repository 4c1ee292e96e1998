/*
 * The snapshot of a function: which it has, what the engine hears of it, and when it is given up. Lock held. Not
 * responsible for what is in it (snapshot/snapshot.h) or for the function's domains (deployed.h).
 */
#ifndef NW_WORKER_CALL_SNAPSHOTS_H
#define NW_WORKER_CALL_SNAPSHOTS_H

#include "common/base/status.h"
#include "worker/snapshot/taker.h"
#include <stdbool.h>
#include <stdint.h>

struct nw_control_message;
struct nw_deployed;
struct nw_domain;
struct nw_snapshot;

/* Why this worker can neither take nor use any, for people; NULL: it can. */
const char *nw__snapshot_obstacle(void);

/* Of a function that is being loaded: what came with it, which is the callee's from now on; and when it ends. */
void nw__snapshot_init(struct nw_deployed *function, const struct nw_control_message *message);
void nw__snapshot_fini(struct nw_deployed *function);

/* The one that came with it was opened; or NULL and why not: then one is taken of the next domain. */
void nw_deployed_opened(struct nw_deployed *function, struct nw_snapshot *snapshot, const char *why);

/* What becomes of one that is taken. */
extern const struct nw_snapshot_events nw_deployed_snapshots;

/* Whether one is to be taken of this domain, which is up. */
bool nw__snapshot_is_due(const struct nw_domain *domain);

/* A domain could not be made from it, for this negative errno; it is lost next. */
void nw_deployed_unmade(struct nw_deployed *function, int error);

/* A domain has ended by a fault, maybe one that was made from it, or was to be. When several did so before they had
 * served, one after the other, it is no good. */
void nw__snapshot_lost(struct nw_deployed *function, const struct nw_domain *domain, enum nw_status status,
                       const char *reason);

/* Gives it up if it is no good. To be called when no domain of the function is left: an executor may be making one of
 * them from it, or what it says. */
void nw__snapshot_give_up(struct nw_deployed *function);

/* A domain that is made from one, or of which one is taken, lies where the last one lay, which may not be gone yet:
 * whether it is worth waiting. */
bool nw__snapshot_awaits_place(const struct nw_deployed *function, uint64_t now);

#endif
