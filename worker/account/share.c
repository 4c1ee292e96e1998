/* See share.h. */
#include "worker/account/share.h"
#include "common/base/atomic.h"
#include "common/base/valid.h"
#include "protect/gate/without.h"
#include "worker/base/limits.h"
#include <errno.h>
#include <stdio.h>

/* What all domains have together of one resource. Guarded by `lock`. */
static struct pool {
    uint64_t room;   /* 0: no bound */
    uint64_t beyond; /* held by domains beyond their shares */
    char advice[128];
} pools[NW_RESOURCE_COUNT];

static uint32_t present; /* domains that were admitted */
static uint32_t lock;

bool nw_account_is_valid(const struct nw_account *account)
{
    for (int r = 0; r < NW_RESOURCE_COUNT; r++)
        if (account->used[r] > (account->open ? account->limit[r] : 0) && !nw_without(NW_DEFENCE_SHARES))
            return false;
    return true;
}

/* Whether what domains hold beyond their shares fits into the room of all. */
static bool pools_are_valid(void)
{
    for (int r = 0; r < NW_RESOURCE_COUNT; r++)
        if (pools[r].room && pools[r].beyond > pools[r].room && !nw_without(NW_DEFENCE_SHARES))
            return false;
    return true;
}

static void acquire(void)
{
    while (nw_exchange(&lock, 1u)) /* pairs with the release in release() */
        nw_spin_pause();
}

static void release(const struct nw_account *changed)
{
    nw_check_valid(nw_account, changed);
    nw_check_that(pools_are_valid());
    nw_store_release(&lock, 0u); /* pairs with the exchange in acquire() */
}

/* How much is kept for the shares of `n` domains and of those that may come: half of the room at least. */
static uint64_t kept(enum nw_resource r, uint32_t n)
{
    uint64_t share = nw_resources[r].share, places = share ? pools[r].room / 2 / share : 0;

    places = places > NW_DOMAINS_MAX ? NW_DOMAINS_MAX : places;
    return share * (places > n ? places : n);
}

static uint64_t beyond(enum nw_resource r, uint64_t used)
{
    return used > nw_resources[r].share ? used - nw_resources[r].share : 0;
}

static bool has_place(enum nw_resource r)
{
    return nw_without(NW_DEFENCE_SHARES) || !pools[r].room || pools[r].beyond + kept(r, present + 1) <= pools[r].room;
}

void nw_share_room(enum nw_resource r, uint64_t room)
{
    pools[r].room = room;
    if (!pools[r].advice[0])
        snprintf(pools[r].advice, sizeof(pools[r].advice), "raise %s", nw_resources[r].room);
}

void nw__share_bound(enum nw_resource r, const char *limit, uint64_t value, const char *how)
{
    snprintf(pools[r].advice, sizeof(pools[r].advice), "%s is %llu: raise it with %s", limit, (unsigned long long)value,
             how);
}

const char *nw__share_advice(enum nw_resource r)
{
    return pools[r].advice;
}

static void set_limits(struct nw_account *account, uint64_t memory)
{
    for (int r = 0; r < NW_RESOURCE_COUNT; r++) {
        account->used[r] = account->told[r] = 0;
        account->limit[r] = nw_resources[r].limit;
    }
    account->limit[NW_RESOURCE_IMAGE_BYTES] = account->limit[NW_RESOURCE_HELD_BYTES] = memory;
}

int nw_share_open(struct nw_account *account, uint64_t memory, char *why, size_t why_size)
{
    int r = 0;

    set_limits(account, memory);
    account->denied = (struct nw_denied){0};
    acquire();
    while (r < NW_RESOURCE_COUNT && has_place((enum nw_resource)r))
        r++;
    account->open = r == NW_RESOURCE_COUNT;
    present += account->open;
    release(account);
    if (account->open)
        return 0;
    snprintf(
        why, why_size,
        "this worker has no share of %s left for another domain: %u domains and what they hold beyond their shares "
        "use up %llu; %s, or remove a function",
        nw_resources[r].name, present, (unsigned long long)pools[r].room, nw__share_advice((enum nw_resource)r));
    return -EAGAIN;
}

void nw_share_close(struct nw_account *account)
{
    acquire();
    for (int r = 0; r < NW_RESOURCE_COUNT && account->open; r++) {
        pools[r].beyond -= beyond((enum nw_resource)r, account->used[r]);
        account->used[r] = account->limit[r] = 0;
    }
    present -= account->open;
    account->open = false;
    release(account);
}

int nw_share_take(struct nw_account *account, enum nw_resource r, uint64_t n)
{
    uint64_t more;
    bool granted, within;

    acquire();
    within = account->used[r] <= account->limit[r] && n <= account->limit[r] - account->used[r];
    granted = account->open && within;
    more = granted ? beyond(r, account->used[r] + n) - beyond(r, account->used[r]) : 0;
    granted = granted && (!more || !pools[r].room || pools[r].beyond + more + kept(r, present) <= pools[r].room);
    granted |= nw_without(NW_DEFENCE_SHARES);
    if (granted) {
        account->used[r] += n;
        pools[r].beyond += more;
    }
    release(account);
    if (!granted)
        nw_denied_note(&account->denied, r, !within);
    return granted ? 0 : nw_resources[r].refusal ? -nw_resources[r].refusal : -EAGAIN;
}

void nw_share_give(struct nw_account *account, enum nw_resource r, uint64_t n)
{
    uint64_t before;

    acquire();
    before = account->used[r];
    account->used[r] -= n < before ? n : before;
    pools[r].beyond -= beyond(r, before) - beyond(r, account->used[r]);
    release(account);
}

uint64_t nw_share_used(const struct nw_account *account, enum nw_resource r)
{
    if (r == NW_RESOURCE_LOG_LINES)
        return nw__log_share_lines(&account->log);
    /* Snapshots: stored under the lock, here and in disk.c. */
    return nw_load_relaxed(r == NW_RESOURCE_DISK ? account->disk_used : &account->used[r]);
}
