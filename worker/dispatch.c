/*
 * The nested call: what the gate does for it without a lock shared by all, without the kernel and without thread-local
 * storage (FS base is still the domain's). A domain that begins to die meanwhile may be seen as live: every executor is
 * kicked afterwards and looks again. Everything that is not the ordinary case is handed to invoke.c.
 */
#include "common/atomic.h"
#include "worker/monitor.h"
#include "worker/ops.h"
#include <errno.h>

static struct nw_gate_context *refuse(struct nw_slot *slot, long error)
{
    slot->gate.result = (uint64_t)error;
    slot->gate.result2 = 0;
    return &slot->gate;
}

/* A callee that may start right now: up, with a key and a free func worker with room enough. Or NULL. */
static struct nw_slot *callee_take(struct nw_function *function, uint64_t length)
{
    struct nw_domain *domain = nw_load_acquire(&function->domain); /* stored by nw_function_started */
    struct nw_slot *callee;

    if (!domain || nw_load_relaxed(&function->queued) != 0)
        return NULL;
    callee = nw_free_pop(domain);
    if (callee && (callee->domain->function != function || callee->inbox_size < length)) {
        nw_free_push(callee);
        return NULL;
    }
    return callee;
}

static struct nw_gate_context *call(struct nw_executor *ex, struct nw_slot *slot, uint64_t route, uint64_t input,
                                    uint64_t length)
{
    struct nw_function *function = nw_load_acquire(&nw_m.routes[route].function); /* stored by nw_function_activate */
    struct nw_slot *callee = function ? callee_take(function, length) : NULL;

    if (!callee)
        return nw_slow_call(ex, slot, route, input, length);
    if (nw_gate_copy((void *)callee->inbox, (const void *)input, length) < 0) {
        nw_free_push(callee);
        return refuse(slot, -EFAULT);
    }
    slot->state = NW_SLOT_CALLING;
    callee->caller = slot;
    callee->depth = slot->depth + 1;
    callee->from_ring = callee->excused = false;
    nw_store_relaxed(&callee->sequence, callee->sequence + 1); /* sampled by nw_watch */
    callee->state = NW_SLOT_RUNNING;
    callee->gate.result = length;
    callee->gate.result2 = 0;
    return &callee->gate;
}

static struct nw_gate_context *call_checked(struct nw_executor *ex, struct nw_slot *slot, uint64_t route,
                                            uint64_t input, uint64_t length, uint64_t reply, uint64_t reply_size)
{
    if (length > NW_PAYLOAD_MAX)
        return refuse(slot, -E2BIG);
    if (!nw_domain_holds(slot->domain, input, length) || !nw_domain_holds(slot->domain, reply, reply_size))
        return refuse(slot, -EFAULT);
    if (route >= nw_load_acquire(&nw_m.n_routes)) /* stored after the route was written */
        return refuse(slot, -EINVAL);
    if (slot->depth + 1 >= NW_CALL_DEPTH_MAX || !(slot->sequence & 1))
        return refuse(slot, -ELOOP);
    slot->reply = reply;
    slot->reply_size = reply_size;
    return call(ex, slot, route, input, length);
}

/* A nested call ends: its output goes straight into the caller's reply buffer. NULL: not the ordinary case. A caller
 * that waited in a queue may have lost its key before this call began; it cannot lose it while the call runs. */
static struct nw_gate_context *return_to_caller(struct nw_slot *callee)
{
    struct nw_slot *caller = callee->caller;
    uint64_t length = callee->output_length;

    if (!caller || (nw_m.keyed && caller->domain->key == 0) || callee->output_status != 0 ||
        length > caller->reply_size || nw_load_relaxed(&caller->domain->state) == NW_DOMAIN_DYING ||
        nw_load_relaxed(&callee->domain->function->queued) != 0)
        return NULL;
    if (nw_gate_copy((void *)caller->reply, (const void *)callee->output, length) < 0)
        return NULL;
    callee->caller = NULL;
    nw_store_relaxed(&callee->sequence, callee->sequence + 1); /* sampled by nw_watch */
    nw_free_push(callee);
    caller->state = NW_SLOT_RUNNING;
    caller->gate.result = length;
    caller->gate.result2 = 0;
    return &caller->gate;
}

static struct nw_gate_context *wait_for_next(struct nw_executor *ex, struct nw_slot *slot, uint64_t op, uint64_t inbox,
                                             uint64_t size, uint64_t output, uint64_t length)
{
    struct nw_gate_context *next = NULL;

    /* An output that is too long is never read; its answer says so instead of ending the domain. */
    if (!nw_domain_holds(slot->domain, inbox, size) ||
        (length <= NW_PAYLOAD_MAX && !nw_domain_holds(slot->domain, output, length)))
        return refuse(slot, -EFAULT);
    slot->inbox = inbox;
    slot->inbox_size = size;
    slot->output = output;
    slot->output_length = length;
    slot->output_status = (int32_t)(op >> 32);
    if (nw_load_relaxed(&slot->domain->state) == NW_DOMAIN_LIVE && !slot->held && length <= NW_PAYLOAD_MAX)
        next = return_to_caller(slot);
    return next ? next : nw_slow_wait(ex, slot);
}

struct nw_gate_context *nw_gate_dispatch(struct nw_gate_thread *thread, uint64_t op, uint64_t a1, uint64_t a2,
                                         uint64_t a3, uint64_t a4)
{
    struct nw_executor *ex = nw_executor_of(thread);
    struct nw_slot *slot = nw_running(ex);

    switch ((uint32_t)op) {
    case NW_OP_CALL:
        return call_checked(ex, slot, op >> 32, a1, a2, a3, a4);
    case NW_OP_WAIT:
        return wait_for_next(ex, slot, op, a1, a2, a3, a4);
    case NW_OP_SYSCALL:
        return nw_syscall_direct(ex, slot, a1);
    default:
        return nw_slow_op(ex, slot, op, a1, a2, a3);
    }
}
