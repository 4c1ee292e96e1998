/* What the mixes of bench/tail are: their means, and how much is short. */
#include "common/test/test.h"

#include "bench/mix/mix.h"
#include <errno.h>
#include <math.h>

static struct nw_mix mix;

static void all_have_the_same_mean_and_rise(void **state)
{
    (void)state;
    for (int kind = 0; kind < NW_MIX_KINDS; kind++) {
        nw_mix_init(&mix, (enum nw_mix_kind)kind);
        assert_true(fabs(mix.mean_ns - 30000) < 50);
        for (int i = 1; i < NW_MIX_POINTS; i++)
            assert_true(mix.ns[i - 1] <= mix.ns[i]);
    }
}

static void of_two_kinds_five_of_a_thousand_are_long(void **state)
{
    (void)state;
    nw_mix_init(&mix, NW_MIX_BIMODAL);
    assert_int_equal(mix.ns[994], 5000);
    assert_int_equal(mix.ns[995], 5000000);
    assert_true(nw_mix_is_short(&mix, 994));
    assert_false(nw_mix_is_short(&mix, 995));
}

/* The median of an exponential distribution is ln 2 of its mean, and 1/e of it lies above. */
static void the_exponential_one_is_one(void **state)
{
    (void)state;
    nw_mix_init(&mix, NW_MIX_EXPONENTIAL);
    assert_true(fabs((double)mix.ns[500] / 30000 - log(2)) < 0.01);
    assert_true(nw_mix_is_short(&mix, 630));
    assert_false(nw_mix_is_short(&mix, 634));
}

static void the_longest_hundredth_of_the_heavy_one_is_two_fifths_of_the_work(void **state)
{
    double longest = 0;

    (void)state;
    nw_mix_init(&mix, NW_MIX_HEAVY);
    for (int i = 990; i < NW_MIX_POINTS; i++)
        longest += (double)mix.ns[i];
    assert_true(fabs(longest / (mix.mean_ns * NW_MIX_POINTS) - 0.385) < 0.01);
}

static void those_that_are_alike_are_all_short(void **state)
{
    (void)state;
    nw_mix_alike(&mix, 4000000);
    assert_int_equal(mix.ns[0] + mix.ns[NW_MIX_POINTS - 1], 8000000);
    assert_true(nw_mix_is_short(&mix, 0) && nw_mix_is_short(&mix, NW_MIX_POINTS - 1));
}

static void mixes_have_names(void **state)
{
    (void)state;
    assert_int_equal(nw_mix_parse("bimodal"), NW_MIX_BIMODAL);
    assert_int_equal(nw_mix_parse("heavy"), NW_MIX_HEAVY);
    assert_int_equal(nw_mix_parse("4000"), -EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_have_the_same_mean_and_rise),
        cmocka_unit_test(of_two_kinds_five_of_a_thousand_are_long),
        cmocka_unit_test(the_exponential_one_is_one),
        cmocka_unit_test(the_longest_hundredth_of_the_heavy_one_is_two_fifths_of_the_work),
        cmocka_unit_test(those_that_are_alike_are_all_short),
        cmocka_unit_test(mixes_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
