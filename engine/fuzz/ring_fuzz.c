/*
 * A worker that was taken over, against a whole engine. The input is what it writes into its rings and arena and sends
 * on its control socket, between requests of honest clients. The engine may kill that worker, but it answers every
 * request once, frees everything, and goes on with the worker that is started next.
 */
#include "common/base/status.h"
#include "common/manifest/control.h"
#include "common/test/fuzz.h"
#include "engine/fuzz/world.h"
#include <string.h>
#include <unistd.h>

#define CLIENTS     8
#define WAITS       100
#define STEPS       200
#define KNOWN       32 /* ids and blocks that it remembers */
#define REQUEST     "POST /function/%s HTTP/1.1\r\nHost: a\r\nContent-Length: %zu\r\n\r\n"
#define BODY_MOST   4000
#define STATUS_LINE "HTTP/1.1 "

struct play {
    struct world *world;
    struct nw_fuzz_input input;
    struct world_worker *worker; /* the one that is hostile now */
    struct nw_desc known[KNOWN]; /* what the engine sent it last */
    unsigned n_known;
    struct fake_client *clients[CLIENTS];
    unsigned sent[CLIENTS]; /* whole requests of each */
};

/* --- what the engine told it --- */

static void take_all(struct play *play)
{
    struct nw_desc desc;
    while (nw_ring_pop(&play->worker->ch.in, &desc) == 1)
        play->known[play->n_known++ % KNOWN] = desc;
}

static const struct nw_desc *recall(struct play *play)
{
    unsigned n = play->n_known < KNOWN ? play->n_known : KNOWN;
    static const struct nw_desc none;
    uint64_t which = nw_fuzz_take(&play->input, 1);
    return n ? &play->known[which % n] : &none;
}

/* --- what it does --- */

/* A number that is right, almost right, or any. */
static uint64_t twist(struct play *play, uint64_t right)
{
    switch (nw_fuzz_take(&play->input, 1) % 8) {
    case 0:
        return nw_fuzz_take(&play->input, 8);
    case 1:
        return right + 1;
    case 2:
        return right - 64;
    case 3:
        return UINT64_MAX - nw_fuzz_take(&play->input, 1);
    default:
        return right;
    }
}

static void push(struct play *play, const struct nw_desc *desc)
{
    nw_channel_send(&play->worker->ch, desc);
}

static void complete(struct play *play)
{
    uint64_t length = nw_fuzz_take(&play->input, 2), offset = 0;
    struct nw_desc desc = {.kind = NW_DESC_COMPLETE};
    desc.id = twist(play, recall(play)->id);
    desc.status = (uint32_t)twist(play, nw_fuzz_take(&play->input, 1) % NW_STATUS_COUNT);
    nw_arena_alloc(play->worker->ch.arena, length, &offset);
    desc.length = twist(play, length);
    desc.offset = twist(play, offset);
    push(play, &desc);
}

static void call(struct play *play)
{
    static const char name[] = "echo, and what it is given";
    struct nw_desc desc = {.kind = NW_DESC_CALL, .id = nw_fuzz_take(&play->input, 1)};
    uint64_t offset = 0;
    if (nw_arena_alloc(play->worker->ch.arena, sizeof name, &offset) == 0)
        memcpy(nw_arena_at(play->worker->ch.arena, offset), name, sizeof name);
    desc.offset = twist(play, offset);
    desc.length = twist(play, sizeof name);
    desc.name_len = (uint32_t)twist(play, 4);
    desc.depth = (uint32_t)twist(play, 0);
    push(play, &desc);
}

static void release(struct play *play)
{
    push(play, &(struct nw_desc){.kind = NW_DESC_RELEASE, .offset = twist(play, recall(play)->offset)});
}

static void read_early(struct play *play)
{
    push(play, &(struct nw_desc){.kind = NW_DESC_READ, .id = twist(play, recall(play)->id)});
}

static void raw(struct play *play)
{
    struct nw_desc desc = {0};
    size_t size;
    const uint8_t *bytes = nw_fuzz_bytes(&play->input, sizeof desc, &size);
    memcpy(&desc, bytes, size);
    push(play, &desc);
}

static void spoil_index(struct play *play)
{
    struct nw_channel *ch = &play->worker->ch;
    uint32_t *const words[] = {&ch->out.shared->tail, &ch->out.shared->head, &ch->in.shared->tail, &ch->in.shared->head,
                               &ch->out.shared->consumer_sleeps};
    uint32_t *word = words[nw_fuzz_take(&play->input, 1) % 5];
    *word = (uint32_t)twist(play, *word);
}

/* Both arenas are its to write, at any time. */
static void spoil_payload(struct play *play)
{
    struct nw_channel *ch = &play->worker->ch;
    size_t size, at = nw_fuzz_take(&play->input, 2);
    const uint8_t *bytes = nw_fuzz_bytes(&play->input, 16, &size);
    if (at + size <= ch->peer_arena_size)
        memcpy((unsigned char *)ch->peer_arena + at, bytes, size);
}

static void say(struct play *play)
{
    struct nw_control head = {.worker = play->worker->number};
    head.kind = (uint32_t)nw_fuzz_take(&play->input, 1) % 16;
    head.deployment = (uint32_t)nw_fuzz_take(&play->input, 1) % 8;
    head.value = (int64_t)twist(play, 0);
    size_t size, n_fds = nw_fuzz_take(&play->input, 1) % 3;
    const uint8_t *text = nw_fuzz_bytes(&play->input, 8, &size);
    const int fds[] = {play->worker->control, play->worker->control};
    nw_control_send(play->worker->control, &head, (const char *)text, size, fds, (int)n_fds);
}

