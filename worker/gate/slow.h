/* What the nested call does when it is not the ordinary case (dispatch.c). Takes the lock. */
#ifndef NW_WORKER_GATE_SLOW_H
#define NW_WORKER_GATE_SLOW_H

#include "worker/base/span.h"
#include "worker/domain/executor.h"
#include "worker/domain/slot.h"

struct nw_route;

struct nw_gate_context *nw__slow_wait(struct nw_executor *ex, struct nw_slot *slot);
struct nw_gate_context *nw__slow_call(struct nw_executor *ex, struct nw_slot *slot, const struct nw_route *route,
                                      struct nw_source input);

/* A call that the function may not make. */
struct nw_gate_context *nw__slow_refuse(struct nw_executor *ex, struct nw_slot *slot, const struct nw_route *route);

#endif
