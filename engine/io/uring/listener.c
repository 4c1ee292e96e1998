/* Listeners of the io_uring backend: one accept that stays armed. */
#include "engine/io/uring/private.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

struct uring_listener {
    struct nw_io_listener base;
    struct nw__uring *uring;
    struct nw__ending ending;
    struct nw__op accept;
    struct nw_io_timer *retry; /* runs while there are no descriptors for another connection */
    bool closing;
};

static void accept_prepare(struct nw__op *op, struct io_uring_sqe *sqe)
{
    struct uring_listener *listener = nw_container(op, struct uring_listener, accept);
    /* Not SOCK_NONBLOCK: an operation on a non-blocking socket fails instead of waiting. */
    if (listener->uring->multishot_accept)
        io_uring_prep_multishot_accept(sqe, listener->base.fd, NULL, NULL, SOCK_CLOEXEC);
    else
        io_uring_prep_accept(sqe, listener->base.fd, NULL, NULL, SOCK_CLOEXEC);
}

static void take(struct uring_listener *listener, int fd)
{
    struct nw_io_conn *conn = listener->closing ? NULL : nw__uring_conn_new(listener->uring, fd);
    if (conn)
        listener->base.accepted(listener->base.arg, conn);
    else
        close(fd);
}

static void accept_complete(struct nw__op *op, int result, unsigned flags)
{
    struct uring_listener *listener = nw_container(op, struct uring_listener, accept);
    bool again = !(flags & IORING_CQE_F_MORE);
    if (result >= 0) {
        take(listener, result);
    } else if (result == -EINVAL && listener->uring->multishot_accept) {
        listener->uring->multishot_accept = false;
    } else if (result != -ECONNABORTED && result != -EINTR && result != -EAGAIN && !listener->closing) {
        nw_io_timer_start(listener->retry, NW_IO_ACCEPT_RETRY, 0);
        again = false;
    }
    if (listener->closing && op->state == OP_IDLE)
        nw__uring_end(listener->uring, &listener->ending);
    else if (again && !listener->closing)
        nw__op_start(listener->uring, op);
}

static void retry(void *arg)
{
    struct uring_listener *listener = arg;
    nw__op_start(listener->uring, &listener->accept);
}

static void listener_end(struct nw__ending *ending)
{
    struct uring_listener *listener = nw_container(ending, struct uring_listener, ending);
    listener->uring->living--;
    free(listener);
}

struct nw_io_listener *nw__uring_listener_new(struct nw_io *io, int fd)
{
    struct nw__uring *uring = (struct nw__uring *)io;
    struct uring_listener *listener = calloc(1, sizeof *listener);
    struct nw_io_timer *timer = listener ? nw_io_timer_new(io, retry, listener) : NULL;
    int flags = fcntl(fd, F_GETFL);
    if (!timer || flags < 0 || fcntl(fd, F_SETFL, flags & ~O_NONBLOCK) < 0) {
        if (timer)
            nw_io_timer_free(timer);
        free(listener);
        return NULL;
    }
    listener->uring = uring;
    listener->retry = timer;
    listener->ending.end = listener_end;
    nw_list_init(&listener->ending.link);
    nw__op_init(&listener->accept, accept_prepare, accept_complete);
    nw__op_start(uring, &listener->accept);
    uring->living++;
    return &listener->base;
}

/* The accept in the kernel holds the socket open beyond close: it is shut down, so that nobody can connect any more. */
void nw__uring_listener_close(struct nw_io_listener *base)
{
    struct uring_listener *listener = (struct uring_listener *)base;
    listener->closing = true;
    shutdown(base->fd, SHUT_RDWR);
    nw__op_cancel(listener->uring, &listener->accept);
    nw_io_timer_free(listener->retry);
    close(base->fd);
    if (listener->accept.state == OP_IDLE)
        nw__uring_end(listener->uring, &listener->ending);
}
