/*
 * The event loop of io.h on libuv: readiness by uv_poll, reads and writes by the calls themselves, so that a request
 * costs one read and one write. Not responsible for what the bytes mean.
 */
#include "engine/io.h"
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#define READ_BUFFER     (256ul * 1024)
#define ACCEPTS_A_TURN  32
#define OUT_OF_FDS_WAIT 100 /* ms until accepting is tried again when the process has no descriptor left */

struct nw_io {
    uv_loop_t loop;
    uv_prepare_t prepare;
    uv_idle_t idle; /* active while the loop must not block */
    bool (*before_wait)(void *arg);
    void *before_wait_arg;
    char *read_buffer;
};

struct nw_io_listener {
    uv_poll_t poll;
    uv_timer_t retry;
    struct nw_io *io;
    int fd;
    int open_handles;
    void (*accepted)(void *arg, struct nw_io_conn *conn);
    void *arg;
};

struct nw_io_conn {
    uv_poll_t poll;
    struct nw_io *io;
    int fd;
    int events; /* what the poll waits for now */
    bool reading;
    bool closing;
    const struct nw_io_conn_handler *handler;
    void *arg;
    struct iovec pending[NW_IO_IOV_MAX]; /* what a write still has to send */
    int n_pending;
    int first_pending;
};

struct nw_io_timer {
    uv_timer_t timer;
    void (*fired)(void *arg);
    void *arg;
};

struct nw_io_watch {
    uv_poll_t poll;
    void (*readable)(void *arg);
    void *arg;
};

struct offload {
    uv_work_t work;
    void (*run)(void *arg);
    void (*done)(void *arg);
    void *arg;
};

static void prepare_cb(uv_prepare_t *prepare);

static void idle_cb(uv_idle_t *idle)
{
    (void)idle;
}

struct nw_io *nw_io_new(void)
{
    struct nw_io *io = calloc(1, sizeof *io);
    char *buffer = malloc(READ_BUFFER);
    int rc = io && buffer ? uv_loop_init(&io->loop) : UV_ENOMEM;
    if (rc < 0) {
        free(io);
        free(buffer);
        errno = -rc;
        return NULL;
    }
    io->read_buffer = buffer;
    uv_prepare_init(&io->loop, &io->prepare);
    uv_idle_init(&io->loop, &io->idle);
    io->prepare.data = io;
    uv_prepare_start(&io->prepare, prepare_cb);
    return io;
}

void nw_io_free(struct nw_io *io)
{
    uv_close((uv_handle_t *)&io->prepare, NULL);
    uv_close((uv_handle_t *)&io->idle, NULL);
    uv_run(&io->loop, UV_RUN_DEFAULT);
    uv_loop_close(&io->loop);
    free(io->read_buffer);
    free(io);
}

void nw_io_run(struct nw_io *io)
{
    uv_run(&io->loop, UV_RUN_DEFAULT);
}

void nw_io_stop(struct nw_io *io)
{
    uv_stop(&io->loop);
}

uint64_t nw_io_now(const struct nw_io *io)
{
    return uv_now(&io->loop);
}

void nw_io_before_wait(struct nw_io *io, bool (*callback)(void *arg), void *arg)
{
    io->before_wait = callback;
    io->before_wait_arg = arg;
}

/* An active idle handle makes libuv poll without blocking. */
static void prepare_cb(uv_prepare_t *prepare)
{
    struct nw_io *io = prepare->data;
    if (!io->before_wait || io->before_wait(io->before_wait_arg))
        uv_idle_stop(&io->idle);
    else
        uv_idle_start(&io->idle, idle_cb);
}

/* --- connections --- */

static void conn_event(uv_poll_t *poll, int status, int events);

static void conn_update(struct nw_io_conn *conn)
{
    int events = (conn->reading ? UV_READABLE : 0) | (conn->n_pending ? UV_WRITABLE : 0);
    if (events == conn->events || conn->closing)
        return;
    conn->events = events;
    if (events)
        uv_poll_start(&conn->poll, events, conn_event);
    else
        uv_poll_stop(&conn->poll);
}

static void conn_readable(struct nw_io_conn *conn)
{
    ssize_t n = read(conn->fd, conn->io->read_buffer, READ_BUFFER);
    if (n > 0) {
        conn->handler->data(conn->arg, conn->io->read_buffer, (size_t)n);
        return;
    }
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    int error = n < 0 ? -errno : 0;
    nw_io_conn_read(conn, false);
    conn->handler->end(conn->arg, error);
}

