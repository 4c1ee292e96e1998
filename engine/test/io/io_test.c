/*
 * The contract of the event loop, tried on the loop that NW_TEST_IO names (uv by default): what the tests of the whole
 * engine reach only by chance. Completions that come after a close are seen by the sanitizers. io_uring is tried a
 * second time as on a kernel that knows no multishot operations.
 */
#include "engine/io/backend.h"
#include "engine/test/io/io_world.h"
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define BIG          (4ul << 20)
#define MANY_SENDERS 20
#define MANY_CLIENTS 60

static bool one_peer(struct world *world)
{
    return world->n_peers >= 1;
}

static bool many_peers(struct world *world)
{
    return world->n_peers == MANY_SENDERS;
}

static bool got_something(struct world *world)
{
    return world->peers[0].received > 0;
}

static bool got_the_end(struct world *world)
{
    return world->peers[0].ends > 0;
}

static bool is_gone(struct world *world)
{
    return world->peers[0].closed > 0;
}

static bool is_written(struct world *world)
{
    return world->peers[0].written > 0;
}

static void bytes_come_before_the_end(void **state)
{
    struct world *world = *state;
    int fd = dial(world);
    assert_int_equal(write(fd, "xyz", 3), 3);
    shutdown(fd, SHUT_WR);
    run_until(world, got_the_end);
    assert_int_equal(world->peers[0].received, 3);
    assert_int_equal(world->peers[0].end_error, 0);
    turn_a_while(world);
    assert_int_equal(world->peers[0].ends, 1);
    close(fd);
}

static void a_reset_ends_with_its_error(void **state)
{
    struct world *world = *state;
    int fd = dial(world);
    run_until(world, one_peer);
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &(struct linger){.l_onoff = 1}, sizeof(struct linger));
    close(fd);
    run_until(world, got_the_end);
    assert_int_equal(world->peers[0].end_error, -ECONNRESET);
}

/* Sends until the other end pushes back, at most `most` bytes and a bit: how many. */
static size_t fill(int fd, size_t most)
{
    static char bytes[65536];
    size_t total = 0;
    ssize_t n = 0;
    memset(bytes, 'x', sizeof bytes);
    for (; total < most && n >= 0; total += n > 0 ? (size_t)n : 0)
        n = send(fd, bytes, sizeof bytes, MSG_DONTWAIT);
    return total;
}

static void no_bytes_come_while_reading_is_off(void **state)
{
    struct world *world = *state;
    int fd = dial(world);
    run_until(world, one_peer);
    turn_a_while(world);
    struct peer *peer = &world->peers[0];
    assert_int_equal(write(fd, "x", 1), 1); /* may complete a receive that is under way */
    nw_io_conn_read(peer->conn, false);
    turn_a_while(world);
    assert_int_equal(peer->received, 0);
    size_t sent = 1 + fill(fd, 64 * BIG);
    assert_true(sent < 64 * BIG);
    shutdown(fd, SHUT_WR);
    turn_a_while(world);
    assert_int_equal(peer->received, 0);
    assert_int_equal(peer->ends, 0);
    nw_io_conn_read(peer->conn, true);
    run_until(world, got_the_end);
    assert_int_equal(peer->received, sent);
    close(fd);
}

static size_t received_by_all(const struct world *world)
{
    size_t total = 0;
    for (int i = 0; i < world->n_peers; i++)
        total += world->peers[i].received;
    return total;
}

/* Looks at the end of each turn what it has brought. */
static bool got_all_in_shares(struct world *world)
{
    static size_t before, most;
    size_t now = received_by_all(world);
    most = now - before > most ? now - before : most;
    before = now;
    if (now < world->wanted)
        return false;
    assert_in_range(most, 1, 2 * NW_IO_TURN_BYTES);
    before = most = 0;
    return true;
}

static void a_turn_takes_no_more_than_its_share(void **state)
{
    struct world *world = *state;
    int fds[MANY_SENDERS];
    world->read_at_once = false;
    for (int i = 0; i < MANY_SENDERS; i++)
        fds[i] = dial(world);
    run_until(world, many_peers);
    for (int i = 0; i < MANY_SENDERS; i++)
        world->wanted += fill(fds[i], BIG / 4);
    assert_true(world->wanted > 8 * NW_IO_TURN_BYTES);
    for (int i = 0; i < world->n_peers; i++)
        nw_io_conn_read(world->peers[i].conn, true);
    run_until(world, got_all_in_shares);
    for (int i = 0; i < MANY_SENDERS; i++) {
        assert_true(world->peers[i].received > 0);
        close(fds[i]);
    }
}

