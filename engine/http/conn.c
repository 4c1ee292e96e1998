/*
 * A connection of the HTTP server from its beginning to its end: its turn, timeouts, the end. What it reads is in
 * http/input.c, what it writes in http/output.c.
 *
 * Callbacks only note that there is something to do (nw__http_mark_dirty); nw__http_conn_flush does it, once before the
 * loop waits. So answers to pipelined requests leave in one write, and nothing here is called while it runs.
 */
#include "common/base/valid.h"
#include "engine/http/private.h"
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#define LINGER_MS 2000

/* --- what a connection waits for --- */

static enum nw__http_wait wait_of(const struct nw_http_conn *conn)
{
    if (conn->state == CONN_LINGERING)
        return WAIT_LINGER;
    if (conn->writing)
        return WAIT_WRITE;
    if (!nw__http_may_parse(conn))
        return WAIT_NONE;
    if (conn->current)
        return WAIT_BODY;
    if (!nw__http_stash_is_empty(conn))
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
    if (wait == WAIT_NONE)
        return;
    conn->deadline = nw_io_now(conn->server->io) + spans[wait];
    nw_wheel_set_by(conn->server->wheel, &conn->timer, conn->deadline);
}

static void conn_linger(struct nw_http_conn *conn)
{
    conn->stash.length = conn->stash_at = 0;
    nw__http_conn_move(conn, CONN_ALL_WRITTEN);
    nw_io_conn_shutdown(conn->io);
}

/*
 * A client that sends no more may still read, or be gone: to us both look alike. One that is gone refuses what is sent
 * to it, which ends the connection, and one that reads has to take an interim answer at any time (RFC 9110, 15.2). That
 * is sent once, when the answer takes a while.
 */
static void ask_back(struct nw_http_conn *conn)
{
    struct nw_http_request *r = nw__http_first_request(conn);
    if (conn->asked_back || !r || r->answered || r->is_1_0)
        return;
    conn->asked_back = r->wants_continue = true;
    nw__http_write(conn);
}

static void note_deaf(struct nw_http_conn *conn)
{
    bool deaf = !conn->reading && conn->n_requests;
    if (deaf == !nw_list_empty(&conn->deaf_link))
        return;
    if (deaf)
        nw_list_append(&conn->server->deaf, &conn->deaf_link);
    else
        nw_list_remove(&conn->deaf_link);
}

static bool is_finished(const struct nw_http_conn *conn)
{
    if (conn->n_requests || conn->writing || conn->state == CONN_LINGERING)
        return false;
    return conn->state == CONN_LAST || (conn->server->draining && !conn->late && nw__http_stash_is_empty(conn));
}

void nw__http_conn_flush(struct nw_http_conn *conn)
{
    nw__http_write(conn);
    while (conn->state != CONN_CLOSING && !nw__http_stash_is_empty(conn) && nw__http_may_parse(conn)) {
        size_t before = conn->stash.length - conn->stash_at;
        nw__http_parse_stash(conn);
        nw__http_write(conn);
        if (conn->stash.length - conn->stash_at == before)
            break;
    }
    if (conn->state == CONN_CLOSING)
        return;
    if (conn->end_of_input && (nw__http_stash_is_empty(conn) || nw__http_may_parse(conn))) {
        nw__http_drop_partial(conn);
        nw__http_drop_finished(conn); /* its answer may be out already, and then nothing else would look at it */
    }
    if (conn->hung_up)
        ask_back(conn);
    if (conn->state == CONN_CLOSING)
        return;
    if (is_finished(conn) && conn->end_of_input) {
        nw__http_conn_close(conn);
        return;
    }
    if (is_finished(conn))
        conn_linger(conn);
    conn->reading = !conn->end_of_input && (conn->state == CONN_LINGERING || nw__http_may_parse(conn));
    nw_io_conn_read(conn->io, conn->reading);
    note_deaf(conn);
    conn_set_deadline(conn);
    nw_check_valid(nw__http_conn, conn);
}

