/* How long a quantum is, from what ticks cost. */
#include "common/test/test.h"
#include "worker/turn/dear.h"

#define LEAST 20000u

static uint64_t learn(uint64_t cost, uint64_t late, int times)
{
    for (int i = 0; i < times; i++)
        cost = nw_dear_cost(cost, late);
    return cost;
}

static void a_cheap_tick_leaves_the_quantum_as_it_is_wanted(void **state)
{
    (void)state;
    assert_int_equal(nw_dear_quantum(LEAST, 0, 0), LEAST);
    assert_int_equal(nw_dear_quantum(LEAST, 2 * LEAST, LEAST / 20), LEAST);
    assert_int_equal(nw_dear_quantum(0, LEAST, 1000000), 0);
}

/* Whatever a tick costs, ticks take at most a tenth of the time. */
static void a_dear_tick_makes_it_longer(void **state)
{
    (void)state;
    for (uint64_t late = 1000; late <= 400000; late += late / 4) {
        const uint64_t cost = learn(0, late, 1000);

        assert_in_range(cost, late - late / 7 - 200, late + late / 7 + 200);
        assert_true(nw_dear_quantum(LEAST, 0, cost) >= NW_DEAR_SHARE * cost);
        assert_true(nw_dear_quantum(LEAST, 0, cost) < 2 * NW_DEAR_SHARE * cost + LEAST);
    }
}

static void it_is_bounded(void **state)
{
    (void)state;
    assert_true(nw_dear_quantum(LEAST, 0, learn(0, UINT64_MAX, 1000)) <= 10000000);
}

static void it_becomes_short_again(void **state)
{
    (void)state;
    assert_int_equal(nw_dear_quantum(LEAST, 8000000, learn(400000, 1000, 1000)), LEAST);
}

/* One tick of four comes when the kernel has run somebody else for milliseconds. */
static void few_late_ones_do_not_count(void **state)
{
    uint64_t cost = 0;

    (void)state;
    for (int i = 0; i < 4000; i++)
        cost = nw_dear_cost(cost, i % 4 ? 5000 : 5000000);
    assert_true(cost < 8000);
}

/* A cost that wavers about where the next length begins sets the timer once, not each time. */
static void it_does_not_waver(void **state)
{
    uint64_t is = 4 * LEAST;
    int changes = 0;

    (void)state;
    for (int i = 0; i < 100; i++) {
        const uint64_t wanted = is / 2, next = nw_dear_quantum(wanted, is, i % 2 ? 3900 : 4100);

        changes += next != is;
        is = next;
    }
    assert_true(changes <= 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_cheap_tick_leaves_the_quantum_as_it_is_wanted),
        cmocka_unit_test(a_dear_tick_makes_it_longer),
        cmocka_unit_test(it_is_bounded),
        cmocka_unit_test(it_becomes_short_again),
        cmocka_unit_test(few_late_ones_do_not_count),
        cmocka_unit_test(it_does_not_waver),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
