/* What each event does to a replica, a queue and a link, and that one that does not fit does nothing. And walks. */
#include "common/test/test.h"
#include "engine/serve/engine.h"
#include "engine/serve/function.h"
#include "engine/serve/link.h"
#include "engine/serve/queue.h"
#include "engine/versions/deployment.h"
#include "engine/versions/replica.h"
#include "engine/workers/seats.h"
#include "engine/workers/tenant.h"
#include "engine/workers/worker.h"
#include <string.h>

static struct nw_engine engine;
static struct nw_link channel;
static struct nw_worker worker;
static struct nw_seat seat;
static struct nw_deployment deployment;
static struct nw_replica *replica;

static int set_up(void **state)
{
    (void)state;
    memset(&engine, 0, sizeof engine);
    nw_list_init(&engine.broken);
    channel = (struct nw_link){.engine = &engine, .references = 1};
    nw_list_init(&channel.awake);
    nw_list_init(&channel.broken_link);
    worker = (struct nw_worker){.seat = &seat, .link = &channel};
    seat = (struct nw_seat){.worker = &worker};
    nw_list_init(&seat.replicas);
    deployment = (struct nw_deployment){.version = {.engine = &engine}};
    nw_list_init(&deployment.version.queues);
    nw_list_init(&deployment.replicas);
    replica = nw__replica_new(&deployment, &seat);
    assert_non_null(replica);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    nw__replica_free(replica);
    assert_true(nw_list_empty(&seat.replicas));
    assert_true(nw_list_empty(&deployment.replicas));
    assert_true(nw_list_empty(&deployment.version.queues));
    return 0;
}

/* --- replicas --- */

static void move(enum nw_replica_event event, enum nw_replica_state next)
{
    assert_true(nw__replica_move(replica, event));
    assert_int_equal(replica->state, next);
}

static void do_nothing(enum nw_replica_event event)
{
    enum nw_replica_state before = replica->state;
    assert_false(nw__replica_move(replica, event));
    assert_int_equal(replica->state, before);
}

static void a_replica_is_chosen_while_it_serves(void **state)
{
    (void)state;
    move(NW_REPLICA_LOAD, NW_REPLICA_LOADING);
    do_nothing(NW_REPLICA_ACTIVATE);
    move(NW_REPLICA_HAS_LOADED, NW_REPLICA_LOADED);
    assert_false(replica->queue.open);
    move(NW_REPLICA_ACTIVATE, NW_REPLICA_SERVING);
    assert_true(replica->queue.open && replica->queue.link == &channel);
    do_nothing(NW_REPLICA_HAS_RETIRED);
    move(NW_REPLICA_RETIRE, NW_REPLICA_RETIRING);
    assert_false(replica->queue.open);
    do_nothing(NW_REPLICA_LOAD);
    move(NW_REPLICA_HAS_RETIRED, NW_REPLICA_PENDING);
    assert_null(replica->queue.link);
}

static void a_load_slot_is_taken_and_given_back(void **state)
{
    static const enum nw_replica_event ends[] = {NW_REPLICA_HAS_LOADED, NW_REPLICA_REFUSE, NW_REPLICA_LOST};
    (void)state;
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        move(NW_REPLICA_LOAD, NW_REPLICA_LOADING);
        assert_int_equal(seat.load_slots, 1);
        assert_true(nw__replica_move(replica, ends[i]));
        assert_int_equal(seat.load_slots, 0);
        move(NW_REPLICA_LOST, NW_REPLICA_PENDING);
    }
    move(NW_REPLICA_LOAD, NW_REPLICA_LOADING);
    nw__replica_give_slot(replica); /* it takes long */
    assert_int_equal(seat.load_slots, 0);
    move(NW_REPLICA_HAS_LOADED, NW_REPLICA_LOADED);
    assert_int_equal(seat.load_slots, 0);
}

static void a_replica_that_closes_finishes_what_it_has(void **state)
{
    (void)state;
    move(NW_REPLICA_LOAD, NW_REPLICA_LOADING);
    do_nothing(NW_REPLICA_CLOSE);
    move(NW_REPLICA_HAS_LOADED, NW_REPLICA_LOADED);
    move(NW_REPLICA_ACTIVATE, NW_REPLICA_SERVING);
    nw__queue_bind(&replica->queue);
    move(NW_REPLICA_CLOSE, NW_REPLICA_CLOSING);
    assert_true(!replica->queue.open && replica->queue.link == &channel);
    do_nothing(NW_REPLICA_ACTIVATE);
    do_nothing(NW_REPLICA_HAS_RETIRED);
    nw__queue_unbind(&replica->queue);
    assert_true(engine.unbound);
    move(NW_REPLICA_RETIRE, NW_REPLICA_RETIRING);
    move(NW_REPLICA_HAS_RETIRED, NW_REPLICA_PENDING);
}

static void a_refused_replica_may_be_loaded_again(void **state)
{
    (void)state;
    move(NW_REPLICA_LOAD, NW_REPLICA_LOADING);
    move(NW_REPLICA_REFUSE, NW_REPLICA_REFUSED);
    do_nothing(NW_REPLICA_LOAD);
    do_nothing(NW_REPLICA_RETIRE);
    move(NW_REPLICA_AGAIN, NW_REPLICA_PENDING);
    move(NW_REPLICA_REFUSE, NW_REPLICA_REFUSED);
}