static int all_ends(const struct world *world)
{
    int total = 0;
    for (int i = 0; i < world->n_peers; i++)
        total += world->peers[i].ends;
    return total;
}

/* These look at the end of each turn how many came in it. */
static bool all_came_in_shares(struct world *world)
{
    static int before;
    assert_in_range(world->n_peers - before, 0, NW_IO_TURN_EVENTS);
    before = world->n_peers < MANY_CLIENTS ? world->n_peers : 0;
    return world->n_peers == MANY_CLIENTS;
}

static bool all_ended_in_shares(struct world *world)
{
    static int before;
    int now = all_ends(world);
    assert_in_range(now - before, 0, NW_IO_TURN_EVENTS);
    before = now < MANY_CLIENTS ? now : 0;
    return now == MANY_CLIENTS;
}

static void a_turn_sees_no_more_events_than_its_share(void **state)
{
    struct world *world = *state;
    int fds[MANY_CLIENTS];
    world->read_at_once = false;
    for (int i = 0; i < MANY_CLIENTS; i++)
        fds[i] = dial(world);
    run_until(world, all_came_in_shares);
    for (int i = 0; i < MANY_CLIENTS; i++) {
        close(fds[i]);
        nw_io_conn_read(world->peers[i].conn, true);
    }
    run_until(world, all_ended_in_shares);
}

static void reading_off_and_on_loses_nothing(void **state)
{
    struct world *world = *state;
    int fd = dial(world);
    run_until(world, one_peer);
    struct peer *peer = &world->peers[0];
    for (int i = 0; i < 200; i++) {
        peer->received = 0;
        assert_int_equal(write(fd, "x", 1), 1);
        nw_io_conn_read(peer->conn, i % 3 == 0);
        nw_io_conn_read(peer->conn, i % 3 != 0);
        nw_io_conn_read(peer->conn, i % 2 == 0);
        nw_io_conn_read(peer->conn, true);
        run_until(world, got_something);
        assert_int_equal(peer->received, 1);
    }
    close(fd);
}

static size_t drain(int fd)
{
    static char bytes[65536];
    size_t total = 0;
    ssize_t n;
    while ((n = recv(fd, bytes, sizeof bytes, MSG_DONTWAIT)) > 0)
        total += (size_t)n;
    return total;
}

static size_t drained;
static int drained_fd;

static bool reader_drains(struct world *world)
{
    drained += drain(drained_fd);
    return world->peers[0].written > 0;
}

static void a_big_write_waits_for_its_reader(void **state)
{
    struct world *world = *state;
    char *bytes = calloc(1, BIG * 4);
    int fd = dial(world);
    run_until(world, one_peer);
    struct iovec iov[2] = {{bytes, 7}, {bytes + 7, BIG * 4 - 7}};
    assert_int_equal(nw_io_conn_write(world->peers[0].conn, iov, 2), 0);
    turn_a_while(world);
    assert_int_equal(world->peers[0].written, 0);
    drained = 0;
    drained_fd = fd;
    struct nw_io_timer *timer = nw_io_timer_new(world->io, world_tick, NULL);
    nw_io_timer_start(timer, 1, 1);
    run_until(world, reader_drains);
    assert_int_equal(world->peers[0].written_error, 0);
    nw_io_conn_shutdown(world->peers[0].conn);
    for (ssize_t n = 1; n > 0; drained += (size_t)n)
        n = read(fd, bytes, BIG);
    assert_int_equal(drained, BIG * 4);
    nw_io_timer_free(timer);
    close(fd);
    free(bytes);
}

