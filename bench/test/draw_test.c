/* What is drawn: the same for the same seed, all in turn, and as often as Zipf says. */
#include "common/test/test.h"

#include "bench/draw/draw.h"
#include <math.h>

#define COUNT 1000
#define DRAWS 200000

static void the_generator_is_splitmix64(void **state)
{
    static const uint64_t known[] = {0xe220a8397b1dcdaf, 0x6e789e6aa1b965f4, 0x06c45d188009454f};
    struct nw_random random = {0};

    (void)state;
    for (int i = 0; i < 3; i++)
        assert_int_equal(nw_random_next(&random), known[i]);
}

static void in_turn_each_comes_as_often_as_the_others(void **state)
{
    struct nw_draw draw;

    (void)state;
    assert_int_equal(nw_draw_init(&draw, 3, 0, 1), 0);
    for (unsigned i = 0; i < 9; i++)
        assert_int_equal(nw_draw_next(&draw), i % 3);
    nw_draw_fini(&draw);
}

static void one_seed_draws_the_same(void **state)
{
    struct nw_draw one, again, other;
    unsigned different = 0;

    (void)state;
    assert_int_equal(nw_draw_init(&one, COUNT, 0.99, 1), 0);
    assert_int_equal(nw_draw_init(&again, COUNT, 0.99, 1), 0);
    assert_int_equal(nw_draw_init(&other, COUNT, 0.99, 2), 0);
    for (int i = 0; i < 1000; i++) {
        unsigned drawn = nw_draw_next(&one);
        assert_int_equal(drawn, nw_draw_next(&again));
        different += drawn != nw_draw_next(&other);
    }
    assert_true(different > 500);
    nw_draw_fini(&one);
    nw_draw_fini(&again);
    nw_draw_fini(&other);
}

/* The first rank has 1 / (sum of 1/k^0.99) of all draws, the tenth 10^-0.99 times as much. */
static void shares_are_those_of_zipf(void **state)
{
    static unsigned times[COUNT];
    struct nw_draw draw;
    double sum = 0;

    (void)state;
    for (int i = 1; i <= COUNT; i++)
        sum += pow(i, -0.99);
    assert_int_equal(nw_draw_init(&draw, COUNT, 0.99, 7), 0);
    for (int i = 0; i < DRAWS; i++) {
        unsigned drawn = nw_draw_next(&draw);
        assert_true(drawn < COUNT);
        times[drawn]++;
    }
    assert_true(fabs(times[draw.of[0]] * sum / DRAWS - 1) < 0.05);
    assert_true(fabs(times[draw.of[9]] * sum * pow(10, 0.99) / DRAWS - 1) < 0.1);
    nw_draw_fini(&draw);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_generator_is_splitmix64),
        cmocka_unit_test(in_turn_each_comes_as_often_as_the_others),
        cmocka_unit_test(one_seed_draws_the_same),
        cmocka_unit_test(shares_are_those_of_zipf),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
