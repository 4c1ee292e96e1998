/* The histogram's percentiles against exact ones. */
#include "common/test/test.h"

#include "bench/tools/histogram.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define VALUES 20000

static int ascending(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* Sorts the values and compares every percentile that reports show. */
static void expect_percentiles(uint64_t *values, size_t n)
{
    static const double percents[] = {0, 1, 25, 50, 75, 90, 99, 99.9, 99.99, 100};
    static struct nw_histogram histogram;

    memset(&histogram, 0, sizeof histogram);
    for (size_t i = 0; i < n; i++)
        nw_histogram_add(&histogram, values[i]);
    qsort(values, n, sizeof *values, ascending);
    assert_int_equal(histogram.n, n);
    assert_int_equal(histogram.max, values[n - 1]);
    for (size_t i = 0; i < sizeof percents / sizeof *percents; i++) {
        size_t rank = (size_t)ceil((double)n * percents[i] / 100);
        uint64_t exact = values[rank ? rank - 1 : 0], got = nw_histogram_percentile(&histogram, percents[i]);
        assert_true(got >= exact);
        assert_true(got - exact <= exact / 100);
    }
}

static void test_uniform(void **state)
{
    static uint64_t values[VALUES];
    uint64_t seed = 1;

    (void)state;
    for (size_t i = 0; i < VALUES; i++)
        values[i] = test_random(&seed) % 1000000;
    expect_percentiles(values, VALUES);
}

/* Every order of magnitude alike, as latencies with a long tail are. */
static void test_long_tail(void **state)
{
    static uint64_t values[VALUES];
    uint64_t seed = 2;

    (void)state;
    for (size_t i = 0; i < VALUES; i++) {
        uint64_t wide = test_random(&seed);
        values[i] = wide >> (test_random(&seed) % 64);
    }
    expect_percentiles(values, VALUES);
}

static void test_few_values(void **state)
{
    (void)state;
    expect_percentiles((uint64_t[]){7}, 1);
    expect_percentiles((uint64_t[]){0, 0, 5000000000}, 3);
    expect_percentiles((uint64_t[]){UINT64_MAX, 1}, 2);
    expect_percentiles((uint64_t[]){255, 256, 257, 511, 512}, 5);
}

static void test_empty(void **state)
{
    static struct nw_histogram histogram;

    (void)state;
    assert_int_equal(nw_histogram_percentile(&histogram, 50), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_uniform),
        cmocka_unit_test(test_long_tail),
        cmocka_unit_test(test_few_values),
        cmocka_unit_test(test_empty),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