/* What a write had sent before it was taken back, and what is written afterwards, make up the whole. */
static void the_rest_of_a_write_can_be_taken_back(void **state)
{
    struct world *world = *state;
    struct peer *peer = &world->peers[0];
    unsigned char *bytes = malloc(BIG * 4), *got = malloc(BIG * 4);
    size_t length = 0;
    int fd = dial(world);
    run_until(world, one_peer);
    for (size_t i = 0; i < BIG * 4; i++)
        bytes[i] = (unsigned char)(i * 2654435761u >> 24);
    struct iovec iov[2] = {{bytes, 7}, {bytes + 7, BIG * 4 - 7}};
    assert_int_equal(nw_io_conn_write(peer->conn, iov, 2), 0);
    turn_a_while(world);
    assert_int_equal(peer->written, 0);
    nw_io_conn_unwrite(peer->conn);
    run_until(world, is_written);
    assert_int_equal(peer->written_error, -ECANCELED);
    size_t unsent = nw_io_conn_unsent(peer->conn);
    assert_true(unsent > 0 && unsent < BIG * 4);
    nw_io_conn_unwrite(peer->conn); /* nothing is under way */
    turn_a_while(world);
    assert_int_equal(peer->written, 1);
    peer->written = 0;
    assert_int_equal(nw_io_conn_write(peer->conn, &(struct iovec){bytes + BIG * 4 - unsent, unsent}, 1), 0);
    nw_io_conn_unwrite(peer->conn); /* before the loop has turned */
    run_until(world, is_written);
    size_t left = peer->written_error ? nw_io_conn_unsent(peer->conn) : 0;
    assert_true(left > 0 && left <= unsent);
    nw_io_conn_close(peer->conn);
    run_until(world, is_gone);
    for (ssize_t n = 1; n > 0; length += n > 0 ? (size_t)n : 0)
        n = read(fd, got + length, BIG * 4 - length);
    assert_int_equal(length, BIG * 4 - left);
    assert_memory_equal(got, bytes, length);
    close(fd);
    free(bytes);
    free(got);
}

static void a_close_takes_back_a_write(void **state)
{
    struct world *world = *state;
    char *bytes = calloc(1, BIG * 4);
    int fd = dial(world);
    run_until(world, one_peer);
    assert_int_equal(nw_io_conn_write(world->peers[0].conn, &(struct iovec){bytes, BIG * 4}, 1), 0);
    turn_a_while(world);
    nw_io_conn_close(world->peers[0].conn);
    run_until(world, is_gone);
    free(bytes); /* nobody looks at it any more */
    assert_true(drain(fd) < BIG * 4);
    assert_int_equal(world->peers[0].written, 0);
    close(fd);
}

static void a_failed_write_is_reported(void **state)
{
    struct world *world = *state;
    char *bytes = calloc(1, BIG * 4);
    int fd = dial(world);
    run_until(world, one_peer);
    nw_io_conn_read(world->peers[0].conn, false);
    assert_int_equal(nw_io_conn_write(world->peers[0].conn, &(struct iovec){bytes, BIG * 4}, 1), 0);
    turn_a_while(world);
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &(struct linger){.l_onoff = 1}, sizeof(struct linger));
    close(fd);
    run_until(world, is_written);
    assert_true(world->peers[0].written_error < 0);
    free(bytes);
}

static bool all_gone(struct world *world)
{
    for (int i = 0; i < 32; i++)
        if (!world->peers[i].closed)
            return false;
    return true;
}

static bool thirty_two(struct world *world)
{
    return world->n_peers >= 32;
}

static void connections_close_in_their_callbacks(void **state)
{
    struct world *world = *state;
    int fds[32];
    for (int i = 0; i < 32; i++)
        fds[i] = dial(world);
    run_until(world, thirty_two);
    for (int i = 0; i < 32; i++) {
        world->peers[i].close_on_data = true;
        for (int k = 0; k < 8; k++)
            assert_int_equal(write(fds[i], "x", 1), 1);
    }
    run_until(world, all_gone);
    for (int i = 0; i < 32; i++)
        close(fds[i]);
}

static void accepting_goes_on_once_descriptors_are_free(void **state)
{
    struct world *world = *state;
    struct rlimit was, none;
    int fd = dial(world);
    int spare = dup(fd);
    getrlimit(RLIMIT_NOFILE, &was);
    none = (struct rlimit){.rlim_cur = (rlim_t)spare, .rlim_max = was.rlim_max};
    close(spare);
    setrlimit(RLIMIT_NOFILE, &none);
    turn_a_while(world);
    assert_int_equal(world->n_peers, 0);
    setrlimit(RLIMIT_NOFILE, &was);
    run_until(world, one_peer);
    close(fd);
}

