/* Which clients are cut off when memory for payloads is short. */
#include "common/test/test.h"
#include "engine/base/spool.h"
#include <errno.h>
#include <stdlib.h>

#define BUDGET 1200 /* of which one function may hold 600, and 300 are for those that hold 18 */
#define LIFT   400
#define LATER  (NW_SPOOL_PATIENCE_MS + 1)

struct client {
    struct nw_spool_holder holder;
    uint64_t account;
    size_t moved;
    int cut;
};

static struct nw_spool spool;
static struct client slow, fast, taker;

static void on_cut(void *arg)
{
    struct client *client = arg;
    client->cut++;
    nw_spool_give(&spool, &client->holder);
}

static void client_init(struct client *client)
{
    *client =
        (struct client){.holder = {.account = &client->account, .moved = &client->moved, .cut = on_cut, .arg = client}};
}

static int set_up(void **state)
{
    (void)state;
    nw_spool_init(&spool, BUDGET, 0);
    client_init(&slow);
    client_init(&fast);
    client_init(&taker);
    assert_int_equal(nw_spool_take(&spool, &slow.holder, 400, 0), 0);
    assert_int_equal(nw_spool_take(&spool, &fast.holder, 400, 0), 0);
    fast.moved = 100;
    return 0;
}

static void the_slowest_is_cut_off(void **state)
{
    (void)state;
    assert_int_equal(nw_spool_take(&spool, &taker.holder, 300, LATER), 0);
    assert_int_equal(slow.cut, 0); /* only nw_spool_bury tells it */
    assert_true(nw_spool_has_marked(&spool));
    nw_spool_bury(&spool);
    assert_int_equal(slow.cut, 1);
    assert_int_equal(fast.cut + taker.cut, 0);
    assert_int_equal(spool.held, 700);
}

/* It has the lift. Whoever gets that next needs no memory of the others. */
static void nobody_is_cut_off_beside_the_one_with_the_lift(void **state)
{
    struct client lifted;
    (void)state;
    nw_spool_init(&spool, BUDGET, LIFT);
    client_init(&slow);
    client_init(&fast);
    client_init(&lifted);
    assert_int_equal(nw_spool_take(&spool, &slow.holder, 300, 0), 0);
    assert_int_equal(nw_spool_take(&spool, &fast.holder, 300, 0), 0);
    assert_int_equal(nw_spool_take(&spool, &lifted.holder, LIFT, 0), 0);
    assert_ptr_equal(spool.lifted, &lifted.holder);
    slow.moved = fast.moved = 100;
    assert_int_equal(nw_spool_take(&spool, &taker.holder, 300, LATER), 0);
    nw_spool_bury(&spool);
    assert_int_equal(lifted.cut, 1);
    assert_int_equal(slow.cut + fast.cut, 0);
    assert_ptr_equal(spool.lifted, &taker.holder);
}

static void as_many_are_cut_off_as_it_takes(void **state)
{
    (void)state;
    assert_int_equal(nw_spool_take(&spool, &taker.holder, 900, LATER), 0);
    nw_spool_bury(&spool);
    assert_int_equal(slow.cut + fast.cut, 2);
    assert_int_equal(spool.held, 900);
}

static void nobody_is_cut_off_at_once(void **state)
{
    (void)state;
    assert_int_equal(nw_spool_take(&spool, &taker.holder, 300, NW_SPOOL_PATIENCE_MS - 1), -EAGAIN);
    assert_false(nw_spool_has_marked(&spool));
    assert_int_equal(spool.held, 800);
}

static void a_holder_that_waits_for_no_client_is_spared(void **state)
{
    (void)state;
    slow.holder.cut = NULL;
    assert_int_equal(nw_spool_take(&spool, &taker.holder, 300, LATER), 0);
    nw_spool_bury(&spool);
    assert_int_equal(slow.cut, 0);
    assert_int_equal(fast.cut, 1);
}

