/*
 * What a function and Nightward may offer to each other beyond include/faas/worker_v1_interface.h. All of it is
 * optional: what a function does not define is not called, nothing here has to be linked, and what a function calls is
 * declared weak, so that it also loads where that is not, and asks first:
 *
 *     if (nw_time_left && nw_time_left() < 50)
 *         return give_a_short_answer();
 *
 * Nightward takes a snapshot of a function when it has been loaded, and makes further instances from that instead of
 * loading it again (docs/functions.md#snapshots). So what was drawn at random, read from a clock or fetched while it
 * was loaded is the same in all of them, unless it is made anew in nw_after_restore.
 */
#ifndef NIGHTWARD_FUNCTION_H
#define NIGHTWARD_FUNCTION_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Called once, when faas_init and the first faas_create_func_worker have returned and a snapshot is about to be taken.
 * Here a function gives up what keeps it from having one: open files, sockets, threads and timers; and forgets what no
 * copy of it should know. */
void nw_before_snapshot(void);

/* Called in every instance before its first invocation: in the one that the snapshot was taken of, in each that is made
 * from it, and also if no snapshot could be taken after nw_before_snapshot; of a fresh function, at the beginning of
 * each invocation. Here a function draws new random state and opens again what it gave up. */
void nw_after_restore(void);

/*
 * Milliseconds until nobody waits any more for what this thread answers: until the deadline of this function, of the
 * functions of the same worker that wait for it, or of the client (X-Timeout), whichever comes first. 0 when it has
 * passed; -1 on a thread that runs no invocation. Deadlines of functions are looked at a few hundred times a second, so
 * the first milliseconds of an invocation may be missing from them.
 */
long nw_time_left(void) __attribute__((weak));

/*
 * The HTTP request that this thread answers (docs/http.md#functions-that-speak-http). A function that names one of
 * these is deployed with http: true, and then sees every method and every path below its name. The texts stay where
 * they are until faas_func_call returns; they are never NULL, and empty where there is nothing to tell: on a thread
 * that runs no invocation, in a function that is deployed with http: false. A nested call in the same worker is a POST
 * without headers, path, query and client; its id is that of the request that it serves, if the function that the
 * client called sees requests.
 *
 * A client is hostile: all of it but the address and the method is as the client wrote it.
 */
const char *nw_request_method(void) __attribute__((weak)); /* like GET */
const char *nw_request_path(void) __attribute__((weak));   /* behind the function's name, encoded: "" or "/a/b%20c" */
const char *nw_request_query(void) __attribute__((weak));  /* behind the question mark, encoded: "" or "a=1&b" */
const char *nw_request_client(void) __attribute__((weak)); /* like 192.0.2.1:49152 or [2001:db8::1]:49152 */
const char *nw_request_id(void) __attribute__((weak));     /* its X-Request-Id */
const char *nw_request_caller(void) __attribute__((weak)); /* the function that calls this one; "": a client */

/* The first header of this name, in any case; NULL: there is none. */
const char *nw_request_header(const char *name) __attribute__((weak));

/* Header i, from 0, in the order of the request. 0; -1: there are not so many. */
int nw_request_header_at(size_t i, const char **name, const char **value) __attribute__((weak));

/*
 * The answer, whose body is what append adds. What is said here takes effect when faas_func_call returns; in a nested
 * call it is of no effect. The status is 200, or 500 when faas_func_call returns anything but 0; with an answer of its
 * own that still counts as failed, but the client gets the body, and the status given here.
 *
 * A client gets 502 bad_answer instead of what is no HTTP: a status that is not 200 to 599, a name that is no token, a
 * value with control characters, two Content-Types, and names that are the engine's to send (Connection,
 * Content-Length, Date, Keep-Alive, Proxy-Connection, TE, Trailer, Transfer-Encoding, Upgrade, X-Request-Id).
 */

/* 0; -1: this thread runs no invocation, or there is no memory: then the client gets 500 function_failed instead of
 * what the function answers. */
int nw_answer_status(int status) __attribute__((weak));

/* Adds a header. 0; -1: likewise, or they take more than 4 KB together. Without Content-Type it
 * is text/plain; charset=utf-8. */
int nw_answer_header(const char *name, const char *value) __attribute__((weak));

#ifdef __cplusplus
}
#endif

#endif
