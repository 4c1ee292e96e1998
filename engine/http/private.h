/*
 * What the files of the HTTP server share. Each calls only those in front of it: state.c, request.c, answer.c, output.c
 * and input.c, conn.c, server.c.
 *
 * The states of a connection. Two things are independent of them until it lingers: whether the client has ended its
 * input (end_of_input), and whether a handler has no room for more of it (held).
 *
 *     OPEN --LAST_REQUEST--> LAST --ALL_WRITTEN--> LINGERING --CLOSE--> CLOSING
 *       |                      |                       ^                   ^
 *       +------ALL_WRITTEN-----|-----------------------+                   |
 *       +---------CLOSE--------+-------------------------------------------+
 */
#ifndef NW_ENGINE_HTTP_PRIVATE_H
#define NW_ENGINE_HTTP_PRIVATE_H

#include "engine/http/http.h"
#include "engine/http/syntax/parse.h"
#include <time.h>

#define NW__HTTP_LISTENERS_MAX 16

#define NW__HTTP_FLUSH_BYTES (128ul * 1024) /* of answers that one flush writes */

struct nw_http_server {
    struct nw_io *io;
    struct nw_wheel *wheel;
    struct nw_http_limits limits;
    void (*head)(void *arg, struct nw_http_request *request);
    void *arg;
    struct nw_io_listener *listeners[NW__HTTP_LISTENERS_MAX];
    int n_listeners;
    struct nw_list conns;
    struct nw_list deaf;  /* those that owe answers and are not read: they do not notice that their client is gone */
    struct nw_list dirty; /* connections to flush before the loop waits */
    size_t flushed;       /* bytes that this flush has written */
    unsigned n_conns;
    unsigned n_undrained; /* of these, those that were accepted before it was draining */
    void (*ended)(void *arg, struct nw_http_request *request); /* NULL: nobody watches */
    void *ended_arg;
    bool draining;
    bool check_user;
    uid_t user;
    struct nw_list free_requests;
    uint64_t id_state; /* of the generator of request ids */
    time_t date_second;
    char date[32];
};

enum nw__http_conn_state {
    CONN_OPEN,      /* requests are parsed */
    CONN_LAST,      /* no further request is parsed: the connection ends with the last answer */
    CONN_LINGERING, /* all is written; what the client still sends is thrown away, until it ends or time is up */
    CONN_CLOSING,   /* ended; only its `closed` callback is still to come */
    CONN_STATES
};

enum nw__http_conn_event { CONN_LAST_REQUEST, CONN_ALL_WRITTEN, CONN_CLOSE, CONN_EVENTS };

/* What a connection is being waited for, and so what its deadline means. */
enum nw__http_wait { WAIT_NONE, WAIT_IDLE, WAIT_HEAD, WAIT_BODY, WAIT_WRITE, WAIT_LINGER };

struct nw_http_conn {
    enum nw__http_conn_state state;
    struct nw_list link;       /* in server->conns */
    struct nw_list dirty_link; /* in server->dirty */
    struct nw_list deaf_link;  /* in server->deaf */
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
    struct nw_wheel_timer timer; /* due by then, or earlier: it stays set when the deadline moves on */
    uint64_t body_mark;          /* bytes of body at which the deadline is moved on */
    uint64_t announced;          /* bytes of a chunked body that were announced so far */
    bool held;                   /* `reserve` said -EAGAIN */
    bool end_of_input;           /* the client sends no more */
    bool hung_up;         /* the same, perhaps behind what was not read yet, and a tick still found it owed an answer */
    bool asked_back;      /* since then it was sent something that only a client that is still there takes */
    bool writing;         /* a write is under way */
    size_t writing_bytes; /* of answers in it */
    bool late;            /* accepted while the server was draining */
    bool reading;         /* the loop reads it, and so notices its end */
    bool peer_known;
    char peer[NW_HTTP_PEER_SIZE]; /* see nw_http_peer */
};

/* --- state.c --- */

/* The only place where a connection gets another state. */
void nw__http_conn_move(struct nw_http_conn *conn, enum nw__http_conn_event event);
bool nw__http_conn_is_valid(const struct nw_http_conn *conn);

/* Notes that there may be something to do for a connection; nw_http_server_flush does it. */
void nw__http_mark_dirty(struct nw_http_conn *conn);

/* NULL: none. */
struct nw_http_request *nw__http_first_request(const struct nw_http_conn *conn);

/* Whether bytes of the client may be looked at now. */
bool nw__http_may_parse(const struct nw_http_conn *conn);

/* Whether all that was read was parsed. */
bool nw__http_stash_is_empty(const struct nw_http_conn *conn);

/* Ends the connection now. */
void nw__http_conn_close(struct nw_http_conn *conn);

bool nw__http_server_is_valid(const struct nw_http_server *server);

/* --- request.c --- */

struct nw_http_request *nw__http_request_new(struct nw_http_conn *conn);
void nw__http_request_free(struct nw_http_request *request);
void nw__http_set_id(struct nw_http_request *request, struct nw_http_text wanted);

/* --- output.c --- */

/* Writes until nothing is ready, a write is not done at once, or others come to their turn. */
void nw__http_write(struct nw_http_conn *conn);

/* Of nw_io_conn_handler. */
void nw__http_written(void *arg, int error);

/* Frees a first request that was answered before its body was through. */
void nw__http_drop_finished(struct nw_http_conn *conn);

/* --- input.c --- */

/* Of nw_io_conn_handler, and of nw_http_parser. */
void nw__http_data(void *arg, const char *data, size_t length);
void nw__http_body(void *arg, const char *data, size_t length);

/* Parses what was read before, as far as possible. */
void nw__http_parse_stash(struct nw_http_conn *conn);

/* Ends the request that is being read with an error, after which nothing more is parsed. */
void nw__http_reject(struct nw_http_conn *conn, enum nw_status status, const char *why);

/* The client will send no more: what it left half done is not a request. */
void nw__http_drop_partial(struct nw_http_conn *conn);

/* --- conn.c --- */

/* Takes over an accepted connection: 0, or -ENOMEM and it is still the caller's. */
int nw__http_conn_open(struct nw_http_server *server, struct nw_io_conn *io);

/* Does what there is to do. */
void nw__http_conn_flush(struct nw_http_conn *conn);

#endif
