/*
 * From an invocation to a worker and back: what waits finds a worker and room, what is ready is sent, answers come
 * back, deadlines pass. Not responsible for who asked (invoke.h) or for where input lies (serve/place.h).
 */
#ifndef NW_ENGINE_DISPATCH_DISPATCH_H
#define NW_ENGINE_DISPATCH_DISPATCH_H

#include "common/base/status.h"
#include "common/shm/channel.h"
#include "engine/serve/invocation.h"
#include <stdbool.h>

struct nw_engine;
struct nw_queue;

/* Ends an invocation without an answer from a worker. */
void nw__dispatch_fail(struct nw_invocation *inv, enum nw_status status, const char *reason);

/* With a reason that anybody may read. */
void nw__dispatch_fail_openly(struct nw_invocation *inv, enum nw_status status, const char *reason);

/* The same as the first, if its function has no version that could still serve it; whether it did. */
bool nw__dispatch_fail_if_hopeless(struct nw_invocation *inv);

/* A COMPLETE from a ring: NULL, or what is wrong with it. */
const char *nw__dispatch_complete(struct nw_link *link, const struct nw_desc *desc);
const char *nw__dispatch_read(struct nw_link *link, const struct nw_desc *desc);

/* A worker is lost: what it had begun fails, the rest is queued again, and nw_dispatch_unqueue of its queues follows.
 * They are not used before they are opened again. */
void nw_dispatch_link_lost(struct nw_link *link);

/* Invocations that are queued, but not sent, choose another worker. */
void nw_dispatch_unqueue(struct nw_queue *queue);

/* Invocations that wait at this function try again: a worker may have come for them, or none can come any more. */
void nw_dispatch_retry_function(struct nw_function *function);

/* There may be room in the arena for what waits there. */
void nw__dispatch_retry_room(struct nw_link *link);

/* Invocations that waited because their function had its part of an arena try again. */
void nw_dispatch_retry_capped(struct nw_engine *engine);

/* Inputs that were on their way to another place have come there. */
void nw_dispatch_retry_moved(struct nw_engine *engine);

/* Inputs that wait for memory of the engine try again. */
void nw_dispatch_retry_owing(struct nw_engine *engine);

/* Sends what may be sent. */
void nw_dispatch_pump(struct nw_engine *engine);

/* Its deadline is over: it waited too long, or its worker is stuck. */
void nw__dispatch_overdue(struct nw_invocation *inv);

#endif
