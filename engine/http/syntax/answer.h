/*
 * What a function says of its answer, as the head of an HTTP answer. It is hostile: what a client, or a proxy before
 * it, could read in two ways is refused, and so is what is the engine's to say: how long the answer is, and what
 * becomes of the connection. Pure functions.
 */
#ifndef NW_ENGINE_HTTP_SYNTAX_ANSWER_H
#define NW_ENGINE_HTTP_SYNTAX_ANSWER_H

#include "common/http/record.h"
#include <stdbool.h>
#include <stddef.h>

struct nw_http_answer_head {
    bool cors_left_out; /* set by the caller: what it says of pages (Access-Control-...) is not among the fields */
    int status;         /* 200 to 599; 0: the function said none */
    bool typed;         /* a Content-Type is among the fields */
    size_t length;      /* of the fields */
    char fields[NW_ANSWER_MAX]; /* each "Name: value" CR LF */
};

/* Reads a record (common/http/record.h), which must not change meanwhile. NULL, or what is wrong with it. */
const char *nw_http_answer_head(struct nw_http_answer_head *head, const char *record, size_t length);

/* Whether an answer of this status has no body, nor a length of one (RFC 9110, 15.3.5 and 15.4.5). */
static inline bool nw_http_is_bodiless(int status)
{
    return status == 204 || status == 304;
}

#endif
