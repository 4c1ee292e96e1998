/* The event loop of io_fake.h. Keeps to the rules of io.h: bytes are shown once, a write looks at its memory late. */
#include "engine/fuzz/io_fake.h"
#include "common/test/fuzz.h"
#include "engine/base/list.h"
#include "engine/io/choice/choice.h"
#include "engine/names/lookup.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define LISTENERS_MAX 4
#define TURNS_MOST    64 /* that the engine may ask for in a row */

struct nw_io {
    uint64_t now;
    bool (*before_wait)(void *arg);
    void *before_wait_arg;
    struct nw_io_listener *listeners[LISTENERS_MAX];
    unsigned n_listeners;
    struct nw_list conns, timers, watches, works;
    int peer[2]; /* what credentials are asked of */
};

struct nw_io_listener {
    struct nw_io *io;
    unsigned number;
    void (*accepted)(void *arg, struct nw_io_conn *conn);
    void *arg;
};

/* Both ends of a connection: freed when the server's `closed` was called and the client is through. */
struct nw_io_conn {
    struct nw_list link;
    struct nw_io *io;
    const struct nw_io_conn_handler *handler;
    void *arg;
    bool reading, closing, closed, shut, left;
    bool end, end_told;
    int error;
    struct nw_buffer in, out;
    enum fake_write mode;
    bool writing;
    struct iovec iov[NW_IO_IOV_MAX];
    int n_iov;
    size_t unsent;
};

struct fake_client {
    struct nw_io_conn conn;
};

struct nw_io_timer {
    struct nw_list link;
    struct nw_io *io;
    void (*fired)(void *arg);
    void *arg;
    uint64_t at, repeat;
};

struct nw_io_bell {
    int fd;
};

struct nw_io_watch {
    struct nw_list link;
    int fd;
    void (*readable)(void *arg);
    void *arg;
    bool freed;
};

struct work {
    struct nw_list link;
    void (*work)(void *arg);
    void (*done)(void *arg);
    void *arg;
};

static void (*the_script)(void *arg);
static void *the_script_arg;

void fake_script(void (*script)(void *arg), void *arg)
{
    the_script = script;
    the_script_arg = arg;
}

const char *nw_io_kind_name(enum nw_io_kind kind)
{
    return kind == NW_IO_UV ? "uv" : "uring";
}

int nw_io_kind_parse(const char *name)
{
    (void)name;
    return NW_IO_UV;
}

bool nw_io_is_blind(const struct nw_io *io)
{
    (void)io;
    return false;
}

bool nw_io_has_events(const struct nw_io *io)
{
    (void)io;
    return false;
}

bool nw_io_has_queued(const struct nw_io *io)
{
    (void)io;
    return false;
}

struct nw_io *nw_io_new(enum nw_io_kind kind, char *why, size_t size)
{
    struct nw_io *io = calloc(1, sizeof *io);
    (void)kind, (void)size;
    NW_FUZZ_CHECK(io && socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, io->peer) == 0);
    *why = '\0';
    io->now = 1000;
    nw_list_init(&io->conns);
    nw_list_init(&io->timers);
    nw_list_init(&io->watches);
    nw_list_init(&io->works);
    return io;
}

static void conns_close(struct nw_io *io);

void nw_io_free(struct nw_io *io)
{
    conns_close(io);
    for (unsigned i = 0; i < io->n_listeners; i++)
        free(io->listeners[i]);
    nw_list_each(&io->watches, at, after)
    {
        NW_FUZZ_CHECK(nw_container(at, struct nw_io_watch, link)->freed);
        free(at);
    }
    NW_FUZZ_CHECK(nw_list_empty(&io->timers) && nw_list_empty(&io->works) && nw_list_empty(&io->conns));
    close(io->peer[0]);
    close(io->peer[1]);
    free(io);
}

enum nw_io_kind nw_io_kind(const struct nw_io *io)
{
    (void)io;
    return NW_IO_UV;
}

