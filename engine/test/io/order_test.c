/* The io_uring backend lets what is small pass what is large, and nothing of a connection what came before on it. */
#include "common/test/test.h"
#include "engine/io/uring/private.h"
#include "engine/io/uring/uring.h"
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define LARGE    16 /* connections; each brings a piece that fills a buffer */
#define CONNS    (LARGE + 1)
#define PATIENCE 10000
#define PERIOD   251 /* of the bytes that are sent: no piece is a multiple of it */

static struct nw_io *io;
static struct nw_io_listener *listener;
static struct sockaddr_in address;
static int clients[CONNS];
static unsigned turns;

static struct conn {
    struct nw_io_conn *conn;
    size_t sent, received;
    unsigned turn; /* when it got something first */
} conns[CONNS];
static unsigned n_conns;

static unsigned char byte_at(size_t at)
{
    return (unsigned char)(at % PERIOD);
}

static void on_data(void *arg, const char *data, size_t length)
{
    struct conn *conn = arg;

    if (!conn->received)
        conn->turn = turns;
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)data[i] != byte_at(conn->received + i))
            fail_msg("byte %zu came out of its order", conn->received + i);
    conn->received += length;
}

static void on_end(void *arg, int error)
{
    (void)arg;
    (void)error;
}

static void on_closed(void *arg)
{
    (void)arg;
}

static const struct nw_io_conn_handler handler = {on_data, on_end, on_end, on_closed};

static void accepted(void *arg, struct nw_io_conn *conn)
{
    (void)arg;
    conns[n_conns].conn = conn;
    nw_io_conn_own(conn, &handler, &conns[n_conns++]);
}

static void give_up(void *arg)
{
    (void)arg;
    fail_msg("nothing happened in %d ms", PATIENCE);
}

static bool all_are_there(void)
{
    return n_conns == CONNS;
}

static bool all_is_received(void)
{
    for (unsigned i = 0; i < n_conns; i++)
        if (conns[i].received < conns[i].sent)
            return false;
    return true;
}

static bool look(void *arg)
{
    bool (*over)(void) = arg;

    turns++;
    if (!over())
        return true;
    nw_io_stop(io);
    return false;
}

static void run_until(bool (*over)(void))
{
    nw_io_before_wait(io, look, over);
    nw_io_run(io);
    nw_io_before_wait(io, NULL, NULL);
}

static void dial(int i)
{
    clients[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(clients[i], (struct sockaddr *)&address, sizeof address), 0);
}

static int begin(void **state)
{
    char why[256];
    socklen_t length = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    *state = io = nw_uring_new(why, sizeof why);
    if (!io) {
        print_message("skipped: %s\n", why);
        close(fd);
        return 0;
    }
    memset(conns, 0, sizeof conns);
    n_conns = turns = 0;
    address = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    assert_int_equal(bind(fd, (struct sockaddr *)&address, length), 0);
    assert_int_equal(listen(fd, CONNS), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &length), 0);
    listener = nw_io_listen(io, fd, accepted, NULL);
    for (int i = 0; i < CONNS; i++)
        dial(i);
    run_until(all_are_there);
    return 0;
}

static int end(void **state)
{
    if (!*state)
        return 0;
    for (unsigned i = 0; i < n_conns; i++)
        nw_io_conn_close(conns[i].conn);
    for (int i = 0; i < CONNS; i++)
        close(clients[i]);
    nw_io_listener_close(listener);
    nw_io_free(io);
    return 0;
}

/* As far as the socket takes it. */
static void put(unsigned i, size_t length)
{
    unsigned char bytes[4096];

    for (size_t rest = length; rest > 0;) {
        const size_t n = rest < sizeof bytes ? rest : sizeof bytes;
        for (size_t k = 0; k < n; k++)
            bytes[k] = byte_at(conns[i].sent + k);
        const ssize_t sent = send(clients[i], bytes, n, MSG_DONTWAIT);
        if (sent <= 0)
            return;
        conns[i].sent += (size_t)sent;
        rest -= (size_t)sent;
    }
}

static void receive_all(void)
{
    struct nw_io_timer *patience = nw_io_timer_new(io, give_up, NULL);

    nw_io_timer_start(patience, PATIENCE, 0);
    turns = 0;
    for (unsigned i = 0; i < n_conns; i++)
        nw_io_conn_read(conns[i].conn, true);
    run_until(all_is_received);
    nw_io_timer_free(patience);
}

/* All have arrived when it begins, the small one last. */
static void what_is_small_passes_what_is_large(void **state)
{
    if (!*state)
        skip();
    for (unsigned i = 0; i < LARGE; i++)
        put(i, NW__URING_BUFFER_SIZE);
    put(LARGE, 1);
    receive_all();
    assert_true(turns > LARGE / 4); /* what is large takes turns */
    assert_in_range(conns[LARGE].turn, 1, 2);
}

/* The last piece of each is a small one, in the ring behind all that is large. */
static void each_connection_has_its_bytes_in_order(void **state)
{
    if (!*state)
        skip();
    for (unsigned i = 0; i < CONNS; i++)
        put(i, 3 * NW__URING_BUFFER_SIZE + 1);
    receive_all();
    for (unsigned i = 0; i < CONNS; i++)
        assert_int_equal(conns[i].received, conns[i].sent);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_small_passes_what_is_large, begin, end),
        cmocka_unit_test_setup_teardown(each_connection_has_its_bytes_in_order, begin, end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