/* Sends from the pending list. 1 all sent, 0 the socket is full, or negative errno. */
static int send_pending(struct nw_io_conn *conn)
{
    while (conn->n_pending) {
        struct iovec *iov = conn->pending + conn->first_pending;
        struct msghdr msg = {.msg_iov = iov, .msg_iovlen = (size_t)conn->n_pending};
        ssize_t sent = sendmsg(conn->fd, &msg, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0)
            return errno == EAGAIN ? 0 : -errno;
        while (conn->n_pending && (size_t)sent >= iov->iov_len) {
            sent -= (ssize_t)iov->iov_len;
            iov++;
            conn->first_pending++;
            conn->n_pending--;
        }
        if (conn->n_pending) {
            iov->iov_base = (char *)iov->iov_base + sent;
            iov->iov_len -= (size_t)sent;
        }
    }
    return 1;
}

static void conn_writable(struct nw_io_conn *conn)
{
    int rc = send_pending(conn);
    if (rc == 0)
        return;
    conn->n_pending = 0;
    conn_update(conn);
    conn->handler->written(conn->arg, rc < 0 ? rc : 0);
}

static void conn_event(uv_poll_t *poll, int status, int events)
{
    struct nw_io_conn *conn = poll->data;
    if (status < 0) { /* libuv stopped the poll without saying what happened: the calls themselves will */
        events = conn->events;
        conn->events = 0;
    }
    if ((events & UV_WRITABLE) && conn->n_pending)
        conn_writable(conn);
    if ((events & UV_READABLE) && conn->reading && !conn->closing)
        conn_readable(conn);
    conn_update(conn);
}

void nw_io_conn_own(struct nw_io_conn *conn, const struct nw_io_conn_handler *handler, void *arg)
{
    conn->handler = handler;
    conn->arg = arg;
}

int nw_io_conn_fd(const struct nw_io_conn *conn)
{
    return conn->fd;
}

void nw_io_conn_read(struct nw_io_conn *conn, bool on)
{
    conn->reading = on;
    conn_update(conn);
}

int nw_io_conn_write(struct nw_io_conn *conn, const struct iovec *iov, int n)
{
    memcpy(conn->pending, iov, (size_t)n * sizeof *iov);
    conn->first_pending = 0;
    conn->n_pending = n;
    int rc = send_pending(conn);
    if (rc < 0)
        conn->n_pending = 0;
    conn_update(conn);
    return rc;
}

void nw_io_conn_shutdown(struct nw_io_conn *conn)
{
    shutdown(conn->fd, SHUT_WR);
}

static void conn_closed(uv_handle_t *handle)
{
    struct nw_io_conn *conn = handle->data;
    close(conn->fd);
    if (conn->handler)
        conn->handler->closed(conn->arg);
    free(conn);
}

void nw_io_conn_close(struct nw_io_conn *conn)
{
    if (conn->closing)
        return;
    conn->closing = true;
    conn->n_pending = 0;
    uv_close((uv_handle_t *)&conn->poll, conn_closed);
}

/* --- listeners --- */

static struct nw_io_conn *conn_new(struct nw_io *io, int fd)
{
    struct nw_io_conn *conn = calloc(1, sizeof *conn);
    if (!conn || uv_poll_init(&io->loop, &conn->poll, fd) < 0) {
        free(conn);
        close(fd);
        return NULL;
    }
    conn->poll.data = conn;
    conn->io = io;
    conn->fd = fd;
    int on = 1; /* fails on Unix sockets, which have no delay to switch off */
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return conn;
}

static void listener_event(uv_poll_t *poll, int status, int events);

static void listener_retry(uv_timer_t *timer)
{
    struct nw_io_listener *listener = timer->data;
    uv_poll_start(&listener->poll, UV_READABLE, listener_event);
}

