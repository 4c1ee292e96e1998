/* Which requests are refused at once, and how the pace is measured by which that is judged. */
#include "common/test/test.h"
#include "engine/admit/admit.h"
#include "engine/admit/pace.h"

/* One function of several, below each of its bounds. */
static struct nw_admit_state roomy(void)
{
    return (struct nw_admit_state){.queued = 5,
                                   .here = 9,
                                   .most = 10,
                                   .all_queued = 30,
                                   .all_most = 100,
                                   .others = 3,
                                   .gap_us = 100000,
                                   .patience_ms = 1000};
}

static void a_function_has_a_bound(void **unused)
{
    struct nw_admit_state state = roomy();
    (void)unused;
    assert_int_equal(nw_admit(&state), NW_ADMIT);
    state.here = 10;
    assert_int_equal(nw_admit(&state), NW_ADMIT_FULL);
}

static void what_cannot_be_answered_in_time_is_refused(void **unused)
{
    struct nw_admit_state state = roomy();
    (void)unused;
    assert_int_equal(nw_admit_wait_ms(&state), 1000);
    state.patience_ms = 999;
    assert_int_equal(nw_admit(&state), NW_ADMIT_LATE);
    state.gap_us = 0; /* nothing is known */
    assert_int_equal(nw_admit(&state), NW_ADMIT);
}

/* A function for which nobody waits is never refused, however slow it was: only a call can show that it has become
 * quicker. */
static void while_nothing_waits_nothing_is_too_late(void **unused)
{
    struct nw_admit_state state = roomy();
    (void)unused;
    state.gap_us = 1000000000;
    state.queued = 0;
    assert_int_equal(nw_admit(&state), NW_ADMIT);
    state.queued = 1;
    assert_int_equal(nw_admit(&state), NW_ADMIT_LATE);
}

/* Half of the host's bound is for anybody, the other half in equal parts: 12 for each of four. */
static void no_function_leaves_the_others_nothing(void **unused)
{
    struct nw_admit_state state = roomy();
    (void)unused;
    state.most = state.here + 1000;
    state.queued = 49;
    state.all_queued = 49;
    assert_int_equal(nw_admit(&state), NW_ADMIT);
    state.all_queued = 50;
    assert_int_equal(nw_admit(&state), NW_ADMIT_HOST_FULL);
    state.queued = 12;
    assert_int_equal(nw_admit(&state), NW_ADMIT_HOST_FULL);
    state.queued = 11;
    assert_int_equal(nw_admit(&state), NW_ADMIT);
    state.others = 0; /* alone it may have half of all */
    state.queued = 49;
    assert_int_equal(nw_admit(&state), NW_ADMIT);
}

/* Whatever they ask for, and in whatever order, the bound holds, and each gets its part. */
static void all_that_want_more_share(void **unused)
{
    enum { FUNCTIONS = 5, MOST = 100 };
    uint64_t queued[FUNCTIONS] = {0}, all = 0;
    (void)unused;
    for (int round = 0; round < 3 * MOST; round++) {
        int f = round < 2 * MOST ? 0 : round % FUNCTIONS; /* the first begins long before the others */
        uint64_t others = 0;
        for (int i = 0; i < FUNCTIONS; i++)
            others += i != f && queued[i];
        struct nw_admit_state state = {
            .queued = queued[f], .most = 1000, .all_queued = all, .all_most = MOST, .others = others};
        if (nw_admit(&state) == NW_ADMIT)
            queued[f]++, all++;
    }
    assert_true(all <= MOST);
    for (int f = 1; f < FUNCTIONS; f++)
        assert_int_equal(queued[f], MOST / 2 / FUNCTIONS);
}

static void the_pace_is_measured_while_others_wait(void **unused)
{
    struct nw_pace pace = {0};
    uint64_t now = 1;
    (void)unused;
    for (int i = 0; i < 100; i++) /* in bursts of ten every 50 ms */
        nw_pace_note(&pace, now += i % 10 ? 0 : 50, true);
    assert_in_range(pace.gap_us, 4000, 6500);
    for (int i = 0; i < 100; i++)
        nw_pace_note(&pace, now += 1000, false);
    assert_in_range(pace.gap_us, 4000, 6500); /* a time in which nobody called it says nothing about its pace */
    for (int i = 0; i < 100; i++)
        nw_pace_note(&pace, now += 100, true);
    assert_in_range(pace.gap_us, 90000, 100000);
}

static void a_few_slow_answers_are_a_pace(void **unused)
{
    struct nw_pace pace = {0};
    (void)unused;
    nw_pace_note(&pace, 1000, true);
    nw_pace_note(&pace, 1500, true);
    assert_int_equal(pace.gap_us, 0);
    nw_pace_note(&pace, 3000, true);
    assert_int_equal(pace.gap_us, 1000000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_function_has_a_bound),
        cmocka_unit_test(what_cannot_be_answered_in_time_is_refused),
        cmocka_unit_test(while_nothing_waits_nothing_is_too_late),
        cmocka_unit_test(no_function_leaves_the_others_nothing),
        cmocka_unit_test(all_that_want_more_share),
        cmocka_unit_test(the_pace_is_measured_while_others_wait),
        cmocka_unit_test(a_few_slow_answers_are_a_pace),
    };
    return cmocka_run_group_tests_name("engine/admit", tests, NULL, NULL);
}
