/* See io_world.h. */
#include "engine/test/io/io_world.h"
#include "engine/io/choice/choice.h"
#include "engine/io/uring/private.h"
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>

#include <cmocka.h>

#define PATIENCE_MS 10000

static void give_up(void *arg)
{
    (void)arg;
    fail_msg("nothing happened in %d ms", PATIENCE_MS);
}

static bool look(void *arg)
{
    struct world *world = arg;
    if (world->until(world)) {
        nw_io_stop(world->io);
        return false;
    }
    return true;
}

void run_until(struct world *world, bool (*until)(struct world *world))
{
    world->until = until;
    nw_io_timer_start(world->patience, PATIENCE_MS, 0);
    nw_io_before_wait(world->io, look, world);
    nw_io_run(world->io);
    nw_io_before_wait(world->io, NULL, NULL);
}

static void on_data(void *arg, const char *data, size_t length)
{
    struct peer *peer = arg;
    assert_int_equal(data[0], 'x');
    peer->received += length;
    if (peer->close_on_data)
        nw_io_conn_close(peer->conn);
}

static void on_end(void *arg, int error)
{
    struct peer *peer = arg;
    peer->ends++;
    peer->end_error = error;
}

static void on_written(void *arg, int error)
{
    struct peer *peer = arg;
    peer->written++;
    peer->written_error = error;
}

static void on_closed(void *arg)
{
    struct peer *peer = arg;
    peer->closed++;
}

static const struct nw_io_conn_handler handler = {on_data, on_end, on_written, on_closed};

void world_accepted(void *arg, struct nw_io_conn *conn)
{
    struct world *world = arg;
    struct peer *peer = &world->peers[world->n_peers++];
    peer->conn = conn;
    nw_io_conn_own(conn, &handler, peer);
    if (world->read_at_once)
        nw_io_conn_read(conn, true);
}

bool world_single_shot;

static void use_single_shot(struct nw_io *io)
{
    struct nw__uring *uring = (struct nw__uring *)io;
    uring->multishot_receive = false;
}

int world_set_up(void **state)
{
    struct world *world = calloc(1, sizeof *world);
    const char *io = getenv("NW_TEST_IO");
    char why[256];
    socklen_t length = sizeof world->address;
    signal(SIGPIPE, SIG_IGN);
    world->io = nw_io_new(io ? (enum nw_io_kind)nw_io_kind_parse(io) : NW_IO_UV, why, sizeof why);
    if (!world->io)
        fail_msg("%s", why);
    if (world_single_shot)
        use_single_shot(world->io);
    world->address = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&world->address, length), 0);
    assert_int_equal(listen(fd, 128), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&world->address, &length), 0);
    world->listener = nw_io_listen(world->io, fd, world_accepted, world);
    assert_non_null(world->listener);
    world->patience = nw_io_timer_new(world->io, give_up, NULL);
    world->read_at_once = true;
    *state = world;
    return 0;
}

/* Every connection is told that it is gone, exactly once. */
int world_tear_down(void **state)
{
    struct world *world = *state;
    for (int i = 0; i < world->n_peers; i++)
        if (!world->peers[i].closed)
            nw_io_conn_close(world->peers[i].conn);
    nw_io_listener_close(world->listener);
    nw_io_timer_free(world->patience);
    nw_io_free(world->io);
    for (int i = 0; i < world->n_peers; i++)
        assert_int_equal(world->peers[i].closed, 1);
    free(world);
    return 0;
}

int dial(struct world *world)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&world->address, sizeof world->address), 0);
    return fd;
}

static bool a_moment_later(struct world *world)
{
    static uint64_t end;
    if (!end)
        end = nw_io_now(world->io) + 20;
    if (nw_io_now(world->io) < end)
        return false;
    end = 0;
    return true;
}

void world_tick(void *arg)
{
    (void)arg;
}

void turn_a_while(struct world *world)
{
    struct nw_io_timer *timer = nw_io_timer_new(world->io, world_tick, NULL);
    nw_io_timer_start(timer, 1, 1);
    run_until(world, a_moment_later);
    nw_io_timer_free(timer);
}
