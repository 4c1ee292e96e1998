/* See slow.h. */
#include "worker/gate/slow.h"
#include "worker/base/lock.h"
#include "worker/call/invoke.h"
#include "worker/reach/callees.h"
#include "worker/reach/route.h"
#include "worker/run/executor.h"
#include "worker/wire/send.h"
#include <errno.h>

struct nw_gate_context *nw__slow_wait(struct nw_executor *ex, struct nw_slot *slot)
{
    struct nw_gate_context *next;

    nw_set_fs(ex->monitor_fs);
    pthread_mutex_lock(&nw_monitor_lock);
    nw_post_defer(true);
    next = nw_slot_done(slot);
    nw_post_defer(false);
    pthread_mutex_unlock(&nw_monitor_lock);
    nw_post_ring();
    return next ? next : nw_executor_next(ex);
}

struct nw_gate_context *nw__slow_call(struct nw_executor *ex, struct nw_slot *slot, const struct nw_route *route,
                                      struct nw_source input)
{
    nw_set_fs(ex->monitor_fs);
    pthread_mutex_lock(&nw_monitor_lock);
    nw_slot_call(slot, route->function, input);
    pthread_mutex_unlock(&nw_monitor_lock);
    return nw_executor_next(ex);
}

struct nw_gate_context *nw__slow_refuse(struct nw_executor *ex, struct nw_slot *slot, const struct nw_route *route)
{
    nw_set_fs(ex->monitor_fs);
    pthread_mutex_lock(&nw_monitor_lock);
    nw_callee_allowed(slot->domain->function, route->name); /* counts it, and says so */
    pthread_mutex_unlock(&nw_monitor_lock);
    slot->gate.result = (uint64_t)(long)-EPERM;
    slot->gate.result2 = 0;
    return &slot->gate;
}
