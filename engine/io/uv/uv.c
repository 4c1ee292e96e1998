/*
 * The event loop of io.h on libuv: readiness by uv_poll, reads and writes by the calls themselves, so that a request
 * costs one read and one write. Not responsible for what the bytes mean.
 */
#include "engine/io/uv/uv.h"
#include "common/base/valid.h"
#include "engine/base/list.h"
#include "engine/io/backend.h"
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#define READ_BUFFER (64ul * 1024)

struct uv_io {
    struct nw_io base;
    uv_loop_t loop;
    uv_prepare_t prepare;
    uv_idle_t idle;          /* active while the loop must not block */
    struct nw_list readable; /* connections with bytes to read, in their order */
    char *read_buffer;
};

struct uv_listener {
    struct nw_io_listener base;
    uv_poll_t poll;
    uv_timer_t retry;
    struct uv_io *io;
    int open_handles;
};

struct uv_conn {
    struct nw_io_conn base;
    uv_poll_t poll;
    struct uv_io *io;
    int events; /* what the poll waits for now */
    struct nw_list readable_link;
    bool reading;
    bool closing;
    struct nw_io_pending pending;
};

struct uv_timer {
    struct nw_io_timer base;
    uv_timer_t timer;
};

struct uv_watch {
    struct nw_io_watch base;
    uv_poll_t poll;
};

struct offload {
    uv_work_t work;
    void (*run)(void *arg);
    void (*done)(void *arg);
    void *arg;
};

static void idle_cb(uv_idle_t *idle)
{
    (void)idle;
}

static size_t conn_readable(struct uv_conn *conn);

/* Reads from connections up to a turn's share; those that are left come first in the next turn. */
static void read_some(struct uv_io *io)
{
    size_t taken = 0;
    for (int i = 0; i < NW_IO_TURN_EVENTS && taken < NW_IO_TURN_BYTES && !nw_list_empty(&io->readable); i++) {
        struct uv_conn *conn = nw_container(io->readable.next, struct uv_conn, readable_link);
        nw_list_remove(&conn->readable_link);
        if (conn->reading && !conn->closing)
            taken += conn_readable(conn);
    }
}

/* An active idle handle makes libuv poll without blocking. */
static void prepare_cb(uv_prepare_t *prepare)
{
    struct uv_io *io = prepare->data;
    read_some(io);
    bool may_wait = !io->base.before_wait || io->base.before_wait(io->base.before_wait_arg);
    if (may_wait && nw_list_empty(&io->readable))
        uv_idle_stop(&io->idle);
    else
        uv_idle_start(&io->idle, idle_cb);
}

static void loop_free(struct nw_io *base)
{
    struct uv_io *io = (struct uv_io *)base;
    uv_close((uv_handle_t *)&io->prepare, NULL);
    uv_close((uv_handle_t *)&io->idle, NULL);
    uv_run(&io->loop, UV_RUN_DEFAULT);
    uv_loop_close(&io->loop);
    free(io->read_buffer);
    free(io);
}

static void loop_run(struct nw_io *io)
{
    uv_run(&((struct uv_io *)io)->loop, UV_RUN_DEFAULT);
}

static void loop_stop(struct nw_io *io)
{
    uv_stop(&((struct uv_io *)io)->loop);
}

/* libuv cannot tell without a system call. */
static bool loop_has_events(const struct nw_io *io)
{
    (void)io;
    return false;
}

static bool loop_is_blind(const struct nw_io *io)
{
    (void)io; /* always, so that it says nothing of a moment */
    return false;
}

static bool loop_has_queued(const struct nw_io *io)
{
    (void)io; /* every write goes to the kernel when it is asked for */
    return false;
}

static uint64_t loop_now(const struct nw_io *io)
{
    return uv_now(&((const struct uv_io *)io)->loop);
}

/* --- connections --- */

static void conn_event(uv_poll_t *poll, int status, int events);

