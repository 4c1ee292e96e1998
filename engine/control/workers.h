/*
 * Workers: when they are started, when they are given up, what is told them over their control sockets. Not
 * responsible for the ring (link.c) or for what is loaded where (deployments.c).
 */
#ifndef NW_ENGINE_CONTROL_WORKERS_H
#define NW_ENGINE_CONTROL_WORKERS_H

#include "common/manifest/control.h"
#include "engine/control/seat.h"
#include <stdbool.h>
#include <stddef.h>

struct nw_deployment;
struct nw_engine;
struct nw_tenant;

/* A place for a worker of a tenant; it is started as soon as there is a launcher. `only`: see struct nw_seat. NULL when
 * memory is out. */
struct nw_seat *nw_seat_new(struct nw_tenant *tenant, struct nw_deployment *only);

/* Ends its worker for good. Its replicas must be gone. */
void nw_seat_free(struct nw_seat *seat);

/* A launcher was started; `fd` becomes ours. Workers of an earlier one are lost. */
void nw_workers_new_launcher(struct nw_engine *engine, int fd);

/* Deals with the loss of every broken worker. */
void nw_workers_bury(struct nw_engine *engine);

/* Sends on what control sockets did not take at once. To be called before the loop waits; it turns at each tick. */
void nw_workers_send_kept(struct nw_engine *engine);

/* Starts what is due, gives up what does not come. */
void nw_workers_tick(struct nw_engine *engine);

/* Whether each seat has its worker. */
bool nw_workers_all_up(const struct nw_engine *engine);

/* Ends everything; for the end of the engine. */
void nw_workers_fini(struct nw_engine *engine);

/* "down", "starting", "up" */
const char *nw_seat_state_name(enum nw_seat_state state);

#endif
