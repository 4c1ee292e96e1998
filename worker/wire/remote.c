/*
 * The rings: what the engine sends and what it is sent. Descriptors that find the ring full wait in an outbox, outputs
 * that find the arena full wait in their func workers: back-pressure, never loss.
 */
#include "worker/wire/remote.h"
#include "common/base/atomic.h"
#include "common/base/log.h"
#include "worker/base/limits.h"
#include "worker/base/span.h"
#include "worker/call/function.h"
#include "worker/call/invoke.h"
#include "worker/domain/domain.h"
#include "worker/domain/slot.h"
#include "worker/executor/ready.h"
#include "worker/executor/wake.h"
#include "worker/wire/carry.h"
#include "worker/wire/link.h"
#include "worker/wire/payload.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <stdnoreturn.h>
#include <string.h>
#include <unistd.h>

#define POLL_BATCH 64

static struct nw_slot *waiters; /* for room in an arena or in a ring */
static bool room_made;          /* without word from the engine: they try again at the next look at the rings */

static noreturn void engine_is_wrong(const char *what)
{
    nw_die_system("the engine sent %s; this worker cannot go on", what);
}

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

static void post(struct nw_link *link, const struct nw_desc *desc)
{
    int error = link->n_outbox ? -EAGAIN : nw_channel_send(&link->channel, desc);

    if (error == -EPROTO)
        engine_is_wrong("an impossible ring index");
    if (error)
        outbox_add(link, desc);
}

static void flush(struct nw_link *link)
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
            flush(&nw__links.link[i]);
}

static void payload_drop(struct nw_link *link, const struct nw_desc *desc)
{
    if (nw_desc_has_block(desc))
        nw_payload_release(link, desc->offset);
    room_made = true;
}

/* The reason is for people: when the arena has no room for it, it is left out. */
void nw_complete(struct nw_ticket ticket, enum nw_status status, const char *reason)
{
    struct nw_desc desc = {.id = ticket.id, .kind = NW_DESC_COMPLETE, .status = status, .length = strlen(reason)};
    unsigned char *at;

    if (nw_payload_place(ticket.link, NULL, &desc, &at) == 0)
        memcpy(at, reason, desc.length);
    else
        desc.length = 0;
    post(ticket.link, &desc);
}

static void fail(struct nw_slot *slot, enum nw_status status, const char *reason)
{
    nw_invocation_ended(slot);
    nw_complete(slot->invocation, status, reason);
}

int nw_send_output(struct nw_slot *slot)
{
    struct nw_desc desc = {.id = slot->invocation.id, .kind = NW_DESC_COMPLETE, .length = slot->output.length};
    struct nw_link *link = slot->invocation.link;
    char reason[64];
    unsigned char *at;
    int error;

    if (slot->output_status != 0) {
        snprintf(reason, sizeof(reason), "faas_func_call returned %d", slot->output_status);
        fail(slot, NW_STATUS_FUNCTION_FAILED, reason);
        return 0;
    }
    if (desc.length > NW_PAYLOAD_MAX && !nw_without(NW_DEFENCE_OUTPUT)) {
        snprintf(reason, sizeof(reason), "the output has %llu bytes", (unsigned long long)desc.length);
        fail(slot, NW_STATUS_OUTPUT_TOO_LARGE, reason);
        return 0;
    }
    error = nw_payload_place(link, slot->domain, &desc, &at);
    if (error == -ENOMEM)
        return -EAGAIN;
    if (error) {
        fail(slot, NW_STATUS_OUTPUT_TOO_LARGE, "the output is larger than the payload arena");
        return 0;
    }
    error = nw_carry(slot, at, slot->output);
    if (error)
        payload_drop(link, &desc);
    if (error == -ECANCELED) /* reaped, it answers */
        return 0;
    if (error) {
        fail(slot, NW_STATUS_CRASHED, "the output lies in memory that the function does not have");
        return 0;
    }
    nw_invocation_ended(slot);
    post(link, &desc);
    return 0;
}

/* A call's id names the slot, and by its generation which of the slot's calls. */
static uint64_t call_id(const struct nw_slot *slot)
{
    return (uint64_t)slot->call_generation << 32 | (uint64_t)slot->domain->index << 16 |
           (uint64_t)(slot - slot->domain->slots);
}

static struct nw_slot *call_of(uint64_t id)
{
    struct nw_domain *domain = nw_domain_at(id >> 16 & 0xffff);
    uint64_t index = id & 0xffff;
    struct nw_slot *slot;

    if (!domain || index >= NW_DOMAIN_SLOTS)
        return NULL;
    slot = &domain->slots[index];
    return slot->state == NW_SLOT_REMOTE && slot->call_generation == id >> 32 ? slot : NULL;
}

static int answer_call(struct nw_slot *slot, long result)
{
    slot->call_unsent = false;
    slot->gate.result = (uint64_t)result;
    slot->gate.result2 = 0;
    nw_ready(slot);
    return 0;
}

