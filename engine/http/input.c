/*
 * What clients send: bytes into requests, heads and bodies to the handlers, back-pressure. Bytes that cannot be parsed
 * yet are kept (the stash). Not responsible for the grammar (http/syntax/parse.c).
 */
#include "common/base/log.h"
#include "engine/http/private.h"
#include <errno.h>
#include <string.h>

#define WATCHED_PATH 1024  /* bytes of a path that are kept for who watches */
#define BODY_STEP    65536 /* bytes of a body that must arrive within limits.body_ms */

void nw__http_reject(struct nw_http_conn *conn, enum nw_status status, const char *why)
{
    struct nw_http_request *r = conn->current;
    nw__http_conn_move(conn, CONN_LAST_REQUEST);
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

static const struct {
    uint8_t parsed;
    enum nw_http_method method;
} methods[] = {
    {HTTP_GET, NW_HTTP_GET}, {HTTP_HEAD, NW_HTTP_GET},      {HTTP_POST, NW_HTTP_POST},
    {HTTP_PUT, NW_HTTP_PUT}, {HTTP_DELETE, NW_HTTP_DELETE}, {HTTP_OPTIONS, NW_HTTP_OPTIONS},
};

static enum nw_http_method method_of(const struct nw_http_parser *parser)
{
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++)
        if (methods[i].parsed == parser->method)
            return methods[i].method;
    return NW_HTTP_OTHER;
}

/* Asks the handler for room for `total` bytes of body. */
static void reserve(struct nw_http_conn *conn, uint64_t total)
{
    struct nw_http_request *r = conn->current;
    if (r->answered || !total)
        return;
    if (total > r->body_limit) {
        nw__http_reject(conn, NW_STATUS_TOO_LARGE, "");
        return;
    }
    conn->held = r->handler->reserve(r, total) == -EAGAIN;
    r->wants_continue = r->expects_continue && !r->answered && !conn->held;
}

/* Queries may hold what should be in no log. */
static size_t path_length(const struct nw_http_request *r)
{
    const char *mark = memchr(r->target, '?', r->target_length);
    size_t length = mark ? (size_t)(mark - r->target) : r->target_length;
    return length < WATCHED_PATH ? length : WATCHED_PATH;
}

static void take_head(struct nw_http_conn *conn)
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
    r->method_name = llhttp_method_name((llhttp_method_t)parser->method);
    r->head_only = parser->method == HTTP_HEAD;
    r->is_1_0 = parser->is_1_0;
    r->keep_alive = parser->keep_alive;
    r->chunked = parser->chunked;
    r->content_length = parser->content_length;
    r->expects_continue = parser->expects_continue && (r->chunked || r->content_length);
    r->target = parser->target.at;
    r->target_length = parser->target.length;
    r->timeout = parser->timeout.at;
    r->timeout_length = parser->timeout.length;
    r->fields = parser->fields;
    r->upgrade = parser->upgrade;
    nw__http_set_id(r, parser->request_id);
    if (!r->keep_alive)
        nw__http_conn_move(conn, CONN_LAST_REQUEST);
    if (r->began)
        r->path = strndup(r->target, path_length(r));
    conn->server->head(conn->server->arg, r);
    if (conn->current != r)
        return;
    if (r->chunked)
        r->wants_continue = r->expects_continue && !r->answered;
    else
        reserve(conn, r->content_length);
}

static void take_chunk(struct nw_http_conn *conn)
{
    uint64_t chunk = conn->parser.chunk;
    /* This also limits a body that is thrown away. */
    if (chunk > conn->current->body_limit - conn->announced) {
        nw__http_reject(conn, NW_STATUS_TOO_LARGE, "");
        return;
    }
    conn->announced += chunk;
    if (chunk)
        reserve(conn, conn->announced);
}

void nw__http_body(void *arg, const char *data, size_t length)
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

static void take_message_end(struct nw_http_conn *conn)
{
    struct nw_http_request *r = conn->current;
    conn->current = NULL;
    conn->held = false; /* the handler may have paused it at its last bytes */
    conn->wait = WAIT_NONE;
    r->body_done = true;
    r->wants_continue = false;
    if (!r->answered)
        r->handler->end(r);
}

/* Parses as far as possible. The bytes that were consumed. */
static size_t parse(struct nw_http_conn *conn, const char *data, size_t length)
{
    size_t used = 0;
    while (nw__http_may_parse(conn)) {
        size_t consumed;
        enum nw_http_event event = nw_http_parser_feed(&conn->parser, data + used, length - used, &consumed);
        used += consumed;
        switch (event) {
        case NW_HTTP_MORE:
            return used;
        case NW_HTTP_HEAD:
            take_head(conn);
            break;
        case NW_HTTP_CHUNK:
            take_chunk(conn);
            break;
        case NW_HTTP_END:
            take_message_end(conn);
            break;
        case NW_HTTP_BAD:
            nw__http_reject(conn, conn->parser.status, conn->parser.why);
            return length;
        }
    }
    return used;
}

void nw__http_parse_stash(struct nw_http_conn *conn)
{
    conn->stash_at += parse(conn, conn->stash.data + conn->stash_at, conn->stash.length - conn->stash_at);
    if (conn->stash_at == conn->stash.length)
        conn->stash.length = conn->stash_at = 0;
}

/* Nothing that the client may still send is looked at. */
static bool is_over(const struct nw_http_conn *conn)
{
    return conn->state != CONN_OPEN && !conn->current;
}

void nw__http_data(void *arg, const char *data, size_t length)
{
    struct nw_http_conn *conn = arg;
    nw__http_mark_dirty(conn);
    if (is_over(conn))
        return;
    if (nw__http_stash_is_empty(conn)) {
        size_t used = parse(conn, data, length);
        data += used;
        length -= used;
    }
    if (!length || conn->state == CONN_CLOSING || is_over(conn))
        return;
    nw_buffer_consume(&conn->stash, conn->stash_at);
    conn->stash_at = 0;
    if (nw_buffer_append(&conn->stash, data, length) < 0) {
        nw_log(NW_LOG_ERROR, "cannot keep %zu bytes of a request: out of memory; its connection is closed", length);
        nw__http_conn_close(conn);
        return;
    }
    nw__http_parse_stash(conn);
}

void nw__http_drop_partial(struct nw_http_conn *conn)
{
    struct nw_http_request *r = conn->current;
    nw__http_conn_move(conn, CONN_LAST_REQUEST);
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
