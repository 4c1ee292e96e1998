/* The states of a connection (private.h), and what follows from them. */
#include "common/base/valid.h"
#include "engine/http/private.h"

#define NEVER CONN_STATES /* such an event cannot come in such a state */

static const enum nw__http_conn_state next_state[CONN_STATES][CONN_EVENTS] = {
    [CONN_OPEN] = {[CONN_LAST_REQUEST] = CONN_LAST, [CONN_ALL_WRITTEN] = CONN_LINGERING, [CONN_CLOSE] = CONN_CLOSING},
    [CONN_LAST] = {[CONN_LAST_REQUEST] = CONN_LAST, [CONN_ALL_WRITTEN] = CONN_LINGERING, [CONN_CLOSE] = CONN_CLOSING},
    [CONN_LINGERING] = {[CONN_LAST_REQUEST] = NEVER, [CONN_ALL_WRITTEN] = NEVER, [CONN_CLOSE] = CONN_CLOSING},
    [CONN_CLOSING] = {[CONN_LAST_REQUEST] = CONN_CLOSING, [CONN_ALL_WRITTEN] = NEVER, [CONN_CLOSE] = CONN_CLOSING},
};

/* Answers are written in order, and what was written to its end is freed. */
static bool requests_are_valid(const struct nw_http_conn *conn)
{
    unsigned n = 0;
    nw_list_each(&conn->requests, at, walk)
    {
        const struct nw_http_request *r = nw_container(at, struct nw_http_request, link);
        if (r->conn != conn || (r->written && n) || (r->written && !r->answered) ||
            r->written > r->head_length + r->body_length)
            return false;
        n++;
    }
    return n == conn->n_requests;
}

/* The last request is the one whose body is being read, if any is. */
static bool current_is_valid(const struct nw_http_conn *conn)
{
    const struct nw_http_request *r = conn->current;
    return r ? conn->requests.prev == &r->link && !r->body_done : !conn->held;
}

bool nw__http_conn_is_valid(const struct nw_http_conn *conn)
{
    if (conn->state >= CONN_STATES || conn->stash_at > conn->stash.length || !nw_list_is_valid(&conn->dirty_link))
        return false;
    if (conn->state == CONN_CLOSING)
        return nw_list_empty(&conn->dirty_link);
    if (conn->state == CONN_LINGERING && (conn->n_requests || conn->writing || conn->stash.length))
        return false;
    return requests_are_valid(conn) && current_is_valid(conn);
}

bool nw__http_server_is_valid(const struct nw_http_server *server)
{
    return server->n_listeners >= 0 && server->n_listeners <= NW__HTTP_LISTENERS_MAX &&
           nw_list_empty(&server->conns) == !server->n_conns && server->n_undrained <= server->n_conns;
}

void nw__http_conn_move(struct nw_http_conn *conn, enum nw__http_conn_event event)
{
    enum nw__http_conn_state next = next_state[conn->state][event];
    nw_check_that(next != NEVER);
    if (next != NEVER)
        conn->state = next;
    nw_check_valid(nw__http_conn, conn);
}

void nw__http_mark_dirty(struct nw_http_conn *conn)
{
    if (nw_list_empty(&conn->dirty_link) && conn->state != CONN_CLOSING)
        nw_list_append(&conn->server->dirty, &conn->dirty_link);
}

struct nw_http_request *nw__http_first_request(const struct nw_http_conn *conn)
{
    return nw_list_empty(&conn->requests) ? NULL : nw_container(conn->requests.next, struct nw_http_request, link);
}

bool nw__http_may_parse(const struct nw_http_conn *conn)
{
    if (conn->held || conn->state > CONN_LAST)
        return false;
    return conn->current || (conn->state == CONN_OPEN && conn->n_requests < conn->server->limits.pipeline);
}

bool nw__http_stash_is_empty(const struct nw_http_conn *conn)
{
    return conn->stash.length == conn->stash_at;
}

void nw__http_conn_close(struct nw_http_conn *conn)
{
    if (conn->state == CONN_CLOSING)
        return;
    nw_list_remove(&conn->dirty_link);
    nw_list_remove(&conn->deaf_link);
    nw_wheel_stop(conn->server->wheel, &conn->timer);
    nw__http_conn_move(conn, CONN_CLOSE);
    nw_list_each(&conn->requests, at, after)
    {
        struct nw_http_request *r = nw_container(at, struct nw_http_request, link);
        if (!r->answered)
            r->handler->gone(r);
    }
    nw_io_conn_close(conn->io);
}