static void a_marked_holder_gets_no_more(void **state)
{
    (void)state;
    assert_int_equal(nw_spool_take(&spool, &taker.holder, 300, LATER), 0);
    assert_int_equal(nw_spool_take(&spool, &slow.holder, 1, LATER), -ECANCELED);
    nw_spool_give(&spool, &slow.holder); /* a holder may give its memory back before it is told to */
    nw_spool_bury(&spool);
    assert_int_equal(slow.cut, 0);
    assert_int_equal(spool.held, 700);
}

static void memory_given_back_can_be_taken_again(void **state)
{
    struct client none;

    (void)state;
    client_init(&none);
    nw_spool_give(&spool, &none.holder);
    nw_spool_give(&spool, &slow.holder);
    nw_spool_give(&spool, &slow.holder);
    assert_int_equal(spool.held, 400);
    assert_int_equal(nw_spool_take(&spool, &slow.holder, 500, 5), 0);
    assert_true(slow.holder.since == 5);
}

static void a_function_over_its_part_loses_its_own_slowest(void **state)
{
    struct client second;

    (void)state;
    client_init(&second);
    second.holder.account = taker.holder.account = &fast.account;
    second.moved = 50;
    nw_spool_give(&spool, &slow.holder);
    assert_int_equal(nw_spool_take(&spool, &slow.holder, 200, 0), 0);
    assert_int_equal(nw_spool_take(&spool, &second.holder, 50, 0), 0);
    assert_int_equal(nw_spool_take(&spool, &taker.holder, 200, LATER), 0); /* slow.moved is 0, but elsewhere */
    nw_spool_bury(&spool);
    assert_int_equal(slow.cut, 0);
    assert_int_equal(second.cut, 1);
    assert_int_equal(fast.account, 600);
}

static void small_holders_are_not_cut_off_for_larger_ones(void **state)
{
    struct client greedy;

    (void)state;
    client_init(&greedy);
    greedy.holder.account = &taker.account;
    nw_spool_give(&spool, &slow.holder);
    assert_int_equal(nw_spool_take(&spool, &slow.holder, 50, 0), 0);
    assert_int_equal(nw_spool_take(&spool, &greedy.holder, 400, LATER), 0);
    assert_int_equal(nw_spool_take(&spool, &taker.holder, 100, LATER), 0);
    nw_spool_bury(&spool);
    assert_int_equal(slow.cut, 0);
    assert_int_equal(fast.cut, 1);
}

static void nobody_is_cut_off_for_more_than_there_can_be(void **state)
{
    (void)state;
    assert_int_equal(nw_spool_take(&spool, &taker.holder, 901, LATER), -EAGAIN);
    assert_false(nw_spool_has_marked(&spool));
}

/* Without a lift they would wait for one another: each holds a part of what it needs, and waits for the rest. */
static void one_of_several_that_wait_for_one_another_goes_on(void **state)
{
    (void)state;
    slow.holder.cut = fast.holder.cut = NULL;
    spool.lift = LIFT + 100;
    assert_int_equal(nw_spool_take(&spool, &fast.holder, 200, LATER), -EAGAIN); /* that is more than any may have */
    assert_int_equal(nw_spool_take(&spool, &slow.holder, 101, LATER), -EAGAIN);
    spool.lift = 2 * LIFT;
    assert_int_equal(nw_spool_take(&spool, &fast.holder, 100, LATER), 0);
    assert_ptr_equal(spool.lifted, NULL); /* so much there is for all */
    assert_int_equal(nw_spool_take(&spool, &fast.holder, 300, LATER), 0);
    assert_ptr_equal(spool.lifted, &fast.holder);
    assert_int_equal(nw_spool_take(&spool, &fast.holder, 1, LATER), -EAGAIN);
    assert_int_equal(nw_spool_take(&spool, &slow.holder, 600, LATER), -EAGAIN);
    nw_spool_give(&spool, &fast.holder);
    assert_ptr_equal(spool.lifted, NULL);
    assert_false(nw_spool_has_marked(&spool));
}

#define BODIES 40
#define STEP   10

