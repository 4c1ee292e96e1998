/* Gives a version its replicas, in the seats that the policy (placement/placement.h) says. Not responsible for loading
 * them (loads.h). */
#ifndef NW_ENGINE_VERSIONS_PLACES_H
#define NW_ENGINE_VERSIONS_PLACES_H

#include <stdbool.h>

struct nw_deployment;
struct nw_seat;

/* Makes those that it lacks. 0 or -ENOMEM; what was made then stays. */
int nw__places_fill(struct nw_deployment *deployment);

/* How many it has, unless each worker of its tenant has all functions. */
unsigned nw__places_few(const struct nw_deployment *deployment);

/* Whether its replicas are in some of the workers only, so that one may go to another. */
bool nw__places_may_move(const struct nw_deployment *deployment);

/* Makes one more for one in `seat` that would be better off elsewhere, and says where, or NULL. */
struct nw_seat *nw__places_improve(struct nw_deployment *deployment, const struct nw_seat *seat);

#endif