static int events_wanted(const struct uv_conn *conn)
{
    return (conn->reading ? UV_READABLE : 0) | (conn->pending.n ? UV_WRITABLE : 0);
}

/* It is polled for what it wants. Once it is being closed it wants nothing, and is in no list. */
static bool uv_conn_is_valid(const struct uv_conn *conn)
{
    if (conn->closing)
        return !conn->pending.n && nw_list_empty(&conn->readable_link);
    return conn->events == events_wanted(conn);
}

static void conn_update(struct uv_conn *conn)
{
    int events = events_wanted(conn);
    if (events == conn->events || conn->closing)
        return;
    conn->events = events;
    if (events)
        uv_poll_start(&conn->poll, events, conn_event);
    else
        uv_poll_stop(&conn->poll);
}

/* The bytes that were read. */
static size_t conn_readable(struct uv_conn *conn)
{
    ssize_t n = read(conn->base.fd, conn->io->read_buffer, READ_BUFFER);
    if (n > 0) {
        conn->base.handler->data(conn->base.arg, conn->io->read_buffer, (size_t)n);
        return (size_t)n;
    }
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return 0;
    int error = n < 0 ? -errno : 0;
    conn->reading = false;
    conn_update(conn);
    conn->base.handler->end(conn->base.arg, error);
    return 0;
}

/* Sends what the socket takes. 1 all sent, 0 the socket is full, or negative errno. */
static int pending_send(struct nw_io_pending *pending, int fd)
{
    while (pending->n) {
        struct msghdr message = {.msg_iov = pending->iov + pending->first, .msg_iovlen = (size_t)pending->n};
        ssize_t sent = sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0)
            return errno == EAGAIN ? 0 : -errno;
        nw_io_pending_sent(pending, (size_t)sent);
    }
    return 1;
}

static void conn_writable(struct uv_conn *conn)
{
    int rc = pending_send(&conn->pending, conn->base.fd);
    if (rc == 0)
        return;
    conn->pending.n = 0;
    conn_update(conn);
    conn->base.handler->written(conn->base.arg, rc < 0 ? rc : 0);
}

static void conn_event(uv_poll_t *poll, int status, int events)
{
    struct uv_conn *conn = poll->data;
    if (status < 0) { /* libuv stopped the poll without saying what happened: the calls themselves will */
        events = conn->events;
        conn->events = 0;
    }
    if ((events & UV_WRITABLE) && conn->pending.n)
        conn_writable(conn);
    if ((events & UV_READABLE) && conn->reading && !conn->closing && nw_list_empty(&conn->readable_link))
        nw_list_append(&conn->io->readable, &conn->readable_link);
    conn_update(conn);
}

static void conn_read(struct nw_io_conn *base, bool on)
{
    struct uv_conn *conn = (struct uv_conn *)base;
    conn->reading = on;
    conn_update(conn);
    nw_check_valid(uv_conn, conn);
}

static int conn_write(struct nw_io_conn *base, const struct iovec *iov, int n)
{
    struct uv_conn *conn = (struct uv_conn *)base;
    nw_check_that(!conn->pending.n);
    nw_io_pending_set(&conn->pending, iov, n);
    int rc = pending_send(&conn->pending, base->fd);
    if (rc < 0)
        conn->pending.n = 0;
    conn_update(conn);
    nw_check_valid(uv_conn, conn);
    return rc;
}

static void conn_unwrite(struct nw_io_conn *base)
{
    struct uv_conn *conn = (struct uv_conn *)base;
    if (!conn->pending.n || conn->closing)
        return;
    base->unsent = nw_io_pending_left(&conn->pending);
    conn->pending.n = 0;
    conn_update(conn);
    base->handler->written(base->arg, -ECANCELED);
}

static void conn_closed(uv_handle_t *handle)
{
    struct uv_conn *conn = handle->data;
    close(conn->base.fd);
    if (conn->base.handler)
        conn->base.handler->closed(conn->base.arg);
    free(conn);
}

