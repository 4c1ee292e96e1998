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
#include "worker/domain/monitor.h"
#include "worker/domain/slot.h"
#include "worker/executor/ready.h"
#include "worker/executor/wake.h"
#include "worker/wire/carry.h"
#include "worker/wire/payload.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <stdnoreturn.h>
#include <string.h>
#include <unistd.h>

#define POLL_BATCH 64

static noreturn void engine_is_wrong(const char *what)
{
    nw_die_system("the engine sent %s; this worker cannot go on", what);
}

static void outbox_add(struct nw_line *line, const struct nw_desc *desc)
{
    if (line->n_outbox == line->outbox_size) {
        size_t size = line->outbox_size ? line->outbox_size * 2 : 64;
        struct nw_desc *grown = realloc(line->outbox, size * sizeof(*grown));

        if (!grown)
            nw_die_system("cannot keep %zu messages for the engine: out of memory", size);
        line->outbox = grown;
        line->outbox_size = size;
    }
    line->outbox[line->n_outbox++] = *desc;
}

static void post(struct nw_line *line, const struct nw_desc *desc)
{
    int error = line->n_outbox ? -EAGAIN : nw_channel_send(&line->channel, desc);

    if (error == -EPROTO)
        engine_is_wrong("an impossible ring index");
    if (error)
        outbox_add(line, desc);
}

static void flush(struct nw_line *line)
{
    size_t n = 0;

    while (n < line->n_outbox && nw_channel_send(&line->channel, &line->outbox[n]) == 0)
        n++;
    line->n_outbox -= n;
    memmove(line->outbox, line->outbox + n, line->n_outbox * sizeof(*line->outbox));
}

void nw_post_flush(void)
{
    for (uint32_t i = 0; i < nw_m.n_lines; i++)
        if (nw_m.lines[i].n_outbox)
            flush(&nw_m.lines[i]);
}

bool nw_line_waits(void)
{
    for (uint32_t i = 0; i < nw_m.n_lines; i++) {
        const struct nw_ring *in = &nw_m.lines[i].channel.in;

        if (nw_m.lines[i].n_outbox || nw_load_relaxed(&in->shared->tail) != in->own)
            return true;
    }
    return false;
}

void nw_line_add(const struct nw_control_message *message)
{
    int error = -EINVAL;

    if (nw_m.n_lines < NW_CHANNELS_MAX && message->n_fds == 2)
        error =
            nw_channel_attach(&nw_m.lines[nw_m.n_lines].channel, &nw_m.geometry, message->fds[0], -1, message->fds[1]);
    if (!error)
        error = nw_payload_init(&nw_m.lines[nw_m.n_lines]);
    if (error)
        nw_die_system("cannot attach another channel to the engine: %s", strerror(-error));
    nw_m.n_lines++;
    nw_wake_leader(); /* the leader may sleep already, and the new ring does not know it */
}

static void payload_drop(struct nw_line *line, const struct nw_desc *desc)
{
    if (nw_desc_has_block(desc))
        nw_payload_release(line, desc->offset);
    nw_m.room_made = true;
}

/* The reason is for people: when the arena has no room for it, it is left out. */
void nw_complete(struct nw_ticket ticket, enum nw_status status, const char *reason)
{
    struct nw_desc desc = {.id = ticket.id, .kind = NW_DESC_COMPLETE, .status = status, .length = strlen(reason)};
    unsigned char *at;

    if (nw_payload_place(ticket.line, NULL, &desc, &at) == 0)
        memcpy(at, reason, desc.length);
    else
        desc.length = 0;
    post(ticket.line, &desc);
}

static void fail(struct nw_slot *slot, enum nw_status status, const char *reason)
{
    nw_invocation_ended(slot);
    nw_complete(slot->invocation, status, reason);
}

