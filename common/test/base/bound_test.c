#include "common/base/bound.h"
#include "common/test/test.h"

static const uint64_t words[] = {0,         1, 2, 255, 256, 257, 1ull << 31, 1ull << 32, 1ull << 63, UINT64_MAX - 1,
                                 UINT64_MAX};

#define WORDS (sizeof words / sizeof words[0])

static void masks_are_what_a_comparison_says(void **state)
{
    (void)state;
    for (size_t i = 0; i < WORDS; i++)
        for (size_t k = 0; k < WORDS; k++) {
            uint64_t a = words[i], b = words[k];

            assert_int_equal(nw_mask_below(a, b), a < b ? UINT64_MAX : 0);
            assert_int_equal(nw_index(a, b), a < b ? a : 0);
            assert_int_equal(nw_least(a, b), a < b ? a : b);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(masks_are_what_a_comparison_says)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