static void conn_close(struct nw_io_conn *base)
{
    struct uv_conn *conn = (struct uv_conn *)base;
    if (conn->closing)
        return;
    conn->closing = true;
    conn->pending.n = 0;
    nw_list_remove(&conn->readable_link);
    nw_check_valid(uv_conn, conn);
    uv_close((uv_handle_t *)&conn->poll, conn_closed);
}

/* --- listeners --- */

static struct uv_conn *conn_new(struct uv_io *io, int fd)
{
    struct uv_conn *conn = calloc(1, sizeof *conn);
    if (!conn || uv_poll_init(&io->loop, &conn->poll, fd) < 0) {
        free(conn);
        close(fd);
        return NULL;
    }
    conn->poll.data = conn;
    nw_list_init(&conn->readable_link);
    conn->io = io;
    conn->base.backend = io->base.backend;
    conn->base.fd = fd;
    nw_io_set_up_socket(fd);
    return conn;
}

static void listener_event(uv_poll_t *poll, int status, int events);

static void listener_retry(uv_timer_t *timer)
{
    struct uv_listener *listener = timer->data;
    uv_poll_start(&listener->poll, UV_READABLE, listener_event);
}

static void listener_event(uv_poll_t *poll, int status, int events)
{
    struct uv_listener *listener = poll->data;
    (void)status, (void)events;
    for (int i = 0; i < NW_IO_TURN_EVENTS && !uv_is_closing((uv_handle_t *)poll); i++) {
        int fd = accept4(listener->base.fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0 && (errno == ECONNABORTED || errno == EINTR))
            continue;
        if (fd < 0 && errno != EAGAIN) {
            uv_poll_stop(poll);
            uv_timer_start(&listener->retry, listener_retry, NW_IO_ACCEPT_RETRY, 0);
        }
        if (fd < 0)
            return;
        struct uv_conn *conn = conn_new(listener->io, fd);
        if (conn)
            listener->base.accepted(listener->base.arg, &conn->base);
    }
}

static struct nw_io_listener *listener_new(struct nw_io *base, int fd)
{
    struct uv_io *io = (struct uv_io *)base;
    struct uv_listener *listener = calloc(1, sizeof *listener);
    int rc = listener ? uv_poll_init(&io->loop, &listener->poll, fd) : UV_ENOMEM;
    if (rc < 0) {
        free(listener);
        errno = -rc;
        return NULL;
    }
    uv_timer_init(&io->loop, &listener->retry);
    listener->poll.data = listener->retry.data = listener;
    listener->io = io;
    listener->open_handles = 2;
    uv_poll_start(&listener->poll, UV_READABLE, listener_event);
    return &listener->base;
}

static void listener_closed(uv_handle_t *handle)
{
    struct uv_listener *listener = handle->data;
    if (--listener->open_handles)
        return;
    free(listener);
}

/* The socket is closed at once, so that nobody can connect any more; libuv looks at it no more after uv_poll_stop. */
static void listener_close(struct nw_io_listener *base)
{
    struct uv_listener *listener = (struct uv_listener *)base;
    uv_close((uv_handle_t *)&listener->poll, listener_closed);
    uv_close((uv_handle_t *)&listener->retry, listener_closed);
    close(base->fd);
}

/* --- timers, watches, work --- */

static void timer_cb(uv_timer_t *handle)
{
    struct uv_timer *timer = handle->data;
    timer->base.fired(timer->base.arg);
}

static void free_data(uv_handle_t *handle)
{
    free(handle->data);
}

static struct nw_io_timer *timer_new(struct nw_io *io)
{
    struct uv_timer *timer = calloc(1, sizeof *timer);
    if (!timer)
        return NULL;
    uv_timer_init(&((struct uv_io *)io)->loop, &timer->timer);
    timer->timer.data = timer;
    return &timer->base;
}

static void timer_start(struct nw_io_timer *timer, uint64_t after_ms, uint64_t repeat_ms)
{
    uv_timer_start(&((struct uv_timer *)timer)->timer, timer_cb, after_ms, repeat_ms);
}