static void a_closed_listener_refuses(void **state)
{
    struct world *world = *state;
    turn_a_while(world);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, length), 0);
    assert_int_equal(listen(fd, 128), 0);
    getsockname(fd, (struct sockaddr *)&address, &length);
    struct nw_io_listener *listener = nw_io_listen(world->io, fd, world_accepted, world);
    turn_a_while(world);
    nw_io_listener_close(listener);
    int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(client, (struct sockaddr *)&address, length), -1);
    assert_int_equal(errno, ECONNREFUSED);
    close(client);
}

struct glance {
    struct world *world;
    int client;
    bool before, after;
};

static bool glance(void *arg)
{
    struct glance *g = arg;
    g->before = nw_io_has_events(g->world->io);
    assert_int_equal(write(g->client, "x", 1), 1);
    g->after = nw_io_has_events(g->world->io);
    nw_io_stop(g->world->io);
    return false;
}

/* io_uring shows that something came; libuv does not, and is not believed when it says that nothing did. */
static void events_are_seen_without_a_system_call(void **state)
{
    struct world *world = *state;
    struct glance g = {.world = world, .client = dial(world)};
    run_until(world, one_peer);
    nw_io_before_wait(world->io, glance, &g);
    nw_io_run(world->io);
    nw_io_before_wait(world->io, NULL, NULL);
    assert_false(g.before);
    assert_int_equal(g.after, nw_io_kind(world->io) == NW_IO_URING);
    close(g.client);
}

#define SENDERS     24
#define SENDER_MOST (1u << 20)

static bool all_there(struct world *world)
{
    return world->n_peers == SENDERS + 1;
}

static bool the_last_got_something(struct world *world)
{
    return world->peers[SENDERS].received > 0;
}

/* Connections that bring more than io_uring has buffers for do not keep one that comes behind them waiting until they
 * are done. */
static void fast_senders_leave_buffers_for_others(void **state)
{
    struct world *world = *state;
    size_t sent = 0, received = 0;
    int fds[SENDERS + 1];
    world->read_at_once = false;
    for (int i = 0; i <= SENDERS; i++)
        fds[i] = dial(world);
    run_until(world, all_there);
    for (int i = 0; i < SENDERS; i++)
        sent += fill(fds[i], SENDER_MOST);
    assert_int_equal(write(fds[SENDERS], "x", 1), 1);
    for (int i = 0; i <= SENDERS; i++)
        nw_io_conn_read(world->peers[i].conn, true);
    run_until(world, the_last_got_something);
    for (int i = 0; i < SENDERS; i++)
        received += world->peers[i].received;
    assert_true(received < sent / 2);
    for (int i = 0; i <= SENDERS; i++)
        close(fds[i]);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, world_set_up, world_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(bytes_come_before_the_end),
        CASE(a_reset_ends_with_its_error),
        CASE(no_bytes_come_while_reading_is_off),
        CASE(reading_off_and_on_loses_nothing),
        CASE(a_turn_takes_no_more_than_its_share),
        CASE(a_turn_sees_no_more_events_than_its_share),
        CASE(a_big_write_waits_for_its_reader),
        CASE(the_rest_of_a_write_can_be_taken_back),
        CASE(a_close_takes_back_a_write),
        CASE(a_failed_write_is_reported),
        CASE(connections_close_in_their_callbacks),
        CASE(accepting_goes_on_once_descriptors_are_free),
        CASE(a_closed_listener_refuses),
        CASE(events_are_seen_without_a_system_call),
    };
    const struct CMUnitTest shared_buffers[] = {CASE(fast_senders_leave_buffers_for_others)};
    const char *io = getenv("NW_TEST_IO");
    int failed = cmocka_run_group_tests_name("event loop", tests, NULL, NULL);
    if (!io || strcmp(io, "uring"))
        return failed;
    failed += cmocka_run_group_tests_name("buffers of io_uring", shared_buffers, NULL, NULL);
    world_single_shot = true;
    failed += cmocka_run_group_tests_name("event loop, single shot", tests, NULL, NULL);
    return failed;
}