void nw_io_run(struct nw_io *io)
{
    (void)io;
    the_script(the_script_arg);
}

void nw_io_stop(struct nw_io *io)
{
    (void)io;
}

uint64_t nw_io_now(const struct nw_io *io)
{
    return io->now;
}

void nw_io_before_wait(struct nw_io *io, bool (*callback)(void *arg), void *arg)
{
    io->before_wait = callback;
    io->before_wait_arg = arg;
}

struct nw_io_listener *nw_io_listen(struct nw_io *io, int fd, void (*accepted)(void *arg, struct nw_io_conn *conn),
                                    void *arg)
{
    struct nw_io_listener *listener = malloc(sizeof *listener);
    (void)fd;
    NW_FUZZ_CHECK(listener && io->n_listeners < LISTENERS_MAX);
    *listener = (struct nw_io_listener){io, io->n_listeners, accepted, arg};
    return io->listeners[io->n_listeners++] = listener;
}

void nw_io_listener_close(struct nw_io_listener *listener)
{
    listener->io->listeners[listener->number] = NULL;
    free(listener);
}

/* --- the server's end of a connection --- */

void nw_io_conn_own(struct nw_io_conn *conn, const struct nw_io_conn_handler *handler, void *arg)
{
    conn->handler = handler;
    conn->arg = arg;
}

int nw_io_conn_fd(const struct nw_io_conn *conn)
{
    return conn->io->peer[0];
}

void nw_io_conn_read(struct nw_io_conn *conn, bool on)
{
    NW_FUZZ_CHECK(!conn->closing);
    conn->reading = on;
}

static void write_out(struct nw_io_conn *conn)
{
    for (int i = 0; i < conn->n_iov; i++)
        NW_FUZZ_CHECK(nw_buffer_append(&conn->out, conn->iov[i].iov_base, conn->iov[i].iov_len) == 0);
    conn->n_iov = 0;
}

int nw_io_conn_write(struct nw_io_conn *conn, const struct iovec *iov, int n)
{
    NW_FUZZ_CHECK(!conn->closing && !conn->writing && !conn->shut && n > 0 && n <= NW_IO_IOV_MAX);
    if (conn->mode == FAKE_WRITE_FAILS || conn->left)
        return -EPIPE;
    memcpy(conn->iov, iov, (size_t)n * sizeof *iov);
    conn->n_iov = n;
    conn->writing = conn->mode == FAKE_WRITE_LATER;
    if (conn->writing)
        return 0;
    write_out(conn);
    return 1;
}

/* Half of it was sent. */
void nw_io_conn_unwrite(struct nw_io_conn *conn)
{
    size_t left = 0, sent;
    if (!conn->writing || conn->closing)
        return;
    for (int i = 0; i < conn->n_iov; i++)
        left += conn->iov[i].iov_len;
    sent = left / 2;
    conn->unsent = left - sent;
    for (int i = 0; i < conn->n_iov && sent; i++) {
        size_t n = conn->iov[i].iov_len < sent ? conn->iov[i].iov_len : sent;
        NW_FUZZ_CHECK(nw_buffer_append(&conn->out, conn->iov[i].iov_base, n) == 0);
        sent -= n;
    }
    conn->writing = false;
    conn->n_iov = 0;
    conn->handler->written(conn->arg, -ECANCELED);
}

size_t nw_io_conn_unsent(const struct nw_io_conn *conn)
{
    return conn->unsent;
}

void nw_io_conn_shutdown(struct nw_io_conn *conn)
{
    NW_FUZZ_CHECK(!conn->closing && !conn->writing);
    conn->shut = true;
}

void nw_io_conn_close(struct nw_io_conn *conn)
{
    conn->closing = true;
}

/* --- the client's end --- */

