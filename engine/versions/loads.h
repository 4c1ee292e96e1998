/*
 * Which function a worker loads when. Several are loaded side by side, so that a slow one does not delay the others.
 * When the worker ends meanwhile, each of those that it was loading may be the reason. They are suspects: each is
 * loaded alone, after everything else, so that one that ends the worker again is known and refused. One that is blamed
 * for the end of a worker that ran it (placement/blame.h) is loaded again after a pause. Not responsible for
 * what becomes of deployments (deployments.c).
 */
#ifndef NW_ENGINE_VERSIONS_LOADS_H
#define NW_ENGINE_VERSIONS_LOADS_H

#include "common/manifest/control.h"
#include "engine/code/code.h"
#include <stdbool.h>
#include <stddef.h>

struct nw_deployment;
struct nw_replica;
struct nw_seat;

/* The replica that the worker of this seat should begin to load now, or NULL. */
struct nw_replica *nw__loads_next(struct nw_seat *seat);

/* Begins to load a replica. False: that cannot be done; `why` says why, for people. */
bool nw__load_begin(struct nw_replica *replica, char *why, size_t why_size);

/* As the event `snapshot` of nw_code_events. */
bool nw__load_snapshot_name(struct nw_code *code, char name[NW_SNAPSHOT_NAME]);

/* Tells its worker what becomes of a replica. */
void nw__load_tell(const struct nw_replica *replica, enum nw_control_kind kind);

/* Whether its workers may take nested calls of its name to it by themselves, from now on. */
void nw_deployment_name(struct nw_deployment *deployment, bool named);

/* Tells its worker which addresses it may connect to, if host names are in its list; plain addresses the worker reads
 * from the list itself. */
void nw__load_tell_reach(const struct nw_replica *replica);

/* The worker has answered LOAD. */
void nw__load_ended(struct nw_replica *replica, bool loaded);

/* The first: the worker was lost; to be called while what it was loading is still LOADING. The second: now it is known
 * whether it ended by itself (`own`) or was killed. Returns the replica that has ended too many workers, or NULL. The
 * third: whether a replica has. */
void nw__loads_lost(struct nw_seat *seat);
struct nw_replica *nw__loads_judged(struct nw_seat *seat, bool own);
bool nw__load_is_deadly(const struct nw_replica *replica);

/* The worker of this seat ended by itself: finds out which function is to blame, which is loaded late if that happens
 * again and again. False: none is. */
bool nw__loads_blame(struct nw_seat *seat);

/* Whether replicas of this seat are loaded late: some may be due. */
bool nw__loads_late(struct nw_seat *seat);

/* Tells its worker to end a replica; the worker answers once it has. */
void nw__load_retire(struct nw_replica *replica);

/* What its worker did not answer in time, for people; else NULL. */
const char *nw__loads_overdue(const struct nw_seat *seat);

#endif
