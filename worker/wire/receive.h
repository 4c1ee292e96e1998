/*
 * What the engine sends over the rings: taken out and checked. A worker that sees nonsense ends, since nothing else it
 * reads there can be believed. What becomes of what is received is for whoever takes it. Lock held.
 */
#ifndef NW_WORKER_WIRE_RECEIVE_H
#define NW_WORKER_WIRE_RECEIVE_H

#include "common/shm/channel.h"
#include "worker/domain/slot.h"
#include "worker/wire/link.h"
#include <stdbool.h>

enum nw_received_kind {
    NW_RECEIVED_INVOKE,
    NW_RECEIVED_REPLY, /* to the call of `caller`, which gets no second one */
    NW_RECEIVED_ROOM,  /* in our arena */
};

struct nw_received {
    enum nw_received_kind kind;
    struct nw_desc desc;
    const void *payload; /* of desc.length bytes */
    struct nw_slot *caller;
};

bool nw_receive(struct nw_link *link, struct nw_received *received); /* false: there is nothing */

#endif
