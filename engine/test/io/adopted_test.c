/* A connection is taken from a socket on which something else waits that takes nothing: what an engine left that was
 * killed, whose socket the next one adopts. */
#include "common/test/test.h"
#include "engine/io/uring/private.h"
#include "engine/io/uring/uring.h"
#include <liburing.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#define PATIENCE_MS 10000

static struct nw_io_conn *conn;

static void closed(void *arg)
{
    (void)arg;
}

static const struct nw_io_conn_handler handler = {.closed = closed};

static void accepted(void *arg, struct nw_io_conn *came)
{
    conn = came;
    nw_io_conn_own(conn, &handler, NULL);
    nw_io_stop(arg);
}

static void stop(void *arg)
{
    nw_io_stop(arg);
}

static int listen_at(struct sockaddr_in *address)
{
    socklen_t length = sizeof *address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    *address = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    assert_int_equal(bind(fd, (struct sockaddr *)address, length), 0);
    assert_int_equal(listen(fd, 128), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)address, &length), 0);
    return fd;
}

/* It is woken, and does nothing: its ring works only when it is asked to. False: this kernel has no such rings. */
static bool wait_in_vain(struct io_uring *ring, int fd)
{
    if (io_uring_queue_init(4, ring, IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN) < 0)
        return false;
    io_uring_prep_accept(io_uring_get_sqe(ring), fd, NULL, NULL, SOCK_CLOEXEC);
    assert_int_equal(io_uring_submit(ring), 1);
    return true;
}

static void a_connection_is_taken_although_another_was_woken(void **state)
{
    struct sockaddr_in address;
    struct io_uring ring;
    char why[256];
    int fd = listen_at(&address), client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct nw_io *io = nw_uring_new(why, sizeof why);

    (void)state;
    if (!io || !wait_in_vain(&ring, fd)) {
        print_message("skipped: no io_uring, or an older one\n");
        skip();
    }
    struct nw_io_listener *listener = nw_io_listen(io, fd, accepted, io);
    assert_non_null(listener);
    struct nw_io_timer *timer = nw_io_timer_new(io, stop, io);
    nw_io_timer_start(timer, 1, 0);
    nw_io_run(io); /* from now on it listens */
    assert_int_equal(connect(client, (struct sockaddr *)&address, sizeof address), 0);
    nw_io_timer_start(timer, PATIENCE_MS, 0);
    nw_io_run(io);
    assert_non_null(conn);
    nw_io_conn_close(conn);
    nw_io_listener_close(listener);
    nw_io_timer_free(timer);
    nw_io_free(io);
    io_uring_queue_exit(&ring);
    close(client);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_connection_is_taken_although_another_was_woken)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
