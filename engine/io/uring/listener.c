/* Listeners of the io_uring backend: one accept that stays armed. */
#include "common/base/valid.h"
#include "engine/io/uring/objects.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

bool nw__uring_listener_is_valid(const struct nw__uring_listener *listener)
{
    const enum nw__op_state accept = listener->accept.state;
    const bool ends = !nw_list_empty(&listener->ending.link);
    if (!nw__op_is_valid(&listener->accept))
        return false;
    if (listener->closing)
        return accept != OP_QUEUED && (!ends || accept == OP_IDLE);
    return !ends && (accept == OP_QUEUED || accept == OP_ARMED) != nw__uring_timer_is_on(listener->retry);
}

static void accept_prepare(struct nw__op *op, struct io_uring_sqe *sqe)
{
    struct nw__uring_listener *listener = nw_container(op, struct nw__uring_listener, accept);
    /* Not SOCK_NONBLOCK: an operation on a non-blocking socket fails instead of waiting. */
    if (listener->uring->multishot_accept)
        io_uring_prep_multishot_accept(sqe, listener->base.fd, NULL, NULL, SOCK_CLOEXEC);
    else
        io_uring_prep_accept(sqe, listener->base.fd, NULL, NULL, SOCK_CLOEXEC);
}

static void take(struct nw__uring_listener *listener, int fd)
{
    struct nw_io_conn *conn = listener->closing ? NULL : nw__uring_conn_new(listener->uring, fd);
    if (conn)
        listener->base.accepted(listener->base.arg, conn);
    else
        close(fd);
}

static void accept_complete(struct nw__op *op, int result, unsigned flags)
{
    struct nw__uring_listener *listener = nw_container(op, struct nw__uring_listener, accept);
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
    nw_check_valid(nw__uring_listener, listener);
}

static void retry(void *arg)
{
    struct nw__uring_listener *listener = arg;
    nw__op_start(listener->uring, &listener->accept);
    nw_check_valid(nw__uring_listener, listener);
}

static void listener_end(struct nw__ending *ending)
{
    struct nw__uring_listener *listener = nw_container(ending, struct nw__uring_listener, ending);
    listener->uring->living--;
    free(listener);
}

struct nw_io_listener *nw__uring_listener_new(struct nw_io *io, int fd)
{
    struct nw__uring *uring = (struct nw__uring *)io;
    struct nw__uring_listener *listener = calloc(1, sizeof *listener);
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
    nw_check_valid(nw__uring_listener, listener);
    return &listener->base;
}

/* The accept in the kernel holds the socket open beyond close: it is shut down, so that nobody can connect any more. */
void nw__uring_listener_close(struct nw_io_listener *base)
{
    struct nw__uring_listener *listener = (struct nw__uring_listener *)base;
    listener->closing = true;
    shutdown(base->fd, SHUT_RDWR);
    nw__op_cancel(listener->uring, &listener->accept);
    nw_io_timer_free(listener->retry);
    close(base->fd);
    if (listener->accept.state == OP_IDLE)
        nw__uring_end(listener->uring, &listener->ending);
    nw_check_valid(nw__uring_listener, listener);
}
