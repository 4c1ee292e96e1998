/*
 * Honest workers: echo what they are given, or do what its first letter says: f fails, n calls the function named by
 * the rest of the first line with what follows, h holds on to it.
 */
#include "engine/fuzz/world_worker.h"
#include "common/base/status.h"
#include "common/manifest/control.h"
#include "common/manifest/manifest.h"
#include "common/test/fuzz.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct nw_control_message message;

static void close_fds(int first)
{
    for (int i = first; i < message.n_fds; i++)
        close(message.fds[i]);
}

static void tell(int socket, enum nw_control_kind kind, uint32_t worker, uint32_t deployment, int64_t value)
{
    const struct nw_control head = {.kind = kind, .worker = worker, .deployment = deployment, .value = value};
    nw_control_send(socket, &head, "fuzz", 4, NULL, 0);
}

/* --- the launcher --- */

static void start(struct world *world)
{
    struct world_worker *worker = world->workers;
    while (worker < world->workers + WORLD_WORKERS && worker->used)
        worker++;
    NW_FUZZ_CHECK(message.n_fds == 4);
    if (worker == world->workers + WORLD_WORKERS) {
        close_fds(0);
        tell(world->launcher, NW_CONTROL_EXITED, message.head.worker, 0, SIGKILL);
        return;
    }
    *worker = (struct world_worker){.used = true, .number = message.head.worker, .control = message.fds[0]};
    NW_FUZZ_CHECK(fcntl(worker->control, F_SETFL, O_NONBLOCK) == 0);
    NW_FUZZ_CHECK(
        nw_channel_attach(&worker->ch, &message.head.geometry, message.fds[1], message.fds[2], message.fds[3]) == 0);
    tell(world->launcher, NW_CONTROL_STARTED, worker->number, 0, 1);
    tell(worker->control, NW_CONTROL_HELLO, worker->number, 0, 12);
}

void world_kill(struct world *world, struct world_worker *worker)
{
    close(worker->control);
    nw_channel_close(&worker->ch);
    worker->used = false;
    tell(world->launcher, NW_CONTROL_EXITED, worker->number, 0, SIGKILL);
}

static bool launcher_turn(struct world *world)
{
    bool busy = false;
    while (nw_control_recv(world->launcher, &message) == 1) {
        busy = true;
        if (message.head.kind == NW_CONTROL_START) {
            start(world);
            continue;
        }
        close_fds(0);
        for (int i = 0; i < WORLD_WORKERS; i++)
            if (world->workers[i].used && world->workers[i].number == message.head.worker)
                world_kill(world, &world->workers[i]);
    }
    return busy;
}

/* --- functions --- */

static void complete(struct world_worker *worker, uint64_t id, enum nw_status status, const void *data, size_t length)
{
    struct nw_desc desc = {.kind = NW_DESC_COMPLETE, .id = id, .status = status};
    if (length && nw_arena_alloc(worker->ch.arena, length, &desc.offset) == 0) {
        memcpy(nw_arena_at(worker->ch.arena, desc.offset), data, length);
        desc.length = length;
    }
    if (nw_channel_send(&worker->ch, &desc) < 0 && desc.length)
        nw_arena_release(worker->ch.arena, desc.offset); /* the ring is full: it is late, and that is all */
}

/* False when it has to be answered at once. */
static bool call(struct world_worker *worker, const struct nw_desc *invoke, const char *input)
{
    const char *name = input + 1, *end = memchr(name, '\n', invoke->length - 1);
    struct nw_desc desc = {.kind = NW_DESC_CALL, .depth = invoke->depth};
    unsigned at = 0;
    while (at < WORLD_CALLS && worker->calls[at])
        at++;
    desc.name_len = (uint32_t)(end ? end - name : (ptrdiff_t)invoke->length - 1);
    desc.length = end ? invoke->length - 2 : desc.name_len;
    if (at == WORLD_CALLS || !desc.length || nw_arena_alloc(worker->ch.arena, desc.length, &desc.offset) < 0)
        return false;
    char *block = nw_arena_at(worker->ch.arena, desc.offset);
    memcpy(block, name, desc.name_len);
    if (end)
        memcpy(block + desc.name_len, end + 1, desc.length - desc.name_len);
    desc.id = at | desc.offset << 16;
    if (nw_channel_send(&worker->ch, &desc) < 0) {
        nw_arena_release(worker->ch.arena, desc.offset);
        return false;
    }
    worker->calls[at] = invoke->id;
    return true;
}

static void invoke(struct world *world, struct world_worker *worker, const struct nw_desc *desc)
{
    const char *input = nw_channel_payload(&worker->ch, desc);
    char letter = desc->length ? *input : 'e';
    NW_FUZZ_CHECK(input && desc->id && nw_claim(worker->ch.claims, desc->id));
    if ((letter == 'h' || world->held) && worker->n_held < WORLD_HELD)
        worker->held[worker->n_held++] = desc->id;
    else if (letter == 'f')
        complete(worker, desc->id, NW_STATUS_CRASHED, input, desc->length);
    else if (letter != 'n' || !call(worker, desc, input))
        complete(worker, desc->id, NW_STATUS_OK, input, desc->length);
    else if (desc->length > NW_READ_LEAST)
        nw_channel_send(&worker->ch, &(struct nw_desc){.kind = NW_DESC_READ, .id = desc->id});
}

