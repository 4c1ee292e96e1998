/*
 * The status codes of an invocation or an administrative request, in one table: from it come the HTTP status, the
 * stable `code` of a JSON error, the outcome that metrics count and the text for people. Between processes a status is
 * sent as its number.
 */
#ifndef NW_COMMON_BASE_STATUS_H
#define NW_COMMON_BASE_STATUS_H

#include <stdint.h>

/* How a request for a function ended, for those who count: name, word. */
#define NW_OUTCOME_TABLE(X)                                                                       \
    X(OK, "ok")                                                                                   \
    X(ERROR, "error")         /* the function returned an error, or no answer that can be used */ \
    X(TIMEOUT, "timeout")     /* it took longer than it, or whoever asked, may */                 \
    X(CRASH, "crash")         /* the function, or its worker, ended */                            \
    X(VIOLATION, "violation") /* the function reached for memory that is not its own */           \
    X(REJECTED, "rejected")   /* no worker had it: too many waited, or it could not be served */  \
    X(CANCELLED, "cancelled") /* whoever asked went away */

enum nw_outcome {
#define X(name, word) NW_OUTCOME_##name,
    NW_OUTCOME_TABLE(X)
#undef X
        NW_OUTCOMES
};

/* name, HTTP status, stable code, outcome of the request that got it, what it means */
#define NW_STATUS_TABLE(X)                                                                                      \
    X(OK, 200, "ok", OK, "success")                                                                             \
    X(BAD_REQUEST, 400, "bad_request", REJECTED, "the request is malformed")                                    \
    X(CALL_REFUSED, 403, "call_refused", ERROR, "the function may not call the one that it called")             \
    X(NOT_FOUND, 404, "function_not_found", REJECTED, "no function of this name is deployed")                   \
    X(NO_ROUTE, 404, "no_route", REJECTED, "no such path; functions answer at /function/NAME")                  \
    X(BAD_METHOD, 405, "method_not_allowed", REJECTED, "this path does not take this method")                   \
    X(BODY_TIMEOUT, 408, "request_timeout", CANCELLED, "the request did not arrive in time")                    \
    X(TOO_LARGE, 413, "body_too_large", REJECTED, "the request body is over the limit")                         \
    X(UPGRADE, 426, "upgrade_required", REJECTED, "this protocol is not spoken here; HTTP/1.1 is")              \
    X(OVERLOADED, 429, "overloaded", REJECTED, "more requests for the function wait than can be answered")      \
    X(HEADERS_TOO_LARGE, 431, "headers_too_large", REJECTED, "the request headers are over the limit")          \
    X(REFUSED, 422, "deployment_refused", REJECTED, "the function was refused")                                 \
    X(FUNCTION_FAILED, 500, "function_failed", ERROR, "the function returned an error")                         \
    X(INTERNAL, 500, "internal_error", ERROR, "the engine failed")                                              \
    X(BAD_ANSWER, 502, "bad_answer", ERROR, "the function's answer is not HTTP")                                \
    X(OUTPUT_TOO_LARGE, 502, "output_too_large", ERROR, "the function's output is over the limit")              \
    X(CRASHED, 502, "function_crashed", CRASH, "the function crashed; its domain is made anew")                 \
    X(WORKER_LOST, 502, "worker_lost", CRASH, "the worker process ended; it is restarted")                      \
    X(UNAVAILABLE, 503, "unavailable", REJECTED, "the function cannot take the invocation now")                 \
    X(DRAINING, 503, "draining", REJECTED, "the engine is shutting down")                                       \
    X(TIMEOUT, 504, "function_timeout", TIMEOUT, "the function ran past its deadline; its domain is made anew") \
    X(DEADLINE, 504, "deadline_exceeded", TIMEOUT, "whoever asked does not wait any longer")                    \
    X(CALL_DEPTH, 508, "call_depth", REJECTED, "nested calls are deeper than the limit")

enum nw_status {
#define X(name, http, code, outcome, text) NW_STATUS_##name,
    NW_STATUS_TABLE(X)
#undef X
        NW_STATUS_COUNT
};

struct nw_status_info {
    int http;
    const char *code; /* stable, for programs */
    enum nw_outcome outcome;
    const char *text; /* for people */
};

/* The word for an outcome. */
const char *nw_outcome_word(enum nw_outcome outcome);

/* The row of a status. A number outside the table, as a hostile worker may send, gives the row of INTERNAL. */
const struct nw_status_info *nw_status_info(uint32_t status);

#endif
