/* What is waited for after ends of either kind. */
#include "common/host/backoff.h"
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>

#include <setjmp.h>

#include <cmocka.h>

static void waits_longer_for_what_keeps_failing(void **state)
{
    (void)state;
    static const uint64_t pauses[] = {0, 0, 100, 200, 400, 800, 1600, 3200, 5000, 5000};
    struct nw_backoff backoff = {{0}};
    for (size_t i = 0; i < sizeof pauses / sizeof pauses[0]; i++)
        assert_int_equal(nw_backoff_pause(&backoff, NW_END_OWN, 10), pauses[i]);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(nw_backoff_pause(&backoff, NW_END_OWN, 10), 5000);
}

static void waits_for_what_others_end_in_a_storm_only(void **state)
{
    (void)state;
    struct nw_backoff backoff = {{0}};
    for (int i = 0; i < 16; i++)
        assert_int_equal(nw_backoff_pause(&backoff, NW_END_OTHER, 10), 0);
    assert_int_equal(nw_backoff_pause(&backoff, NW_END_OTHER, 10), 100);
    for (int i = 0; i < 1000; i++)
        nw_backoff_pause(&backoff, NW_END_OTHER, 10);
    assert_int_equal(nw_backoff_pause(&backoff, NW_END_OTHER, 10), 500);
}

/* What others do is no reason to wait for its own failures, nor the other way round. */
static void counts_each_cause_by_itself(void **state)
{
    (void)state;
    struct nw_backoff backoff = {{0}};
    for (int i = 0; i < 16; i++)
        nw_backoff_pause(&backoff, NW_END_OTHER, 10);
    assert_int_equal(nw_backoff_pause(&backoff, NW_END_OWN, 10), 0);
    for (int i = 0; i < 10; i++)
        nw_backoff_pause(&backoff, NW_END_OWN, 10);
    assert_int_equal(nw_backoff_pause(&backoff, NW_END_OTHER, 10), 100);
}

static void forgets_when_it_lived_long(void **state)
{
    (void)state;
    struct nw_backoff backoff = {{0}};
    for (int i = 0; i < 10; i++)
        nw_backoff_pause(&backoff, NW_END_OWN, 4999);
    assert_int_equal(nw_backoff_pause(&backoff, NW_END_OWN, 5000), 0);
}

static void knows_who_ended_a_process(void **state)
{
    (void)state;
    assert_int_equal(nw_backoff_cause(SIGKILL), NW_END_OTHER);
    assert_int_equal(nw_backoff_cause(SIGTERM), NW_END_OTHER);
    assert_int_equal(nw_backoff_cause(SIGSEGV), NW_END_OWN);
    assert_int_equal(nw_backoff_cause(SIGSYS), NW_END_OWN);
    assert_int_equal(nw_backoff_cause(0), NW_END_OWN);
    assert_int_equal(nw_backoff_cause(9 << 8), NW_END_OWN); /* exit status 9 */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(waits_longer_for_what_keeps_failing),
        cmocka_unit_test(waits_for_what_others_end_in_a_storm_only),
        cmocka_unit_test(counts_each_cause_by_itself),
        cmocka_unit_test(forgets_when_it_lived_long),
        cmocka_unit_test(knows_who_ended_a_process),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
