/*
 * What the engine is sent over the rings. Nothing is lost for want of room: descriptors that find the ring full wait,
 * and outputs and calls that find the arena full wait in their slots. Lock held.
 */
#ifndef NW_WORKER_WIRE_SEND_H
#define NW_WORKER_WIRE_SEND_H

#include "common/base/status.h"
#include "worker/domain/slot.h"
#include "worker/wire/link.h"
#include <stdbool.h>
#include <stddef.h>

int nw_send_output(struct nw_slot *slot);                /* -EAGAIN: the arena is full; -EINPROGRESS: see nw_carry */
int nw_send_call(struct nw_slot *slot);                  /* the same */
void nw_output_carried(struct nw_slot *slot, int error); /* its freight is there, or cannot be: as after these two */
void nw_call_carried(struct nw_slot *slot, int error);
void nw_freight_drop(struct nw_slot *slot);                  /* of a slot that will not be ready again */
void nw_send_release(struct nw_link *link, uint64_t offset); /* of a block in the engine's arena */
void nw_send_read(struct nw_ticket ticket); /* the input of an invocation is in its function: its block is free */
void nw_complete(struct nw_ticket ticket, enum nw_status status, const char *reason);

/* ... as crashed, since its function reached for memory whose key it does not hold. */
void nw_complete_violated(struct nw_ticket ticket, const char *reason);

/*
 * To ring the engine's doorbell is to wake whoever sleeps there, often on this very processor, before the call returns.
 * Between nw_post_defer(true) and (false) nobody is rung; after it has let go of the lock the caller makes up for it.
 */
void nw_post_defer(bool yes);
void nw_post_ring(void); /* lock not held */

/* What found a ring full is tried again. */
void nw_link_flush(struct nw_link *link);
void nw_post_flush(void);

/* Slots that wait for room in the arena, behind those that wait already. */
void nw_arena_wait(struct nw_slot *slot);
void nw_arena_forget(struct nw_slot *slot);
size_t nw_arena_waiting(void);       /* how many */
struct nw_slot *nw_arena_next(void); /* the first tries again; NULL: none waits */
bool nw_arena_has_room(void);        /* room was made, without word from the engine, since this was asked last */

#endif
