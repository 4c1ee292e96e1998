/*
 * Replicas that go while their version stays, since nobody has called them for long, since one more serves where it is
 * better off (placement/placement.h), or since no worker can be started for them. Nothing is lost: nobody chooses one
 * any more, what chose it is finished, on every thread, and then its worker ends it. Not responsible for versions that
 * end (deployments.h).
 */
#ifndef NW_ENGINE_VERSIONS_LEAVING_H
#define NW_ENGINE_VERSIONS_LEAVING_H

#include <stdint.h>

struct nw_deployment;
struct nw_deployments;
struct nw_seat;

/* Looks at some of those that serve. */
void nw_leaving_tick(struct nw_deployments *all);

/* No worker can be started for this seat: what waits there is placed anew, unless the seat is one that stays. */
void nw_leaving_stuck(const struct nw_seat *seat);

/* Carries on those that leave, as far as their invocations are through. To be called before nw_deployments_reap. */
void nw_leaving_reap(struct nw_deployments *all);

/* Another thread has nothing under way any more for a replica that closes, in the worker of this number. */
void nw_leaving_vacated(const struct nw_deployment *deployment, uint32_t worker);

#endif
