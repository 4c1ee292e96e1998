/*
 * The HTTP server as a whole: its listeners, who may connect, its turn and its end. What happens on a connection is in
 * http/conn.c.
 */
#include "common/base/log.h"
#include "common/base/without.h"
#include "engine/http/private.h"
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define POLL_BATCH 256 /* connections that one system call asks about */

struct nw_http_server *nw_http_server_new(struct nw_io *io, struct nw_wheel *wheel, const struct nw_http_limits *limits,
                                          void (*head)(void *arg, struct nw_http_request *request), void *arg)
{
    struct nw_http_server *server = calloc(1, sizeof *server);
    if (!server)
        return NULL;
    server->io = io;
    server->wheel = wheel;
    server->limits = *limits;
    server->head = head;
    server->arg = arg;
    nw_list_init(&server->conns);
    nw_list_init(&server->deaf);
    nw_list_init(&server->dirty);
    nw_list_init(&server->free_requests);
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    server->id_state = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
    return server;
}

static bool peer_is_allowed(const struct nw_http_server *server, struct nw_io_conn *io)
{
    struct ucred peer;
    socklen_t size = sizeof peer;
    if (!server->check_user || nw_unchecked(NW_CHECK_USER))
        return true;
    if (getsockopt(nw_io_conn_fd(io), SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
        return false;
    return peer.uid == server->user || peer.uid == 0;
}

static void accepted(void *arg, struct nw_io_conn *io)
{
    struct nw_http_server *server = arg;
    bool welcome = server->n_conns < server->limits.connections && peer_is_allowed(server, io);
    if (!welcome || nw__http_conn_open(server, io) < 0)
        nw_io_conn_close(io);
}

int nw_http_server_listen(struct nw_http_server *server, int fd)
{
    if (server->n_listeners == NW__HTTP_LISTENERS_MAX) {
        nw_log(NW_LOG_ERROR, "cannot listen on more than %d addresses", NW__HTTP_LISTENERS_MAX);
        return -E2BIG;
    }
    struct nw_io_listener *listener = nw_io_listen(server->io, fd, accepted, server);
    if (!listener)
        return -errno;
    server->listeners[server->n_listeners++] = listener;
    return 0;
}

void nw_http_server_only_user(struct nw_http_server *server, uid_t uid)
{
    server->check_user = true;
    server->user = uid;
}

void nw_http_server_watch(struct nw_http_server *server, void (*ended)(void *arg, struct nw_http_request *request),
                          void *arg)
{
    server->ended = ended;
    server->ended_arg = arg;
}

void nw_http_server_drain(struct nw_http_server *server)
{
    server->n_undrained = server->draining ? server->n_undrained : server->n_conns;
    server->draining = true;
    nw_list_each(&server->conns, at, after) nw__http_mark_dirty(nw_container(at, struct nw_http_conn, link));
}

unsigned nw_http_server_undrained(const struct nw_http_server *server)
{
    return server->n_undrained;
}

unsigned nw_http_server_connections(const struct nw_http_server *server)
{
    return server->n_conns;
}

void nw_http_server_flush(struct nw_http_server *server)
{
    server->flushed = 0;
    while (!nw_list_empty(&server->dirty) && server->flushed < NW__HTTP_FLUSH_BYTES) {
        struct nw_http_conn *conn = nw_container(server->dirty.next, struct nw_http_conn, dirty_link);
        nw_list_remove(&conn->dirty_link);
        nw__http_conn_flush(conn);
    }
}

bool nw_http_server_is_flushed(const struct nw_http_server *server)
{
    return nw_list_empty(&server->dirty);
}

/* Closes those of these connections whose clients are gone, and asks those back that may be. */
static void close_gone(struct nw_http_conn *const *conns, struct pollfd *fds, nfds_t n)
{
    if (poll(fds, n, 0) <= 0)
        return;
    for (nfds_t i = 0; i < n; i++) {
        if (fds[i].revents & (POLLERR | POLLHUP)) {
            nw__http_conn_close(conns[i]);
        } else if (fds[i].revents & POLLRDHUP && !conns[i]->hung_up) {
            conns[i]->hung_up = true;
            nw__http_mark_dirty(conns[i]);
        }
    }
}

/*
 * A connection that is not being read, because its input ended or its requests have to be answered first, does not
 * notice that its client is gone; its requests would be run for nobody. A client that has only ended its input may
 * still wait for answers.
 */
static void look_for_gone(struct nw_http_server *server)
{
    struct nw_http_conn *conns[POLL_BATCH];
    struct pollfd fds[POLL_BATCH];
    nfds_t n = 0;

    nw_list_each(&server->deaf, at, walk)
    {
        struct nw_http_conn *conn = nw_container(at, struct nw_http_conn, deaf_link);
        conns[n] = conn;
        fds[n++] = (struct pollfd){.fd = nw_io_conn_fd(conn->io), .events = POLLRDHUP};
        if (n < POLL_BATCH)
            continue;
        close_gone(conns, fds, n);
        n = 0;
    }
    close_gone(conns, fds, n);
}

void nw_http_server_tick(struct nw_http_server *server)
{
    look_for_gone(server);
}

void nw_http_server_close(struct nw_http_server *server)
{
    for (int i = 0; i < server->n_listeners; i++)
        nw_io_listener_close(server->listeners[i]);
    server->n_listeners = 0;
    nw_list_each(&server->conns, at, after) nw__http_conn_close(nw_container(at, struct nw_http_conn, link));
}

void nw_http_server_free(struct nw_http_server *server)
{
    nw_list_each(&server->free_requests, at, after) free(nw_container(at, struct nw_http_request, link));
    free(server);
}
