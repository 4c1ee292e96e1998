/*
 * Seats: when the worker of each is started and when it is given up, and what it says on its control socket. Not
 * responsible for its ring (serve/link.h) or for what is loaded into it (versions/).
 */
#ifndef NW_ENGINE_WORKERS_SEATS_H
#define NW_ENGINE_WORKERS_SEATS_H

#include "engine/workers/seat.h"
#include "engine/workers/worker.h"
#include <stdbool.h>

/* A place for a worker of a tenant; it is started as soon as there is a launcher. `only`: see struct nw_seat. NULL when
 * memory is out. */
struct nw_seat *nw_seat_new(struct nw_tenant *tenant, struct nw_deployment *only);

/* One more for a tenant that needs it for now. NULL when memory is out. */
struct nw_seat *nw_seat_grow(struct nw_tenant *tenant);

/* Ends its worker for good. Its replicas must be gone. */
void nw_seat_free(struct nw_seat *seat);

bool nw_seat_is_valid(const struct nw_seat *seat);

/* Its worker is lost, for `why`, which is static text; `loss`: whose doing it was, which is
 * ignored once a cause is known. Only marks it, so this may be called anywhere; nw__seat_bury follows at the end of the
 * turn. */
void nw__seat_lose(struct nw_seat *seat, const char *why, enum nw_loss loss);
void nw__seat_bury(struct nw_seat *seat);

/* Through what the worker was lost is known now. */
void nw__seat_judge(struct nw_seat *seat, enum nw_loss loss);

/* So many are started at once: each holds descriptors that wait for the launcher, and has its time to say hello. */
#define NW_STARTS_AT_ONCE 16

/* Time can change something for it from now on: it loads or ends something, or may be empty. */
void nw_seat_attend(struct nw_seat *seat);

/* Starts a worker if one is due; as soon as there is room for it when too many are being started. */
void nw__seat_try_start(struct nw_seat *seat);

/* Time has passed. */
void nw__seat_tick(struct nw_seat *seat);

/* Whether it was added for now, and has had no replica for a while. */
bool nw__seat_is_spare(struct nw_seat *seat);

/* "down", "starting", "up" */
const char *nw_seat_state_name(enum nw_seat_state state);

#endif
