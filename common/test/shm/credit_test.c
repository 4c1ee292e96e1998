/* When something is tried again. */
#include "common/shm/credit.h"
#include "common/test/test.h"

static void is_left_after_some_tries_in_vain(void **state)
{
    struct nw_credit credit = {NW_CREDIT_MOST};
    int tries = 0;

    (void)state;
    for (; nw_credit_allows(&credit); tries++)
        nw_credit_vain(&credit);
    assert_int_equal(tries, NW_CREDIT_MOST);
}

static int left(struct nw_credit *credit)
{
    int n = 0;

    while (!nw_credit_allows(credit))
        n++;
    return n;
}

static void is_tried_again_now_and_then(void **state)
{
    struct nw_credit credit = {0};

    (void)state;
    left(&credit);
    for (int i = 0; i < 10; i++) {
        nw_credit_vain(&credit);
        assert_int_equal(left(&credit), 1 - NW_CREDIT_LEAST);
    }
}

static void goes_on_as_long_as_it_pays_now_and_then(void **state)
{
    struct nw_credit credit = {1};

    (void)state;
    for (int i = 0; i < 1000; i++) {
        assert_true(nw_credit_allows(&credit));
        if (i % NW_CREDIT_REWARD)
            nw_credit_vain(&credit);
        else
            nw_credit_paid(&credit);
        assert_true(credit.left < NW_CREDIT_MOST + NW_CREDIT_REWARD);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_left_after_some_tries_in_vain),
        cmocka_unit_test(is_tried_again_now_and_then),
        cmocka_unit_test(goes_on_as_long_as_it_pays_now_and_then),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