/* Bodies, each at most as large as the lift, whose clients are all quick enough. They grow in turns, and belong to a
 * few functions. The number that never becomes complete. */
static int stuck(uint64_t lift)
{
    static struct client bodies[BODIES];
    uint64_t accounts[3] = {0}, claims[BODIES];
    int left = BODIES, before;

    nw_spool_init(&spool, BUDGET + lift, lift);
    srand(1);
    for (int i = 0; i < BODIES; i++) {
        client_init(&bodies[i]);
        bodies[i].holder.account = &accounts[rand() % 3];
        bodies[i].holder.cut = NULL;
        claims[i] = (uint64_t)(1 + rand() % (LIFT / STEP)) * STEP;
    }
    for (int idle = 0; left && idle < BODIES; idle = before == left ? idle + 1 : 0) {
        before = left;
        for (int i = 0; i < BODIES; i++) {
            uint64_t *held = &bodies[i].holder.held;

            if (!claims[i])
                continue;
            if (nw_spool_take(&spool, &bodies[i].holder, STEP, LATER) < 0 || *held < claims[i])
                continue;
            nw_spool_give(&spool, &bodies[i].holder);
            claims[i] = 0;
            left--;
        }
        assert_true(nw_spool_is_valid(&spool));
    }
    for (int i = 0; i < BODIES; i++)
        nw_spool_give(&spool, &bodies[i].holder);
    return left;
}

static void every_body_comes_to_its_end(void **state)
{
    (void)state;
    assert_int_equal(stuck(LIFT), 0);
    assert_int_not_equal(stuck(0), 0); /* without the lift they wait for one another for ever */
}

static void a_part_is_kept_for_those_that_hold_little(void **state)
{
    struct client third;

    (void)state;
    client_init(&third);
    assert_int_equal(nw_spool_take(&spool, &third.holder, 100, 0), 0);
    slow.holder.cut = fast.holder.cut = third.holder.cut = NULL;
    assert_int_equal(nw_spool_take(&spool, &taker.holder, 19, LATER), -EAGAIN);
    assert_int_equal(nw_spool_take(&spool, &taker.holder, 18, LATER), 0);
    assert_int_equal(nw_spool_take(&spool, &taker.holder, 1, LATER), -EAGAIN);
}

/* What nw_check_valid asks in debug builds. */
static void bytes_that_are_not_counted_make_a_spool_invalid(void **state)
{
    (void)state;
    assert_true(nw_spool_is_valid(&spool));
    slow.holder.held++;
    assert_false(nw_spool_is_valid(&spool));
    slow.holder.held--;
    spool.budget = spool.held - 1;
    assert_false(nw_spool_is_valid(&spool));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(the_slowest_is_cut_off, set_up),
        cmocka_unit_test_setup(as_many_are_cut_off_as_it_takes, set_up),
        cmocka_unit_test_setup(nobody_is_cut_off_beside_the_one_with_the_lift, set_up),
        cmocka_unit_test_setup(nobody_is_cut_off_at_once, set_up),
        cmocka_unit_test_setup(a_holder_that_waits_for_no_client_is_spared, set_up),
        cmocka_unit_test_setup(a_marked_holder_gets_no_more, set_up),
        cmocka_unit_test_setup(a_function_over_its_part_loses_its_own_slowest, set_up),
        cmocka_unit_test_setup(small_holders_are_not_cut_off_for_larger_ones, set_up),
        cmocka_unit_test_setup(nobody_is_cut_off_for_more_than_there_can_be, set_up),
        cmocka_unit_test_setup(one_of_several_that_wait_for_one_another_goes_on, set_up),
        cmocka_unit_test_setup(every_body_comes_to_its_end, set_up),
        cmocka_unit_test_setup(a_part_is_kept_for_those_that_hold_little, set_up),
        cmocka_unit_test_setup(memory_given_back_can_be_taken_again, set_up),
        cmocka_unit_test_setup(bytes_that_are_not_counted_make_a_spool_invalid, set_up),
    };
    return cmocka_run_group_tests_name("engine/spool", tests, NULL, NULL);
}
