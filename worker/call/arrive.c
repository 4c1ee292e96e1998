/* See arrive.h. */
#include "worker/call/arrive.h"
#include "common/base/atomic.h"
#include "common/base/log.h"
#include "worker/base/limits.h"
#include "worker/base/now.h"
#include "worker/base/span.h"
#include "worker/call/invoke.h"
#include "worker/domain/deployed.h"
#include "worker/domain/domain.h"
#include "worker/domain/slot.h"
#include "worker/executor/ready.h"
#include "worker/wire/carry.h"
#include "worker/wire/link.h"
#include "worker/wire/receive.h"
#include "worker/wire/send.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <stdnoreturn.h>
#include <string.h>
#include <unistd.h>

#define POLL_BATCH 64

static void try_again(struct nw_slot *slot)
{
    bool call = slot->call_unsent;
    int error = call ? nw_send_call(slot) : nw_send_output(slot);

    if (error == -EAGAIN)
        nw_arena_wait(slot);
    else if (!error && !call && nw_turn(slot))
        nw_ready(slot);
}

/* Room was made: whoever waited for it tries again. */
static void arena_retry(void)
{
    size_t n = nw_arena_waiting();
    struct nw_slot *slot;

    while (n-- > 0 && (slot = nw_arena_next()))
        try_again(slot);
}

static void on_invoke(struct nw_link *link, const struct nw_received *received)
{
    const struct nw_desc *desc = &received->desc;
    const void *payload = received->payload;
    struct nw_deployed *function = nw_deployed_find(desc->target);
    struct nw_arrival *invocation = function ? nw__arrival_new() : NULL;
    const struct nw_ticket ticket = {desc->id, link};

    if (!invocation) {
        nw_complete(ticket, NW_STATUS_UNAVAILABLE, function ? "out of memory" : "not loaded in this worker");
        return;
    }
    invocation->id = ticket;
    if (desc->offset == NW_OFFSET_INLINE)
        payload = memcpy(invocation->small, payload, desc->length);
    invocation->request = (struct nw_source){(uint64_t)payload, desc->name_len};
    invocation->input = (struct nw_source){(uint64_t)payload + desc->name_len, desc->length - desc->name_len};
    invocation->depth = desc->depth;
    invocation->until = desc->more ? nw_now() + desc->more * 1000000ull : 0;
    nw__deployed_enqueue(function, invocation);
    nw_deployed_feed(function);
}

/* -EINPROGRESS: it keeps its block until it has been carried. */
static int take_reply(struct nw_slot *slot, struct nw_link *link, const struct nw_received *received)
{
    const struct nw_source reply = {(uint64_t)received->payload, received->desc.length};
    char *to;

    if (received->desc.status != NW_STATUS_OK) {
        nw__reply_fail(slot, received->desc.status == NW_STATUS_CALL_REFUSED ? -EPERM : -EIO);
        return 0;
    }
    to = nw__reply_place(slot, reply.length);
    return to ? nw_carry(slot, &(struct nw_freight){NW_FREIGHT_REPLY, to, reply, link, received->desc.offset}) : 0;
}

static void on_reply(struct nw_link *link, const struct nw_received *received)
{
    const struct nw_desc *desc = &received->desc;
    struct nw_slot *slot = received->caller;
    int error = 0;

    if (slot->domain->state == NW_DOMAIN_DYING) {
        nw_slot_die(slot);
    } else {
        error = take_reply(slot, link, received);
        if (error != -EINPROGRESS) {
            if (error)
                nw__reply_fail(slot, error);
            nw_ready(slot);
        }
    }
    if (error != -EINPROGRESS && nw_desc_has_block(desc))
        nw_send_release(link, desc->offset);
    arena_retry();
}

void nw_reply_carried(struct nw_slot *slot, int error)
{
    if (error)
        nw__reply_fail(slot, error);
    nw_send_release(slot->freight.link, slot->freight.block);
}

static int poll_link(struct nw_link *link)
{
    struct nw_received received;
    int n = 0;

    if (link->n_outbox)
        nw_link_flush(link);
    for (; n < POLL_BATCH && nw_receive(link, &received); n++)
        switch (received.kind) {
        case NW_RECEIVED_INVOKE:
            on_invoke(link, &received);
            break;
        case NW_RECEIVED_REPLY:
            on_reply(link, &received);
            break;
        case NW_RECEIVED_ROOM:
            arena_retry();
        }
    return n;
}

bool nw_ring_poll(void)
{
    int n = 0;

    if (nw_arena_has_room()) {
        arena_retry();
        n++;
    }
    for (uint32_t i = 0; i < nw_links_count(); i++)
        n += poll_link(nw_link_at(i));
    return n > 0;
}