static void listener_event(uv_poll_t *poll, int status, int events)
{
    struct nw_io_listener *listener = poll->data;
    (void)status, (void)events;
    for (int i = 0; i < ACCEPTS_A_TURN && !uv_is_closing((uv_handle_t *)poll); i++) {
        int fd = accept4(listener->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0 && (errno == ECONNABORTED || errno == EINTR))
            continue;
        if (fd < 0 && errno != EAGAIN) {
            uv_poll_stop(poll);
            uv_timer_start(&listener->retry, listener_retry, OUT_OF_FDS_WAIT, 0);
        }
        if (fd < 0)
            return;
        struct nw_io_conn *conn = conn_new(listener->io, fd);
        if (conn)
            listener->accepted(listener->arg, conn);
    }
}

struct nw_io_listener *nw_io_listen(struct nw_io *io, int fd, void (*accepted)(void *arg, struct nw_io_conn *conn),
                                    void *arg)
{
    struct nw_io_listener *listener = calloc(1, sizeof *listener);
    int rc = listener ? uv_poll_init(&io->loop, &listener->poll, fd) : UV_ENOMEM;
    if (rc < 0) {
        free(listener);
        close(fd);
        errno = -rc;
        return NULL;
    }
    uv_timer_init(&io->loop, &listener->retry);
    listener->poll.data = listener->retry.data = listener;
    listener->io = io;
    listener->fd = fd;
    listener->open_handles = 2;
    listener->accepted = accepted;
    listener->arg = arg;
    uv_poll_start(&listener->poll, UV_READABLE, listener_event);
    return listener;
}

static void listener_closed(uv_handle_t *handle)
{
    struct nw_io_listener *listener = handle->data;
    if (--listener->open_handles)
        return;
    free(listener);
}

/* The socket is closed at once, so that nobody can connect any more; libuv looks at it no more after uv_poll_stop. */
void nw_io_listener_close(struct nw_io_listener *listener)
{
    uv_close((uv_handle_t *)&listener->poll, listener_closed);
    uv_close((uv_handle_t *)&listener->retry, listener_closed);
    close(listener->fd);
}

/* --- timers, watches, work --- */

static void timer_cb(uv_timer_t *handle)
{
    struct nw_io_timer *timer = handle->data;
    timer->fired(timer->arg);
}

static void free_data(uv_handle_t *handle)
{
    free(handle->data);
}

struct nw_io_timer *nw_io_timer_new(struct nw_io *io, void (*fired)(void *arg), void *arg)
{
    struct nw_io_timer *timer = calloc(1, sizeof *timer);
    if (!timer)
        return NULL;
    uv_timer_init(&io->loop, &timer->timer);
    timer->timer.data = timer;
    timer->fired = fired;
    timer->arg = arg;
    return timer;
}

void nw_io_timer_start(struct nw_io_timer *timer, uint64_t after_ms, uint64_t repeat_ms)
{
    uv_timer_start(&timer->timer, timer_cb, after_ms, repeat_ms);
}

void nw_io_timer_free(struct nw_io_timer *timer)
{
    uv_close((uv_handle_t *)&timer->timer, free_data);
}

static void watch_cb(uv_poll_t *poll, int status, int events)
{
    struct nw_io_watch *watch = poll->data;
    (void)status, (void)events;
    watch->readable(watch->arg);
}

struct nw_io_watch *nw_io_watch_new(struct nw_io *io, int fd, void (*readable)(void *arg), void *arg)
{
    struct nw_io_watch *watch = calloc(1, sizeof *watch);
    int rc = watch ? uv_poll_init(&io->loop, &watch->poll, fd) : UV_ENOMEM;
    if (rc < 0) {
        free(watch);
        errno = -rc;
        return NULL;
    }
    watch->poll.data = watch;
    watch->readable = readable;
    watch->arg = arg;
    uv_poll_start(&watch->poll, UV_READABLE | UV_DISCONNECT, watch_cb);
    return watch;
}

/* The poll is stopped at once, so the caller may close the descriptor when this returns. */
void nw_io_watch_free(struct nw_io_watch *watch)
{
    uv_poll_stop(&watch->poll);
    uv_close((uv_handle_t *)&watch->poll, free_data);
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

int nw_io_offload(struct nw_io *io, void (*work)(void *arg), void (*done)(void *arg), void *arg)
{
    struct offload *offload = malloc(sizeof *offload);
    if (!offload)
        return -ENOMEM;
    *offload = (struct offload){.run = work, .done = done, .arg = arg};
    offload->work.data = offload;
    int rc = uv_queue_work(&io->loop, &offload->work, offload_run, offload_done);
    if (rc < 0)
        free(offload);
    return rc;
}
