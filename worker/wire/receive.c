/* See receive.h. */
#include "worker/wire/receive.h"
#include "common/base/atomic.h"
#include "common/base/log.h"
#include "worker/base/limits.h"
#include "worker/base/span.h"
#include "worker/domain/domain.h"
#include "worker/domain/slot.h"
#include "worker/executor/wake.h"
#include "worker/wire/link.h"
#include "worker/wire/payload.h"
#include "worker/wire/wire.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <stdnoreturn.h>
#include <string.h>
#include <unistd.h>

static const void *payload_of(const struct nw_link *link, const struct nw_desc *desc)
{
    const void *payload = nw_channel_payload(&link->channel, desc);

    if (!payload)
        nw__engine_is_wrong("a payload outside its arena");
    return payload;
}

static struct nw_slot *answered(struct nw_link *link, const struct nw_desc *desc)
{
    struct nw_slot *slot = nw__call_of(desc->id);

    if (!slot || link != &nw__links.link[0])
        nw__engine_is_wrong("an answer to a call that was not made");
    if (slot->call_block != NW_OFFSET_INLINE)
        nw__payload_release(link, slot->call_block);
    slot->call_generation++; /* there is no second answer */
    return slot;
}

/* The engine has read the input of a call, for whose answer the slot goes on waiting. */
static void read_early(struct nw_link *link, const struct nw_desc *desc)
{
    struct nw_slot *slot = nw__call_of(desc->id);

    if (!slot || link != &nw__links.link[0] || slot->call_block == NW_OFFSET_INLINE)
        nw__engine_is_wrong("that it has read what was not sent");
    nw__payload_release(link, slot->call_block);
    slot->call_block = NW_OFFSET_INLINE;
}

static void check(struct nw_link *link, struct nw_received *r)
{
    switch (r->desc.kind) {
    case NW_DESC_INVOKE:
        r->kind = NW_RECEIVED_INVOKE;
        r->payload = payload_of(link, &r->desc);
        if (r->desc.name_len > r->desc.length || (r->desc.name_len && r->desc.offset == NW_OFFSET_INLINE))
            nw__engine_is_wrong("the record of a request where there is none");
        break;
    case NW_DESC_REPLY:
        r->kind = NW_RECEIVED_REPLY;
        r->payload = payload_of(link, &r->desc);
        r->caller = answered(link, &r->desc);
        break;
    case NW_DESC_RELEASE:
        r->kind = NW_RECEIVED_ROOM;
        if (nw__payload_release(link, r->desc.offset) < 0)
            nw__engine_is_wrong("a release of what is not in use");
        break;
    case NW_DESC_READ:
        r->kind = NW_RECEIVED_ROOM;
        read_early(link, &r->desc);
        break;
    default:
        nw__engine_is_wrong("a descriptor of an unknown kind");
    }
}

bool nw_receive(struct nw_link *link, struct nw_received *received)
{
    int got = nw_ring_pop(&link->channel.in, &received->desc);

    if (got == -EPROTO)
        nw__engine_is_wrong("an impossible ring index");
    if (got == 1)
        check(link, received);
    return got == 1;
}
