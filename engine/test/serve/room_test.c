/*
 * Who waits for room in an arena: a whole engine whose workers answer nothing for now. Large bodies of a function fill
 * its part of the arena; small ones do not wait behind those that come too late.
 */
#include "common/test/test.h"
#include "engine/fuzz/world.h"
#include "engine/serve/engine.h"
#include "engine/serve/function.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ARENA (8ul << 20)
#define LARGE (1ul << 20) /* two of them are a function's part */
#define SMALL 200

static struct fake_client *post(struct world *world, size_t length)
{
    struct fake_client *client = fake_connect(world->engine->io, WORLD_GATEWAY);
    char head[128], *body = calloc(1, length);
    int n =
        snprintf(head, sizeof head, "POST /function/echo HTTP/1.1\r\nHost: a\r\nContent-Length: %zu\r\n\r\n", length);
    assert_non_null(client);
    assert_non_null(body);
    memset(body, 'e', length);
    fake_send(client, head, (size_t)n);
    fake_send(client, body, length);
    free(body);
    for (int i = 0; i < 4; i++)
        world_turn(world, 1);
    return client;
}

static void play(struct world *world, void *arg)
{
    struct fake_client *clients[5];
    const struct nw_function *echo;
    (void)arg;
    world_turn(world, 1);
    echo = nw_function_find(world->engine, "echo", 4);
    world->held = true;
    for (int i = 0; i < 4; i++)
        clients[i] = post(world, LARGE);
    assert_int_equal(world->engine->in_flight, 2);
    assert_int_equal(echo->arena_bytes, 2 * LARGE);
    clients[4] = post(world, SMALL);
    assert_int_equal(world->engine->in_flight, 3);
    assert_true(echo->small_bytes >= SMALL);
    world->held = false;
    for (int i = 0; i < 20; i++)
        world_turn(world, 1);
    for (int i = 0; i < 5; i++) {
        assert_memory_equal(fake_received(clients[i])->data, "HTTP/1.1 200", 12);
        fake_disconnect(clients[i]);
    }
    world_turn(world, 1);
    assert_int_equal(echo->arena_bytes + echo->small_bytes + echo->spooled, 0);
}

static void small_bodies_do_not_wait_behind_large_ones(void **state)
{
    (void)state;
    world_run(NW_MODE_MPK, 1, false, play, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(small_bodies_do_not_wait_behind_large_ones),
    };
    world_arena = ARENA;
    return cmocka_run_group_tests_name("engine/room", tests, NULL, NULL);
}
