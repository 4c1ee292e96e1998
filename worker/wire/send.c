/* See send.h. Descriptors that find the ring full wait in an outbox. */
#include "worker/wire/send.h"
#include "common/base/atomic.h"
#include "common/base/log.h"
#include "worker/base/limits.h"
#include "worker/base/span.h"
#include "worker/domain/deployed.h"
#include "worker/domain/domain.h"
#include "worker/domain/slot.h"
#include "worker/executor/ready.h"
#include "worker/wire/carry.h"
#include "worker/wire/link.h"
#include "worker/wire/payload.h"
#include "worker/wire/wire.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <stdnoreturn.h>
#include <string.h>
#include <unistd.h>

static struct nw_slot *waiters; /* for room in an arena or in a ring */
static bool deferred;           /* nobody is rung now */
static uint32_t unrung;         /* a descriptor was pushed meanwhile */
static bool room_made;          /* without word from the engine: they try again at the next look at the rings */

static void outbox_add(struct nw_link *link, const struct nw_desc *desc)
{
    if (link->n_outbox == link->outbox_size) {
        size_t size = link->outbox_size ? link->outbox_size * 2 : 64;
        struct nw_desc *grown = realloc(link->outbox, size * sizeof(*grown));

        if (!grown)
            nw_die_system("cannot keep %zu messages for the engine: out of memory", size);
        link->outbox = grown;
        link->outbox_size = size;
    }
    link->outbox[link->n_outbox++] = *desc;
}

void nw_post_defer(bool yes)
{
    deferred = yes;
}

void nw_post_ring(void)
{
    if (!nw_load_relaxed(&unrung) || !nw_exchange(&unrung, 0u)) /* pairs with the store in push */
        return;
    for (uint32_t i = 0; i < nw_links_count(); i++)
        nw_channel_notify(&nw_link_at(i)->channel);
}

static int push(struct nw_link *link, const struct nw_desc *desc)
{
    int error;

    if (!deferred)
        return nw_channel_send(&link->channel, desc);
    error = nw_ring_push(&link->channel.out, desc);
    if (!error)
        nw_store_release(&unrung, 1u); /* read by whoever calls nw_post_ring next */
    return error;
}

static void post(struct nw_link *link, const struct nw_desc *desc)
{
    int error = link->n_outbox ? -EAGAIN : push(link, desc);

    if (error == -EPROTO)
        nw__engine_is_wrong("an impossible ring index");
    if (error)
        outbox_add(link, desc);
}

void nw_link_flush(struct nw_link *link)
{
    size_t n = 0;

    while (n < link->n_outbox && nw_channel_send(&link->channel, &link->outbox[n]) == 0)
        n++;
    link->n_outbox -= n;
    memmove(link->outbox, link->outbox + n, link->n_outbox * sizeof(*link->outbox));
}

void nw_post_flush(void)
{
    for (uint32_t i = 0; i < nw__links.n; i++)
        if (nw__links.link[i].n_outbox)
            nw_link_flush(&nw__links.link[i]);
}

static void payload_drop(struct nw_link *link, uint64_t block)
{
    if (block != NW_OFFSET_INLINE)
        nw__payload_release(link, block);
    room_made = true;
}

/* The reason is for people: when the arena has no room for it, it is left out. */
static void complete(struct nw_ticket ticket, enum nw_status status, bool violated, const char *reason)
{
    struct nw_desc desc = {
        .id = ticket.id, .kind = NW_DESC_COMPLETE, .status = status, .more = violated, .length = strlen(reason)};
    unsigned char *at;

    if (nw__payload_place(ticket.link, NULL, &desc, &at) == 0)
        memcpy(at, reason, desc.length);
    else
        desc.length = 0;
    post(ticket.link, &desc);
}

void nw_complete(struct nw_ticket ticket, enum nw_status status, const char *reason)
{
    complete(ticket, status, false, reason);
}

void nw_complete_violated(struct nw_ticket ticket, const char *reason)
{
    complete(ticket, NW_STATUS_CRASHED, true, reason);
}

static void fail(struct nw_slot *slot, enum nw_status status, const char *reason)
{
    nw_slot_served(slot);
    nw_complete(slot->invocation, status, reason);
}

/* An output has been carried to its payload, or could not be. */
static int output_done(struct nw_slot *slot, struct nw_link *link, const struct nw_desc *desc, int error)
{
    if (error)
        payload_drop(link, desc->offset);
    if (error == -ECANCELED) /* reaped, it answers */
        return 0;
    if (error) {
        fail(slot, NW_STATUS_CRASHED, "the output lies in memory that the function does not have");
        return 0;
    }
    nw_slot_served(slot);
    post(link, desc);
    return 0;
}

/* An output, with what the function said of its answer in front of it. */
static struct nw_desc output_desc(const struct nw_slot *slot)
{
    return (struct nw_desc){.id = slot->invocation.id,
                            .kind = NW_DESC_COMPLETE,
                            .status = slot->output_status ? NW_STATUS_FUNCTION_FAILED : NW_STATUS_OK,
                            .name_len = slot->answer_length,
                            .length = slot->answer_length + slot->output.length};
}