int nw_send_output(struct nw_slot *slot)
{
    struct nw_desc desc = {.id = slot->invocation.id, .kind = NW_DESC_COMPLETE, .length = slot->output.length};
    struct nw_line *line = slot->invocation.line;
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
    error = nw_payload_place(line, slot->domain, &desc, &at);
    if (error == -ENOMEM)
        return -EAGAIN;
    if (error) {
        fail(slot, NW_STATUS_OUTPUT_TOO_LARGE, "the output is larger than the payload arena");
        return 0;
    }
    error = nw_carry(slot, at, slot->output);
    if (error)
        payload_drop(line, &desc);
    if (error == -ECANCELED) /* reaped, it answers */
        return 0;
    if (error) {
        fail(slot, NW_STATUS_CRASHED, "the output lies in memory that the function does not have");
        return 0;
    }
    nw_invocation_ended(slot);
    post(line, &desc);
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
    struct nw_line *line = &nw_m.lines[0];
    unsigned char *at;
    int error;

    desc.name_len = (uint32_t)strlen(slot->callee);
    desc.length = desc.name_len + slot->input.length;
    error = nw_payload_place(line, slot->domain, &desc, &at);
    if (error == -ENOMEM)
        return -EAGAIN;
    if (error)
        return answer_call(slot, error);
    memcpy(at, slot->callee, desc.name_len);
    error = nw_carry(slot, at + desc.name_len, slot->input);
    if (error)
        payload_drop(line, &desc);
    if (error)
        return error == -ECANCELED ? 0 : answer_call(slot, -EFAULT);
    slot->call_unsent = false;
    slot->call_generation++;
    slot->call_block = desc.offset;
    slot->state = NW_SLOT_REMOTE;
    desc.id = call_id(slot);
    post(line, &desc);
    return 0;
}

/* Behind those that wait already. */
void nw_arena_wait(struct nw_slot *slot)
{
    struct nw_slot **link = &nw_m.arena_waiters;

    while (*link)
        link = &(*link)->next;
    slot->state = NW_SLOT_ARENA;
    slot->next = NULL;
    *link = slot;
}

void nw_arena_forget(struct nw_slot *slot)
{
    struct nw_slot **link = &nw_m.arena_waiters;

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

/* Room was made: whoever waited for it tries again. A func worker does so by making its call into the gate again. */
static void arena_retry(void)
{
    size_t n = 0;

    for (const struct nw_slot *slot = nw_m.arena_waiters; slot; slot = slot->next)
        n++;
    while (n-- > 0 && nw_m.arena_waiters) {
        struct nw_slot *slot = nw_m.arena_waiters;

        nw_m.arena_waiters = slot->next;
        slot->state = NW_SLOT_RUNNING; /* so that nobody reaps it */
        try_again(slot);
    }
}

static void on_invoke(struct nw_line *line, const struct nw_desc *desc)
{
    struct nw_function *function = nw_function_find(desc->target);
    const void *payload = nw_channel_payload(&line->channel, desc);
    struct nw_invocation *invocation = function ? nw_invocation_new() : NULL;
    const struct nw_ticket ticket = {desc->id, line};

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

static void on_reply(struct nw_line *line, const struct nw_desc *desc)
{
    struct nw_slot *slot = call_of(desc->id);
    const void *payload = nw_channel_payload(&line->channel, desc);
    long result = -EIO;

    if (!payload)
        engine_is_wrong("a payload outside its arena");
    if (!slot || line != &nw_m.lines[0])
        engine_is_wrong("an answer to a call that was not made");
    if (slot->call_block != NW_OFFSET_INLINE)
        nw_payload_release(line, slot->call_block);
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
        post(line, &(struct nw_desc){.kind = NW_DESC_RELEASE, .offset = desc->offset});
    arena_retry();
}

static void handle(struct nw_line *line, const struct nw_desc *desc)
{
    switch (desc->kind) {
    case NW_DESC_INVOKE:
        on_invoke(line, desc);
        break;
    case NW_DESC_REPLY:
        on_reply(line, desc);
        break;
    case NW_DESC_RELEASE:
        if (nw_payload_release(line, desc->offset) < 0)
            engine_is_wrong("a release of what is not in use");
        arena_retry();
        break;
    default:
        engine_is_wrong("a descriptor of an unknown kind");
    }
}

static int poll_line(struct nw_line *line)
{
    struct nw_desc desc;
    int n = 0, got = 0;

    if (line->n_outbox)
        flush(line);
    while (n < POLL_BATCH && (got = nw_ring_pop(&line->channel.in, &desc)) == 1) {
        handle(line, &desc);
        n++;
    }
    if (got == -EPROTO)
        engine_is_wrong("an impossible ring index");
    return n;
}

bool nw_ring_poll(void)
{
    int n = 0;

    if (nw_m.room_made) {
        nw_m.room_made = false;
        arena_retry();
        n++;
    }
    for (uint32_t i = 0; i < nw_m.n_lines; i++)
        n += poll_line(&nw_m.lines[i]);
    return n > 0;
}
