/*
 * A request and its answer as a func worker sees them: the functions of include/nightward/function.h. The request is
 * fetched when it is asked for; what the function says of its answer is kept until the invocation ends.
 */
#ifndef NW_WORKER_STUB_EXCHANGE_H
#define NW_WORKER_STUB_EXCHANGE_H

#include "common/http/record.h"
#include <stdbool.h>
#include <stddef.h>

struct nw__exchange {
    bool asked; /* for the request of this invocation */
    bool said;  /* something of the answer */
    bool lost;  /* ... for which there was no memory */
    char *request;
    size_t request_room;
    const char *texts[NW_REQUEST_TEXTS]; /* of the request; all NULL: there is none */
    struct nw_record fields;             /* of the request */
    struct nw_record rest;               /* the fields from number `passed` on */
    size_t passed;
    char *answer; /* NW_ANSWER_MAX bytes, once they were needed */
    unsigned status;
    struct nw_record_writer writer;
};

/* The calling thread serves this one from now on; NULL: none. */
void nw__exchange_own(struct nw__exchange *exchange);
void nw__exchange_fini(struct nw__exchange *exchange);

/* An invocation has ended: hands what was said of its answer to the gate, before its output. 0; or negative errno: the
 * client would not get what was said. */
int nw__exchange_close(struct nw__exchange *exchange);

/* The next one begins. */
static inline int nw__exchange_end(struct nw__exchange *exchange)
{
    return exchange->asked || exchange->said || exchange->lost ? nw__exchange_close(exchange) : 0;
}

#endif
