/* The rings: descriptors from the engine and to it. Lock held. */
#ifndef NW_WORKER_WIRE_REMOTE_H
#define NW_WORKER_WIRE_REMOTE_H

#include "common/base/status.h"
#include "common/manifest/control.h"
#include "worker/domain/slot.h"
#include <stdbool.h>

bool nw_ring_poll(void);
int nw_send_output(struct nw_slot *slot); /* -EAGAIN: the arena or the ring is full */
void nw_complete(struct nw_ticket ticket, enum nw_status status, const char *reason);
int nw_send_call(struct nw_slot *slot); /* the same */
void nw_arena_wait(struct nw_slot *slot);
void nw_arena_forget(struct nw_slot *slot);
void nw_post_flush(void);

#endif
