/*
 * Connections of the io_uring backend: one receive that stays armed while there are buffers enough, and at most one
 * send.
 *
 * A receive that is armed may complete after reading was turned off, and before it is cancelled. What it brings then
 * is copied and held until reading is on again: at most what the ring of buffers holds, since the buffers go back
 * only here, and the cancellation is on its way before the next time that they are looked at.
 */
#include "common/base/valid.h"
#include "engine/io/uring/objects.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct nw__uring_held {
    struct nw__uring_held *next;
    size_t length;
    char data[];
};

static bool wants_receive(const struct nw__uring_conn *conn)
{
    return conn->reading && !conn->over && !conn->held && !conn->closing;
}

bool nw__uring_conn_is_valid(const struct nw__uring_conn *conn)
{
    enum nw__op_state receive = conn->receive.state;
    bool started = receive == OP_QUEUED || receive == OP_ARMED,
         idle = receive == OP_IDLE || receive == OP_CANCEL_QUEUED;
    if (!nw__op_is_valid(&conn->receive) || !nw__op_is_valid(&conn->send))
        return false;
    if (wants_receive(conn) ? idle : started)
        return false;
    if (conn->send.state == OP_QUEUED && !conn->pending.n)
        return false;
    return nw_list_empty(&conn->held_link) || (!conn->closing && (conn->held || conn->over));
}

/* --- receiving --- */

static void receive_prepare(struct nw__op *op, struct io_uring_sqe *sqe)
{
    struct nw__uring_conn *conn = nw_container(op, struct nw__uring_conn, receive);
    if (conn->uring->multishot_receive && !conn->sparing)
        io_uring_prep_recv_multishot(sqe, conn->base.fd, NULL, 0, 0);
    else
        io_uring_prep_recv(sqe, conn->base.fd, NULL, 0, 0);
    nw__uring_buffer_select(sqe);
}

/* Arms or takes back the receive, as it is wanted now. */
static void update(struct nw__uring_conn *conn)
{
    if (wants_receive(conn))
        nw__op_start(conn->uring, &conn->receive);
    else
        nw__op_cancel(conn->uring, &conn->receive);
    nw_check_valid(nw__uring_conn, conn);
}

static void set_over(struct nw__uring_conn *conn, int error)
{
    conn->over = true;
    conn->error = error;
    if (conn->reading && nw_list_empty(&conn->held_link))
        nw_list_append(&conn->uring->held, &conn->held_link);
}

static void hold(struct nw__uring_conn *conn, const char *data, size_t length)
{
    struct nw__uring_held *held = malloc(sizeof *held + length);
    if (!held) {
        set_over(conn, -ENOMEM);
        return;
    }
    held->next = NULL;
    held->length = length;
    memcpy(held->data, data, length);
    if (conn->held)
        conn->last_held->next = held;
    else
        conn->held = held;
    conn->last_held = held;
}

static void received(struct nw__uring_conn *conn, const char *data, size_t length)
{
    if (conn->reading && !conn->held)
        conn->base.handler->data(conn->base.arg, data, length);
    else if (!conn->over)
        hold(conn, data, length);
}

/* All buffers were in use, or the operation was taken back: the connection is as good as before. */
static bool is_temporary(int result)
{
    return result == -ENOBUFS || result == -ECANCELED || result == -EINTR || result == -EAGAIN;
}

static void end_when_idle(struct nw__uring_conn *conn)
{
    if (conn->closing && conn->receive.state == OP_IDLE && conn->send.state == OP_IDLE)
        nw__uring_end(conn->uring, &conn->ending);
}

/*
 * A receive that stays armed may take all buffers for what one fast client sent. A connection that found none is served
 * first in the next turn, and as long as buffers are short each connection takes one at a time.
 */
static void share_buffers(struct nw__uring_conn *conn, int result)
{
    if (result == -ENOBUFS) {
        conn->sparing = true;
        nw__op_first(conn->uring, &conn->receive);
    } else if (result < NW__URING_BUFFER_SIZE) {
        conn->sparing = false;
    }
}

static void receive_complete(struct nw__op *op, int result, unsigned flags)
{
    struct nw__uring_conn *conn = nw_container(op, struct nw__uring_conn, receive);
    struct nw__uring *uring = conn->uring;
    uring->received += result > 0 ? (size_t)result : 0;
    if (conn->closing)
        end_when_idle(conn);
    else if (result > 0)
        received(conn, nw__uring_buffer(uring, flags), (size_t)result);
    else if (result == -EINVAL && uring->multishot_receive)
        uring->multishot_receive = false;
    else if (!is_temporary(result))
        set_over(conn, result);
    nw__uring_buffer_return(uring, flags);
    if (conn->closing)
        return;
    update(conn);
    share_buffers(conn, result);
}

static void give_held(struct nw__uring_conn *conn)
{
    while (conn->held && conn->reading && !conn->closing) {
        struct nw__uring_held *held = conn->held;
        conn->held = held->next;
        conn->base.handler->data(conn->base.arg, held->data, held->length);
        free(held);
    }
    if (conn->over && !conn->held && conn->reading && !conn->closing) {
        conn->reading = false;
        conn->base.handler->end(conn->base.arg, conn->error);
    }
    if (!conn->closing)
        update(conn);
}

