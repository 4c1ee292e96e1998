/*
 * Connections of the HTTP server: reading, the order of answers, back-pressure, timeouts, the end. Not responsible for
 * the grammar (http/parse.c) or the text of answers (http/answer.c).
 *
 * Everything that a callback makes possible is only noted (nw__http_mark_dirty) and done in nw__http_conn_flush, once
 * before the loop waits: so answers to pipelined requests leave in one write, and nothing here runs inside itself.
 */
#include "common/base/log.h"
#include "engine/http/private.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SLICE \
    (NW__HTTP_FLUSH_BYTES + NW_HTTP_HEAD_SIZE) /* bytes per write, so that progress of a slow reader is seen */
#define BODY_STEP 65536                        /* bytes of a body that must arrive within limits.body_ms */
#define LINGER_MS 2000

static const char continue_line[] = "HTTP/1.1 100 Continue\r\n\r\n";

void nw__http_mark_dirty(struct nw_http_conn *conn)
{
    if (nw_list_empty(&conn->dirty_link) && !conn->closing)
        nw_list_append(&conn->server->dirty, &conn->dirty_link);
}

/* --- requests of a connection --- */

static struct nw_http_request *first_request(struct nw_http_conn *conn)
{
    return nw_list_empty(&conn->requests) ? NULL : nw_container(conn->requests.next, struct nw_http_request, link);
}

void nw__http_conn_close(struct nw_http_conn *conn)
{
    if (conn->closing)
        return;
    conn->closing = true;
    nw_list_remove(&conn->dirty_link);
    nw_list_each(&conn->requests, at, after)
    {
        struct nw_http_request *r = nw_container(at, struct nw_http_request, link);
        if (!r->answered)
            r->handler->gone(r);
    }
    nw_io_conn_close(conn->io);
}

/* Ends the request that is being read with an error, after which nothing more is parsed. */
static void conn_reject(struct nw_http_conn *conn, enum nw_status status, const char *why)
{
    struct nw_http_request *r = conn->current;
    conn->last = true;
    conn->held = false;
    conn->current = NULL;
    if (r && !r->answered)
        r->handler->gone(r);
    if (!r) {
        r = nw__http_request_new(conn);
        if (!r) {
            nw__http_conn_close(conn);
            return;
        }
        nw__http_set_id(r, (struct nw_http_text){NULL, 0});
    }
    r->body_done = true;
    r->keep_alive = false;
    if (!r->answered)
        nw_http_answer_error(r, status, why, strlen(why));
    nw__http_mark_dirty(conn);
}

/* --- parsing --- */

static const struct {
    uint8_t parsed;
    enum nw_http_method method;
} methods[] = {
    {HTTP_GET, NW_HTTP_GET}, {HTTP_HEAD, NW_HTTP_GET},      {HTTP_POST, NW_HTTP_POST},
    {HTTP_PUT, NW_HTTP_PUT}, {HTTP_DELETE, NW_HTTP_DELETE},
};

static enum nw_http_method method_of(const struct nw_http_parser *parser)
{
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++)
        if (methods[i].parsed == parser->method)
            return methods[i].method;
    return NW_HTTP_OTHER;
}

/* Asks for room for the body so far and what is announced. */
static void conn_reserve(struct nw_http_conn *conn, uint64_t total)
{
    struct nw_http_request *r = conn->current;
    if (r->answered || !total)
        return;
    if (total > r->body_limit) {
        conn_reject(conn, NW_STATUS_TOO_LARGE, "");
        return;
    }
    conn->held = r->handler->reserve(r, total) == -EAGAIN;
    r->wants_continue = r->expects_continue && !r->answered && !conn->held;
}

