/* The functions of io.h, which call the backend that an object belongs to. Which one that is: io/choice. */
#include "common/base/valid.h"
#include "engine/io/backend.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const char *const kind_names[NW_IO_KINDS] = {[NW_IO_AUTO] = "auto", [NW_IO_URING] = "uring", [NW_IO_UV] = "uv"};

const char *nw_io_kind_name(enum nw_io_kind kind)
{
    return kind_names[kind];
}

int nw_io_kind_parse(const char *name)
{
    for (int i = 0; i < NW_IO_KINDS; i++)
        if (!strcmp(name, kind_names[i]))
            return i;
    return -EINVAL;
}

void nw_io_free(struct nw_io *io)
{
    io->backend->free(io);
}

enum nw_io_kind nw_io_kind(const struct nw_io *io)
{
    return io->backend->kind;
}

void nw_io_run(struct nw_io *io)
{
    io->backend->run(io);
}

void nw_io_stop(struct nw_io *io)
{
    io->backend->stop(io);
}

uint64_t nw_io_now(const struct nw_io *io)
{
    return io->backend->now(io);
}

bool nw_io_has_events(const struct nw_io *io)
{
    return io->backend->has_events(io);
}

bool nw_io_is_blind(const struct nw_io *io)
{
    return io->backend->is_blind(io);
}

bool nw_io_has_queued(const struct nw_io *io)
{
    return io->backend->has_queued(io);
}

void nw_io_before_wait(struct nw_io *io, bool (*callback)(void *arg), void *arg)
{
    io->before_wait = callback;
    io->before_wait_arg = arg;
}

/* --- listeners --- */

struct nw_io_listener *nw_io_listen(struct nw_io *io, int fd, void (*accepted)(void *arg, struct nw_io_conn *conn),
                                    void *arg)
{
    struct nw_io_listener *listener = io->backend->listener_new(io, fd);
    if (!listener) {
        int error = errno;
        close(fd);
        errno = error;
        return NULL;
    }
    listener->backend = io->backend;
    listener->fd = fd;
    listener->accepted = accepted;
    listener->arg = arg;
    return listener;
}

void nw_io_listener_close(struct nw_io_listener *listener)
{
    listener->backend->listener_close(listener);
}

/* --- connections --- */

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
    nw_check_that(conn->handler);
    conn->backend->conn_read(conn, on);
}

int nw_io_conn_write(struct nw_io_conn *conn, const struct iovec *iov, int n)
{
    nw_check_that(conn->handler && n > 0 && n <= NW_IO_IOV_MAX);
    return conn->backend->conn_write(conn, iov, n);
}

void nw_io_conn_unwrite(struct nw_io_conn *conn)
{
    conn->backend->conn_unwrite(conn);
}

size_t nw_io_conn_unsent(const struct nw_io_conn *conn)
{
    return conn->unsent;
}

void nw_io_conn_shutdown(struct nw_io_conn *conn)
{
    shutdown(conn->fd, SHUT_WR);
}

void nw_io_conn_close(struct nw_io_conn *conn)
{
    conn->backend->conn_close(conn);
}

/* --- timers, watches, bells, work --- */

struct nw_io_timer *nw_io_timer_new(struct nw_io *io, void (*fired)(void *arg), void *arg)
{
    struct nw_io_timer *timer = io->backend->timer_new(io);
    if (!timer)
        return NULL;
    timer->backend = io->backend;
    timer->fired = fired;
    timer->arg = arg;
    return timer;
}

void nw_io_timer_start(struct nw_io_timer *timer, uint64_t after_ms, uint64_t repeat_ms)
{
    timer->backend->timer_start(timer, after_ms, repeat_ms);
}

void nw_io_timer_free(struct nw_io_timer *timer)
{
    timer->backend->timer_free(timer);
}

struct nw_io_watch *nw_io_watch_new(struct nw_io *io, int fd, void (*readable)(void *arg), void *arg)
{
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
        return NULL;
    struct nw_io_watch *watch = io->backend->watch_new(io, fd);
    if (!watch)
        return NULL;
    watch->backend = io->backend;
    watch->readable = readable;
    watch->arg = arg;
    return watch;
}

void nw_io_watch_free(struct nw_io_watch *watch)
{
    watch->backend->watch_free(watch);
}

const uint64_t nw_io_one = 1;

struct nw_io_bell *nw_io_bell_new(struct nw_io *io, int fd)
{
    struct nw_io_bell *bell = io->backend->bell_new(io);
    if (!bell)
        return NULL;
    bell->backend = io->backend;
    bell->fd = fd;
    return bell;
}

void nw_io_bell_ring(struct nw_io_bell *bell)
{
    bell->backend->bell_ring(bell);
}

void nw_io_bell_free(struct nw_io_bell *bell)
{
    bell->backend->bell_free(bell);
}

int nw_io_offload(struct nw_io *io, void (*work)(void *arg), void (*done)(void *arg), void *arg)
{
    return io->backend->offload(io, work, done, arg);
}
