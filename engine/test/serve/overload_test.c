/*
 * When more is asked for than can be answered: a whole engine, whose worker is the test and answers nothing unless it
 * is told to. All is counted, nothing timed.
 */
#include "common/test/test.h"
#include "engine/fuzz/world.h"
#include "engine/serve/engine.h"
#include "engine/test/serve/played_worker.h"
#include <stdio.h>
#include <string.h>

#define FUNCTIONS 3
#define QUEUE     48 /* requests that may wait on the host */
#define FLOOD     60
#define PIPELINED 12

static const char *const names[FUNCTIONS] = {"echo", "b", "c"};

static struct world_worker *worker;
static struct fake_client *clients[64];
static int n_clients;

static void begin(struct world *world)
{
    worker = &world->workers[0];
    world->engine->options.queue = QUEUE;
    played_await(world, "echo");
    for (int f = 1; f < FUNCTIONS; f++) {
        world_deploy(world, names[f], "x");
        world_turn(world, 1);
        played_await(world, names[f]);
    }
}

static struct fake_client *connect_one(struct world *world)
{
    struct fake_client *client = fake_connect(world->engine->io, WORLD_GATEWAY);
    assert_non_null(client);
    clients[n_clients++] = client;
    world_turn(world, 1); /* it is accepted */
    return client;
}

static void end(struct world *world)
{
    while (n_clients)
        fake_disconnect(clients[--n_clients]);
    world_turn(world, 1);
}

/* `n` requests, a few on each connection. */
static void flood(struct world *world, const char *name, int n)
{
    char request[128];
    int length =
        snprintf(request, sizeof request, "POST /function/%s HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx", name);
    for (; n > 0; n -= PIPELINED) {
        struct fake_client *client = connect_one(world);
        for (int i = 0; i < PIPELINED && i < n; i++)
            fake_send(client, request, (size_t)length);
        world_turn(world, 1);
    }
}

static const struct nw_function *function(const struct world *world, int f)
{
    return nw_function_find(world->engine, names[f], strlen(names[f]));
}

static void expect_ok(struct world *world, const char *path)
{
    char request[128];
    struct fake_client *client = connect_one(world);
    int length = snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: a\r\n\r\n", path);
    fake_send(client, request, (size_t)length);
    world_turn(world, 1);
    assert_memory_equal(fake_received(client)->data, "HTTP/1.1 200", 12);
}

/* As many wait as may, and not one is answered meanwhile. */
static void play_health(struct world *world, void *arg)
{
    (void)arg;
    begin(world);
    flood(world, "echo", FLOOD);
    flood(world, "b", FLOOD);
    assert_true(world->engine->counters.refused > 0);
    for (int i = 0; i < 5; i++) {
        expect_ok(world, "/healthz");
        expect_ok(world, "/readyz");
    }
    assert_int_equal(world->engine->counters.completed + world->engine->counters.failed, 0);
    end(world);
}

/* Takes what the worker was sent, and completes the one that came first. Which function it was for. */
static uint32_t complete_one(struct world *world)
{
    static struct nw_desc had[64];
    static unsigned n;
    struct nw_desc desc;
    while (n < 64 && nw_ring_pop(&worker->ch.in, &desc) == 1)
        had[n++] = desc;
    assert_true(n > 0);
    const struct nw_desc first = had[0], done = {.kind = NW_DESC_COMPLETE, .id = first.id, .status = NW_STATUS_OK};
    memmove(had, had + 1, --n * sizeof *had);
    assert_int_equal(nw_channel_send(&worker->ch, &done), 0);
    world_turn(world, 1);
    return first.target;
}

/* One function floods the host long before the others come: they wait beside it, and are answered as often. */
static void play_share(struct world *world, void *arg)
{
    unsigned answered[FUNCTIONS] = {0}, all = 0;
    (void)arg;
    begin(world);
    flood(world, names[0], 3 * FLOOD);
    for (int f = 1; f < FUNCTIONS; f++)
        flood(world, names[f], FLOOD);
    for (int f = 1; f < FUNCTIONS; f++) /* their part of the half that is dealt out */
        assert_in_range(function(world, f)->queued, QUEUE / 2 / FUNCTIONS, QUEUE);
    while (function(world, 0)->queued && function(world, 1)->queued && function(world, 2)->queued) {
        uint32_t target = complete_one(world);
        for (int f = 0; f < FUNCTIONS; f++)
            answered[f] += function(world, f)->current->number == target;
        all++;
    }
    assert_int_equal(answered[0] + answered[1] + answered[2], all);
    for (int f = 0; f < FUNCTIONS; f++) /* but for those that a worker has at once */
        assert_in_range(answered[f] + 4, all / FUNCTIONS, all);
    while (world->engine->in_flight)
        complete_one(world);
    end(world);
}

static void health_and_readiness_wait_behind_nobody(void **state)
{
    (void)state;
    world_run(NW_MODE_MPK, 1, true, play_health, NULL);
}

static void functions_that_all_want_more_get_as_much(void **state)
{
    (void)state;
    world_run(NW_MODE_MPK, 1, true, play_share, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(health_and_readiness_wait_behind_nobody),
        cmocka_unit_test(functions_that_all_want_more_get_as_much),
    };
    return cmocka_run_group_tests_name("engine/overload", tests, NULL, NULL);
}
