/* The operations of the gate other than the nested call itself: routes, calls to elsewhere, large outputs, start-up. */
#include "common/atomic.h"
#include "worker/monitor.h"
#include "worker/ops.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Copies a name out of the caller's domain, then looks at it. */
static int read_name(const struct nw_slot *slot, uint64_t name, uint32_t length, char to[NW_NAME_MAX + 1])
{
    if (length == 0 || length > NW_NAME_MAX)
        return -EINVAL;
    if (!nw_domain_holds(slot->domain, name, length) || nw_gate_copy(to, (const void *)name, length) < 0)
        return -EFAULT;
    to[length] = '\0';
    return nw_manifest_check_name(to, length);
}

static long route(const struct nw_slot *slot, uint32_t length, uint64_t name)
{
    char text[NW_NAME_MAX + 1];
    int index = read_name(slot, name, length, text);

    if (index == 0)
        index = nw_route_find(text);
    if (index >= 0 && !nw_load_acquire(&nw_m.routes[index].function)) /* stored by nw_function_activate */
        index = -ENOENT;
    return index;
}

/* The reply buffer was set by NW_OP_REPLY before. */
static long call_name(struct nw_slot *slot, uint32_t name_length, uint64_t name, uint64_t input, uint64_t length)
{
    int error = read_name(slot, name, name_length, slot->callee);

    if (error)
        return error;
    if (length > NW_PAYLOAD_MAX)
        return -E2BIG;
    if (!nw_domain_holds(slot->domain, input, length))
        return -EFAULT;
    if (slot->depth + 1 >= NW_CALL_DEPTH_MAX || !(slot->sequence & 1))
        return -ELOOP;
    slot->input = input;
    slot->input_length = length;
    slot->call_unsent = true;
    if (nw_send_call(slot) == -EAGAIN)
        nw_arena_wait(slot);
    return 0;
}

static long set_reply(struct nw_slot *slot, uint64_t reply, uint64_t size)
{
    if (!nw_domain_holds(slot->domain, reply, size))
        return -EFAULT;
    slot->reply = reply;
    slot->reply_size = size;
    return 0;
}

static long fetch(struct nw_slot *slot, uint64_t buffer, uint64_t size)
{
    long result = (long)slot->held_length;

    if (!slot->held)
        return -ENODATA;
    if (size < slot->held_length || !nw_domain_holds(slot->domain, buffer, size) ||
        nw_gate_copy((void *)buffer, slot->held, slot->held_length) < 0)
        result = -EFAULT;
    nw_held_drop(slot);
    return result;
}

/* The domain's first flow says whether the function is up; later, whether another func worker could be made. */
static void ready(struct nw_slot *slot, uint32_t failed, uint64_t text, uint64_t length)
{
    struct nw_domain *domain = slot->domain;
    char reason[NW_REASON_MAX] = "";

    slot->state = NW_SLOT_PARKED;
    domain->grower = slot;
    domain->grown_out = failed;
    if (domain->state == NW_DOMAIN_LIVE)
        nw_function_feed(domain->function);
    if (domain->state != NW_DOMAIN_STARTING)
        return;
    if (length >= sizeof(reason))
        length = sizeof(reason) - 1;
    if (failed && nw_domain_holds(domain, text, length) && nw_gate_copy(reason, (const void *)text, length) == 0)
        reason[length] = '\0';
    if (failed)
        nw_domain_kill(domain, NW_STATUS_REFUSED, reason);
    else
        nw_function_started(domain);
}

struct nw_gate_context *nw_slow_op(struct nw_executor *ex, struct nw_slot *slot, uint64_t op, uint64_t a1, uint64_t a2,
                                   uint64_t a3)
{
    uint32_t scalar = (uint32_t)(op >> 32);
    long result = -ENOSYS;

    nw_set_fs(ex->monitor_fs);
    pthread_mutex_lock(&nw_m.lock);
    switch (slot->domain->state == NW_DOMAIN_DYING ? 0 : (uint32_t)op) {
    case NW_OP_ROUTE:
        result = route(slot, scalar, a1);
        break;
    case NW_OP_REPLY:
        result = set_reply(slot, a1, a2);
        break;
    case NW_OP_FETCH:
        result = fetch(slot, a1, a2);
        break;
    case NW_OP_CALL_NAME:
        result = call_name(slot, scalar, a1, a2, a3);
        break;
    case NW_OP_READY:
        ready(slot, scalar, a1, a2);
        break;
    }
    if (slot->domain->state == NW_DOMAIN_DYING && slot->state == NW_SLOT_RUNNING) {
        nw_slot_reap(slot);
    } else if (slot->state == NW_SLOT_RUNNING) {
        slot->gate.result = (uint64_t)result;
        slot->gate.result2 = 0;
        pthread_mutex_unlock(&nw_m.lock);
        return &slot->gate;
    }
    pthread_mutex_unlock(&nw_m.lock);
    return nw_executor_next(ex);
}
