/* For which request an invocation was made: who may know it, and for how long. */
#include "common/test/test.h"
#include "engine/logs/origin.h"

#define MANY 5000 /* more than are known */

static void expect_request(const struct nw_origins *origins, uint64_t invocation, uint32_t worker, const char *expected)
{
    char request[NW_LOG_REQUEST];
    nw_origin_find(origins, invocation, worker, request);
    assert_string_equal(request, expected);
}

static void tells_the_worker_that_has_it(void **state)
{
    struct nw_origins *first = nw_origins_new(2), *second = nw_origins_of(first, 1);
    (void)state;
    nw_origin_note(first, 7, 3, "mine");
    nw_origin_note(second, 7, 4, "other");
    expect_request(first, 7, 3, "mine");
    expect_request(second, 7, 4, "other");
    expect_request(first, 7, 4, "");
    expect_request(second, 7, 3, "");
    expect_request(first, 8, 3, "");
    expect_request(first, 0, 0, "");
    nw_origin_note(first, 7, 5, "mine"); /* its worker was lost before it began */
    expect_request(first, 7, 5, "mine");
    expect_request(first, 7, 3, "");
    nw_origins_free(first);
}

static void knows_the_last_ones(void **state)
{
    struct nw_origins *origins = nw_origins_new(1);
    (void)state;
    for (uint64_t i = 1; i <= MANY; i++)
        nw_origin_note(origins, i, 1, "r");
    expect_request(origins, 1, 1, "");
    expect_request(origins, MANY, 1, "r");
    nw_origins_free(origins);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(tells_the_worker_that_has_it),
    cmocka_unit_test(knows_the_last_ones),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
