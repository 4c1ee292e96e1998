/*
 * From an invocation to a worker and back: choosing a worker, room for the input, the queue in front of its slots,
 * answers, deadlines. Not responsible for who asked (invoke.c, nested.c) or for versions (deployments.c).
 *
 * An owner calls begin, then reserve and write as often as it likes, then end; `done` comes once, at any time after
 * begin returned, unless abandon was called.
 */
#ifndef NW_ENGINE_DISPATCH_DISPATCH_H
#define NW_ENGINE_DISPATCH_DISPATCH_H

#include "common/base/status.h"
#include "common/shm/channel.h"
#include "engine/serve/invocation.h"

#define NW_DEPTH_MAX 32

struct nw_engine;
struct nw_queue;

/* An invocation of `function`, or NULL with *status and *reason (static text, or the deployment's) when it cannot be.
 */
struct nw_invocation *nw_invoke_begin(struct nw_function *function, uint32_t depth,
                                      const struct nw_invocation_owner *owner, void *arg, enum nw_status *status,
                                      const char **reason);

/*
 * Makes room for `total` bytes of input. `grows` says that more may follow. 0; -EAGAIN: owner->room comes when there
 * is; -E2BIG: it will never fit; the invocation is as before; -ECANCELED: the function is gone, `done` was called.
 */
int nw_invoke_reserve(struct nw_invocation *inv, size_t total, bool grows);

/* Adds input, within what was reserved. 0; -EAGAIN: it was added, but nothing more may be until owner->room comes,
 * unless it is complete; -ENOMEM: the owner gives it up. */
int nw_invoke_write(struct nw_invocation *inv, const void *data, size_t length);

/* The input is complete. */
void nw_invoke_end(struct nw_invocation *inv);

/* The owner is gone: no callback comes any more. */
void nw_invoke_abandon(struct nw_invocation *inv);

/* Ends an invocation without an answer from a worker. */
void nw__dispatch_fail(struct nw_invocation *inv, enum nw_status status, const char *reason);

/* A COMPLETE from a ring: NULL, or what is wrong with it. */
const char *nw__dispatch_complete(struct nw_link *link, const struct nw_desc *desc);

/* A worker is lost: fails what it had. Its queues are not used again before they are opened. */
void nw_dispatch_link_lost(struct nw_link *link);

/* What was queued, but not sent, looks for another place. */
void nw_dispatch_unqueue(struct nw_queue *queue);

/* There may be a worker now for what waits at this function, or never one again. */
void nw_dispatch_retry_function(struct nw_function *function);

/* There may be room in the arena for what waits there. */
void nw__dispatch_retry_room(struct nw_link *link);

/* Functions of which something left an arena may have room now for what waited for that. */
void nw_dispatch_retry_capped(struct nw_engine *engine);

/* Inputs that were on their way to another place have come there. */
void nw_dispatch_retry_moved(struct nw_engine *engine);

/* Inputs may take more memory of the engine's now. */
void nw_dispatch_retry_owing(struct nw_engine *engine);

/* Sends what may be sent. */
void nw_dispatch_pump(struct nw_engine *engine);

/* Looks for what waited too long and for workers that are stuck. */
void nw_dispatch_tick(struct nw_engine *engine);

#endif
