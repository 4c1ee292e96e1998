/*
 * The status codes of an invocation or an administrative request, in one table: from it come the HTTP status, the
 * stable `code` of a JSON error and the text for people. Between processes a status is sent as its number.
 */
#ifndef NW_COMMON_BASE_STATUS_H
#define NW_COMMON_BASE_STATUS_H

#include <stdint.h>

/* name, HTTP status, stable code, what it means */
#define NW_STATUS_TABLE(X)                                                                             \
    X(OK, 200, "ok", "success")                                                                        \
    X(BAD_REQUEST, 400, "bad_request", "the request is malformed")                                     \
    X(NOT_FOUND, 404, "function_not_found", "no function of this name is deployed")                    \
    X(NO_ROUTE, 404, "no_route", "no such path; functions answer at /function/NAME")                   \
    X(BAD_METHOD, 405, "method_not_allowed", "this path does not take this method")                    \
    X(BODY_TIMEOUT, 408, "request_timeout", "the request did not arrive in time")                      \
    X(TOO_LARGE, 413, "body_too_large", "the request body is over the limit")                          \
    X(UPGRADE, 426, "upgrade_required", "this protocol is not spoken here; HTTP/1.1 is")               \
    X(OVERLOADED, 429, "overloaded", "more requests for the function wait than can be answered")       \
    X(HEADERS_TOO_LARGE, 431, "headers_too_large", "the request headers are over the limit")           \
    X(REFUSED, 422, "deployment_refused", "the function was refused")                                  \
    X(FUNCTION_FAILED, 500, "function_failed", "the function returned an error")                       \
    X(INTERNAL, 500, "internal_error", "the engine failed")                                            \
    X(BAD_ANSWER, 502, "bad_answer", "the function's answer is not HTTP")                              \
    X(OUTPUT_TOO_LARGE, 502, "output_too_large", "the function's output is over the limit")            \
    X(CRASHED, 502, "function_crashed", "the function crashed; its domain is made anew")               \
    X(WORKER_LOST, 502, "worker_lost", "the worker process ended; it is restarted")                    \
    X(UNAVAILABLE, 503, "unavailable", "the function cannot take the invocation now")                  \
    X(DRAINING, 503, "draining", "the engine is shutting down")                                        \
    X(TIMEOUT, 504, "function_timeout", "the function ran past its deadline; its domain is made anew") \
    X(DEADLINE, 504, "deadline_exceeded", "whoever asked does not wait any longer")                    \
    X(CALL_DEPTH, 508, "call_depth", "nested calls are deeper than the limit")

enum nw_status {
#define X(name, http, code, text) NW_STATUS_##name,
    NW_STATUS_TABLE(X)
#undef X
        NW_STATUS_COUNT
};

struct nw_status_info {
    int http;
    const char *code; /* stable, for programs */
    const char *text; /* for people */
};

/* The row of a status. A number outside the table, as a hostile worker may send, gives the row of INTERNAL. */
const struct nw_status_info *nw_status_info(uint32_t status);

#endif
