/*
 * All workers of the engine: what the launcher says of them, and which seats are looked at when. Not responsible for
 * what becomes of one seat (seats.c).
 */
#ifndef NW_ENGINE_WORKERS_WORKERS_H
#define NW_ENGINE_WORKERS_WORKERS_H

#include "engine/workers/seat.h"
#include <stdbool.h>

void nw_workers_init(struct nw_workers *all, struct nw_engine *engine, struct nw_threads *threads,
                     const struct nw_seat_events *events);

/* Ends everything; for the end of the engine. */
void nw_workers_fini(struct nw_workers *all);

/* A launcher was started, behind `socket`, which becomes ours. Workers of an earlier one are lost. */
void nw_workers_new_launcher(struct nw_workers *all, int socket);

/* Buries every worker whose loss was marked. */
void nw_workers_bury(struct nw_workers *all);

/* Sends on what control sockets did not take at once. To be called before the loop waits; what still does not fit
 * is tried again at the next tick. */
void nw_workers_send_kept(struct nw_workers *all);

/* Starts those that waited until others had started. To be called before the loop waits. */
void nw_workers_start_due(struct nw_workers *all);

/* Starts what is due, gives up what does not come. */
void nw_workers_tick(struct nw_workers *all);

/* Whether each seat has its worker, but those that were added for now. */
bool nw_workers_all_up(const struct nw_workers *all);

/* The same, but for those for which no worker can be started: seat->stuck. */
bool nw_workers_settled(const struct nw_workers *all);

#endif
