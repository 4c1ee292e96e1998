/* Worker and engine both want an invocation: one of them gets it. */
#include "common/test/test.h"

#include "common/shm/claims.h"
#include <pthread.h>
#include <stdlib.h>

#define ROUNDS                20000
#define ID(generation, index) ((uint64_t)(generation) << 32 | (index))

static uint32_t claims[NW_CLAIMS];

static void what_was_begun_is_not_taken_back(void **state)
{
    (void)state;
    assert_true(nw_claim(claims, ID(1, 7)));
    assert_false(nw_claim_take_back(claims, ID(1, 7)));
}

static void what_was_taken_back_is_not_begun(void **state)
{
    (void)state;
    assert_true(nw_claim_take_back(claims, ID(1, 8)));
    assert_false(nw_claim(claims, ID(1, 8)));
}

static void the_next_one_in_the_same_place_is_another(void **state)
{
    (void)state;
    assert_true(nw_claim(claims, ID(1, 9)));
    assert_true(nw_claim_take_back(claims, ID(2, 9)));
    assert_true(nw_claim(claims, ID(3, 9)));
    assert_false(nw_claim_take_back(claims, ID(3, 9)));
    assert_true(nw_claim_take_back(claims, ID(4, 9)));
    assert_false(nw_claim(claims, ID(4, 9)));
}

/* The engine takes back what nobody wants any more, and asks again when the worker is lost. */
static void asking_again_gets_the_same_answer(void **state)
{
    (void)state;
    assert_true(nw_claim(claims, ID(1, 10)));
    assert_false(nw_claim_take_back(claims, ID(1, 10)));
    assert_false(nw_claim_take_back(claims, ID(1, 10)));
    assert_true(nw_claim_take_back(claims, ID(1, 11)));
    assert_false(nw_claim(claims, ID(1, 11)));
    assert_true(nw_claim_take_back(claims, ID(1, 11)));
    assert_false(nw_claim(claims, ID(1, 11)));
}

/* An engine never uses such an id. If a worker reads one, the claim succeeds and the invocation is run. */
static void an_id_beyond_the_words_is_never_taken_back(void **state)
{
    (void)state;
    assert_false(nw_claim_take_back(claims, ID(1, NW_CLAIMS)));
    assert_true(nw_claim(claims, ID(1, NW_CLAIMS)));
}

static bool begun[ROUNDS];
static pthread_barrier_t barrier;

static void *begin_all(void *arg)
{
    for (uint32_t i = 0; i < ROUNDS; i++) {
        pthread_barrier_wait(&barrier);
        begun[i] = nw_claim(claims, ID(i + 10, 1));
        pthread_barrier_wait(&barrier);
    }
    return arg;
}

static void exactly_one_of_two_gets_it(void **state)
{
    (void)state;
    pthread_t worker;
    pthread_barrier_init(&barrier, NULL, 2);
    assert_int_equal(pthread_create(&worker, NULL, begin_all, NULL), 0);
    for (uint32_t i = 0; i < ROUNDS; i++) {
        pthread_barrier_wait(&barrier);
        bool taken = nw_claim_take_back(claims, ID(i + 10, 1));
        pthread_barrier_wait(&barrier);
        assert_int_not_equal(taken, begun[i]);
    }
    pthread_join(worker, NULL);
    pthread_barrier_destroy(&barrier);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_begun_is_not_taken_back),
        cmocka_unit_test(what_was_taken_back_is_not_begun),
        cmocka_unit_test(the_next_one_in_the_same_place_is_another),
        cmocka_unit_test(asking_again_gets_the_same_answer),
        cmocka_unit_test(an_id_beyond_the_words_is_never_taken_back),
        cmocka_unit_test(exactly_one_of_two_gets_it),
    };
    return cmocka_run_group_tests_name("common/claims", tests, NULL, NULL);
}
