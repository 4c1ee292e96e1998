/* See denied.h. */
#include "worker/account/denied.h"
#include "common/base/atomic.h"
#include "common/base/log.h"
#include "worker/account/log_share.h"
#include "worker/account/share.h"
#include "worker/base/now.h"
#include <stdio.h>

#define PAUSE_NS 1000000000ull

_Static_assert(NW_RESOURCE_COUNT <= 32, "each has a bit");

static void say(struct nw_account *account, enum nw_resource r, bool own)
{
    const char *setting = nw_resources[r].setting, *name = nw_resources[r].name;
    char raise[160] = "";

    if (own && *setting)
        snprintf(raise, sizeof(raise), "; raise %s", setting);
    else if (!own)
        snprintf(raise, sizeof(raise), " (%s)", nw__share_advice(r));
    if (nw_may_log(&account->log, account->name))
        nw_log(NW_LOG_WARN, "function %s: it has %llu %s%s%s", account->name,
               (unsigned long long)nw_share_used(account, r), name,
               own ? " and asked for more than it may have" : ", and other functions have what is left", raise);
}

void nw_denied_say(struct nw_account *account)
{
    struct nw_denied *denied = &account->denied;
    uint64_t now, before;
    uint32_t own, room;

    if (!(nw_load_relaxed(&denied->own) | nw_load_relaxed(&denied->room))) /* stored by nw_denied_note */
        return;
    now = nw_now();
    before = nw_load_relaxed(&denied->said_at); /* exchanged below: of two threads either may speak */
    if (before && now - before < PAUSE_NS)
        return;
    own = nw_exchange(&denied->own, 0u); /* both pair with nw_denied_note */
    room = nw_exchange(&denied->room, 0u);
    if (!(own | room) || nw_exchange(&denied->said_at, now) != before)
        return;
    for (int r = 0; r < NW_RESOURCE_COUNT; r++)
        if ((own | room) >> r & 1)
            say(account, (enum nw_resource)r, own >> r & 1);
}
