/*
 * All workers of the engine: acts on what the launcher says of them, and passes each turn and tick to the seats that
 * need it. Not responsible for what becomes of one seat (seats.c).
 */
#ifndef NW_ENGINE_WORKERS_WORKERS_H
#define NW_ENGINE_WORKERS_WORKERS_H

#include "engine/workers/seat.h"
#include <stdbool.h>

void nw_workers_init(struct nw_workers *all, struct nw_engine *engine, struct nw_threads *threads,
                     const struct nw_seat_events *events);

/* Frees all seats with their workers, at the end of the engine. */
void nw_workers_fini(struct nw_workers *all);

/* A new launcher is behind `socket`, which becomes ours. The workers of an earlier launcher are lost. */
void nw_workers_new_launcher(struct nw_workers *all, int socket);

/* The seat whose last worker this is, up or lost; NULL when it has another one since, or is gone. */
struct nw_seat *nw_workers_seat(const struct nw_workers *all, uint32_t number);

/* Every other thread of the engine has let go of a worker that was given up. */
void nw_workers_let_go(struct nw_workers *all, uint32_t number);

/* Buries every worker whose loss was marked. */
void nw_workers_bury(struct nw_workers *all);

/* Sends messages that control sockets did not take at once. To be called before the loop waits; what still does not fit
 * is tried again in the next turn. */
void nw_workers_send_kept(struct nw_workers *all);

/* Starts workers that waited because too many were being started. To be called before the loop waits. */
void nw_workers_start_due(struct nw_workers *all);

/* Starts workers that are due, gives up those that are late or stopped, and frees spare seats. */
void nw_workers_tick(struct nw_workers *all);

/* Whether each seat that is not grown is UP. */
bool nw_workers_all_up(const struct nw_workers *all);

/* The same, but seats for which no worker can be started (seat->stuck) do not count either. */
bool nw_workers_settled(const struct nw_workers *all);

#endif
