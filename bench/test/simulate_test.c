/* Simulations of which the outcome is known, and what must hold of each. */
#include "common/test/test.h"

#include "bench/simulate/simulate.h"
#include <string.h>

/* One worker, ten functions called in turn, ten thousand calls. */
static const struct nw_simulation_plan plain = {
    .traffic = {.functions = 10, .rate = 100, .seconds = 100, .seed = 1},
    .hosts = 1,
    .workers = 1,
    .keys = 13,
    .room = 1000,
    .idle = 1000,
};

static struct nw_simulation_result simulate(const struct nw_simulation_plan *plan)
{
    struct nw_simulation_result result;

    assert_int_equal(nw__simulate(plan, &result), 0);
    assert_int_equal(result.warm + result.cold, result.calls);
    assert_true(result.rekeys <= result.calls);
    assert_true(result.moves <= result.warm);
    assert_true(result.most_warm <= plan->room);
    assert_true(result.most_workers <= plan->workers);
    return result;
}

static void with_a_key_for_each_every_call_is_warm(void **state)
{
    struct nw_simulation_result result = simulate(&plain);

    (void)state;
    assert_int_equal(result.calls, 7500); /* the first quarter does not count */
    assert_int_equal(result.cold + result.rekeys + result.moves, 0);
    assert_int_equal(result.most_warm, 10);
    assert_int_equal(result.most_workers, 1);
}

/* In turn, the key taken is always that of the function that is called next. */
static void one_function_too_many_takes_a_key_each_time(void **state)
{
    struct nw_simulation_plan plan = plain;

    (void)state;
    plan.traffic.functions = 14;
    assert_int_equal(simulate(&plan).rekeys, 7500);
    plan.workers = 2;
    assert_int_equal(simulate(&plan).rekeys, 0);
    assert_int_equal(simulate(&plan).most_workers, 2);
}

static void without_room_or_patience_every_call_is_cold(void **state)
{
    struct nw_simulation_plan plan = plain;

    (void)state;
    plan.room = 9;
    assert_int_equal(simulate(&plan).cold, 7500);
    assert_int_equal(simulate(&plan).evicted, 7500);
    plan = plain;
    plan.idle = 0.05; /* each is called every tenth of a second */
    assert_int_equal(simulate(&plan).cold, 7500);
    assert_int_equal(simulate(&plan).evicted, 0);
}

static void hosts_share_the_functions(void **state)
{
    struct nw_simulation_plan plan = plain;

    (void)state;
    plan.traffic.functions = 26;
    assert_int_equal(simulate(&plan).rekeys, 7500);
    plan.hosts = 2;
    assert_int_equal(simulate(&plan).rekeys, 0);
    assert_int_equal(simulate(&plan).most_warm, 13);
}

/* Three functions in two workers with one key each: a function that shares a key moves to where one became free. */
static void a_function_without_a_key_moves_to_a_free_one(void **state)
{
    struct nw_simulation_plan plan = plain;
    struct nw_simulation_result result;

    (void)state;
    plan.traffic.functions = 3;
    plan.traffic.exponent = 2;
    plan.keys = 1;
    plan.workers = 2;
    plan.idle = 0.05;
    result = simulate(&plan);
    assert_true(result.moves > 0);
    plan.workers = 3;
    assert_int_equal(simulate(&plan).moves, 0);
}

static struct nw_simulation_plan popular(enum nw_traffic_kind kind, uint64_t seed)
{
    struct nw_simulation_plan plan = plain;

    plan.traffic = (struct nw_traffic_plan){
        .kind = kind, .functions = 20000, .exponent = 0.99, .rate = 200, .seconds = 200, .seed = seed};
    plan.workers = 50;
    plan.idle = 30;
    return plan;
}

static void one_seed_gives_the_same_counts(void **state)
{
    (void)state;
    for (int kind = NW_TRAFFIC_ZIPF; kind <= NW_TRAFFIC_FLASH; kind++) {
        struct nw_simulation_plan plan = popular((enum nw_traffic_kind)kind, 1);
        struct nw_simulation_plan other = popular((enum nw_traffic_kind)kind, 2);
        struct nw_simulation_result first = simulate(&plan), again = simulate(&plan), another = simulate(&other);
        assert_memory_equal(&first, &again, sizeof first);
        assert_memory_not_equal(&first, &another, sizeof first);
    }
}

static void a_crowd_makes_more_calls_cold(void **state)
{
    struct nw_simulation_plan calm = popular(NW_TRAFFIC_ZIPF, 1), crowd = popular(NW_TRAFFIC_FLASH, 1);

    (void)state;
    calm.idle = crowd.idle = 1000;
    calm.room = crowd.room = 20000;
    calm.traffic.exponent = crowd.traffic.exponent = 1.5; /* calm: nearly all find their function loaded */
    assert_true(simulate(&crowd).cold > simulate(&calm).cold + 300);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(with_a_key_for_each_every_call_is_warm),
        cmocka_unit_test(one_function_too_many_takes_a_key_each_time),
        cmocka_unit_test(without_room_or_patience_every_call_is_cold),
        cmocka_unit_test(hosts_share_the_functions),
        cmocka_unit_test(a_function_without_a_key_moves_to_a_free_one),
        cmocka_unit_test(one_seed_gives_the_same_counts),
        cmocka_unit_test(a_crowd_makes_more_calls_cold),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