void nw__uring_give_held(struct nw__uring *uring)
{
    struct nw_list now;
    nw_list_init(&now);
    nw_list_splice(&now, &uring->held);
    while (!nw_list_empty(&now)) {
        struct nw__uring_conn *conn = nw_container(now.next, struct nw__uring_conn, held_link);
        nw_list_remove(&conn->held_link);
        give_held(conn);
    }
}

void nw__uring_conn_read(struct nw_io_conn *base, bool on)
{
    struct nw__uring_conn *conn = (struct nw__uring_conn *)base;
    if (conn->reading == on || conn->closing)
        return;
    conn->reading = on;
    if (on && (conn->held || conn->over) && nw_list_empty(&conn->held_link))
        nw_list_append(&conn->uring->held, &conn->held_link);
    update(conn);
}

/* --- sending --- */

/* Before Linux 6.1, whose rings defer task work, a send of all forgets what it had sent when it is taken back. */
static int send_flags(const struct nw__uring *uring)
{
    return MSG_NOSIGNAL | (uring->ring.flags & IORING_SETUP_DEFER_TASKRUN ? MSG_WAITALL : 0);
}

static void send_prepare(struct nw__op *op, struct io_uring_sqe *sqe)
{
    struct nw__uring_conn *conn = nw_container(op, struct nw__uring_conn, send);
    int flags = send_flags(conn->uring);
    conn->message =
        (struct msghdr){.msg_iov = conn->pending.iov + conn->pending.first, .msg_iovlen = (size_t)conn->pending.n};
    if (conn->pending.n == 1)
        io_uring_prep_send(sqe, conn->base.fd, conn->message.msg_iov->iov_base, conn->message.msg_iov->iov_len, flags);
    else
        io_uring_prep_sendmsg(sqe, conn->base.fd, &conn->message, (unsigned)flags);
}

static void tell_written(struct nw__uring_conn *conn, int error)
{
    conn->base.unsent = nw_io_pending_left(&conn->pending);
    conn->pending.n = 0;
    conn->unwriting = false;
    conn->base.handler->written(conn->base.arg, error);
}

static void send_complete(struct nw__op *op, int result, unsigned flags)
{
    struct nw__uring_conn *conn = nw_container(op, struct nw__uring_conn, send);
    (void)flags;
    if (conn->closing) {
        end_when_idle(conn);
        return;
    }
    if (result > 0)
        nw_io_pending_sent(&conn->pending, (size_t)result);
    bool more = conn->pending.n && (result >= 0 || is_temporary(result));
    if (more && !conn->unwriting)
        nw__op_start(conn->uring, op);
    else
        tell_written(conn, more ? -ECANCELED : result < 0 ? result : 0);
}

/* All answers of a turn go to the kernel in one call, with whatever else the turn has for it. */
int nw__uring_conn_write(struct nw_io_conn *base, const struct iovec *iov, int n)
{
    struct nw__uring_conn *conn = (struct nw__uring_conn *)base;
    nw_check_that(!conn->pending.n);
    nw_io_pending_set(&conn->pending, iov, n);
    nw__op_start(conn->uring, &conn->send);
    nw_check_valid(nw__uring_conn, conn);
    return 0;
}

void nw__uring_conn_unwrite(struct nw_io_conn *base)
{
    struct nw__uring_conn *conn = (struct nw__uring_conn *)base;
    if (!conn->pending.n || conn->closing)
        return;
    conn->unwriting = true;
    nw__op_cancel(conn->uring, &conn->send);
    if (conn->send.state == OP_IDLE)
        tell_written(conn, -ECANCELED);
}

/* --- life --- */

static void conn_end(struct nw__ending *ending)
{
    struct nw__uring_conn *conn = nw_container(ending, struct nw__uring_conn, ending);
    close(conn->base.fd);
    if (conn->base.handler)
        conn->base.handler->closed(conn->base.arg);
    while (conn->held) {
        struct nw__uring_held *next = conn->held->next;
        free(conn->held);
        conn->held = next;
    }
    conn->uring->living--;
    free(conn);
}

void nw__uring_conn_close(struct nw_io_conn *base)
{
    struct nw__uring_conn *conn = (struct nw__uring_conn *)base;
    if (conn->closing)
        return;
    conn->closing = true;
    nw_list_remove(&conn->held_link);
    nw__op_cancel(conn->uring, &conn->receive);
    nw__op_cancel(conn->uring, &conn->send);
    nw_check_valid(nw__uring_conn, conn);
    end_when_idle(conn);
}

struct nw_io_conn *nw__uring_conn_new(struct nw__uring *uring, int fd)
{
    struct nw__uring_conn *conn = calloc(1, sizeof *conn);
    if (!conn)
        return NULL;
    conn->base.backend = uring->base.backend;
    conn->base.fd = fd;
    conn->uring = uring;
    conn->ending.end = conn_end;
    nw_list_init(&conn->ending.link);
    nw_list_init(&conn->held_link);
    nw__op_init(&conn->receive, receive_prepare, receive_complete);
    nw__op_init(&conn->send, send_prepare, send_complete);
    nw_io_set_up_socket(fd);
    uring->living++;
    return &conn->base;
}
