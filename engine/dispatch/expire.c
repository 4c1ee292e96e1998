/* See expire.h. */
#include "engine/dispatch/expire.h"
#include "engine/dispatch/dispatch.h"
#include "engine/dispatch/invoke.h"
#include "engine/io/io.h"
#include "engine/serve/engine.h"
#include <string.h>

static void begin(struct nw_invocation *inv, uint64_t began, uint64_t expires)
{
    inv->began = began;
    inv->expires = expires;
    nw_invocation_time(inv);
}

void nw_expire_after(struct nw_invocation *inv, uint64_t ms)
{
    uint64_t now = nw_io_now(inv->engine->io);
    begin(inv, now, now + ms);
}

void nw__expire_with(struct nw_invocation *inv, const struct nw_invocation *parent)
{
    if (parent && parent->expires)
        begin(inv, parent->began, parent->expires);
}

static const char *place_of(const struct nw_invocation *inv)
{
    if (inv->state == NW_INVOCATION_OPEN)
        return "in the engine, while the body arrived";
    return inv->state == NW_INVOCATION_SENT ? "in a worker" : "in the engine, while it waited for a worker";
}

/* What a worker has comes to its end, and is counted, when the worker says so. */
static void expire(struct nw_invocation *inv)
{
    char reason[NW_LIMIT_TEXT];
    nw_invocation_limit(inv, reason, "X-Timeout", inv->expires - inv->began, place_of(inv));
    if (inv->state != NW_INVOCATION_SENT) {
        nw__dispatch_fail_openly(inv, NW_STATUS_DEADLINE, reason);
        return;
    }
    inv->owner->done(
        inv->owner_arg,
        &(struct nw_result){.status = NW_STATUS_DEADLINE, .data = reason, .length = strlen(reason), .open = true});
    nw_invoke_abandon(inv, NW_OUTCOME_TIMEOUT);
}

void nw_expire_due(struct nw_wheel_timer *timer)
{
    struct nw_invocation *inv = nw_container(timer, struct nw_invocation, timer);
    uint64_t now = nw_io_now(inv->engine->io);
    if (inv->state == NW_INVOCATION_FREE)
        return;
    if (inv->expires && inv->owner && now >= inv->expires)
        expire(inv);
    else if (inv->state != NW_INVOCATION_OPEN && now >= inv->deadline)
        nw__dispatch_overdue(inv);
    else
        nw_invocation_time(inv); /* the time has moved on since it was set */
}
