/* The queue of those that wait: always the lowest rank, and of equal ones who came first. */
#include "common/test/test.h"
#include "worker/turn/queue.h"
#include <stdlib.h>
#include <string.h>

#define MANY  NW_TURN_QUEUE_MAX
#define STEPS 20000

static struct nw_turn_queue queue;
static struct nw_turn_place places[MANY];

/* What is first, found by looking at all. */
static struct nw_turn_place *expected(void)
{
    struct nw_turn_place *first = NULL;

    for (size_t i = 0; i < MANY; i++) {
        struct nw_turn_place *p = &places[i];

        if (nw_turn_waits(p) &&
            (!first || p->rank < first->rank || (p->rank == first->rank && p->arrival < first->arrival)))
            first = p;
    }
    return first;
}

static void reset(void)
{
    memset(&queue, 0, sizeof(queue));
    memset(places, 0, sizeof(places));
}

static void equal_ranks_go_as_they_came(void **state)
{
    (void)state;
    reset();
    for (size_t i = 0; i < MANY; i++)
        nw_turn_put(&queue, &places[i], &places[i], 7);
    for (size_t i = 0; i < MANY; i++) {
        assert_ptr_equal(nw_turn_first(&queue), &places[i]);
        nw_turn_drop(&queue, &places[i]);
    }
    assert_null(nw_turn_first(&queue));
}

/* Puts and drops at random, with few different ranks and with many. */
static void the_first_is_always_the_lowest(void **state)
{
    unsigned seed = 1;

    (void)state;
    reset();
    for (int i = 0; i < STEPS; i++) {
        struct nw_turn_place *p = &places[(size_t)rand_r(&seed) % MANY];

        if (nw_turn_waits(p))
            nw_turn_drop(&queue, p);
        else
            nw_turn_put(&queue, p, p, (uint64_t)rand_r(&seed) % (i % 2 ? 5 : 100000));
        assert_true(nw_turn_queue_is_valid(&queue));
        assert_ptr_equal(nw_turn_first(&queue), expected());
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_ranks_go_as_they_came),
        cmocka_unit_test(the_first_is_always_the_lowest),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
