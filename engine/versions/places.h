/* Gives a version its replicas, in the seats that the policy (placement/placement.h) says. Not responsible for loading
 * them (loads.h). */
#ifndef NW_ENGINE_VERSIONS_PLACES_H
#define NW_ENGINE_VERSIONS_PLACES_H

#include <stdbool.h>

struct nw_deployment;
struct nw_replica;
struct nw_seat;

/* Makes the replicas that a version lacks. 0 or -ENOMEM; replicas made before that stay. */
int nw__places_fill(struct nw_deployment *deployment);

/* How many replicas a version is to have when it is called, where not each worker of its tenant has all functions. */
unsigned nw__places_few(const struct nw_deployment *deployment);

/* Whether a version is in some workers of its tenant only, so that a replica may move to another worker. */
bool nw__places_may_move(const struct nw_deployment *deployment);

/* If a replica would be better off in another seat, makes one there that is `from` its seat, and returns the other
 * seat; else NULL. `gathers`: also if its seat is not needed, which takes longer to find out. */
struct nw_seat *nw__places_move(const struct nw_replica *replica, bool gathers);

#endif
