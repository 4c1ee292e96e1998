/* Objects of the io_uring backend that are whole, and the same with one field broken: their checks find each. There is
 * no ring under them. */
#include "common/test/broken.h"
#include "engine/io/uring/objects.h"

static struct nw__uring uring;
static struct nw_list other; /* an empty list */

static int begin(void **state)
{
    (void)state;
    uring = (struct nw__uring){0};
    nw_list_init(&uring.queue);
    nw_list_init(&uring.ending);
    nw_list_init(&uring.held);
    nw_list_init(&uring.timers);
    nw_list_init(&other);
    nw__op_init(&uring.clock, NULL, NULL);
    return 0;
}

static void called(void *arg)
{
    (void)arg;
}

/* As it is once the kernel has it. */
static void arm(struct nw__op *op)
{
    nw__op_init(op, NULL, NULL);
    op->state = OP_ARMED;
}

static void operations(void **state)
{
    struct nw__op op;

    (void)state;
    arm(&op);
    FOUND(nw__op, &op, op.state, OP_QUEUED); /* but in no queue */
    FOUND(nw__op, &op, op.state, NW__OP_STATES);
    FOUND(nw__op, &op, op.link.prev, &other);
    nw__op_cancel(&uring, &op);
    FOUND(nw__op, &op, op.state, OP_CANCELLED); /* but in the queue */
}

static void watches(void **state)
{
    struct nw__uring_watch watch = {.uring = &uring};

    (void)state;
    nw_list_init(&watch.ending.link);
    arm(&watch.poll);
    FOUND(nw__uring_watch, &watch, watch.fd, -1);
    FOUND(nw__uring_watch, &watch, watch.poll.state, OP_CANCELLED);
    FOUND(nw__uring_watch, &watch, watch.poll.state, OP_QUEUED); /* the operation says so */
    FOUND(nw__uring_watch, &watch, watch.ending.link.next, &other);
    nw__uring_watch_free(&watch.base);
    FOUND(nw__uring_watch, &watch, watch.freed, false);
    FOUND(nw__uring_watch, &watch, watch.ending.link.next, &other);
    watch.poll.state = OP_QUEUED;
    assert_false(nw__uring_watch_is_valid(&watch)); /* for a descriptor that may be another's */
    nw_list_remove(&watch.poll.link);
    watch.poll.state = OP_IDLE;
    nw__uring_end(&uring, &watch.ending);
    FOUND(nw__uring_watch, &watch, watch.freed, false);
}

static void timers(void **state)
{
    struct nw__uring_timer timer = {.uring = &uring}, later = {.uring = &uring};

    (void)state;
    nw_list_init(&timer.link);
    nw_list_init(&later.link);
    nw__uring_timer_start(&later.base, 9, 0);
    nw__uring_timer_start(&timer.base, 7, 0);
    FOUND(nw__uring_timer, &timer, timer.at, 0);
    FOUND(nw__uring_timer, &timer, timer.link.next, &other);
    nw_list_remove(&uring.clock.link);
    uring.clock.state = OP_ARMED;
    uring.clock_at = timer.at;
    FOUND(nw__uring_clock, &uring, uring.clock_at, later.at);
    FOUND(nw__uring_clock, &uring, uring.clock.state, OP_IDLE);
    FOUND(nw__uring_clock, &uring, uring.clock.state, OP_QUEUED); /* the operation says so */
}

static void jobs(void **state)
{
    struct nw__uring_job job = {.uring = &uring, .work = called, .done = called};

    (void)state;
    nw_list_init(&job.link);
    uring.living = 1;
    FOUND(nw__uring_job, &job, job.work, NULL);
    FOUND(nw__uring_job, &job, job.done, NULL);
    FOUND(nw__uring_job, &job, job.link.next, &other);
    FOUND(nw__uring_job, &job, uring.living, 0);
}

static void listeners(void **state)
{
    struct nw__uring_timer retry = {.uring = &uring};
    struct nw__uring_listener listener = {.uring = &uring, .retry = &retry.base};

    (void)state;
    nw_list_init(&retry.link);
    nw_list_init(&listener.ending.link);
    arm(&listener.accept);
    FOUND(nw__uring_listener, &listener, listener.accept.state, OP_IDLE); /* and will not try again */
    FOUND(nw__uring_listener, &listener, listener.accept.state, OP_QUEUED);
    FOUND(nw__uring_listener, &listener, listener.ending.link.next, &other);
    nw__uring_timer_start(&retry.base, 1, 0);
    assert_false(nw__uring_listener_is_valid(&listener)); /* it waits to try again although an accept is under way */
    listener.accept.state = OP_IDLE;
    listener.closing = true;
    nw__op_start(&uring, &listener.accept);
    assert_false(nw__uring_listener_is_valid(&listener)); /* for a descriptor that may be another's */
    nw__op_cancel(&uring, &listener.accept);
    nw__uring_end(&uring, &listener.ending);
    FOUND(nw__uring_listener, &listener, listener.closing, false);
    FOUND(nw__uring_listener, &listener, listener.accept.state, OP_ARMED); /* though the listener is closed */
}

static void connections(void **state)
{
    struct nw__uring_conn conn = {.uring = &uring, .reading = true};

    (void)state;
    nw_list_init(&conn.ending.link);
    nw_list_init(&conn.held_link);
    arm(&conn.receive);
    nw__op_init(&conn.send, NULL, NULL);
    FOUND(nw__uring_conn, &conn, conn.receive.state, OP_IDLE);
    FOUND(nw__uring_conn, &conn, conn.receive.state, OP_QUEUED);
    FOUND(nw__uring_conn, &conn, conn.send.state, OP_QUEUED);        /* without anything to send */
    FOUND(nw__uring_conn, &conn, conn.send.state, OP_CANCEL_QUEUED); /* the operation says so */
    FOUND(nw__uring_conn, &conn, conn.reading, false);
    FOUND(nw__uring_conn, &conn, conn.over, true);
    FOUND(nw__uring_conn, &conn, conn.closing, true);
    FOUND(nw__uring_conn, &conn, conn.held_link.next, &other); /* with nothing to be given */
    nw_list_append(&uring.held, &conn.held_link);
    assert_false(nw__uring_conn_is_valid(&conn));
    conn.receive.state = OP_IDLE;
    conn.over = true;
    FOUND(nw__uring_conn, &conn, conn.closing, true);
    conn.pending.n = 1;
    nw__op_start(&uring, &conn.send);
    FOUND(nw__uring_conn, &conn, conn.pending.n, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(operations, begin), cmocka_unit_test_setup(watches, begin),
        cmocka_unit_test_setup(timers, begin),     cmocka_unit_test_setup(jobs, begin),
        cmocka_unit_test_setup(listeners, begin),  cmocka_unit_test_setup(connections, begin),
    };
    return cmocka_run_group_tests_name("engine/broken_uring", tests, NULL, NULL);
}