struct fake_client *fake_connect(struct nw_io *io, unsigned listener)
{
    struct fake_client *client = calloc(1, sizeof *client);
    NW_FUZZ_CHECK(client);
    client->conn.io = io;
    nw_list_append(&io->conns, &client->conn.link);
    io->listeners[listener]->accepted(io->listeners[listener]->arg, &client->conn);
    return client;
}

void fake_send(struct fake_client *client, const void *data, size_t length)
{
    if (!client->conn.end && !client->conn.closed)
        NW_FUZZ_CHECK(nw_buffer_append(&client->conn.in, data, length) == 0);
}

void fake_send_end(struct fake_client *client)
{
    client->conn.end = true;
}

void fake_writes(struct fake_client *client, enum fake_write mode)
{
    client->conn.mode = mode;
}

static void conn_free_if_over(struct nw_io_conn *conn)
{
    if (!conn->closed || !conn->left)
        return;
    nw_list_remove(&conn->link);
    nw_buffer_fini(&conn->in);
    nw_buffer_fini(&conn->out);
    free(conn);
}

void fake_disconnect(struct fake_client *client)
{
    client->conn.left = client->conn.end = true;
    client->conn.error = -ECONNRESET;
    client->conn.in.length = 0;
    conn_free_if_over(&client->conn);
}

bool fake_is_open(const struct fake_client *client)
{
    return !client->conn.closing && !client->conn.shut;
}

const struct nw_buffer *fake_received(const struct fake_client *client)
{
    return &client->conn.out;
}

/* --- a turn --- */

static void conn_close_now(struct nw_io_conn *conn)
{
    write_out(conn); /* the kernel may still look at it */
    conn->closed = true;
    if (conn->handler)
        conn->handler->closed(conn->arg);
    conn->handler = NULL;
    conn_free_if_over(conn);
}

static void conns_close(struct nw_io *io)
{
    nw_list_each(&io->conns, at, after)
    {
        struct nw_io_conn *conn = nw_container(at, struct nw_io_conn, link);
        if (conn->closing && !conn->closed)
            conn_close_now(conn);
    }
}

/* Hands over bytes in memory that is gone afterwards. */
static void deliver(struct nw_io_conn *conn)
{
    size_t length = conn->in.length;
    char *copy = malloc(length);
    NW_FUZZ_CHECK(copy);
    memcpy(copy, conn->in.data, length);
    conn->in.length = 0;
    conn->handler->data(conn->arg, copy, length);
    free(copy);
}

static void conn_turn(struct nw_io_conn *conn)
{
    if (conn->writing && (conn->mode != FAKE_WRITE_LATER || conn->left)) {
        conn->writing = false;
        write_out(conn);
        conn->handler->written(conn->arg, conn->left || conn->mode == FAKE_WRITE_FAILS ? -EPIPE : 0);
    }
    if (!conn->closing && conn->reading && conn->in.length)
        deliver(conn);
    if (!conn->closing && conn->reading && conn->end && !conn->in.length && !conn->end_told) {
        conn->end_told = true;
        conn->handler->end(conn->arg, conn->error);
    }
}

static void conns_turn(struct nw_io *io)
{
    nw_list_each(&io->conns, at, after)
    {
        struct nw_io_conn *conn = nw_container(at, struct nw_io_conn, link);
        if (!conn->closing)
            conn_turn(conn);
    }
    conns_close(io);
}

static void watches_turn(struct nw_io *io)
{
    nw_list_each(&io->watches, at, after)
    {
        struct nw_io_watch *watch = nw_container(at, struct nw_io_watch, link);
        struct pollfd fd = {.fd = watch->fd, .events = POLLIN};
        if (!watch->freed && poll(&fd, 1, 0) > 0)
            watch->readable(watch->arg);
    }
    nw_list_each(&io->watches, at, after)
    {
        if (!nw_container(at, struct nw_io_watch, link)->freed)
            continue;
        nw_list_remove(at);
        free(at);
    }
}

