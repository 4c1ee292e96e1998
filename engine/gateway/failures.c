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

static bool may_note(struct nw_engine *engine, struct nw_function *function)
{
    uint64_t second = nw_io_now(engine->io) / 1000;
    if (second != function->failure_second)
        function->failures = 0;
    function->failure_second = second;
    if (++function->failures == NOTES_A_SECOND)
        nw_log(NW_LOG_WARN, "function \"%s\": more failures this second are not noted", function->name);
    return function->failures < NOTES_A_SECOND;
}

void nw_failure_keep(struct nw_function *function, const struct nw_failure *failure)
{
    if (!function->failure)
        function->failure = malloc(sizeof *failure);
    if (function->failure)
        *function->failure = *failure;
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
