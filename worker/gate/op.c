/* The operations of the gate other than the nested call itself: routes, calls to elsewhere, large outputs, start-up. */
#include "worker/gate/op.h"
#include "common/base/atomic.h"
#include "worker/account/share.h"
#include "worker/base/limits.h"
#include "worker/base/lock.h"
#include "worker/base/now.h"
#include "worker/base/span.h"
#include "worker/call/death.h"
#include "worker/call/deployed.h"
#include "worker/call/extra.h"
#include "worker/call/invoke.h"
#include "worker/domain/deployed.h"
#include "worker/domain/domain.h"
#include "worker/domain/slot.h"
#include "worker/gate/op_audit.h"
#include "worker/gate/request.h"
#include "worker/lines/lines.h"
#include "worker/reach/callees.h"
#include "worker/reach/route.h"
#include "worker/run/executor.h"
#include "worker/wire/carry.h"
#include "worker/wire/send.h"
#include <errno.h>
#include <string.h>

/* Routes are this worker's, and of a domain until its end: a snapshot, which is taken before the first invocation, must
 * remember none. */
static long route(struct nw_slot *slot, const struct nw_args_route *args)
{
    if (!(slot->sequence & 1))
        return -ELOOP;
    return nw_callee_allowed(slot->domain->function, args->name) ? nw_route_tell(slot->domain, args->name) : -EPERM;
}

/* The reply buffer was set by NW_OP_REPLY before. */
static long call_name(struct nw_slot *slot, const struct nw_args_call_name *args)
{
    if (slot->depth + 1 >= NW_CALL_DEPTH_MAX || !(slot->sequence & 1))
        return -ELOOP;
    if (!nw_callee_allowed(slot->domain->function, args->callee))
        return -EPERM;
    memcpy(slot->callee, args->callee, sizeof(slot->callee));
    slot->input = args->input;
    slot->call_unsent = true;
    if (nw_send_call(slot) == -EAGAIN)
        nw_arena_wait(slot);
    return 0;
}

static long reply(struct nw_slot *slot, const struct nw_args_reply *args)
{
    slot->reply = args->reply;
    return 0;
}

static long fetch(struct nw_slot *slot, const struct nw_args_fetch *args)
{
    const struct nw_freight freight = {
        .kind = NW_FREIGHT_FETCH, .to = (char *)args->buffer.at, .left = {(uint64_t)slot->held, slot->held_length}};
    int error = -EFAULT;

    if (!slot->held)
        return -ENODATA;
    if (slot->held_length <= args->buffer.size)
        error = nw_carry(slot, &freight);
    return error == -EINPROGRESS ? error : nw_fetch_carried(slot, error);
}

/* The domain's first flow says whether the function is up; later, whether another func worker could be made. */
static long ready(struct nw_slot *slot, const struct nw_args_ready *args)
{
    struct nw_domain *domain = slot->domain;

    if (slot != &domain->slots[0])
        return -EPERM;
    nw_lines_end(&domain->lines, slot);
    nw_slot_move(slot, NW_SLOT_PARKED);
    nw_extra_made(domain, slot, args->failed);
    if (domain->state == NW_DOMAIN_LIVE)
        nw_deployed_feed(domain->function);
    if (domain->state != NW_DOMAIN_STARTING)
        return 0;
    if (args->failed)
        nw_domain_kill(domain, NW_STATUS_REFUSED, args->reason);
    else if (!nw_extra_fits(domain))
        nw_domain_kill(domain, NW_STATUS_REFUSED, "the stacks of its slots, of 1 MiB each, do not fit");
    else
        nw_deployed_ready(domain);
    return 0;
}

/* What is left of an invocation's own time, as far as the watch has seen it run. */
static uint64_t own_time_left(const struct nw_slot *slot, uint64_t now)
{
    bool seen = slot->seen_at && slot->seen_sequence == nw_load_relaxed(&slot->sequence); /* stored by its executor */
    uint64_t ran = seen && now > slot->seen_at ? now - slot->seen_at : 0;

    return ran < slot->domain->function->timeout_ns ? slot->domain->function->timeout_ns - ran : 0;
}

static long time_left(struct nw_slot *slot, const struct nw_args_time_left *args)
{
    uint64_t now = nw_now(), left = UINT64_MAX, own;

    (void)args;
    if (!(slot->sequence & 1))
        return -ENODATA;
    for (; slot; slot = slot->caller) {
        own = own_time_left(slot, now);
        left = own < left ? own : left;
        if (!slot->caller && slot->from_ring && slot->until) {
            own = slot->until > now ? slot->until - now : 0;
            left = own < left ? own : left;
        }
    }
    return (long)(left / 1000000);
}

static long request(struct nw_slot *slot, const struct nw_args_request *args)
{
    return nw__request_read(slot, args->from, args->buffer);
}

static long answer(struct nw_slot *slot, const struct nw_args_answer *args)
{
    return nw__answer_take(slot, args->record);
}

#define NW_OP_FAST(NAME, handler)
#define NW_OP_SLOW(NAME, handler)                                                \
    case NW_OP_##NAME: {                                                         \
        struct nw_args_##handler args;                                           \
        int error = nw_audit_##handler(slot->domain, op, a1, a2, a3, a4, &args); \
                                                                                 \
        return error ? error : handler(slot, &args);                             \
    }
#define NW_OP_DISPATCH(path, NAME, handler, ...) NW_OP_##path(NAME, handler)

static long carry_out(struct nw_slot *slot, uint64_t op, uint64_t a1, uint64_t a2, uint64_t a3, uint64_t a4)
{
    switch ((uint32_t)op) {
        NW_OPS(NW_OP_DISPATCH)
    }
    return -ENOSYS;
}

static long carry_out_quietly(struct nw_slot *slot, uint64_t op, uint64_t a1, uint64_t a2, uint64_t a3, uint64_t a4)
{
    long result;

    nw_post_defer(true);
    result = carry_out(slot, op, a1, a2, a3, a4);
    nw_post_defer(false);
    return result;
}

struct nw_gate_context *nw__slow_op(struct nw_executor *ex, struct nw_slot *slot, uint64_t op, uint64_t a1, uint64_t a2,
                                    uint64_t a3, uint64_t a4)
{
    long result = -ENOSYS;

    nw_set_fs(ex->monitor_fs);
    pthread_mutex_lock(&nw_monitor_lock);
    if (slot->domain->state != NW_DOMAIN_DYING)
        result = carry_out_quietly(slot, op, a1, a2, a3, a4);
    if (slot->domain->state == NW_DOMAIN_DYING && slot->state == NW_SLOT_RUNNING) {
        nw_slot_die(slot);
    } else if (slot->state == NW_SLOT_RUNNING) {
        slot->gate.result = (uint64_t)result;
        slot->gate.result2 = 0;
        pthread_mutex_unlock(&nw_monitor_lock);
        nw_post_ring();
        return &slot->gate;
    }
    pthread_mutex_unlock(&nw_monitor_lock);
    nw_post_ring();
    return nw_executor_next(ex);
}
