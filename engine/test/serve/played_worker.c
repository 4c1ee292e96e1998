/* See played_worker.h. */
#include "engine/test/serve/played_worker.h"
#include "common/manifest/control.h"
#include "common/test/test.h"
#include "engine/serve/function.h"
#include <errno.h>
#include <string.h>
#include <unistd.h>

#define TURNS_MOST 100

/* Says that what it was told to load is loaded, and does nothing else. */
static void answer_control(struct world_worker *worker)
{
    static struct nw_control_message message;
    while (nw_control_recv(worker->control, &message) == 1) {
        const struct nw_control head = {
            .kind = NW_CONTROL_LOADED, .worker = worker->number, .deployment = message.head.deployment};
        for (int i = 0; i < message.n_fds; i++)
            close(message.fds[i]);
        if (message.head.kind == NW_CONTROL_LOAD)
            assert_int_equal(nw_control_send(worker->control, &head, NULL, 0, NULL, 0), 0);
    }
}

static const struct nw_version *current(const struct world *world, const char *name)
{
    const struct nw_function *function = nw_function_find(world->engine, name, strlen(name));
    return function ? function->current : NULL;
}

static bool serves(const struct world *world, const char *name)
{
    return current(world, name) && current(world, name)->state == NW_VERSION_SERVING;
}

void played_await(struct world *world, const char *name)
{
    for (int i = 0; i < TURNS_MOST && !serves(world, name); i++) {
        for (int w = 0; w < WORLD_WORKERS; w++)
            if (world->workers[w].used)
                answer_control(&world->workers[w]);
        world_turn(world, 0);
    }
    assert_true(serves(world, name));
}

void played_await_echo(struct world *world)
{
    played_await(world, "echo");
}

void played_call(struct world_worker *worker, const char *name, uint64_t parent)
{
    struct nw_desc desc = {.kind = NW_DESC_CALL,
                           .id = 7,
                           .offset = NW_OFFSET_INLINE,
                           .length = strlen(name),
                           .target = (uint32_t)parent,
                           .more = (uint32_t)(parent >> 32)};
    desc.name_len = (uint32_t)desc.length;
    memcpy(desc.data, name, desc.length);
    assert_int_equal(nw_channel_send(&worker->ch, &desc), 0);
}
