/* See freight.h. */
#include "worker/run/freight.h"
#include "common/base/atomic.h"
#include "worker/base/lock.h"
#include "worker/call/arrive.h"
#include "worker/call/death.h"
#include "worker/call/invoke.h"
#include "worker/domain/domain.h"
#include "worker/executor/ready.h"
#include "worker/range/pages.h"
#include "worker/wire/carry.h"
#include "worker/wire/send.h"
#include <errno.h>

/* The slot makes way: what is left is carried when its turn comes again. */
static void make_way(struct nw_executor *ex, struct nw_slot *slot)
{
    ex->gate.pending = 0;
    pthread_mutex_lock(&nw_monitor_lock);
    nw_slot_make_way(slot);
    pthread_mutex_unlock(&nw_monitor_lock);
}

/* 0, -EFAULT, or -EINTR: a kick came. */
static int carry(const struct nw_executor *ex, struct nw_freight *freight)
{
    struct nw_source *left = &freight->left;

    while (left->length > 0) {
        const uint64_t n = left->length < NW_CARRY_BRIEF ? left->length : NW_CARRY_BRIEF;

        if (nw_pages_kicked(&ex->gate))
            return -EINTR;
        if (nw_gate_copy(freight->to, (const void *)left->at, n) < 0)
            return -EFAULT;
        freight->to += n;
        *left = (struct nw_source){left->at + n, left->length - n};
    }
    return 0;
}

static bool turn(struct nw_slot *slot)
{
    if (nw_turn(slot))
        nw_ready(slot);
    return false;
}

/* Whether the slot runs now. Lock held. */
static bool carried(struct nw_slot *slot, int error)
{
    const enum nw_freight_kind kind = slot->freight.kind;

    slot->freight.kind = NW_FREIGHT_NONE; /* there may be more */
    switch (kind) {
    case NW_FREIGHT_OUTPUT:
        nw_output_carried(slot, error);
        return turn(slot);
    case NW_FREIGHT_ANSWER:
        nw_answer_carried(slot, error);
        return turn(slot);
    case NW_FREIGHT_CALL:
        nw_call_carried(slot, error);
        return false;
    case NW_FREIGHT_REPLY:
        nw_reply_carried(slot, error);
        return true;
    case NW_FREIGHT_FETCH:
        slot->gate.result = (uint64_t)nw_fetch_carried(slot, error);
        slot->gate.result2 = 0;
        return true;
    default:
        if (error)
            nw_input_failed(slot);
        else if (slot->gate.result > NW_READ_LEAST)
            nw_send_read(slot->invocation);
        return error == 0;
    }
}

/* What becomes of the slot now. */
static bool settle(struct nw_slot *slot, int error)
{
    bool runs = false;

    pthread_mutex_lock(&nw_monitor_lock);
    if (slot->domain->state == NW_DOMAIN_DYING)
        nw_slot_die(slot);
    else
        runs = carried(slot, error);
    pthread_mutex_unlock(&nw_monitor_lock);
    return runs;
}

bool nw__freight_carry(struct nw_executor *ex, struct nw_slot *slot)
{
    int error;

    if (slot->freight.kind == NW_FREIGHT_NONE)
        return true;
    error = carry(ex, &slot->freight);
    if (error == -EINTR) {
        make_way(ex, slot);
        return false;
    }
    if (error || slot->freight.kind != NW_FREIGHT_INPUT || slot->from_ring)
        return settle(slot, error);
    nw_store_release(&slot->freight.kind, NW_FREIGHT_NONE); /* loaded by reads_input */
    return true;
}
