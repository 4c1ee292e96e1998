/* When the control thread looks again. */
#include "common/test/test.h"
#include "worker/watch/rest.h"

static struct nw_rest rest;
static uint64_t now;

static int set_up(void **state)
{
    (void)state;
    rest = (struct nw_rest){0};
    now = 1000000000;
    return 0;
}

/* A look, and the time until the next one. */
static uint64_t look(enum nw_watched watched, enum nw_control_rest expected)
{
    uint64_t next, before = now;

    assert_int_equal(nw_rest(&rest, now, watched, &next), expected);
    now = next;
    return next - before;
}

static void looks_every_tick_while_something_runs(void **state)
{
    (void)state;
    for (int i = 0; i < 1000; i++)
        assert_int_equal(look(NW_WATCHED_RUNS, NW_CONTROL_TICKS), NW_REST_TICK_NS);
}

static void looks_later_and_later_while_all_is_over_each_time(void **state)
{
    uint64_t before = look(NW_WATCHED_RUNS, NW_CONTROL_TICKS);

    (void)state;
    for (int i = 0; i < 1000; i++) {
        uint64_t nap = look(NW_WATCHED_RAN, NW_CONTROL_NAPS);

        assert_true(nap == 2 * before || nap == NW_REST_NAP_NS);
        before = nap;
    }
    assert_int_equal(before, NW_REST_NAP_NS);
    assert_int_equal(look(NW_WATCHED_RUNS, NW_CONTROL_TICKS), NW_REST_TICK_NS);
}

static void rests_when_nothing_ran_for_long_enough_to_look_at_all(void **state)
{
    uint64_t next, looks = 0;

    (void)state;
    look(NW_WATCHED_RUNS, NW_CONTROL_TICKS);
    look(NW_WATCHED_RAN, NW_CONTROL_NAPS);
    while (nw_rest(&rest, now, NW_WATCHED_NOTHING, &next) == NW_CONTROL_NAPS) {
        now = next;
        looks++;
        assert_true(looks < 1000);
    }
    assert_true(looks >= NW_REST_LOOKS);
    assert_int_equal(next, UINT64_MAX);
    look(NW_WATCHED_RAN, NW_CONTROL_NAPS); /* somebody woke it */
}

static void rests_not_while_something_runs_now_and_then(void **state)
{
    (void)state;
    for (int i = 0; i < 1000; i++) {
        look(NW_WATCHED_NOTHING, NW_CONTROL_NAPS);
        look(NW_WATCHED_RAN, NW_CONTROL_NAPS);
    }
}

#define TEST(name) cmocka_unit_test_setup(name, set_up)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(looks_every_tick_while_something_runs),
        TEST(looks_later_and_later_while_all_is_over_each_time),
        TEST(rests_when_nothing_ran_for_long_enough_to_look_at_all),
        TEST(rests_not_while_something_runs_now_and_then),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
