/* When a worker is rung: at once, or for a batch while the loop has more at hand. */
#include "common/test/test.h"
#include "engine/io/backend.h"
#include "engine/serve/engine.h"
#include "engine/serve/link.h"
#include <errno.h>
#include <stdlib.h>

static bool more_at_hand;

static bool has_events(const struct nw_io *io)
{
    (void)io;
    return more_at_hand;
}

static int rings;

static void ring(struct nw_io_bell *bell)
{
    (void)bell;
    rings++;
}

static const struct nw_io_backend backend = {.has_events = has_events, .bell_ring = ring};

struct world {
    struct nw_io io;
    struct nw_engine engine;
    struct nw_link link;
    struct nw_io_bell bell;
};

static int set_up(void **state)
{
    static const struct nw_geometry geometry = {.ring_capacity = 64, .arena_size = 4096};
    struct world *world = calloc(1, sizeof *world);
    assert_non_null(world);
    world->io.backend = &backend;
    world->engine.io = &world->io;
    nw_list_init(&world->engine.awake);
    world->bell.backend = &backend;
    world->link.bell = &world->bell;
    world->link.engine = &world->engine;
    nw_list_init(&world->link.awake);
    assert_int_equal(nw_channel_create(&world->link.channel, &geometry), 0);
    world->link.channel.out.shared->consumer_sleeps = 1;
    *state = world;
    return 0;
}

static int tear_down(void **state)
{
    struct world *world = *state;
    nw_channel_close(&world->link.channel);
    free(world);
    return 0;
}

static void push(struct world *world)
{
    assert_int_equal(nw_link_push(&world->link, &(struct nw_desc){.kind = NW_DESC_INVOKE}), 0);
}

/* Ends a turn of the loop. Whether the worker was rung: who rings takes back that it sleeps. */
static bool rung(struct world *world)
{
    const int before = rings;
    nw_link_notify(&world->link);
    assert_true(rings == before || (rings == before + 1 && !world->link.channel.out.shared->consumer_sleeps));
    return rings > before;
}

static void an_idle_loop_rings_at_once(void **state)
{
    more_at_hand = false;
    assert_false(rung(*state));
    push(*state);
    assert_true(rung(*state));
}

static void a_busy_loop_rings_for_a_batch(void **state)
{
    more_at_hand = true;
    push(*state);
    assert_false(rung(*state));
    for (int i = 0; i < 20; i++)
        push(*state);
    assert_true(rung(*state));
}

/* Otherwise one request would wait for as long as the loop is kept busy by others. */
static void no_busy_loop_keeps_one_waiting(void **state)
{
    int turns = 1;
    more_at_hand = true;
    push(*state);
    while (!rung(*state) && turns < 100)
        turns++;
    assert_in_range(turns, 2, 8);
}

/* Events that the loop saw may turn out to need nothing. */
static void nobody_sleeps_who_has_yet_to_ring(void **state)
{
    struct world *world = *state;
    more_at_hand = true;
    push(world);
    assert_false(rung(world));
    assert_false(nw_link_sleep(&world->link));
    more_at_hand = false;
    assert_true(rung(world));
    assert_true(nw_link_sleep(&world->link));
}

static void a_full_ring_rings_at_once(void **state)
{
    struct world *world = *state;
    more_at_hand = true;
    for (int i = 0; i < 64; i++)
        assert_int_equal(nw_link_push(&world->link, &(struct nw_desc){.kind = NW_DESC_RELEASE}), 0);
    assert_int_equal(nw_link_push(&world->link, &(struct nw_desc){.kind = NW_DESC_RELEASE}), -EAGAIN);
    assert_true(rung(world));
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(an_idle_loop_rings_at_once),     CASE(a_busy_loop_rings_for_a_batch),
        CASE(no_busy_loop_keeps_one_waiting), CASE(nobody_sleeps_who_has_yet_to_ring),
        CASE(a_full_ring_rings_at_once),
    };
    return cmocka_run_group_tests_name("link", tests, NULL, NULL);
}
