/* Notes of failures as failures.h tells. */
#include "engine/gateway/failures.h"
#include "common/base/log.h"
#include "engine/serve/engine.h"
#include "engine/serve/function.h"
#include "engine/serve/role.h"
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define NOTES_A_SECOND 10 /* of one function, so that it drowns nobody else's */

struct nw_failures {
    uint64_t second; /* in which they were counted last */
    unsigned count;
    bool kept; /* there is a last one */
    struct nw_failure last;
    unsigned n_crashes; /* so far */
    struct nw_crash crashes[NW_CRASHES_KEPT];
};

/* NULL when memory is out. */
static struct nw_failures *failures_of(struct nw_function *function)
{
    if (!function->failures)
        function->failures = calloc(1, sizeof *function->failures);
    return function->failures;
}

static bool may_note(struct nw_engine *engine, struct nw_function *function)
{
    struct nw_failures *failures = failures_of(function);
    uint64_t second = nw_io_now(engine->io) / 1000;
    if (!failures)
        return true; /* nothing to count in, but it must be in the log */
    if (second != failures->second)
        failures->count = 0;
    failures->second = second;
    if (++failures->count == NOTES_A_SECOND)
        nw_log(NW_LOG_WARN, "function \"%s\": more failures this second are not noted", function->name);
    return failures->count < NOTES_A_SECOND;
}

void nw_failure_keep(struct nw_function *function, const struct nw_failure *failure)
{
    struct nw_failures *failures = failures_of(function);
    if (!failures)
        return;
    failures->last = *failure;
    failures->kept = true;
}

const struct nw_failure *nw_failure_last(const struct nw_function *function)
{
    return function->failures && function->failures->kept ? &function->failures->last : NULL;
}

void nw__failure_note(struct nw_engine *engine, struct nw_function *function, const char *request,
                      enum nw_status status, const char *reason, size_t length)
{
    struct nw_failure failure = {.status = status, .at = time(NULL)};
    if (!may_note(engine, function))
        return;
    strncpy(failure.request, request, sizeof failure.request - 1);
    memcpy(failure.reason, reason, length < sizeof failure.reason ? length : sizeof failure.reason - 1);
    nw_log(NW_LOG_WARN, "function \"%s\": request %s: %s%s%s", function->name, request, nw_status_info(status)->code,
           *failure.reason ? ": " : "", failure.reason);
    engine->role->failed(engine, function, &failure);
}

void nw_failure_told(struct nw_engine *engine, const char *name, const struct nw_failure *failure)
{
    struct nw_function *function = nw_function_find(engine, name, strlen(name));
    if (function)
        nw_failure_keep(function, failure);
}

void nw_crash_keep(struct nw_function *function, const struct nw_crash *crash)
{
    struct nw_failures *failures = failures_of(function);
    if (failures)
        failures->crashes[failures->n_crashes++ % NW_CRASHES_KEPT] = *crash;
}

const struct nw_crash *nw_crash_kept(const struct nw_function *function, unsigned before)
{
    const struct nw_failures *failures = function->failures;
    if (!failures || before >= failures->n_crashes || before >= NW_CRASHES_KEPT)
        return NULL;
    return &failures->crashes[(failures->n_crashes - 1 - before) % NW_CRASHES_KEPT];
}
