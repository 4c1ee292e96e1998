/* See input.h. */
#include "worker/run/input.h"
#include "worker/base/lock.h"
#include "worker/call/death.h"
#include "worker/call/invoke.h"
#include "worker/domain/domain.h"
#include "worker/executor/ready.h"
#include "worker/range/pages.h"
#include "worker/wire/carry.h"

/* The slot makes way: what is left of its input is placed when its turn comes again. */
static void make_way(struct nw_executor *ex, struct nw_slot *slot)
{
    ex->gate.pending = 0;
    pthread_mutex_lock(&nw_monitor_lock);
    if (slot->domain->state == NW_DOMAIN_DYING)
        nw_slot_die(slot);
    else
        nw_ready(slot);
    nw_dying_sweep();
    pthread_mutex_unlock(&nw_monitor_lock);
}

static void fail(struct nw_slot *slot)
{
    pthread_mutex_lock(&nw_monitor_lock);
    if (slot->domain->state == NW_DOMAIN_DYING)
        nw_slot_die(slot);
    else
        nw_input_failed(slot);
    pthread_mutex_unlock(&nw_monitor_lock);
}

bool nw__input_place(struct nw_executor *ex, struct nw_slot *slot)
{
    struct nw_source *from = &slot->incoming;

    while (from->length > 0) {
        const uint64_t n = from->length < NW_CARRY_BRIEF ? from->length : NW_CARRY_BRIEF,
                       done = slot->gate.result - from->length;

        if (nw_pages_kicked(&ex->gate)) {
            make_way(ex, slot);
            return false;
        }
        if (nw_gate_copy((char *)slot->inbox.at + done, (const void *)from->at, n) < 0) {
            fail(slot);
            return false;
        }
        *from = (struct nw_source){from->at + n, from->length - n};
    }
    return true;
}
