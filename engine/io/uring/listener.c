/*
 * Listeners of the io_uring backend. Each is polled, which is armed anew after each turn, and its connections are taken
 * by plain calls. An accept in the kernel would wait exclusively: only the one that has waited longest is woken. What
 * an engine left that was killed goes on waiting for a moment, on the same socket if the next one adopts it, and would
 * be woken in vain: the connection would lie there until another comes.
 */
#include "common/base/valid.h"
#include "engine/io/uring/objects.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
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
    io_uring_prep_poll_add(sqe, nw_container(op, struct nw__uring_listener, accept)->base.fd, POLLIN);
}

/* False: there are no descriptors, or no memory, for another. */
static bool take_all(struct nw__uring_listener *listener)
{
    for (int i = 0; i < NW_IO_TURN_EVENTS && !listener->closing; i++) {
        int fd = accept4(listener->base.fd, NULL, NULL, SOCK_CLOEXEC);
        if (fd < 0 && (errno == ECONNABORTED || errno == EINTR))
            continue;
        if (fd < 0)
            return errno == EAGAIN;
        struct nw_io_conn *conn = nw__uring_conn_new(listener->uring, fd);
        if (conn)
            listener->base.accepted(listener->base.arg, conn);
        else
            close(fd);
    }
    return true;
}

static void accept_complete(struct nw__op *op, int result, unsigned flags)
{
    struct nw__uring_listener *listener = nw_container(op, struct nw__uring_listener, accept);
    (void)flags;
    bool again = result >= 0 && take_all(listener);
    if (listener->closing)
        nw__uring_end(listener->uring, &listener->ending);
    else if (again)
        nw__op_start(listener->uring, op);
    else
        nw_io_timer_start(listener->retry, NW_IO_ACCEPT_RETRY, 0);
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
    if (!timer || flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0) {
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

/* The poll in the kernel holds the socket open beyond close: it is shut down, so that nobody can connect any more. */
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
