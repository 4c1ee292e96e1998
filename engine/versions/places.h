/* Gives a version its replicas, in the seats that the policy (placement/placement.h) says. Not responsible for loading
 * them (loads.h). */
#ifndef NW_ENGINE_VERSIONS_PLACES_H
#define NW_ENGINE_VERSIONS_PLACES_H

struct nw_deployment;

/* Makes those that it lacks. 0 or -ENOMEM; what was made then stays. */
int nw__places_fill(struct nw_deployment *deployment);

#endif
