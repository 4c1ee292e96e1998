/*
 * The last failure of each function. The owner finds it in the log and in the admin API, under the id of the request.
 * The caller over HTTP gets only a code and that id, because a reason may hold addresses and paths.
 */
#ifndef NW_ENGINE_GATEWAY_FAILURES_H
#define NW_ENGINE_GATEWAY_FAILURES_H

#include "common/base/status.h"
#include "engine/http/http.h"
#include "engine/logs/line.h"
#include <stddef.h>
#include <stdint.h>

struct nw_engine;
struct nw_function;

#define NW_FAILURE_REASON 1000

struct nw_failure {
    enum nw_status status;
    int64_t at; /* seconds since 1970 */
    char request[NW_REQUEST_ID_MAX + 1];
    char reason[NW_FAILURE_REASON];
};

/* A request for `function` fails; `reason` is hostile text. Notes and logs it, unless too much of that was done for
 * this function within a second. */
void nw__failure_note(struct nw_engine *engine, struct nw_function *function, const char *request,
                      enum nw_status status, const char *reason, size_t length);

/* In the main thread: what the admin API shows from now on; the second, when another thread has noted it for a function
 * of this name. */
void nw_failure_keep(struct nw_function *function, const struct nw_failure *failure);
void nw_failure_told(struct nw_engine *engine, const char *name, const struct nw_failure *failure);

/* How a domain of the function ended that should not have; the last of them are kept. */
#define NW_CRASHES_KEPT 5

struct nw_crash {
    uint64_t at; /* us since 1970 */
    enum nw_status status;
    uint32_t worker;
    char version[NW_LOG_VERSION];
    char reason[NW_FAILURE_REASON];
};

void nw_crash_keep(struct nw_function *function, const struct nw_crash *crash);

/* The one before which `before` were newer; NULL: no more are kept. */
const struct nw_crash *nw_crash_kept(const struct nw_function *function, unsigned before);

/* What is kept of a function; NULL: nothing. */
const struct nw_failure *nw_failure_last(const struct nw_function *function);

#endif
