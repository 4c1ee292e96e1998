/*
 * The HTTP server: connections, pipelining, timeouts and answers. Knows nothing of functions: a handler per request
 * does. Requests of one connection are answered in their order, however they are finished.
 *
 * Life of a request, as the handler sees it:
 *
 *   head ──> reserve, data (while there is body) ──> end ──> nw_http_answer, now or later
 *                                 └──> gone, at any point before the answer: forget the request
 */
#ifndef NW_ENGINE_HTTP_HTTP_H
#define NW_ENGINE_HTTP_HTTP_H

#include "common/base/buffer.h"
#include "common/base/status.h"
#include "engine/base/list.h"
#include "engine/base/wheel.h"
#include "engine/http/syntax/head.h"
#include "engine/io/io.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NW_HTTP_HEAD_SIZE     512
#define NW_REQUEST_ID_MAX     64
#define NW_HTTP_METHOD_MAX    16
#define NW_HTTP_PEER_SIZE     64
#define NW_HTTP_FUNCTION_SIZE 64

struct nw_http_server;
struct nw_http_conn;

enum nw_http_method { NW_HTTP_GET, NW_HTTP_POST, NW_HTTP_PUT, NW_HTTP_DELETE, NW_HTTP_OPTIONS, NW_HTTP_OTHER };

struct nw_http_handler;

struct nw_http_request {
    struct nw_list link; /* in the connection, in order of arrival */
    struct nw_http_conn *conn;

    enum nw_http_method method; /* GET for HEAD, too, whose answer is sent without a body */
    const char *method_name;    /* as it was sent */
    const char *target;         /* path and query; valid during `head` only */
    size_t target_length;
    const char *timeout; /* X-Timeout, valid during `head` only; NULL: there is none */
    size_t timeout_length;
    struct nw_http_text fields; /* valid during `head` only; see syntax/head.h */
    bool upgrade;               /* another protocol is offered in them */
    uint64_t content_length;    /* 0 for chunked bodies */
    uint64_t received;          /* bytes of body so far */
    bool chunked;

    /* The handler's. */
    const struct nw_http_handler *handler;
    uint64_t body_limit;                  /* preset to the server's; `head` may change it */
    char function[NW_HTTP_FUNCTION_SIZE]; /* for error bodies; may stay empty */
    const char *allow;    /* methods that the path has, for the header Allow of an answer 405; static text */
    unsigned retry_after; /* seconds, for the header Retry-After of an answer 429 */
    bool says_cors;       /* the handler says which pages may see the answer, so the function does not */
    void *user;

    /* The server's. */
    char id[NW_REQUEST_ID_MAX + 1];
    bool head_only, is_1_0, keep_alive, expects_continue, wants_continue, body_done, answered;
    char small_head[NW_HTTP_HEAD_SIZE];
    char *head;     /* that, or memory of its own */
    uint64_t began; /* watched: ns of the monotonic clock when its head was there */
    char *path;     /* watched: of its target, without the query; NULL: there was none, or no memory */
    int http;       /* the status that it was answered with */
    size_t head_length;
    struct nw_buffer text;        /* body of an answer that the request owns */
    struct nw_buffer fields_said; /* header lines of its answer, whatever that is */
    const char *body;
    size_t body_length;
    size_t written; /* of head and body */
    char *move_to;  /* where the rest of the body lies once no write looks at it; NULL: it stays */
    size_t move_from;
    void (*moved)(void *arg);
    void (*more)(void *arg); /* see nw_http_answer; NULL: the body is whole */
    void (*release)(void *arg);
    void *release_arg;
};

/* The handler of a request, chosen when its head is complete. */
struct nw_http_handler {
    /* `total` bytes of body are sure to come. 0 when there is room for them; -EAGAIN: stop reading until
     * nw_http_resume; or it answers and returns 0. Before it says 0 nothing of them is given to `data`. */
    int (*reserve)(struct nw_http_request *request, uint64_t total);
    void (*data)(struct nw_http_request *request, const char *data, size_t length);

    /* The request is complete. */
    void (*end)(struct nw_http_request *request);

    /* The client left, or broke the rules, before the answer: the request is not the handler's any more. */
    void (*gone)(struct nw_http_request *request);
};

/* `reserve` and `data` of handlers that do not care for a body: it needs no room, and is passed over. */
int nw_http_reserve_nothing(struct nw_http_request *request, uint64_t total);
void nw_http_pass_over(struct nw_http_request *request, const char *data, size_t length);

struct nw_http_limits {
    size_t head;          /* bytes of request line and headers */
    uint64_t body;        /* bytes */
    uint64_t head_ms;     /* from the first byte of a head to its last */
    uint64_t body_ms;     /* for every 64 KiB of a body */
    uint64_t idle_ms;     /* between requests */
    uint64_t write_ms;    /* without progress of a response */
    unsigned pipeline;    /* requests in flight on one connection; reading pauses above */
    unsigned connections; /* more are closed at once */
};

