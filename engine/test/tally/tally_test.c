/* The grid of histograms, and figures of several threads put together while they come and go. */
#include "common/test/test.h"
#include "engine/tally/meter.h"
#include <stdint.h>

static void a_bound_belongs_to_its_step(void **state)
{
    (void)state;
    assert_int_equal(nw_grid_step(0), 0);
    for (unsigned step = 0; step < NW_GRID_BOUNDS; step++) {
        assert_int_equal(nw_grid_step(nw_grid_bounds[step]), step);
        assert_int_equal(nw_grid_step(nw_grid_bounds[step] + 1), step + 1);
    }
    assert_int_equal(nw_grid_bounds[0], 10000);
    assert_int_equal(nw_grid_bounds[NW_GRID_BOUNDS - 1], 10000000000ull);
    assert_int_equal(nw_grid_step(UINT64_MAX), NW_GRID_STEPS - 1);
}

static void figures_of_all_threads_are_summed(void **state)
{
    struct nw_meter *meter = nw_meter_new(3);
    struct nw_tally sum, *first, *last;
    (void)state;
    assert_false(nw_meter_sum(meter, &sum));
    first = nw_meter_show(meter, 0, NULL);
    last = nw_meter_show(meter, 2, NULL);
    nw_tally_add(&first->begun, 2);
    nw_tally_add(&first->ended[NW_OUTCOME_OK], 1);
    nw_tally_add(&last->begun, 4);
    nw_tally_add(&last->ended[NW_OUTCOME_CRASH], 2);
    nw_histogram_add(&first->took, 10000);
    nw_histogram_add(&last->took, 20000);
    nw_histogram_add(&last->waited, 7);
    assert_true(nw_meter_sum(meter, &sum));
    assert_int_equal(sum.begun, 6);
    assert_int_equal(nw_tally_in_flight(&sum), 3);
    assert_int_equal(sum.took.counts[0], 1);
    assert_int_equal(sum.took.counts[1], 1);
    assert_int_equal(sum.took.sum_ns, 30000);
    assert_int_equal(sum.waited.counts[0], 1);
    sum.ended[NW_OUTCOME_OK] += 9; /* as if a thread had gone on between two looks */
    assert_int_equal(nw_tally_in_flight(&sum), 0);
    nw_meter_drop(first);
    nw_meter_drop(last);
    nw_meter_unref(meter);
}

/* A function was removed and deployed again before its thread heard of either. */
static void a_tally_outlives_its_meter(void **state)
{
    struct nw_meter *old = nw_meter_new(1), *new = nw_meter_new(1);
    struct nw_tally sum, *tally = nw_meter_show(old, 0, NULL);
    (void)state;
    nw_tally_add(&tally->begun, 1);
    nw_meter_show(new, 0, tally);
    nw_meter_unref(old);
    nw_tally_add(&tally->begun, 1);
    assert_true(nw_meter_sum(new, &sum));
    assert_int_equal(sum.begun, 2);
    nw_meter_drop(tally);
    assert_true(nw_meter_sum(new, &sum)); /* what it has counted stays */
    assert_int_equal(sum.begun, 2);
    nw_meter_unref(new);
}

/* A thread heard that a function was removed, then that the same one is there again, which has kept its meter. */
static void a_thread_that_comes_back_goes_on_counting(void **state)
{
    struct nw_meter *meter = nw_meter_new(1);
    struct nw_tally sum, *before = nw_meter_show(meter, 0, NULL);
    (void)state;
    nw_tally_add(&before->begun, 1);
    nw_meter_drop(before);
    struct nw_tally *tally = nw_meter_show(meter, 0, NULL);
    nw_tally_add(&tally->begun, 1);
    assert_true(nw_meter_sum(meter, &sum));
    assert_int_equal(sum.begun, 2);
    nw_meter_drop(tally);
    nw_meter_unref(meter);
}

static void what_workers_say_is_added_however_they_begin_anew(void **state)
{
    struct nw_meter *meter = nw_meter_new(1);
    const struct nw_worked *worked = &meter->worked;
    const struct nw_calls none = {0}, first = {.calls = 10, .ran = 100, .waited = 7, .preempted = 1, .rekeyed = 2},
                          next = {.calls = 14, .ran = 130, .waited = 7, .preempted = 3, .rekeyed = 2},
                          anew = {.calls = 2, .ran = 150, .waited = 8, .preempted = 3, .rekeyed = 2},
                          other = {.calls = 4, .ran = 5}, full = {.calls = UINT32_MAX - 1}, past = {.calls = 4};
    (void)state;
    nw_meter_work(meter, &none, &first);
    nw_meter_work(meter, &first, &next);
    assert_int_equal(worked->begun_or_ended, 14);
    assert_int_equal(worked->ran_ns, 130);
    nw_meter_work(meter, &next, &anew); /* another domain in the same worker */
    assert_int_equal(worked->begun_or_ended, 16);
    assert_int_equal(worked->ran_ns, 150);
    nw_meter_work(meter, &anew, &other); /* another worker */
    assert_int_equal(worked->begun_or_ended, 18);
    assert_int_equal(worked->ran_ns, 155);
    assert_int_equal(worked->waited_ns, 8);
    assert_int_equal(worked->preempted, 3);
    assert_int_equal(worked->rekeyed, 2);
    nw_meter_work(meter, &full, &past);
    assert_int_equal(worked->begun_or_ended, 18 + 6);
    nw_meter_unref(meter);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bound_belongs_to_its_step),
        cmocka_unit_test(figures_of_all_threads_are_summed),
        cmocka_unit_test(a_tally_outlives_its_meter),
        cmocka_unit_test(a_thread_that_comes_back_goes_on_counting),
        cmocka_unit_test(what_workers_say_is_added_however_they_begin_anew),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
