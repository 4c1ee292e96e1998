/*
 * Names in what a function may connect to: looked up on another thread, one deployment at a time, before it is loaded
 * and then again and again. Its workers are told all addresses that the list stands for, and those of the host's name
 * servers, without which a name would be of no use. A name that cannot be looked up keeps what it had; a deployment
 * waits for it only for some seconds. Not responsible for how the resolver is asked (lookup.c).
 */
#ifndef NW_ENGINE_NAMES_NAMES_H
#define NW_ENGINE_NAMES_NAMES_H

#include <stdbool.h>

struct nw_deployment;
struct nw_engine;
struct nw_replica;

/* Whether its names are as well known as they will be for now; nw_deployment_names_known tells when that comes later.
 */
bool nw_names_ready(struct nw_deployment *deployment);

/* Whether another thread uses the deployment. */
bool nw_names_busy(const struct nw_deployment *deployment);

/* After a LOAD: what it may reach. Nothing for a list without names, which the worker can read itself. */
void nw_names_tell(const struct nw_replica *replica);

/* Looks up what is due. */
void nw_names_tick(struct nw_engine *engine);

/* For the end of a deployment. */
void nw_names_free(struct nw_deployment *deployment);

#endif
