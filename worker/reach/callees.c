/* See callees.h. */
#include "worker/reach/callees.h"
#include "common/base/log.h"
#include "common/manifest/grant.h"
#include "worker/base/now.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SAID_NS 1000000000ull

/* Its routes are those of the names that it may call. Any name may be among those that come later. */
static void allow(struct nw_deployed *function, uint32_t route)
{
    uint64_t *word = &function->callees.routes[route / 64];

    if (nw_calls_allow(function->callees.names, nw_route_at(route)->name))
        nw_store_relaxed(word, *word | 1ull << route % 64); /* read by nw_callee_has_route: early or late is the same */
}

void nw_callees_activated(const char *name)
{
    const int route = nw_route_find(name);

    if (route < 0)
        return;
    for (struct nw_deployed *f = nw_deployed_after(NULL); f; f = nw_deployed_after(f))
        if (f->callees.names)
            allow(f, (uint32_t)route);
}

int nw_callees_init(struct nw_deployed *function, const char *list)
{
    function->callees = (struct nw_callees){0};
    if (*list == '*')
        return 0;
    function->callees.names = strdup(list);
    if (!function->callees.names)
        return -ENOMEM;
    for (uint32_t i = 0; i < nw_route_count(); i++)
        allow(function, i);
    return 0;
}

void nw_callees_fini(struct nw_deployed *function)
{
    free(function->callees.names);
    function->callees.names = NULL;
}

bool nw_callee_allowed(struct nw_deployed *function, const char *name)
{
    struct nw_callees *callees = &function->callees;
    const uint64_t now = nw_now();

    if (!callees->names || nw_calls_allow(callees->names, name) || nw_without(NW_DEFENCE_CALLS))
        return true;
    callees->refused++;
    if (callees->said_at && now - callees->said_at < SAID_NS)
        return false;
    callees->said_at = now;
    nw_log(NW_LOG_WARN, "function %s: call of %s refused; deploy it with --calls to allow it (%lu refused so far)",
           function->name, name, (unsigned long)callees->refused);
    return false;
}