static void works_turn(struct nw_io *io)
{
    struct nw_list works;
    nw_list_init(&works);
    nw_list_splice(&works, &io->works);
    while (!nw_list_empty(&works)) {
        struct work *work = nw_container(works.next, struct work, link);
        nw_list_remove(&work->link);
        work->work(work->arg);
        work->done(work->arg);
        free(work);
    }
}

static void timers_turn(struct nw_io *io)
{
    nw_list_each(&io->timers, at, after)
    {
        struct nw_io_timer *timer = nw_container(at, struct nw_io_timer, link);
        if (!timer->at || timer->at > io->now)
            continue;
        timer->at = timer->repeat ? io->now + timer->repeat : 0;
        timer->fired(timer->arg);
    }
}

void fake_turn(struct nw_io *io, uint64_t ms)
{
    io->now += ms;
    conns_turn(io);
    watches_turn(io);
    works_turn(io);
    timers_turn(io);
    int turns = 0;
    while (io->before_wait && !io->before_wait(io->before_wait_arg)) {
        NW_FUZZ_CHECK(++turns < TURNS_MOST);
        conns_close(io);
    }
    conns_close(io);
}

/* --- timers, watches, work --- */

struct nw_io_timer *nw_io_timer_new(struct nw_io *io, void (*fired)(void *arg), void *arg)
{
    struct nw_io_timer *timer = malloc(sizeof *timer);
    NW_FUZZ_CHECK(timer);
    *timer = (struct nw_io_timer){.io = io, .fired = fired, .arg = arg};
    nw_list_append(&io->timers, &timer->link);
    return timer;
}

void nw_io_timer_start(struct nw_io_timer *timer, uint64_t after_ms, uint64_t repeat_ms)
{
    timer->at = timer->io->now + after_ms;
    timer->repeat = repeat_ms;
}

void nw_io_timer_free(struct nw_io_timer *timer)
{
    nw_list_remove(&timer->link);
    free(timer);
}

struct nw_io_watch *nw_io_watch_new(struct nw_io *io, int fd, void (*readable)(void *arg), void *arg)
{
    struct nw_io_watch *watch = malloc(sizeof *watch);
    NW_FUZZ_CHECK(watch && fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) == 0);
    *watch = (struct nw_io_watch){.fd = fd, .readable = readable, .arg = arg};
    nw_list_append(&io->watches, &watch->link);
    return watch;
}

/* Freed for good when nobody walks the list. */
void nw_io_watch_free(struct nw_io_watch *watch)
{
    NW_FUZZ_CHECK(!watch->freed);
    watch->freed = true;
}

struct nw_io_bell *nw_io_bell_new(struct nw_io *io, int fd)
{
    struct nw_io_bell *bell = malloc(sizeof *bell);
    (void)io;
    NW_FUZZ_CHECK(bell);
    bell->fd = fd;
    return bell;
}

void nw_io_bell_ring(struct nw_io_bell *bell)
{
    const uint64_t one = 1;
    ssize_t ignored = write(bell->fd, &one, sizeof one);
    (void)ignored;
}

void nw_io_bell_free(struct nw_io_bell *bell)
{
    free(bell);
}

int nw_io_offload(struct nw_io *io, void (*work)(void *arg), void (*done)(void *arg), void *arg)
{
    struct work *item = malloc(sizeof *item);
    NW_FUZZ_CHECK(item);
    *item = (struct work){.work = work, .done = done, .arg = arg};
    nw_list_append(&io->works, &item->link);
    return 0;
}

/* No input may make this host ask its name servers. */
int nw__lookup_name(const struct nw_name_grant *name, struct nw_address_grant *to, unsigned most, const char **why)
{
    (void)name;
    (void)to;
    (void)most;
    *why = "there is no network";
    return -1;
}

unsigned nw__lookup_servers(struct nw_address_grant *to, unsigned most)
{
    (void)to;
    (void)most;
    return 0;
}
