/* See receive.h. Every descriptor from a ring is hostile until dispatch.c, nested.c or link.c accepted it. */
#include "engine/dispatch/receive.h"
#include "engine/dispatch/count.h"
#include "engine/dispatch/dispatch.h"
#include "engine/dispatch/nested.h"
#include "engine/serve/engine.h"
#include "engine/serve/link.h"

#define POLL_MAX   512    /* descriptors taken in one go, so that no worker keeps the loop to itself */
#define POLL_TIMED 16     /* ... of which so many are counted as of one time */
#define POLL_BYTES 262144 /* ... and about so many of payloads, which may be copied */

/* NULL, or what is wrong with a descriptor, for people. */
static const char *handle(struct nw_link *link, const struct nw_desc *desc)
{
    switch (desc->kind) {
    case NW_DESC_COMPLETE:
        return nw__dispatch_complete(link, desc);
    case NW_DESC_READ:
        return nw__dispatch_read(link, desc);
    case NW_DESC_CALL:
        return nw__nested_call(link, desc);
    case NW_DESC_RELEASE:
        return nw_link_take_back_block(link, desc->offset) < 0 ? "it released a block that it does not have" : NULL;
    default:
        return "it sent a descriptor of a kind that there is not";
    }
}

static unsigned drain(struct nw_link *link)
{
    unsigned taken = 0;
    uint64_t bytes = 0;
    while (!link->broken && taken < POLL_MAX && bytes < POLL_BYTES) {
        struct nw_desc desc;
        int rc = nw_ring_pop(&link->channel.in, &desc);
        if (rc == 0)
            break;
        if (taken % POLL_TIMED == 0)
            nw_count_forget_time(link->engine);
        const char *wrong = rc < 0 ? "its index of the ring from it is impossible" : handle(link, &desc);
        if (wrong) {
            link->engine->counters.protocol_errors++;
            link->lied = true;
            nw_link_break(link, wrong);
        }
        taken++;
        bytes += desc.length;
    }
    return taken;
}

void nw_receive_last(struct nw_link *link)
{
    struct nw_desc desc;
    for (uint64_t i = 0; !link->lied && i < link->engine->options.ring && nw_ring_pop(&link->channel.in, &desc) > 0;
         i++)
        if (desc.kind == NW_DESC_COMPLETE && nw__dispatch_complete(link, &desc))
            return;
}

unsigned nw_receive(struct nw_link *link)
{
    unsigned taken = drain(link);
    if (link->backlog_length)
        nw_link_flush_backlog(link);
    if (link->room) {
        link->room = false;
        nw__nested_retry(link);
        nw__dispatch_retry_room(link);
    }
    return taken;
}
