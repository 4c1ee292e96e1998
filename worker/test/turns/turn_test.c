/* The policies, from numbers alone. */
#include "common/test/test.h"
#include "worker/turn/turn.h"
#include <errno.h>

#define QUANTUM 50000
#define LONG    5000000

static const struct nw_claim brief = {.brief = true, .due = 900, .used = 10};
static const struct nw_claim lengthy = {.brief = false, .due = 100, .used = 70};

static void names_lead_back(void **state)
{
    (void)state;
    for (int i = 0; i < NW_POLICIES; i++)
        assert_int_equal(nw_policy_parse(nw_policy_name((enum nw_policy)i)), i);
    assert_int_equal(nw_policy_parse("level"), -EINVAL);
    assert_int_equal(nw_policy_parse(""), -EINVAL);
}

static void ranks_are_what_the_policy_goes_by(void **state)
{
    static const uint64_t expected[NW_POLICIES][2] = {[NW_POLICY_LEVELS] = {0, 70},
                                                      [NW_POLICY_COMPLETION] = {0, 0},
                                                      [NW_POLICY_ROBIN] = {0, 0},
                                                      [NW_POLICY_DEADLINE] = {900, 100},
                                                      [NW_POLICY_FAIR] = {10, 70}};

    (void)state;
    for (int i = 0; i < NW_POLICIES; i++) {
        assert_int_equal(nw_turn_rank((enum nw_policy)i, &brief), expected[i][0]);
        assert_int_equal(nw_turn_rank((enum nw_policy)i, &lengthy), expected[i][1]);
    }
}

/* Two that always want to run, the one with three times the weight: it has three times the time. */
static void time_goes_by_weight(void **state)
{
    static const uint32_t weights[] = {NW_TURN_WEIGHT, 3 * NW_TURN_WEIGHT};
    uint64_t used[2] = {0}, turns[2] = {0};

    (void)state;
    for (int i = 0; i < 4000; i++) {
        const int first = used[1] < used[0];

        used[first] += nw_turn_weighed(QUANTUM, weights[first]);
        turns[first]++;
    }
    assert_in_range(turns[1], 3 * turns[0] - 4, 3 * turns[0] + 4);
}

static void turns_depend_on_who_waits(void **state)
{
    /* What a long one may have before a brief one, a brief one before a long one, and a long one before another. */
    static const uint64_t expected[NW_POLICIES][3] = {
        [NW_POLICY_LEVELS] = {QUANTUM / 2, LONG, LONG},
        [NW_POLICY_COMPLETION] = {NW_TURN_ENDLESS, NW_TURN_ENDLESS, NW_TURN_ENDLESS},
        [NW_POLICY_ROBIN] = {QUANTUM / 2, QUANTUM / 2, QUANTUM / 2},
        [NW_POLICY_DEADLINE] = {NW_TURN_ENDLESS, QUANTUM / 2, NW_TURN_ENDLESS},
        [NW_POLICY_FAIR] = {QUANTUM / 2, NW_TURN_ENDLESS, NW_TURN_ENDLESS},
    };

    (void)state;
    for (int i = 0; i < NW_POLICIES; i++) {
        const enum nw_policy p = (enum nw_policy)i;

        assert_int_equal(nw_turn_most(p, &lengthy, &brief, QUANTUM), expected[i][0]);
        assert_int_equal(nw_turn_most(p, &brief, &lengthy, QUANTUM), expected[i][1]);
        assert_int_equal(nw_turn_most(p, &lengthy, &lengthy, QUANTUM), expected[i][2]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_lead_back),
        cmocka_unit_test(ranks_are_what_the_policy_goes_by),
        cmocka_unit_test(turns_depend_on_who_waits),
        cmocka_unit_test(time_goes_by_weight),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