/* The call of a descriptor from the engine, which must be under way. */
static unsigned call_of(const struct world_worker *worker, const struct nw_desc *desc)
{
    NW_FUZZ_CHECK((desc->id & 0xffff) < WORLD_CALLS && worker->calls[desc->id & 0xffff]);
    return desc->id & 0xffff;
}

static void read_early(struct world_worker *worker, const struct nw_desc *desc)
{
    bool *read = &worker->read[call_of(worker, desc)];
    NW_FUZZ_CHECK(!*read && nw_arena_release(worker->ch.arena, desc->id >> 16) == 0);
    *read = true;
}

static void reply(struct world_worker *worker, const struct nw_desc *desc)
{
    const char *output = nw_channel_payload(&worker->ch, desc);
    unsigned at = call_of(worker, desc);
    NW_FUZZ_CHECK(output && (worker->read[at] || nw_arena_release(worker->ch.arena, desc->id >> 16) == 0));
    complete(worker, worker->calls[at], desc->status, output, desc->length);
    worker->calls[at] = worker->read[at] = 0;
    if (nw_desc_has_block(desc))
        NW_FUZZ_CHECK(nw_channel_send(&worker->ch,
                                      &(struct nw_desc){.kind = NW_DESC_RELEASE, .offset = desc->offset}) != -EPROTO);
}

static bool ring_turn(struct world *world, struct world_worker *worker)
{
    struct nw_desc desc;
    bool busy = false;
    int rc;
    while (nw_ring_space(&worker->ch.out) >= 4 && (rc = nw_ring_pop(&worker->ch.in, &desc))) {
        NW_FUZZ_CHECK(rc == 1);
        busy = true;
        if (desc.kind == NW_DESC_INVOKE)
            invoke(world, worker, &desc);
        else if (desc.kind == NW_DESC_REPLY)
            reply(worker, &desc);
        else if (desc.kind == NW_DESC_READ)
            read_early(worker, &desc);
        else
            NW_FUZZ_CHECK(desc.kind == NW_DESC_RELEASE && nw_arena_release(worker->ch.arena, desc.offset) == 0);
    }
    nw_channel_may_sleep(&worker->ch);
    if (!world->held && worker->n_held) {
        complete(worker, worker->held[--worker->n_held], NW_STATUS_OK, "held", 4);
        busy = true;
    }
    return busy;
}

/* --- control messages --- */

/* False when it died. */
static bool load(struct world *world, struct world_worker *worker)
{
    char letter = 0;
    NW_FUZZ_CHECK(message.n_fds == 1 && pread(message.fds[0], &letter, 1, 0) == 1);
    close_fds(0);
    NW_FUZZ_CHECK(nw_manifest_check_name(message.text, strlen(message.text)) == 0);
    if (letter == 'D') {
        world_kill(world, worker);
        return false;
    }
    tell(worker->control, letter == 'R' ? NW_CONTROL_REFUSED : NW_CONTROL_LOADED, worker->number,
         message.head.deployment, 0);
    return true;
}

static bool control_turn(struct world *world, struct world_worker *worker)
{
    bool busy = false;
    int rc;
    while ((rc = nw_control_recv(worker->control, &message)) == 1) {
        busy = true;
        if (message.head.kind == NW_CONTROL_LOAD) {
            if (!load(world, worker))
                return true;
        } else {
            close_fds(0);
            NW_FUZZ_CHECK(message.head.kind == NW_CONTROL_ACTIVATE || message.head.kind == NW_CONTROL_REACH ||
                          message.head.kind == NW_CONTROL_RETIRE);
            if (message.head.kind == NW_CONTROL_RETIRE)
                tell(worker->control, NW_CONTROL_RETIRED, worker->number, message.head.deployment, 0);
        }
    }
    NW_FUZZ_CHECK(rc == 0 || rc == -EAGAIN);
    if (rc == 0)
        world_kill(world, worker);
    return busy;
}

bool world_workers_turn(struct world *world)
{
    bool busy = launcher_turn(world);
    if (world->dishonest)
        return busy;
    for (int i = 0; i < WORLD_WORKERS; i++) {
        struct world_worker *worker = &world->workers[i];
        if (worker->used)
            busy |= control_turn(world, worker);
        if (worker->used)
            busy |= ring_turn(world, worker);
    }
    return busy;
}

void world_workers_check_idle(struct world *world)
{
    for (int i = 0; i < WORLD_WORKERS; i++) {
        const struct world_worker *worker = &world->workers[i];
        if (!worker->used)
            continue;
        NW_FUZZ_CHECK(!worker->n_held && nw_arena_used(worker->ch.arena) == 0);
        for (int call = 0; call < WORLD_CALLS; call++)
            NW_FUZZ_CHECK(!worker->calls[call]);
    }
}

void world_workers_fini(struct world *world)
{
    while (launcher_turn(world))
        ;
    for (int i = 0; i < WORLD_WORKERS; i++)
        if (world->workers[i].used)
            world_kill(world, &world->workers[i]);
}
