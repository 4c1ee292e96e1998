/*
 * Seats: when the worker of each is started and given up, and what it says on its control socket. Not responsible for
 * its ring (serve/link.h) or for what is loaded into it (versions/).
 */
#ifndef NW_ENGINE_WORKERS_SEATS_H
#define NW_ENGINE_WORKERS_SEATS_H

#include "engine/workers/seat.h"
#include "engine/workers/worker.h"
#include <stdbool.h>

/* Makes a seat for a worker of a tenant, which is started as soon as there is a launcher. `only`: see struct nw_seat.
 * NULL when memory is out. */
struct nw_seat *nw_seat_new(struct nw_tenant *tenant, struct nw_deployment *only);

/* Makes one more for a tenant, for as long as that needs it. NULL when memory is out. */
struct nw_seat *nw_seat_grow(struct nw_tenant *tenant);

/* Ends its worker and frees the seat, whose replicas must be gone unless the engine ends. */
void nw_seat_free(struct nw_seat *seat);

/* A way through all seats, those of all tenants, in the order in which they were made: its begin, the next seat or
 * NULL, and its end. Seats may be made and freed meanwhile. */
void nw_seat_walk_begin(struct nw_workers *all, struct nw_seat_walk *walk);
struct nw_seat *nw_seat_walk_next(struct nw_seat_walk *walk);
void nw_seat_walk_end(struct nw_seat_walk *walk);

bool nw_seat_is_valid(const struct nw_seat *seat);

/* Its worker is lost, for `why`, which is static text. `loss` says whose doing that was; the first cause that is known
 * stands. Only marks the worker, so it may be called anywhere; nw__seat_bury follows at the end of the turn. */
void nw__seat_lose(struct nw_seat *seat, const char *why, enum nw_loss loss);
void nw__seat_bury(struct nw_seat *seat);

/* Its worker is lost, and now it is known whose doing that was; or what the other threads of the engine had begun
 * there. With both it is decided who waits, and for how long. */
void nw__seat_told(struct nw_seat *seat, enum nw_loss loss);
void nw__seat_heard(struct nw_seat *seat);

/* Most seats that are STARTING at a time. Each holds descriptors until the launcher takes them, and with too many at
 * once some would not say hello in time. */
#define NW_STARTS_AT_ONCE 16

/* Time can change something for it from now on: it loads or ends something, or may be empty. */
void nw_seat_attend(struct nw_seat *seat);

/* Starts a worker if one is due; if too many are being started, when there is room for it. */
void nw__seat_try_start(struct nw_seat *seat);

/* Checks deadlines of an attended seat; to be called at each tick. */
void nw__seat_tick(struct nw_seat *seat);

/* Whether a grown seat has had no replica for a while. Notes since when. */
bool nw__seat_is_spare(struct nw_seat *seat);

/* "down", "starting", "up" */
const char *nw_seat_state_name(enum nw_seat_state state);

#endif