static void timer_free(struct nw_io_timer *timer)
{
    uv_close((uv_handle_t *)&((struct uv_timer *)timer)->timer, free_data);
}

static void watch_cb(uv_poll_t *poll, int status, int events)
{
    struct uv_watch *watch = poll->data;
    (void)status, (void)events;
    watch->base.readable(watch->base.arg);
}

static struct nw_io_watch *watch_new(struct nw_io *io, int fd)
{
    struct uv_watch *watch = calloc(1, sizeof *watch);
    int rc = watch ? uv_poll_init(&((struct uv_io *)io)->loop, &watch->poll, fd) : UV_ENOMEM;
    if (rc < 0) {
        free(watch);
        errno = -rc;
        return NULL;
    }
    watch->poll.data = watch;
    uv_poll_start(&watch->poll, UV_READABLE | UV_DISCONNECT, watch_cb);
    return &watch->base;
}

/* The poll is stopped at once, so the caller may close the descriptor when this returns. */
static void watch_free(struct nw_io_watch *base)
{
    struct uv_watch *watch = (struct uv_watch *)base;
    uv_poll_stop(&watch->poll);
    uv_close((uv_handle_t *)&watch->poll, free_data);
}

static struct nw_io_bell *bell_new(struct nw_io *io)
{
    (void)io;
    return malloc(sizeof(struct nw_io_bell));
}

static void bell_ring(struct nw_io_bell *bell)
{
    ssize_t ignored = write(bell->fd, &nw_io_one, sizeof nw_io_one);
    (void)ignored;
}

static void bell_free(struct nw_io_bell *bell)
{
    free(bell);
}

static void offload_run(uv_work_t *work)
{
    struct offload *offload = work->data;
    offload->run(offload->arg);
}

static void offload_done(uv_work_t *work, int status)
{
    struct offload *offload = work->data;
    (void)status;
    offload->done(offload->arg);
    free(offload);
}

static int offload_start(struct nw_io *io, void (*work)(void *arg), void (*done)(void *arg), void *arg)
{
    struct offload *offload = malloc(sizeof *offload);
    if (!offload)
        return -ENOMEM;
    *offload = (struct offload){.run = work, .done = done, .arg = arg};
    offload->work.data = offload;
    int rc = uv_queue_work(&((struct uv_io *)io)->loop, &offload->work, offload_run, offload_done);
    if (rc < 0)
        free(offload);
    return rc;
}

static const struct nw_io_backend backend = {
    .kind = NW_IO_UV,
    .free = loop_free,
    .run = loop_run,
    .stop = loop_stop,
    .now = loop_now,
    .has_events = loop_has_events,
    .is_blind = loop_is_blind,
    .has_queued = loop_has_queued,
    .listener_new = listener_new,
    .listener_close = listener_close,
    .conn_read = conn_read,
    .conn_write = conn_write,
    .conn_unwrite = conn_unwrite,
    .conn_close = conn_close,
    .timer_new = timer_new,
    .timer_start = timer_start,
    .timer_free = timer_free,
    .watch_new = watch_new,
    .watch_free = watch_free,
    .bell_new = bell_new,
    .bell_ring = bell_ring,
    .bell_free = bell_free,
    .offload = offload_start,
};

struct nw_io *nw_uv_new(void)
{
    struct uv_io *io = calloc(1, sizeof *io);
    char *buffer = malloc(READ_BUFFER);
    int rc = io && buffer ? uv_loop_init(&io->loop) : UV_ENOMEM;
    if (rc < 0) {
        free(io);
        free(buffer);
        errno = -rc;
        return NULL;
    }
    io->base.backend = &backend;
    io->read_buffer = buffer;
    nw_list_init(&io->readable);
    uv_prepare_init(&io->loop, &io->prepare);
    uv_idle_init(&io->loop, &io->idle);
    io->prepare.data = io;
    uv_prepare_start(&io->prepare, prepare_cb);
    return &io->base;
}
