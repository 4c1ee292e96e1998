/*
 * HTTP/1 requests out of a stream of bytes: llhttp in strict mode, and on top of it what keeps two parsers from
 * disagreeing about where a request ends. Knows no sockets; the owner feeds it and keeps what it did not consume.
 */
#ifndef NW_ENGINE_HTTP_SYNTAX_PARSE_H
#define NW_ENGINE_HTTP_SYNTAX_PARSE_H

#include "common/base/status.h"
#include "engine/http/syntax/head.h"
#include <llhttp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum nw_http_event {
    NW_HTTP_MORE,  /* needs more bytes; what was not consumed must be fed again with them */
    NW_HTTP_HEAD,  /* the head is complete and described in the parser; its pointers are valid until the next feed */
    NW_HTTP_CHUNK, /* `chunk` more bytes of body are announced; 0 for the last chunk */
    NW_HTTP_END,   /* the request is complete; the next byte begins another */
    NW_HTTP_BAD,   /* not HTTP as we take it: `status` and `why`; nothing can be fed any more */
};

struct nw_http_parser {
    llhttp_t llhttp;
    int phase;
    size_t head_limit;
    size_t scanned;    /* bytes of an incomplete head or trailer that were looked at */
    size_t line_start; /* where the line that is being looked at begins */
    uint64_t remaining;
    size_t extensions; /* bytes of chunk extensions in this body */

    /* The head. */
    uint8_t method; /* enum llhttp_method */
    bool is_1_0;
    bool keep_alive;
    bool chunked;
    bool expects_continue;
    bool upgrade; /* another protocol is offered */
    uint64_t content_length;
    struct nw_http_text target;
    struct nw_http_text request_id; /* X-Request-Id, length 0 when there is none */
    struct nw_http_text timeout;    /* X-Timeout, NULL when there is none */
    struct nw_http_text fields;     /* the lines behind the first: see head.h */

    uint64_t chunk;
    enum nw_status status;
    const char *why;

    int header; /* which header the next value belongs to */
    unsigned hosts, codings;
    const char *host_wrong; /* NULL: it is a host */
    bool only_chunked;
    bool has_tab;  /* a line that was looked at has a tab before or behind its value */
    char *tabless; /* a copy of the head without such tabs; NULL: it had none */

    void (*body)(void *arg, const char *data, size_t length);
    void *arg;
};

bool nw_http_parser_is_valid(const struct nw_http_parser *parser);

/* `body` gets the bytes of bodies as they are found. */
void nw_http_parser_init(struct nw_http_parser *parser, size_t head_limit,
                         void (*body)(void *arg, const char *data, size_t length), void *arg);

void nw_http_parser_fini(struct nw_http_parser *parser);

/* Parses up to the next event. *consumed is set always. Stops behind each event, so call until MORE or BAD. */
enum nw_http_event nw_http_parser_feed(struct nw_http_parser *parser, const char *data, size_t length,
                                       size_t *consumed);

#endif