/* Answers all that the worker was sent, so that later parts of the input have something to act on. */
static void answer_control(struct play *play)
{
    static struct nw_control_message message;
    while (nw_control_recv(play->worker->control, &message) == 1) {
        const struct nw_control head = {.kind = message.head.kind == NW_CONTROL_LOAD ? NW_CONTROL_LOADED
                                                                                     : NW_CONTROL_RETIRED,
                                        .worker = play->worker->number,
                                        .deployment = message.head.deployment};
        for (int i = 0; i < message.n_fds; i++)
            close(message.fds[i]);
        if (message.head.kind == NW_CONTROL_LOAD || message.head.kind == NW_CONTROL_RETIRE)
            nw_control_send(play->worker->control, &head, NULL, 0, NULL, 0);
    }
}

/* --- what others do --- */

/* How many answers `text` holds, each as long as it says, and nothing else. */
static unsigned count_answers(const char *text, size_t length)
{
    static const char mark[] = "\r\nContent-Length: ";
    const char *at = text, *end = text + length;
    unsigned answers = 0;
    for (; at < end; answers++) {
        NW_FUZZ_CHECK((size_t)(end - at) > strlen(STATUS_LINE) && !memcmp(at, STATUS_LINE, strlen(STATUS_LINE)));
        const char *behind = memmem(at, (size_t)(end - at), "\r\n\r\n", 4);
        NW_FUZZ_CHECK(behind);
        const char *body_length = memmem(at, (size_t)(behind - at), mark, strlen(mark));
        NW_FUZZ_CHECK(body_length);
        size_t body = strtoul(body_length + strlen(mark), NULL, 10);
        at = behind + 4;
        NW_FUZZ_CHECK(body <= (size_t)(end - at));
        at += body;
    }
    return answers;
}

/* Every whole request of a client that stayed has one answer. */
static void check_answers(struct play *play, unsigned which)
{
    const struct nw_buffer *received = fake_received(play->clients[which]);
    NW_FUZZ_CHECK(count_answers(received->data, received->length) == play->sent[which]);
    fake_disconnect(play->clients[which]);
    play->clients[which] = NULL;
    play->sent[which] = 0;
}

static void request(struct play *play)
{
    static const char body[BODY_MOST];
    char head[128];
    unsigned which = (unsigned)nw_fuzz_take(&play->input, 1) % CLIENTS;
    size_t length = nw_fuzz_take(&play->input, 2) % BODY_MOST;
    int n = snprintf(head, sizeof head, REQUEST, nw_fuzz_take(&play->input, 1) % 8 ? "echo" : "other", length);
    if (play->clients[which] && !fake_is_open(play->clients[which]))
        check_answers(play, which);
    if (!play->clients[which])
        play->clients[which] = fake_connect(play->world->engine->io, WORLD_GATEWAY);
    fake_send(play->clients[which], head, (size_t)n);
    fake_send(play->clients[which], body, length);
    play->sent[which]++;
}

static void leave(struct play *play)
{
    unsigned which = (unsigned)nw_fuzz_take(&play->input, 1) % CLIENTS;
    if (play->clients[which])
        fake_disconnect(play->clients[which]);
    play->clients[which] = NULL;
    play->sent[which] = 0;
}

static void operate(struct play *play)
{
    static const char *const codes[] = {"E", "F", "R", "D"};
    uint64_t what = nw_fuzz_take(&play->input, 1);
    const char *name = what & 1 ? "echo" : "other";
    if (what & 2)
        world_remove(play->world, name);
    else
        world_deploy(play->world, name, codes[what >> 2 & 3]);
}

static bool find_worker(struct play *play)
{
    struct world *world = play->world;
    for (int i = 0; i < WORLD_WORKERS; i++)
        if (world->workers[i].used) {
            play->worker = &world->workers[i];
            return true;
        }
    return false;
}

static void turn(struct play *play, uint64_t ms)
{
    world_turn(play->world, ms);
    if (!find_worker(play))
        return;
    take_all(play);
    answer_control(play);
    world_turn(play->world, 0);
}

static void step(struct play *play)
{
    static void (*const acts[])(struct play * play) = {complete, call,    release, raw,     spoil_index, spoil_payload,
                                                       say,      request, leave,   operate, read_early};
    uint64_t choice = nw_fuzz_take(&play->input, 1) % 16;
    if (choice < sizeof acts / sizeof acts[0] && find_worker(play))
        acts[choice](play);
    else
        turn(play, choice == 15 ? 2500 : choice == 14 ? 100 : 0);
}

static void play_input(struct world *world, void *arg)
{
    struct play *play = arg;
    play->world = world;
    turn(play, 0);
    for (int i = 0; i < STEPS && play->input.left; i++)
        step(play);
    turn(play, 0);
    for (int i = 0; i < WORLD_WORKERS; i++)
        if (world->workers[i].used)
            world_kill(world, &world->workers[i]);
    /* Requests of one connection wait one after the other, each for as long as it may, when there is no room for
     * their bodies. */
    for (int i = 0; i < WAITS; i++)
        world_turn(world, 1000);
    for (unsigned i = 0; i < CLIENTS; i++)
        if (play->clients[i])
            check_answers(play, i);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct play play = {.input = {data, size}};
    enum nw_mode mode = nw_fuzz_take(&play.input, 1) & 1 ? NW_MODE_PROCESS : NW_MODE_MPK;
    world_run(mode, 1, true, play_input, &play);
    return 0;
}
