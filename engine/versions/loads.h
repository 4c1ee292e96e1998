/*
 * Which function a worker loads when. Several are loaded side by side; a slow one does not delay the others. When
 * the worker ends meanwhile, each of those that it was loading may be the reason: these are loaded again one at a time,
 * when everything else is, so that one that takes the worker with it is found out and refused. Says nothing of what
 * becomes of deployments (deployments.c).
 */
#ifndef NW_ENGINE_VERSIONS_LOADS_H
#define NW_ENGINE_VERSIONS_LOADS_H

#include "common/manifest/control.h"
#include <stdbool.h>
#include <stddef.h>

struct nw_replica;
struct nw_seat;

/* What is to be loaded now, or NULL. */
struct nw_replica *nw__loads_next(const struct nw_seat *seat);

/* Begins to load it. False: that cannot be done, and why, for people. */
bool nw__load_begin(struct nw_replica *replica, char *why, size_t why_size);

/* Says to its worker what becomes of it. */
void nw__load_tell(const struct nw_replica *replica, enum nw_control_kind kind);

/* Says what it may connect to, if there are names in its list; else the worker can read that itself. */
void nw__load_tell_reach(const struct nw_replica *replica);

/* The worker has answered. */
void nw__load_ended(struct nw_replica *replica, bool loaded);

/* The worker was lost; to be called while what it was loading is still LOADING. Later it is known whether that was the
 * worker's `own` doing: NULL, or the version that is to blame, and has ended too many workers. */
void nw__loads_lost(struct nw_seat *seat);
struct nw_replica *nw__loads_judged(struct nw_seat *seat, bool own);
bool nw__load_is_deadly(const struct nw_replica *replica);

/* Tells its worker to end it, which answers once it has. */
void nw__load_retire(struct nw_replica *replica);

/* What its worker did not answer in time, for people; else NULL. */
const char *nw__loads_overdue(const struct nw_seat *seat);

#endif