static void conn_head(struct nw_http_conn *conn)
{
    const struct nw_http_parser *parser = &conn->parser;
    struct nw_http_request *r = nw__http_request_new(conn);
    if (!r) {
        nw_log(NW_LOG_ERROR, "cannot take a request: out of memory; its connection is closed");
        nw__http_conn_close(conn);
        return;
    }
    conn->current = r;
    conn->wait = WAIT_NONE;
    conn->announced = 0;
    conn->body_mark = BODY_STEP;
    r->method = method_of(parser);
    r->head_only = parser->method == HTTP_HEAD;
    r->is_1_0 = parser->is_1_0;
    r->keep_alive = parser->keep_alive;
    r->chunked = parser->chunked;
    r->content_length = parser->content_length;
    r->expects_continue = parser->expects_continue && (r->chunked || r->content_length);
    r->target = parser->target.at;
    r->target_length = parser->target.length;
    nw__http_set_id(r, parser->request_id);
    if (!r->keep_alive)
        conn->last = true;
    conn->server->head(conn->server->arg, r);
    if (conn->current != r)
        return;
    if (r->chunked)
        r->wants_continue = r->expects_continue && !r->answered;
    else
        conn_reserve(conn, r->content_length);
}

static void conn_chunk(struct nw_http_conn *conn)
{
    uint64_t chunk = conn->parser.chunk;
    /* Discarded bodies have a limit, too. */
    if (chunk > conn->current->body_limit - conn->announced) {
        conn_reject(conn, NW_STATUS_TOO_LARGE, "");
        return;
    }
    conn->announced += chunk;
    if (chunk)
        conn_reserve(conn, conn->announced);
}

static void conn_body(void *arg, const char *data, size_t length)
{
    struct nw_http_conn *conn = arg;
    struct nw_http_request *r = conn->current;
    if (!r)
        return;
    r->received += length;
    r->wants_continue = false;
    if (r->received >= conn->body_mark) {
        conn->body_mark = r->received + BODY_STEP;
        conn->wait = WAIT_NONE;
    }
    if (!r->answered)
        r->handler->data(r, data, length);
}

static void conn_message_end(struct nw_http_conn *conn)
{
    struct nw_http_request *r = conn->current;
    conn->current = NULL;
    conn->held = false; /* it may have been paused with its last bytes */
    conn->wait = WAIT_NONE;
    r->body_done = true;
    r->wants_continue = false;
    if (!r->answered)
        r->handler->end(r);
}

/* `last` stops the parser between requests only: the body of the last request is still read. */
static bool conn_may_parse(const struct nw_http_conn *conn)
{
    if (conn->held || conn->closing || conn->lingering)
        return false;
    return conn->current || (!conn->last && conn->n_requests < conn->server->limits.pipeline);
}

/* Parses as far as possible. The bytes that were consumed. */
static size_t conn_parse(struct nw_http_conn *conn, const char *data, size_t length)
{
    size_t used = 0;
    while (conn_may_parse(conn)) {
        size_t consumed;
        enum nw_http_event event = nw_http_parser_feed(&conn->parser, data + used, length - used, &consumed);
        used += consumed;
        switch (event) {
        case NW_HTTP_MORE:
            return used;
        case NW_HTTP_HEAD:
            conn_head(conn);
            break;
        case NW_HTTP_CHUNK:
            conn_chunk(conn);
            break;
        case NW_HTTP_END:
            conn_message_end(conn);
            break;
        case NW_HTTP_BAD:
            conn_reject(conn, conn->parser.status, conn->parser.why);
            return length;
        }
    }
    return used;
}

static void conn_parse_stash(struct nw_http_conn *conn)
{
    conn->stash_at += conn_parse(conn, conn->stash.data + conn->stash_at, conn->stash.length - conn->stash_at);
    if (conn->stash_at == conn->stash.length)
        conn->stash.length = conn->stash_at = 0;
}

static bool stash_empty(const struct nw_http_conn *conn)
{
    return conn->stash.length == conn->stash_at;
}

static void conn_data(void *arg, const char *data, size_t length)
{
    struct nw_http_conn *conn = arg;
    nw__http_mark_dirty(conn);
    if (conn->lingering || (conn->last && !conn->current))
        return;
    if (stash_empty(conn)) {
        size_t used = conn_parse(conn, data, length);
        data += used;
        length -= used;
    }
    if (!length || conn->closing || (conn->last && !conn->current))
        return;
    nw_buffer_consume(&conn->stash, conn->stash_at);
    conn->stash_at = 0;
    if (nw_buffer_append(&conn->stash, data, length) < 0) {
        nw_log(NW_LOG_ERROR, "cannot keep %zu bytes of a request: out of memory; its connection is closed", length);
        nw__http_conn_close(conn);
        return;
    }
    conn_parse_stash(conn);
}

