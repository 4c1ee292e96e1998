/* The turn of the loop while workers are given up in the middle of it: a whole engine, whose two workers are the test.
 */
#include "common/test/test.h"
#include "engine/fuzz/world.h"
#include "engine/test/serve/played_worker.h"
#include <errno.h>
#include <string.h>
#include <unistd.h>

#define IMPOSSIBLE   0x80000000u
#define SECONDS_MOST 30 /* if the test fails the turn never ends */

/* Each of these calls is answered at once, and the answers stay in the ring. */
static void fill_ring_to(struct world *world, struct world_worker *worker)
{
    for (uint64_t i = 0; i < world->engine->options.ring; i++) {
        played_call(worker, "nobody", 0);
        world_turn(world, 0);
    }
}

/*
 * The callee completes, and the answer is the first that does not fit into the ring to the caller, whose index of it is
 * impossible: so the caller is given up while the callee is being looked at, and was to be looked at next.
 */
static void the_next_worker_is_given_up(struct world *world, void *arg)
{
    struct world_worker *callee = &world->workers[0], *caller = &world->workers[1];
    struct nw_desc invoke;
    (void)arg;
    played_await_echo(world);
    played_call(caller, "echo", 0);
    world_turn(world, 0);
    assert_int_equal(nw_ring_pop(&callee->ch.in, &invoke), 1);
    assert_int_equal(invoke.kind, NW_DESC_INVOKE);
    fill_ring_to(world, caller);
    assert_true(nw_list_empty(&world->engine->awake));
    caller->ch.in.shared->head = IMPOSSIBLE;
    assert_int_equal(nw_channel_send(&callee->ch, &(struct nw_desc){.kind = NW_DESC_COMPLETE, .id = invoke.id}), 0);
    played_call(caller, "nobody", 0);
    world_turn(world, 0);
    assert_int_equal(world->engine->counters.workers_lost, 1);
    assert_false(caller->used && caller->number == 2);
    assert_true(callee->used);
}

static void a_turn_ends_when_the_next_worker_is_given_up(void **state)
{
    (void)state;
    alarm(SECONDS_MOST);
    world_run(NW_MODE_MPK, 2, true, the_next_worker_is_given_up, NULL);
    alarm(0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_turn_ends_when_the_next_worker_is_given_up)};
    return cmocka_run_group_tests_name("awake", tests, NULL, NULL);
}
