/*
 * The nested call: what the gate does for it without a lock shared by all, without the kernel and without thread-local
 * storage (FS base is still the domain's). A domain that begins to die meanwhile may be seen as live: every executor is
 * kicked afterwards and looks again. Everything that is not the ordinary case is handed to invoke.c.
 */
#include "common/base/atomic.h"
#include "worker/base/config.h"
#include "worker/base/limits.h"
#include "worker/base/span.h"
#include "worker/call/invoke.h"
#include "worker/domain/called.h"
#include "worker/domain/deployed.h"
#include "worker/domain/domain.h"
#include "worker/domain/executor.h"
#include "worker/domain/free.h"
#include "worker/domain/slot.h"
#include "worker/gate/op.h"
#include "worker/gate/op_audit.h"
#include "worker/gate/slow.h"
#include "worker/gate/syscall.h"
#include "worker/reach/callees.h"
#include "worker/reach/route.h"
#include "worker/wire/carry.h"
#include <errno.h>

static struct nw_gate_context *refuse(struct nw_slot *slot, long error)
{
    slot->gate.result = (uint64_t)error;
    slot->gate.result2 = 0;
    return &slot->gate;
}

/* A callee that may start right now: up, with a key and a free func worker with room enough. Or NULL. */
static struct nw_slot *callee_take(struct nw_executor *ex, struct nw_deployed *function, uint64_t length)
{
    struct nw_domain *domain = nw_load_acquire(&function->domain); /* stored when it is up, in deployed.c */
    struct nw_slot *callee;

    if (!domain || nw_load_relaxed(&function->queued) != 0)
        return NULL;
    callee = nw_free_pop(domain, ex);
    if (callee && (callee->domain->function != function || callee->inbox.size < length)) {
        nw_free_push(callee, ex);
        return NULL;
    }
    return callee;
}

static struct nw_gate_context *call(struct nw_executor *ex, struct nw_slot *slot, const struct nw_args_call *args)
{
    struct nw_deployed *function;
    struct nw_slot *callee;

    if ((slot->depth + 1 >= NW_CALL_DEPTH_MAX && !nw_without(NW_DEFENCE_DEPTH)) || !(slot->sequence & 1))
        return refuse(slot, -ELOOP);
    if (!nw_callee_has_route(slot->domain, args->route))
        return nw__slow_refuse(ex, slot, args->route);
    slot->reply = args->reply;
    function = nw_route_function(args->route);
    if (function) /* else it is called by way of the engine, which counts */
        nw_called_note(slot, (uint64_t)(args->route - nw_route_at(0)));
    callee = function && args->input.length <= NW_CARRY_BRIEF ? callee_take(ex, function, args->input.length) : NULL;
    if (!callee)
        return nw__slow_call(ex, slot, args->route, args->input);
    if (nw_sink_copy(callee->inbox, args->input) < 0) {
        nw_free_push(callee, ex);
        return refuse(slot, -EFAULT);
    }
    nw_slot_move(slot, NW_SLOT_CALLING);
    callee->caller = slot;
    callee->depth = slot->depth + 1;
    callee->from_ring = callee->excused = false;
    nw_store_relaxed(&callee->sequence, callee->sequence + 1); /* sampled by nw_watch */
    callee->gate.result = args->input.length;
    callee->gate.result2 = 0;
    return &callee->gate;
}

/* A nested call ends: its output goes straight into the caller's reply buffer. NULL: not the ordinary case. A caller's
 * domain may lose its key at any time; when that is just missed here, this executor is kicked. */
static struct nw_gate_context *return_to_caller(struct nw_executor *ex, struct nw_slot *callee)
{
    struct nw_slot *caller = callee->caller;
    uint64_t length = callee->output.length;

    if (!caller || (nw_config()->keyed && nw_load_acquire(&caller->domain->key) == 0) || callee->output_status != 0 ||
        length > caller->reply.size || length > NW_CARRY_BRIEF ||
        nw_load_relaxed(&caller->domain->state) == NW_DOMAIN_DYING ||
        nw_load_relaxed(&callee->domain->function->queued) != 0)
        return NULL;
    if (nw_sink_copy(caller->reply, callee->output) < 0)
        return NULL;
    callee->caller = NULL;
    nw_store_relaxed(&callee->sequence, callee->sequence + 1); /* sampled by nw_watch */
    nw_free_push(callee, ex);
    nw_slot_move(caller, NW_SLOT_RUNNING);
    caller->gate.result = length;
    caller->gate.result2 = 0;
    return &caller->gate;
}

static struct nw_gate_context *wait(struct nw_executor *ex, struct nw_slot *slot, const struct nw_args_wait *args)
{
    struct nw_gate_context *next = NULL;

    slot->inbox = args->inbox;
    slot->output = args->output;
    slot->output_status = (int32_t)args->status;
    if (nw_load_relaxed(&slot->domain->state) == NW_DOMAIN_LIVE && !slot->held && args->output.length <= NW_PAYLOAD_MAX)
        next = return_to_caller(ex, slot);
    return next ? next : nw__slow_wait(ex, slot);
}

static struct nw_gate_context *direct(struct nw_executor *ex, struct nw_slot *slot, const struct nw_args_direct *args)
{
    return nw__syscall_direct(ex, slot, &args->call);
}

#define NW_OP_SLOW(NAME, handler)
#define NW_OP_FAST(NAME, handler)                                                \
    case NW_OP_##NAME: {                                                         \
        struct nw_args_##handler args;                                           \
        int error = nw_audit_##handler(slot->domain, op, a1, a2, a3, a4, &args); \
                                                                                 \
        return error ? refuse(slot, error) : handler(ex, slot, &args);           \
    }
#define NW_OP_DISPATCH(path, NAME, handler, ...) NW_OP_##path(NAME, handler)

struct nw_gate_context *nw_gate_dispatch(struct nw_gate_thread *thread, uint64_t op, uint64_t a1, uint64_t a2,
                                         uint64_t a3, uint64_t a4)
{
    struct nw_executor *ex = nw_executor_of(thread);
    struct nw_slot *slot = nw_running(ex);

    switch ((uint32_t)op) {
        NW_OPS(NW_OP_DISPATCH)
    default:
        return nw__slow_op(ex, slot, op, a1, a2, a3, a4);
    }
}
