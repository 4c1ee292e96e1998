/* Who is sent to a worker next: clients and nested calls take turns. A whole engine, whose worker is the test. */
#include "common/test/test.h"
#include "engine/fuzz/world.h"
#include "engine/test/serve/played_worker.h"
#include <string.h>

#define MANY 40 /* more than there are slots, and than the ring takes */
#define FEW  8  /* more requests of clients than a worker is sent at a time */

static const char request[] = "POST /function/echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx";

static struct world_worker *worker;

/* The next descriptor is an invocation: whether it is nested. */
static bool next_is_nested(void)
{
    struct nw_desc desc;
    assert_int_equal(nw_ring_pop(&worker->ch.in, &desc), 1);
    assert_int_equal(desc.kind, NW_DESC_INVOKE);
    return desc.depth > 0;
}

static void begin(struct world *world, int calls)
{
    worker = &world->workers[0];
    played_await_echo(world);
    for (int i = 0; i < calls; i++) {
        played_call(worker, "echo", 0);
        world_turn(world, 0);
    }
}

static struct fake_client *ask(struct world *world, int times)
{
    struct fake_client *client = fake_connect(world->engine->io, WORLD_GATEWAY);
    assert_non_null(client);
    world_turn(world, 1); /* it is accepted */
    for (int i = 0; i < times; i++)
        fake_send(client, request, sizeof request - 1);
    world_turn(world, 1);
    return client;
}

static void play_beside_nested(struct world *world, void *arg)
{
    (void)arg;
    begin(world, FEW);
    struct fake_client *client = ask(world, 1);
    for (int i = 0; i < FEW; i++)
        assert_true(next_is_nested());
    assert_false(next_is_nested());
    fake_disconnect(client);
}

static void play_limit(struct world *world, void *arg)
{
    struct nw_desc desc;
    (void)arg;
    begin(world, 0);
    struct fake_client *client = ask(world, FEW);
    for (int i = 0; i < 4; i++) /* twice its slots */
        assert_false(next_is_nested());
    assert_int_equal(nw_ring_pop(&worker->ch.in, &desc), 0);
    played_call(worker, "echo", 0);
    world_turn(world, 0);
    assert_true(next_is_nested());
    assert_int_equal(nw_ring_pop(&worker->ch.in, &desc), 0);
    fake_disconnect(client);
}

static void play_turns(struct world *world, void *arg)
{
    int clients = 0, n = (int)world->engine->options.ring;
    (void)arg;
    begin(world, MANY);
    struct fake_client *client = ask(world, 3);
    for (int i = 0; i < n; i++)
        assert_true(next_is_nested());
    world_turn(world, 1);
    for (int i = 0; i < 6; i++)
        clients += !next_is_nested();
    assert_int_equal(clients, 3);
    fake_disconnect(client);
}

static void clients_are_sent_beside_any_number_of_nested_calls(void **state)
{
    (void)state;
    world_run(NW_MODE_MPK, 1, true, play_beside_nested, NULL);
}

static void clients_have_a_limit_that_nested_calls_pass(void **state)
{
    (void)state;
    world_run(NW_MODE_MPK, 1, true, play_limit, NULL);
}

static void clients_and_nested_calls_take_turns(void **state)
{
    (void)state;
    world_run(NW_MODE_MPK, 1, true, play_turns, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clients_are_sent_beside_any_number_of_nested_calls),
        cmocka_unit_test(clients_have_a_limit_that_nested_calls_pass),
        cmocka_unit_test(clients_and_nested_calls_take_turns),
    };
    return cmocka_run_group_tests_name("engine/queue", tests, NULL, NULL);
}