int nw_send_call(struct nw_slot *slot)
{
    struct nw_desc desc = {.kind = NW_DESC_CALL, .depth = slot->depth + 1};
    struct nw_link *link = &nw__links.link[0];
    unsigned char *at;
    int error;

    desc.name_len = (uint32_t)strlen(slot->callee);
    desc.length = desc.name_len + slot->input.length;
    error = nw_payload_place(link, slot->domain, &desc, &at);
    if (error == -ENOMEM)
        return -EAGAIN;
    if (error)
        return answer_call(slot, error);
    memcpy(at, slot->callee, desc.name_len);
    error = nw_carry(slot, at + desc.name_len, slot->input);
    if (error)
        payload_drop(link, &desc);
    if (error)
        return error == -ECANCELED ? 0 : answer_call(slot, -EFAULT);
    slot->call_unsent = false;
    slot->call_generation++;
    slot->call_block = desc.offset;
    slot->state = NW_SLOT_REMOTE;
    desc.id = call_id(slot);
    post(link, &desc);
    return 0;
}

/* Behind those that wait already. */
void nw_arena_wait(struct nw_slot *slot)
{
    struct nw_slot **link = &waiters;

    while (*link)
        link = &(*link)->next;
    slot->state = NW_SLOT_ARENA;
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

static void try_again(struct nw_slot *slot)
{
    bool call = slot->call_unsent;
    int error = call ? nw_send_call(slot) : nw_send_output(slot);

    if (slot->domain->state == NW_DOMAIN_DYING && slot->state == NW_SLOT_RUNNING)
        nw_slot_die(slot);
    else if (error == -EAGAIN)
        nw_arena_wait(slot);
    else if (!call && nw_turn(slot))
        nw_ready(slot);
}

/* Room was made: what could not be sent for lack of it is sent again, in the order in which it waits. */
static void arena_retry(void)
{
    size_t n = 0;

    for (const struct nw_slot *slot = waiters; slot; slot = slot->next)
        n++;
    while (n-- > 0 && waiters) {
        struct nw_slot *slot = waiters;

        waiters = slot->next;
        slot->state = NW_SLOT_RUNNING; /* so that nobody reaps it */
        try_again(slot);
    }
}

static void on_invoke(struct nw_link *link, const struct nw_desc *desc)
{
    struct nw_function *function = nw_function_find(desc->target);
    const void *payload = nw_channel_payload(&link->channel, desc);
    struct nw_invocation *invocation = function ? nw_invocation_new() : NULL;
    const struct nw_ticket ticket = {desc->id, link};

    if (!payload)
        engine_is_wrong("a payload outside its arena");
    if (!invocation) {
        nw_complete(ticket, NW_STATUS_UNAVAILABLE, function ? "out of memory" : "not loaded in this worker");
        return;
    }
    invocation->id = ticket;
    if (desc->offset == NW_OFFSET_INLINE)
        payload = memcpy(invocation->small, payload, desc->length);
    invocation->input = (struct nw_source){(uint64_t)payload, desc->length};
    invocation->depth = desc->depth;
    nw_function_enqueue(function, invocation);
    nw_function_feed(function);
}

/* -ENOBUFS: it is held, or cannot be, as the slot's result says. */
static long take_reply(struct nw_slot *slot, struct nw_source reply)
{
    long error;

    if (reply.length <= slot->reply.size) {
        error = nw_carry(slot, (void *)slot->reply.at, reply);
        return error ? error : (long)reply.length;
    }
    nw_hold(slot, slot, reply);
    return -ENOBUFS;
}

static void on_reply(struct nw_link *link, const struct nw_desc *desc)
{
    struct nw_slot *slot = call_of(desc->id);
    const void *payload = nw_channel_payload(&link->channel, desc);
    long result = -EIO;

    if (!payload)
        engine_is_wrong("a payload outside its arena");
    if (!slot || link != &nw__links.link[0])
        engine_is_wrong("an answer to a call that was not made");
    if (slot->call_block != NW_OFFSET_INLINE)
        nw_payload_release(link, slot->call_block);
    slot->call_generation++; /* there is no second answer */
    if (desc->status == NW_STATUS_OK && slot->domain->state != NW_DOMAIN_DYING)
        result = take_reply(slot, (struct nw_source){(uint64_t)payload, desc->length});
    if (slot->domain->state == NW_DOMAIN_DYING)
        nw_slot_die(slot);
    else if (result == -ENOBUFS)
        nw_ready(slot);
    else
        answer_call(slot, result);
    if (nw_desc_has_block(desc))
        post(link, &(struct nw_desc){.kind = NW_DESC_RELEASE, .offset = desc->offset});
    arena_retry();
}

static void handle(struct nw_link *link, const struct nw_desc *desc)
{
    switch (desc->kind) {
    case NW_DESC_INVOKE:
        on_invoke(link, desc);
        break;
    case NW_DESC_REPLY:
        on_reply(link, desc);
        break;
    case NW_DESC_RELEASE:
        if (nw_payload_release(link, desc->offset) < 0)
            engine_is_wrong("a release of what is not in use");
        arena_retry();
        break;
    default:
        engine_is_wrong("a descriptor of an unknown kind");
    }
}

static int poll_link(struct nw_link *link)
{
    struct nw_desc desc;
    int n = 0, got = 0;

    if (link->n_outbox)
        flush(link);
    while (n < POLL_BATCH && (got = nw_ring_pop(&link->channel.in, &desc)) == 1) {
        handle(link, &desc);
        n++;
    }
    if (got == -EPROTO)
        engine_is_wrong("an impossible ring index");
    return n;
}

bool nw_ring_poll(void)
{
    int n = 0;

    if (room_made) {
        room_made = false;
        arena_retry();
        n++;
    }
    for (uint32_t i = 0; i < nw__links.n; i++)
        n += poll_link(&nw__links.link[i]);
    return n > 0;
}
