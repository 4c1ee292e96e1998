/* What http/server.c, http/conn.c and http/answer.c share. */
#ifndef NW_ENGINE_HTTP_PRIVATE_H
#define NW_ENGINE_HTTP_PRIVATE_H

#include "engine/http/http.h"
#include "engine/http/parse.h"
#include <time.h>

#define NW__HTTP_LISTENERS_MAX 16

#define NW__HTTP_FLUSH_BYTES (128ul * 1024) /* of answers, before others come to their turn */

struct nw_http_server {
    struct nw_io *io;
    struct nw_http_limits limits;
    void (*head)(void *arg, struct nw_http_request *request);
    void *arg;
    struct nw_io_listener *listeners[NW__HTTP_LISTENERS_MAX];
    int n_listeners;
    struct nw_list conns;
    struct nw_list dirty; /* connections that have something to do before the loop waits */
    size_t flushed;       /* bytes that this flush has written */
    unsigned n_conns;
    unsigned n_undrained; /* of these, those that were there before `draining` */
    bool draining, closed;
    bool check_user;
    uid_t user;
    struct nw_list free_requests;
    uint64_t id_state; /* of the generator of request ids */
    time_t date_second;
    char date[32];
};

/* What a connection is being waited for, and so what its deadline means. */
enum nw__http_wait { WAIT_NONE, WAIT_IDLE, WAIT_HEAD, WAIT_BODY, WAIT_WRITE, WAIT_LINGER };

struct nw_http_conn {
    struct nw_list link;       /* in server->conns */
    struct nw_list dirty_link; /* in server->dirty */
    struct nw_http_server *server;
    struct nw_io_conn *io;
    struct nw_http_parser parser;
    struct nw_buffer stash; /* bytes read but not parsed yet, from stash_at */
    size_t stash_at;
    struct nw_list requests; /* in order; the first is the one to answer next */
    unsigned n_requests;
    struct nw_http_request *current; /* whose body is being read */
    enum nw__http_wait wait;
    uint64_t deadline;
    uint64_t body_mark;   /* bytes of body at which the deadline is moved on */
    uint64_t announced;   /* bytes of a chunked body that were announced so far */
    bool held;            /* `reserve` said -EAGAIN */
    bool last;            /* nothing more is parsed: the connection ends with the last answer */
    bool end_of_input;    /* the client sends no more */
    bool lingering;       /* all is written; what the client still sends is thrown away */
    bool writing;         /* a write is under way */
    size_t writing_bytes; /* of answers in it */
    bool closing;
    bool late;    /* it came while the server was draining */
    bool reading; /* what the client sends is being looked at, and so its end */
};

struct nw_http_request *nw__http_request_new(struct nw_http_conn *conn);
void nw__http_request_free(struct nw_http_request *request);
void nw__http_set_id(struct nw_http_request *request, struct nw_http_text wanted);
void nw__http_mark_dirty(struct nw_http_conn *conn);

/* Takes over an accepted connection: 0, or -ENOMEM and it is still the caller's. */
int nw__http_conn_open(struct nw_http_server *server, struct nw_io_conn *io);

/* Does what became possible; looks whether its deadline is over; ends it now. */
void nw__http_conn_flush(struct nw_http_conn *conn);
void nw__http_conn_tick(struct nw_http_conn *conn);
void nw__http_conn_close(struct nw_http_conn *conn);

#endif
