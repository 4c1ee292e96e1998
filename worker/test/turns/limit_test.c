/* A part of a processor: who takes all that it gets has that part, and no more. */
#include "common/test/test.h"
#include "worker/turn/limit.h"

#define WINDOW 1000000u
#define START  77777u

/* Runs `turn` ticks at a time, whenever it may, on so many processors. Returns for how long it ran. */
static uint64_t greedy(uint32_t percent, uint64_t turn, unsigned processors, uint64_t time)
{
    struct nw_limit limit;
    uint64_t now = START, ran = 0;

    nw_limit_init(&limit, percent, WINDOW, now);
    while (now < START + time) {
        now += turn;
        for (unsigned i = 0; i < processors; i++, ran += turn)
            nw_limit_charge(&limit, turn, now);
        if (limit.spent) {
            const uint64_t until = nw_limit_until(&limit);

            assert_true(until > now);
            assert_false(nw_limit_over(&limit, until - 1));
            assert_true(nw_limit_over(&limit, until));
            now = until;
        }
    }
    return ran;
}

static void who_takes_all_has_its_part(void **state)
{
    static const uint32_t percents[] = {1, 10, 50, 99, 150};
    static const uint64_t turns[] = {WINDOW / 1000, WINDOW / 50, WINDOW / 2};

    (void)state;
    for (size_t i = 0; i < sizeof(percents) / sizeof(percents[0]); i++)
        for (size_t j = 0; j < sizeof(turns) / sizeof(turns[0]); j++) {
            const uint64_t time = 1000ull * WINDOW;
            const uint64_t ran = greedy(percents[i], turns[j], 2, time), part = time * percents[i] / 100;

            assert_in_range(ran, part - part / 20, part + 2 * WINDOW + part / 20);
        }
}

/* It may run at once for what a window holds, and no longer: what was not used in earlier ones is gone. */
static void what_was_left_is_kept_for_a_window_alone(void **state)
{
    struct nw_limit limit;

    (void)state;
    nw_limit_init(&limit, 50, WINDOW, START);
    assert_false(nw_limit_charge(&limit, WINDOW / 2 - 1, START + 1000ull * WINDOW));
    assert_true(nw_limit_charge(&limit, 1, START + 1000ull * WINDOW));
    assert_false(nw_limit_charge(&limit, 1, START + 1000ull * WINDOW)); /* it is so already */
}

static void what_was_too_much_is_waited_for(void **state)
{
    struct nw_limit limit;

    (void)state;
    nw_limit_init(&limit, 50, WINDOW, START);
    assert_true(nw_limit_charge(&limit, 10 * WINDOW, START));
    assert_true(nw_limit_until(&limit) >= START + 19ull * WINDOW);
    assert_true(nw_limit_until(&limit) <= START + 20ull * WINDOW);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_takes_all_has_its_part),
        cmocka_unit_test(what_was_left_is_kept_for_a_window_alone),
        cmocka_unit_test(what_was_too_much_is_waited_for),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