static void conn_due(struct nw_wheel_timer *timer)
{
    struct nw_http_conn *conn = nw_container(timer, struct nw_http_conn, timer);
    if (conn->wait == WAIT_NONE)
        return;
    if (nw_io_now(conn->server->io) < conn->deadline) { /* it has moved on since */
        nw_wheel_set(conn->server->wheel, timer, conn->deadline);
        return;
    }
    if (conn->wait != WAIT_HEAD && conn->wait != WAIT_BODY) {
        nw__http_conn_close(conn);
        return;
    }
    nw__http_reject(conn, NW_STATUS_BODY_TIMEOUT, conn->wait == WAIT_HEAD ? "headers" : "body");
}

/* --- callbacks of the loop --- */

static void conn_end(void *arg, int error)
{
    struct nw_http_conn *conn = arg;
    if (error || conn->state == CONN_LINGERING) {
        nw__http_conn_close(conn);
        return;
    }
    conn->end_of_input = true;
    nw__http_mark_dirty(conn);
}

static void conn_closed(void *arg)
{
    struct nw_http_conn *conn = arg;
    struct nw_http_server *server = conn->server;
    nw_list_each(&conn->requests, at, after) nw__http_request_free(nw_container(at, struct nw_http_request, link));
    nw_list_remove(&conn->dirty_link);
    nw_list_remove(&conn->deaf_link);
    nw_list_remove(&conn->link);
    server->n_conns--;
    server->n_undrained -= server->draining && !conn->late;
    nw_check_valid(nw__http_server, server);
    nw_buffer_fini(&conn->stash);
    nw_http_parser_fini(&conn->parser);
    free(conn);
}

static const struct nw_io_conn_handler io_handler = {
    .data = nw__http_data, .end = conn_end, .written = nw__http_written, .closed = conn_closed};

int nw__http_conn_open(struct nw_http_server *server, struct nw_io_conn *io)
{
    struct nw_http_conn *conn = calloc(1, sizeof *conn);
    if (!conn)
        return -ENOMEM;
    conn->server = server;
    conn->io = io;
    conn->late = server->draining;
    conn->timer.due = conn_due;
    nw_list_init(&conn->requests);
    nw_list_init(&conn->dirty_link);
    nw_list_init(&conn->deaf_link);
    nw_list_append(&server->conns, &conn->link);
    server->n_conns++;
    nw_http_parser_init(&conn->parser, server->limits.head, nw__http_body, conn);
    nw_io_conn_own(io, &io_handler, conn);
    nw__http_mark_dirty(conn);
    nw_check_valid(nw__http_server, server);
    return 0;
}

static void find_peer(struct nw_http_conn *conn)
{
    struct sockaddr_storage address = {0};
    const struct sockaddr_in *v4 = (const struct sockaddr_in *)&address;
    const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)&address;
    socklen_t size = sizeof address;
    char text[INET6_ADDRSTRLEN];
    conn->peer_known = true;
    if (getpeername(nw_io_conn_fd(conn->io), (struct sockaddr *)&address, &size) < 0)
        return;
    if (address.ss_family == AF_INET && inet_ntop(AF_INET, &v4->sin_addr, text, sizeof text))
        snprintf(conn->peer, sizeof conn->peer, "%s:%u", text, ntohs(v4->sin_port));
    else if (address.ss_family == AF_INET6 && inet_ntop(AF_INET6, &v6->sin6_addr, text, sizeof text))
        snprintf(conn->peer, sizeof conn->peer, "[%s]:%u", text, ntohs(v6->sin6_port));
}

const char *nw_http_peer(struct nw_http_request *r)
{
    if (!r->conn->peer_known)
        find_peer(r->conn);
    return r->conn->peer;
}

void nw_http_abort(struct nw_http_request *r)
{
    nw__http_conn_close(r->conn);
}