/*
 * The deadlines of connections lie in `wheel`, whose owner turns it by the clock of `io`.
 * `head` is told of every request whose head is complete. It sets request->handler, or answers at once; then the body
 * is discarded. NULL with errno set on failure.
 */
struct nw_http_server *nw_http_server_new(struct nw_io *io, struct nw_wheel *wheel, const struct nw_http_limits *limits,
                                          void (*head)(void *arg, struct nw_http_request *request), void *arg);

/* Takes connections from a listening socket. 0 or negative errno; the fd is the server's in any case. */
int nw_http_server_listen(struct nw_http_server *server, int fd);

/* Only peers of this user and root may connect (Unix sockets). */
void nw_http_server_only_user(struct nw_http_server *server, uid_t uid);

/* Calls back for each request when it is over: written, or its client is gone; then not all of it may be `written`. */
void nw_http_server_watch(struct nw_http_server *server, void (*ended)(void *arg, struct nw_http_request *request),
                          void *arg);

/* From now on every connection ends with its last answer. New ones are still accepted, for one answer each, so that
 * health checks are answered. */
void nw_http_server_drain(struct nw_http_server *server);

/* Connections that were open when nw_http_server_drain was called, and still are. */
unsigned nw_http_server_undrained(const struct nw_http_server *server);

/* Open connections. */
unsigned nw_http_server_connections(const struct nw_http_server *server);

/* Writes what answers and resumes made possible, up to about as many bytes as a turn should take. To be called before
 * the loop waits; the loop must not wait unless all is flushed. */
void nw_http_server_flush(struct nw_http_server *server);
bool nw_http_server_is_flushed(const struct nw_http_server *server);

/* Looks for clients that are gone where nothing else would tell. To be called a few times a second. */
void nw_http_server_tick(struct nw_http_server *server);

/* Closes everything at once; the connections are gone when the loop has run again. */
void nw_http_server_close(struct nw_http_server *server);

/* After nw_http_server_close and the last turn of the loop. */
void nw_http_server_free(struct nw_http_server *server);

/* For the request whose `data` is being called: it gets no more of its body until nw_http_resume. */
void nw_http_pause(struct nw_http_request *request);

/* There is room now for what `reserve` refused, or for more of a body that was paused. */
void nw_http_resume(struct nw_http_request *request);

/* The address and port of the client; empty when it has none (Unix sockets). */
const char *nw_http_peer(struct nw_http_request *request);

struct nw_http_answer {
    enum nw_status status;
    int http;                 /* 0: that of the status */
    const char *content_type; /* NULL: none */
    const char *fields;       /* more header lines, each with its CR LF; copied */
    size_t fields_length;
    const char *body; /* stays valid and unchanged until `release` */
    size_t length;
    void (*moved)(void *arg);   /* of nw_http_move; may be NULL when that is not used */
    void (*more)(void *arg);    /* the body is only a first piece, of some bytes; NULL: it is whole */
    void (*release)(void *arg); /* may be NULL; called once, when the body is not needed any more */
    void *release_arg;
};

/* Answers. Once per request, and not after `gone`. */
void nw_http_answer(struct nw_http_request *request, const struct nw_http_answer *answer);

/* Goes on with an answer of which more is to come: once after each call of `more`, which says that what was given so
 * far is written and not looked at any more. No bytes: that was all. Nothing is to follow once `release` was called. */
void nw_http_answer_more(struct nw_http_request *request, const char *body, size_t length);

/* Bytes of an answer's body that are not known to be written. */
size_t nw_http_unwritten(const struct nw_http_request *request);

/* Sends the rest of a body from another place: `memory` holds it from byte `from` on, and all before that was written.
 * `moved` is called, now or later, when the old place is not used any more, unless `release` is called before. Once per
 * answer. */
void nw_http_move(struct nw_http_request *request, char *memory, size_t from);

/* Closes the connection of a request that was answered, since its client does not read or its body cannot go on. */
void nw_http_abort(struct nw_http_request *request);

/* Answers with a copy of `text`. */
void nw_http_answer_copy(struct nw_http_request *request, enum nw_status status, const char *content_type,
                         const void *text, size_t length);

/* Answers with `text`, which is the request's from then on, and empty. */
void nw_http_answer_text(struct nw_http_request *request, enum nw_status status, const char *content_type,
                         struct nw_buffer *text);

/* Answers with a JSON error. `detail` (not NUL-terminated, hostile, may be empty) is put behind the status' text.
 * Anybody may read it, so it must not say what only the owner of the host may know. */
void nw_http_answer_error(struct nw_http_request *request, enum nw_status status, const char *detail, size_t length);

/* The same with a detail that only the owner may know: only a server for one user (nw_http_server_only_user) sends it.
 * Others send `open`, which may be empty. */
void nw_http_answer_failure(struct nw_http_request *request, enum nw_status status, const char *detail, size_t length,
                            const char *open);

#endif
