/*
 * Clients of the gateway and of the admin API against a whole engine with honest workers. The input is what they send,
 * byte by byte; an FF begins a command:
 *
 *   0 1 2 3   what follows is sent by this client (0 and 1: gateway, 2 and 3: admin API), which connects if need be
 *   |         a turn: what was sent so far arrives          e   it sends no more
 *   x         it is gone                                    l n f   its reading stops, goes on, fails
 *   t T       a tick later, and longer than any limit       k   a worker ends
 *   h         workers hold on to what they have, or go on
 *
 * A first byte of p makes each function a worker of its own; a begins with the admin API.
 */
#include "common/test/fuzz.h"
#include "engine/fuzz/world.h"
#include <string.h>

#define CLIENTS     4
#define COMMAND     0xff
#define TICK_MS     100
#define ANY_MS      3000
#define COMMANDS    200
#define STATUS_LINE "HTTP/1.1 "

struct play {
    struct nw_fuzz_input input;
    struct fake_client *clients[CLIENTS];
    int at;
};

static struct fake_client *client(struct world *world, struct play *play)
{
    struct fake_client **at = &play->clients[play->at];
    if (!*at)
        *at = fake_connect(world->engine->io, play->at < 2 ? WORLD_GATEWAY : WORLD_ADMIN);
    return *at;
}

static void leave(struct play *play)
{
    struct fake_client **at = &play->clients[play->at];
    if (!*at)
        return;
    const struct nw_buffer *received = fake_received(*at);
    NW_FUZZ_CHECK(!received->length || !memcmp(received->data, STATUS_LINE, strlen(STATUS_LINE)));
    fake_disconnect(*at);
    *at = NULL;
}

static void kill_one(struct world *world)
{
    for (int i = 0; i < WORLD_WORKERS; i++)
        if (world->workers[i].used) {
            world_kill(world, &world->workers[i]);
            return;
        }
}

static void command(struct world *world, struct play *play, int letter)
{
    switch (letter) {
    case '0':
    case '1':
    case '2':
    case '3':
        play->at = letter - '0';
        break;
    case 'e':
        fake_send_end(client(world, play));
        break;
    case 'x':
        leave(play);
        break;
    case 'l':
        fake_writes(client(world, play), FAKE_WRITE_LATER);
        break;
    case 'n':
        fake_writes(client(world, play), FAKE_WRITE_NOW);
        break;
    case 'f':
        fake_writes(client(world, play), FAKE_WRITE_FAILS);
        break;
    case 't':
    case 'T':
        world_turn(world, letter == 't' ? TICK_MS : ANY_MS);
        break;
    case 'k':
        kill_one(world);
        break;
    case 'h':
        world->held = !world->held;
        break;
    default:
        world_turn(world, 0);
    }
}

static void play_input(struct world *world, void *arg)
{
    struct play *play = arg;
    struct nw_fuzz_input *input = &play->input;
    for (int commands = 0; input->left && commands < COMMANDS; commands++) {
        const uint8_t *mark = memchr(input->data, COMMAND, input->left);
        size_t length;
        const uint8_t *text = nw_fuzz_bytes(input, mark ? (size_t)(mark - input->data) : input->left, &length);
        if (length)
            fake_send(client(world, play), text, length);
        if (mark && nw_fuzz_take(input, 1) == COMMAND)
            command(world, play, (int)nw_fuzz_take(input, 1));
    }
    world_turn(world, 0);
    world->held = false;
    world_turn(world, 0);
    for (play->at = 0; play->at < CLIENTS; play->at++)
        leave(play);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct play play = {.input = {data, size}};
    enum nw_mode mode = size && *data == 'p' ? NW_MODE_PROCESS : NW_MODE_MPK;
    if (size && (*data == 'p' || *data == 'a'))
        nw_fuzz_take(&play.input, 1);
    play.at = size && *data == 'a' ? 2 : 0;
    world_run(mode, 1 + (mode == NW_MODE_MPK && size % 2), false, play_input, &play);
    return 0;
}
