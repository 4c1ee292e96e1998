/* Whose memory for payloads is taken away when it is short. */
#include "common/test/test.h"
#include "engine/spool.h"

#define BUDGET 1000
#define LATER  (NW_SPOOL_PATIENCE_MS + 1)

struct client {
    struct nw_spool_holder holder;
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
    *client = (struct client){.holder = {.moved = &client->moved, .cut = on_cut, .arg = client}};
}

static int set_up(void **state)
{
    (void)state;
    nw_spool_init(&spool, BUDGET);
    client_init(&slow);
    client_init(&fast);
    client_init(&taker);
    assert_true(nw_spool_take(&spool, &slow.holder, 400, 0));
    assert_true(nw_spool_take(&spool, &fast.holder, 400, 0));
    fast.moved = 100;
    return 0;
}

static void the_slowest_is_cut_off(void **state)
{
    (void)state;
    assert_true(nw_spool_take(&spool, &taker.holder, 300, LATER));
    assert_int_equal(slow.cut, 0); /* not in the middle of what the taker does */
    assert_true(nw_spool_has_cut(&spool));
    nw_spool_bury(&spool);
    assert_int_equal(slow.cut, 1);
    assert_int_equal(fast.cut + taker.cut, 0);
    assert_int_equal(spool.held, 700);
}

static void as_many_are_cut_off_as_it_takes(void **state)
{
    (void)state;
    assert_true(nw_spool_take(&spool, &taker.holder, 1000, LATER));
    nw_spool_bury(&spool);
    assert_int_equal(slow.cut + fast.cut, 2);
    assert_int_equal(spool.held, 1000);
}

static void nobody_is_cut_off_at_once(void **state)
{
    (void)state;
    assert_false(nw_spool_take(&spool, &taker.holder, 300, NW_SPOOL_PATIENCE_MS - 1));
    assert_false(nw_spool_has_cut(&spool));
    assert_int_equal(spool.held, 800);
}

static void who_waits_for_no_client_is_spared(void **state)
{
    (void)state;
    slow.holder.cut = NULL;
    assert_true(nw_spool_take(&spool, &taker.holder, 300, LATER));
    nw_spool_bury(&spool);
    assert_int_equal(slow.cut, 0);
    assert_int_equal(fast.cut, 1);
}

static void who_is_marked_gets_no_more(void **state)
{
    (void)state;
    assert_true(nw_spool_take(&spool, &taker.holder, 300, LATER));
    assert_false(nw_spool_take(&spool, &slow.holder, 1, LATER));
    nw_spool_give(&spool, &slow.holder); /* and may leave before it is told */
    nw_spool_bury(&spool);
    assert_int_equal(slow.cut, 0);
    assert_int_equal(spool.held, 700);
}

static void what_is_given_back_can_be_had(void **state)
{
    struct client none;

    (void)state;
    client_init(&none);
    nw_spool_give(&spool, &none.holder);
    nw_spool_give(&spool, &slow.holder);
    nw_spool_give(&spool, &slow.holder);
    assert_int_equal(spool.held, 400);
    assert_true(nw_spool_take(&spool, &slow.holder, 600, 5));
    assert_true(slow.holder.since == 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(the_slowest_is_cut_off, set_up),
        cmocka_unit_test_setup(as_many_are_cut_off_as_it_takes, set_up),
        cmocka_unit_test_setup(nobody_is_cut_off_at_once, set_up),
        cmocka_unit_test_setup(who_waits_for_no_client_is_spared, set_up),
        cmocka_unit_test_setup(who_is_marked_gets_no_more, set_up),
        cmocka_unit_test_setup(what_is_given_back_can_be_had, set_up),
    };
    return cmocka_run_group_tests_name("engine/spool", tests, NULL, NULL);
}