int nw_send_output(struct nw_slot *slot)
{
    struct nw_desc desc = output_desc(slot);
    struct nw_link *link = slot->invocation.link;
    char reason[64];
    unsigned char *at;
    int error;

    if (slot->output_status != 0 && !slot->answer_length) {
        snprintf(reason, sizeof(reason), "faas_func_call returned %d", slot->output_status);
        fail(slot, NW_STATUS_FUNCTION_FAILED, reason);
        return 0;
    }
    if (slot->output.length > NW_PAYLOAD_MAX && !nw_without(NW_DEFENCE_OUTPUT)) {
        snprintf(reason, sizeof(reason), "the output has %llu bytes", (unsigned long long)slot->output.length);
        fail(slot, NW_STATUS_OUTPUT_TOO_LARGE, reason);
        return 0;
    }
    error = nw__payload_place(link, slot->domain, &desc, &at);
    if (error == -ENOMEM)
        return -EAGAIN;
    if (error) {
        fail(slot, NW_STATUS_OUTPUT_TOO_LARGE, "the output is larger than the payload arena");
        return 0;
    }
    if (desc.name_len)
        memcpy(at, slot->answer, desc.name_len);
    at += desc.name_len;
    error = nw_carry(slot, &(struct nw_freight){NW_FREIGHT_OUTPUT, (char *)at, slot->output, link, desc.offset});
    return error == -EINPROGRESS ? error : output_done(slot, link, &desc, error);
}

void nw_output_carried(struct nw_slot *slot, int error)
{
    struct nw_desc desc = output_desc(slot);

    desc.offset = slot->freight.block;
    output_done(slot, slot->freight.link, &desc, error);
}

static int answer_call(struct nw_slot *slot, long result)
{
    slot->call_unsent = false;
    slot->gate.result = (uint64_t)result;
    slot->gate.result2 = 0;
    nw_ready(slot);
    return 0;
}

static int call_done(struct nw_slot *slot, struct nw_link *link, struct nw_desc *desc, int error)
{
    if (error)
        payload_drop(link, desc->offset);
    if (error)
        return error == -ECANCELED ? 0 : answer_call(slot, -EFAULT);
    slot->call_unsent = false;
    slot->call_generation++;
    slot->call_block = desc->offset;
    nw_slot_move(slot, NW_SLOT_REMOTE);
    desc->id = nw__call_id(slot);
    post(link, desc);
    return 0;
}

/* The id of the invocation for which a slot calls; 0: the engine thread that gets the call does not know it. */
static uint64_t called_for(const struct nw_slot *slot)
{
    while (slot->caller)
        slot = slot->caller;
    return slot->from_ring && slot->invocation.link == &nw__links.link[0] ? slot->invocation.id : 0;
}

static struct nw_desc call_desc(const struct nw_slot *slot)
{
    const uint32_t n = (uint32_t)strlen(slot->callee);
    const uint64_t parent = called_for(slot);

    return (struct nw_desc){.kind = NW_DESC_CALL,
                            .status = slot->domain->function->deployment,
                            .depth = slot->depth + 1,
                            .target = (uint32_t)parent,
                            .more = (uint32_t)(parent >> 32),
                            .name_len = n,
                            .length = n + slot->input.length};
}

int nw_send_call(struct nw_slot *slot)
{
    struct nw_desc desc = call_desc(slot);
    struct nw_link *link = &nw__links.link[0];
    unsigned char *at;
    int error;

    error = nw__payload_place(link, slot->domain, &desc, &at);
    if (error == -ENOMEM)
        return -EAGAIN;
    if (error)
        return answer_call(slot, error);
    memcpy(at, slot->callee, desc.name_len);
    error = nw_carry(slot,
                     &(struct nw_freight){NW_FREIGHT_CALL, (char *)at + desc.name_len, slot->input, link, desc.offset});
    return error == -EINPROGRESS ? error : call_done(slot, link, &desc, error);
}

void nw_call_carried(struct nw_slot *slot, int error)
{
    struct nw_desc desc = call_desc(slot);

    desc.offset = slot->freight.block;
    call_done(slot, slot->freight.link, &desc, error);
}

void nw_freight_drop(struct nw_slot *slot)
{
    const struct nw_freight *freight = &slot->freight;

    if (freight->kind == NW_FREIGHT_OUTPUT || freight->kind == NW_FREIGHT_CALL)
        payload_drop(freight->link, freight->block);
    else if (freight->kind == NW_FREIGHT_REPLY)
        nw_send_release(freight->link, freight->block);
    slot->freight.kind = NW_FREIGHT_NONE;
}

/* Behind those that wait already. */
void nw_arena_wait(struct nw_slot *slot)
{
    struct nw_slot **link = &waiters;

    while (*link)
        link = &(*link)->next;
    nw_slot_move(slot, NW_SLOT_ARENA);
    slot->next = NULL;
    *link = slot;
}

void nw_arena_forget(struct nw_slot *slot)
{
    struct nw_slot **link = &waiters;

    while (*link && *link != slot)
        link = &(*link)->next;
    if (*link)
        *link = slot->next;
}

size_t nw_arena_waiting(void)
{
    size_t n = 0;

    for (const struct nw_slot *slot = waiters; slot; slot = slot->next)
        n++;
    return n;
}

struct nw_slot *nw_arena_next(void)
{
    struct nw_slot *slot = waiters;

    if (!slot)
        return NULL;
    waiters = slot->next;
    return slot;
}

bool nw_arena_has_room(void)
{
    const bool made = room_made;

    room_made = false;
    return made;
}

void nw_send_read(struct nw_ticket ticket)
{
    post(ticket.link, &(struct nw_desc){.kind = NW_DESC_READ, .id = ticket.id});
}

void nw_send_release(struct nw_link *link, uint64_t offset)
{
    post(link, &(struct nw_desc){.kind = NW_DESC_RELEASE, .offset = offset});
}