static void a_lost_worker_takes_its_replicas_along(void **state)
{
    static const enum nw_replica_event way[] = {NW_REPLICA_LOAD, NW_REPLICA_HAS_LOADED, NW_REPLICA_ACTIVATE,
                                                NW_REPLICA_RETIRE};
    (void)state;
    for (size_t n = 0; n <= sizeof way / sizeof *way; n++) {
        for (size_t i = 0; i < n; i++)
            assert_true(nw__replica_move(replica, way[i]));
        move(NW_REPLICA_LOST, NW_REPLICA_PENDING);
        assert_false(replica->queue.open);
        assert_null(replica->queue.link);
    }
}

/* --- queues --- */

static void the_last_to_leave_a_closed_queue_is_noted(void **state)
{
    struct nw_queue queue;
    (void)state;
    nw_queue_init(&queue, &deployment.version);
    nw_queue_open(&queue, &channel);
    nw__queue_bind(&queue);
    nw__queue_bind(&queue);
    nw__queue_unbind(&queue);
    nw__queue_unbind(&queue);
    assert_false(engine.unbound); /* it is open, and others will come */
    nw__queue_bind(&queue);
    nw__queue_bind(&queue);
    nw_queue_close(&queue);
    nw__queue_unbind(&queue);
    assert_false(engine.unbound);
    nw__queue_unbind(&queue);
    assert_true(engine.unbound);
    nw_queue_fini(&queue);
}

static void a_retired_version_is_left_by_its_queues(void **state)
{
    (void)state;
    nw_queue_open(&replica->queue, &channel);
    nw__queue_bind(&replica->queue);
    deployment.version.state = NW_VERSION_RETIRED;
    nw__queue_unbind(&replica->queue);
    assert_true(engine.unbound);
    nw_queue_lost(&replica->queue);
}

/* --- links --- */

static void a_link_is_broken_once_and_buried_once(void **state)
{
    (void)state;
    nw_link_break(&channel, "first");
    nw_link_break(&channel, "second");
    assert_string_equal(channel.broken, "first");
    assert_ptr_equal(engine.broken.next, &channel.broken_link);
    assert_ptr_equal(engine.broken.prev, &channel.broken_link);
    nw_link_lose(&channel, "third");
    assert_string_equal(channel.broken, "first");
    assert_int_equal(channel.state, NW_LINK_LOST);
    assert_true(nw_list_empty(&engine.broken));
    nw_link_break(&channel, "fourth");
    assert_true(nw_list_empty(&engine.broken));
}

static void a_link_that_is_not_needed_is_not_buried(void **state)
{
    (void)state;
    nw_link_lose(&channel, "not needed");
    assert_string_equal(channel.broken, "not needed");
    nw_link_break(&channel, "too late");
    assert_true(nw_list_empty(&engine.broken));
    assert_string_equal(channel.broken, "not needed");
}

/* Two walks at a time: who frees one that either comes to next sends both on. */
static void a_walk_through_seats_goes_on_when_some_are_freed(void **state)
{
    struct nw_workers all = {.engine = &engine, .launcher = {.socket = -1}};
    struct nw_tenant tenant = {.all = &all};
    struct nw_seat_walk first, second;
    struct nw_seat *seats[4];
    (void)state;
    struct nw_list *const lists[] = {&all.seats, &all.walks, &all.attended, &tenant.seats};
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        nw_list_init(lists[i]);
    for (size_t i = 0; i < 4; i++)
        seats[i] = nw_seat_new(&tenant, NULL);
    nw_seat_walk_begin(&all, &first);
    nw_seat_walk_begin(&all, &second);
    assert_ptr_equal(nw_seat_walk_next(&first), seats[0]);
    nw_seat_free(seats[0]);
    nw_seat_free(seats[1]);
    assert_ptr_equal(nw_seat_walk_next(&second), seats[2]);
    assert_ptr_equal(nw_seat_walk_next(&first), seats[2]);
    nw_seat_free(seats[3]);
    assert_null(nw_seat_walk_next(&first));
    nw_seat_walk_end(&first);
    nw_seat_free(seats[2]);
    assert_null(nw_seat_walk_next(&second));
    nw_seat_walk_end(&second);
    assert_true(nw_list_empty(&all.walks));
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(a_replica_that_closes_finishes_what_it_has), CASE(a_replica_is_chosen_while_it_serves),
        CASE(a_refused_replica_may_be_loaded_again),      CASE(a_lost_worker_takes_its_replicas_along),
        CASE(a_load_slot_is_taken_and_given_back),        CASE(the_last_to_leave_a_closed_queue_is_noted),
        CASE(a_retired_version_is_left_by_its_queues),    CASE(a_link_is_broken_once_and_buried_once),
        CASE(a_link_that_is_not_needed_is_not_buried),    CASE(a_walk_through_seats_goes_on_when_some_are_freed),
    };
    return cmocka_run_group_tests_name("engine/lifecycles", tests, NULL, NULL);
}
