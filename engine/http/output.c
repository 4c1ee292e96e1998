/*
 * How answers reach the socket: in the order of their requests, gathered into one write, in slices, with a pause when
 * the turn has written enough. An answer whose body moves to another place goes on from there, and one that is not
 * whole yet holds up those behind it.
 */
#include "engine/http/private.h"
#include <errno.h>

/* Bytes of a write: few enough that the progress of a client that reads slowly is seen. */
#define SLICE (NW__HTTP_FLUSH_BYTES + NW_HTTP_HEAD_SIZE)

static const char continue_line[] = "HTTP/1.1 100 Continue\r\n\r\n";

/* Takes `bytes` that were sent off the first answers. */
static void account_written(struct nw_http_conn *conn, size_t bytes)
{
    while (bytes) {
        struct nw_http_request *r = nw__http_first_request(conn);
        size_t left = r->head_length + r->body_length - r->written;
        size_t taken = bytes < left ? bytes : left;
        r->written += taken;
        bytes -= taken;
        if (taken < left)
            return;
        if (r->more) { /* no answer behind it is in this write */
            r->more(r->release_arg);
            return;
        }
        if (!r->body_done) /* the rest of its body is still to be read; no request is behind it */
            return;
        nw__http_request_free(r);
    }
}

static bool all_written(const struct nw_http_request *r)
{
    return r->answered && !r->more && r->written == r->head_length + r->body_length;
}

void nw__http_drop_finished(struct nw_http_conn *conn)
{
    struct nw_http_request *r = nw__http_first_request(conn);
    if (r && all_written(r) && r->body_done)
        nw__http_request_free(r);
}

static size_t add_iov(struct iovec *iov, int *n, const char *data, size_t length, size_t skip, size_t room)
{
    if (skip >= length)
        return 0;
    size_t size = length - skip < room ? length - skip : room;
    if (size)
        iov[(*n)++] = (struct iovec){(char *)data + skip, size};
    return size;
}

/* Gathers the next answers, as far as they are complete. Returns the number of iovecs. */
static int gather(struct nw_http_conn *conn, struct iovec *iov, size_t *bytes)
{
    int n = 0;
    *bytes = 0;
    nw_list_each(&conn->requests, at, after)
    {
        struct nw_http_request *r = nw_container(at, struct nw_http_request, link);
        if (!r->answered && r->wants_continue && !n) { /* never in a write with answers, whose bytes are counted */
            r->wants_continue = r->expects_continue = false;
            iov[n++] = (struct iovec){(char *)continue_line, sizeof continue_line - 1};
        }
        if (!r->answered || n + 2 > NW_IO_IOV_MAX || *bytes >= SLICE)
            break;
        *bytes += add_iov(iov, &n, r->head, r->head_length, r->written, SLICE - *bytes);
        size_t skip = r->written > r->head_length ? r->written - r->head_length : 0;
        *bytes += add_iov(iov, &n, r->body, r->body_length, skip, SLICE - *bytes);
        if (r->more)
            break;
    }
    return n;
}

void nw__http_write(struct nw_http_conn *conn)
{
    struct iovec iov[NW_IO_IOV_MAX];
    while (!conn->writing && conn->state != CONN_CLOSING) {
        nw__http_drop_finished(conn);
        if (conn->server->flushed >= NW__HTTP_FLUSH_BYTES) {
            nw__http_mark_dirty(conn);
            return;
        }
        int n = gather(conn, iov, &conn->writing_bytes);
        if (!n)
            return;
        conn->server->flushed += conn->writing_bytes;
        int rc = nw_io_conn_write(conn->io, iov, n);
        if (rc < 0)
            nw__http_conn_close(conn);
        else if (rc > 0)
            account_written(conn, conn->writing_bytes);
        else
            conn->writing = true;
        conn->wait = WAIT_NONE;
    }
}

/* From now on the body is only its rest, in the new place. */
static void finish_move(struct nw_http_request *r)
{
    size_t left = nw_http_unwritten(r);
    size_t skip = r->body_length - left;
    r->body = r->move_to + (skip - r->move_from);
    r->body_length = left;
    r->written -= skip;
    r->move_to = NULL;
    r->moved(r->release_arg);
}

void nw__http_written(void *arg, int error)
{
    struct nw_http_conn *conn = arg;
    conn->writing = false;
    conn->wait = WAIT_NONE;
    if (error && error != -ECANCELED) {
        nw__http_conn_close(conn);
        return;
    }
    account_written(conn, conn->writing_bytes - (error ? nw_io_conn_unsent(conn->io) : 0));
    nw_list_each(&conn->requests, at, after)
    {
        struct nw_http_request *r = nw_container(at, struct nw_http_request, link);
        if (r->move_to)
            finish_move(r);
    }
    nw__http_mark_dirty(conn);
}

size_t nw_http_unwritten(const struct nw_http_request *r)
{
    size_t of_body = r->written > r->head_length ? r->written - r->head_length : 0;
    return r->body_length - of_body;
}

/* Whether the write that is under way holds some of this answer. */
static bool is_being_written(const struct nw_http_request *r)
{
    struct nw_http_conn *conn = r->conn;
    size_t before = 0;
    nw_list_each(&conn->requests, at, after)
    {
        const struct nw_http_request *other = nw_container(at, struct nw_http_request, link);
        if (other == r || before >= conn->writing_bytes)
            break;
        before += other->head_length + other->body_length - other->written;
    }
    return conn->writing && before < conn->writing_bytes;
}

void nw_http_move(struct nw_http_request *r, char *memory, size_t from)
{
    r->move_to = memory;
    r->move_from = from;
    if (is_being_written(r))
        nw_io_conn_unwrite(r->conn->io);
    else
        finish_move(r);
}
