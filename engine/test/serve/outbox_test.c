/* Control sockets whose peers read late: the outbox, and a whole engine whose worker is the test. */
#include "common/test/test.h"
#include "engine/base/outbox.h"
#include "engine/fuzz/world.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define MANY    500 /* messages, more than a socket takes */
#define A_WHILE 16  /* messages */

static struct nw_control_message message; /* too large for the stack */

/* --- the outbox --- */

struct fixture {
    struct nw_outbox outbox;
    int ours, theirs, spare, free_fd;
};

/* The lowest descriptor that is free: the same again when none was left open. */
static int lowest_free(void)
{
    int fd = dup(0);
    close(fd);
    return fd;
}

static int set_up(void **state)
{
    static struct fixture f;
    int pair[2];
    f.free_fd = lowest_free();
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair), 0);
    nw_outbox_init(&f.outbox);
    f.ours = pair[0];
    f.theirs = pair[1];
    f.spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
    *state = &f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    nw_outbox_clear(&f->outbox);
    close(f->ours);
    if (f->theirs >= 0)
        close(f->theirs);
    close(f->spare);
    assert_int_equal(lowest_free(), f->free_fd);
    return 0;
}

static int put(struct fixture *f, unsigned number)
{
    const struct nw_control head = {.kind = NW_CONTROL_LOAD, .deployment = number};
    char text[16];
    int length = snprintf(text, sizeof text, "%u", number);
    return nw_outbox_send(&f->outbox, f->ours, &head, text, (size_t)length, &f->spare, number % 2);
}

/* The next message is that one, with all that belongs to it. */
static void expect_message(struct fixture *f, unsigned number)
{
    char text[16];
    assert_int_equal(nw_control_recv(f->theirs, &message), 1);
    snprintf(text, sizeof text, "%u", number);
    assert_int_equal(message.head.deployment, number);
    assert_string_equal(message.text, text);
    assert_int_equal(message.n_fds, number % 2);
    if (message.n_fds)
        close(message.fds[0]);
}

static void what_does_not_fit_comes_later_and_in_order(void **state)
{
    struct fixture *f = *state;
    unsigned next = 0;
    for (unsigned i = 0; i < MANY; i++)
        assert_int_equal(put(f, i), 0);
    assert_in_range(f->outbox.n_kept, 1, MANY - 1);
    expect_message(f, next++);
    assert_int_equal(put(f, MANY), 0); /* there is room for it, and others wait */
    while (f->outbox.n_kept) {
        assert_int_equal(nw_outbox_flush(&f->outbox, f->ours), 0);
        expect_message(f, next++);
    }
    while (next <= MANY)
        expect_message(f, next++);
    assert_int_equal(nw_control_recv(f->theirs, &message), -EAGAIN);
}

static void what_is_kept_has_a_limit(void **state)
{
    struct fixture *f = *state;
    unsigned sent = 0;
    int rc;
    while ((rc = put(f, 2 * sent)) == 0)
        sent++;
    assert_int_equal(rc, -ENOBUFS);
    assert_int_equal(f->outbox.n_kept, NW_OUTBOX_MAX);
    assert_true(sent > NW_OUTBOX_MAX);
}

static void a_closed_socket_is_reported(void **state)
{
    struct fixture *f = *state;
    while (!f->outbox.n_kept)
        assert_int_equal(put(f, 1), 0);
    close(f->theirs);
    f->theirs = -1;
    assert_true(nw_outbox_flush(&f->outbox, f->ours) < 0);
}

/* What nw_check_valid asks in debug builds. */
static void a_message_that_is_not_counted_makes_an_outbox_invalid(void **state)
{
    struct fixture *f = *state;
    while (!f->outbox.n_kept)
        assert_int_equal(put(f, 1), 0);
    assert_true(nw_outbox_is_valid(&f->outbox));
    f->outbox.n_kept++;
    bool is_valid = nw_outbox_is_valid(&f->outbox);
    f->outbox.n_kept--;
    assert_false(is_valid);
}

/* --- the engine --- */

static void answer(struct world_worker *worker, enum nw_control_kind kind)
{
    const struct nw_control head = {.kind = kind, .worker = worker->number, .deployment = message.head.deployment};
    assert_int_equal(nw_control_send(worker->control, &head, NULL, 0, NULL, 0), 0);
}

/* Does as it is told, for a while; the number of functions that it was told to retire. */
static unsigned read_messages(struct world_worker *worker)
{
    unsigned retired = 0;
    for (int i = 0; i < A_WHILE && nw_control_recv(worker->control, &message) == 1; i++) {
        for (int fd = 0; fd < message.n_fds; fd++)
            close(message.fds[fd]);
        if (message.head.kind == NW_CONTROL_LOAD)
            answer(worker, NW_CONTROL_LOADED);
        if (message.head.kind == NW_CONTROL_RETIRE) {
            answer(worker, NW_CONTROL_RETIRED);
            retired++;
        }
    }
    return retired;
}

static void name_of(unsigned i, char name[16])
{
    snprintf(name, 16, "f%u", i);
}

static void reads_late(struct world *world, void *arg)
{
    struct world_worker *worker = &world->workers[0];
    unsigned retired = 0;
    char name[16];
    (void)arg;
    read_messages(worker);
    for (unsigned i = 0; i < MANY; i++) {
        name_of(i, name);
        world_deploy(world, name, "E");
        world_turn(world, 0);
        read_messages(worker);
        world_turn(world, 0);
    }
    for (unsigned i = 0; i < MANY; i++) {
        name_of(i, name);
        world_remove(world, name);
        world_turn(world, 0);
    }
    assert_true(worker->used);
    assert_false(nw_list_empty(&world->controller.workers.unsent));
    for (int i = 0; i < MANY && retired < MANY; i++) {
        retired += read_messages(worker);
        world_turn(world, 0);
    }
    assert_int_equal(retired, MANY);
    assert_int_equal(world->engine->counters.workers_lost, 0);
}

static void a_worker_may_read_late(void **state)
{
    (void)state;
    world_run(NW_MODE_MPK, 1, true, reads_late, NULL);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(what_does_not_fit_comes_later_and_in_order),
        CASE(what_is_kept_has_a_limit),
        CASE(a_closed_socket_is_reported),
        CASE(a_message_that_is_not_counted_makes_an_outbox_invalid),
        cmocka_unit_test(a_worker_may_read_late),
    };
    return cmocka_run_group_tests_name("outbox", tests, NULL, NULL);
}