static void conn_end(void *arg, int error)
{
    struct nw_http_conn *conn = arg;
    if (error || conn->lingering) {
        nw__http_conn_close(conn);
        return;
    }
    conn->end_of_input = true;
    nw__http_mark_dirty(conn);
}

/* --- writing --- */

/* Takes `bytes` that were sent off the first answers. */
static void account_written(struct nw_http_conn *conn, size_t bytes)
{
    while (bytes) {
        struct nw_http_request *r = first_request(conn);
        size_t left = r->head_length + r->body_length - r->written;
        size_t taken = bytes < left ? bytes : left;
        r->written += taken;
        bytes -= taken;
        if (taken < left)
            return;
        if (!r->body_done) /* its body is still being thrown away; it ends the list */
            return;
        nw__http_request_free(r);
    }
}

static bool all_written(const struct nw_http_request *r)
{
    return r->answered && r->written == r->head_length + r->body_length;
}

/* Frees a first request that was answered before its body was through. */
static void drop_finished(struct nw_http_conn *conn)
{
    struct nw_http_request *r = first_request(conn);
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

/* Gathers the answers that are next, as far as they are there. The number of iovecs. */
static int gather(struct nw_http_conn *conn, struct iovec *iov, size_t *bytes)
{
    int n = 0;
    *bytes = 0;
    nw_list_each(&conn->requests, at, after)
    {
        struct nw_http_request *r = nw_container(at, struct nw_http_request, link);
        if (!r->answered && r->wants_continue && !n) { /* alone, so that what is unsent of a write is of answers */
            r->wants_continue = r->expects_continue = false;
            iov[n++] = (struct iovec){(char *)continue_line, sizeof continue_line - 1};
        }
        if (!r->answered || n + 2 > NW_IO_IOV_MAX || *bytes >= SLICE)
            break;
        *bytes += add_iov(iov, &n, r->head, r->head_length, r->written, SLICE - *bytes);
        size_t skip = r->written > r->head_length ? r->written - r->head_length : 0;
        *bytes += add_iov(iov, &n, r->body, r->body_length, skip, SLICE - *bytes);
    }
    return n;
}

/* Writes until nothing is ready, a write is not done at once, or others come to their turn. */
static void conn_write(struct nw_http_conn *conn)
{
    struct iovec iov[NW_IO_IOV_MAX];
    while (!conn->writing && !conn->closing) {
        drop_finished(conn);
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

/* The rest of the body lies elsewhere from now on, and is all there is of it. */
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

static void conn_written(void *arg, int error)
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

/* Whether the write that is under way looks at this answer. */
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

/* --- what a connection waits for --- */

static enum nw__http_wait wait_of(const struct nw_http_conn *conn)
{
    if (conn->lingering)
        return WAIT_LINGER;
    if (conn->writing)
        return WAIT_WRITE;
    if (!conn_may_parse(conn))
        return WAIT_NONE;
    if (conn->current)
        return WAIT_BODY;
    if (!stash_empty(conn))
        return WAIT_HEAD;
    return conn->n_requests ? WAIT_NONE : WAIT_IDLE;
}

static void conn_set_deadline(struct nw_http_conn *conn)
{
    const struct nw_http_limits *limits = &conn->server->limits;
    const uint64_t spans[] = {
        [WAIT_IDLE] = limits->idle_ms,   [WAIT_HEAD] = limits->head_ms, [WAIT_BODY] = limits->body_ms,
        [WAIT_WRITE] = limits->write_ms, [WAIT_LINGER] = LINGER_MS,
    };
    enum nw__http_wait wait = wait_of(conn);
    if (wait == conn->wait)
        return;
    conn->wait = wait;
    conn->deadline = nw_io_now(conn->server->io) + spans[wait];
}

/* The client will send no more: what it left half done is not a request. */
static void drop_partial(struct nw_http_conn *conn)
{
    struct nw_http_request *r = conn->current;
    conn->last = true;
    conn->current = NULL;
    conn->held = false;
    if (!r)
        return;
    r->body_done = true;
    if (r->answered)
        return;
    r->handler->gone(r);
    nw__http_request_free(r);
}

static void conn_linger(struct nw_http_conn *conn)
{
    conn->lingering = true;
    conn->stash.length = conn->stash_at = 0;
    nw_io_conn_shutdown(conn->io);
}

static bool is_finished(const struct nw_http_conn *conn)
{
    if (conn->n_requests || conn->writing || conn->lingering)
        return false;
    return conn->last || (conn->server->draining && !conn->late && stash_empty(conn));
}

void nw__http_conn_flush(struct nw_http_conn *conn)
{
    conn_write(conn);
    while (!conn->closing && !stash_empty(conn) && conn_may_parse(conn)) {
        size_t before = conn->stash.length - conn->stash_at;
        conn_parse_stash(conn);
        conn_write(conn);
        if (conn->stash.length - conn->stash_at == before)
            break;
    }
    if (conn->closing)
        return;
    if (conn->end_of_input && (stash_empty(conn) || conn_may_parse(conn))) {
        drop_partial(conn);
        drop_finished(conn); /* its answer may be out already, and then nothing else would look at it */
    }
    if (is_finished(conn) && conn->end_of_input) {
        nw__http_conn_close(conn);
        return;
    }
    if (is_finished(conn))
        conn_linger(conn);
    conn->reading = !conn->end_of_input && (conn->lingering || conn_may_parse(conn));
    nw_io_conn_read(conn->io, conn->reading);
    conn_set_deadline(conn);
}

void nw__http_conn_tick(struct nw_http_conn *conn)
{
    if (conn->closing || conn->wait == WAIT_NONE || nw_io_now(conn->server->io) < conn->deadline)
        return;
    if (conn->wait != WAIT_HEAD && conn->wait != WAIT_BODY) {
        nw__http_conn_close(conn);
        return;
    }
    conn_reject(conn, NW_STATUS_BODY_TIMEOUT, conn->wait == WAIT_HEAD ? "headers" : "body");
}

static void conn_closed(void *arg)
{
    struct nw_http_conn *conn = arg;
    struct nw_http_server *server = conn->server;
    nw_list_each(&conn->requests, at, after) nw__http_request_free(nw_container(at, struct nw_http_request, link));
    nw_list_remove(&conn->dirty_link);
    nw_list_remove(&conn->link);
    server->n_conns--;
    server->n_undrained -= server->draining && !conn->late;
    nw_buffer_fini(&conn->stash);
    nw_http_parser_fini(&conn->parser);
    free(conn);
}

static const struct nw_io_conn_handler io_handler = {
    .data = conn_data, .end = conn_end, .written = conn_written, .closed = conn_closed};

int nw__http_conn_open(struct nw_http_server *server, struct nw_io_conn *io)
{
    struct nw_http_conn *conn = calloc(1, sizeof *conn);
    if (!conn)
        return -ENOMEM;
    conn->server = server;
    conn->io = io;
    conn->late = server->draining;
    nw_list_init(&conn->requests);
    nw_list_init(&conn->dirty_link);
    nw_list_append(&server->conns, &conn->link);
    server->n_conns++;
    nw_http_parser_init(&conn->parser, server->limits.head, conn_body, conn);
    nw_io_conn_own(io, &io_handler, conn);
    nw__http_mark_dirty(conn);
    return 0;
}

void nw_http_abort(struct nw_http_request *r)
{
    nw__http_conn_close(r->conn);
}

void nw_http_pause(struct nw_http_request *r)
{
    r->conn->held = true;
}

void nw_http_resume(struct nw_http_request *r)
{
    struct nw_http_conn *conn = r->conn;
    if (conn->current == r) {
        conn->held = false;
        r->wants_continue = r->expects_continue && !r->received;
    }
    nw__http_mark_dirty(conn);
}
