/* A server that drains ends the connections on which nobody waits for an answer. A whole engine, whose clients are the
 * test. */
#include "common/test/test.h"
#include "engine/fuzz/world.h"
#include "engine/http/http.h"

#define LINGERS_MS 2000

static const char request[] = "POST /function/echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx";

static void play(struct world *world, void *arg)
{
    struct nw_http_server *gateway = world->engine->gateway;
    struct fake_client *idle = fake_connect(world->engine->io, WORLD_GATEWAY);
    (void)arg;
    world_turn(world, 1);
    nw_http_server_drain(gateway);
    world_turn(world, 1);
    assert_false(fake_is_open(idle));
    fake_send(idle, request, sizeof request - 1);
    world_turn(world, 1);
    assert_int_equal(world->engine->counters.requests, 0); /* it could not be answered */
    assert_int_equal(nw_http_server_undrained(gateway), 1);
    world_turn(world, LINGERS_MS);
    assert_int_equal(nw_http_server_undrained(gateway), 0);
    fake_disconnect(idle);
}

static void an_idle_connection_lingers_and_ends(void **state)
{
    (void)state;
    world_run(NW_MODE_MPK, 1, false, play, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(an_idle_connection_lingers_and_ends)};
    return cmocka_run_group_tests_name("engine/drain", tests, NULL, NULL);
}
