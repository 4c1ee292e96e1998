/*
 * Replicas that go while their version stays, since nobody has called them for long, since one more serves where it is
 * better off (placement/placement.h), or since no worker can be started for them. No invocation is lost: new ones no
 * longer choose such a replica, those that had chosen it finish, on every thread, and only then does its worker end it.
 * Not responsible for versions that end (deployments.h).
 */
#ifndef NW_ENGINE_VERSIONS_LEAVING_H
#define NW_ENGINE_VERSIONS_LEAVING_H

#include <stdint.h>

struct nw_deployment;
struct nw_deployments;
struct nw_seat;

/* Looks at some of the replicas that serve, and has those leave that should. */
void nw_leaving_tick(struct nw_deployments *all);

/* No worker can be started for this seat: replicas that wait in it leave and are placed anew, unless their seat is one
 * that their tenant always has, or is for one version only. */
void nw__leaving_stuck(const struct nw_seat *seat);

/* Takes each leaving replica as far as it can go now. To be called before nw_deployments_reap, which clears the sign
 * that there is something to do. */
void nw_leaving_reap(struct nw_deployments *all);

/* Another thread has finished all invocations for the CLOSING replica of a version in the worker of this number. */
void nw_leaving_vacated(const struct nw_deployment *deployment, uint32_t worker);

#endif
