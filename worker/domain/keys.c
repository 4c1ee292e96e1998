/* See keys.h. */
#include "worker/domain/keys.h"
#include "common/base/valid.h"
#include "worker/account/share.h"
#include "worker/base/config.h"
#include "worker/base/limits.h"
#include "worker/base/now.h"
#include "worker/domain/domain.h"
#include <sys/mman.h>

static uint16_t keys_free; /* bit k: hardware key k belongs to no domain */
static struct nw_domain *holder[NW_PKRU_KEYS];
static struct nw_domain *line; /* domains that wait for a key, by key_due */
static uint32_t n_called_back;
static uint64_t use_count;

/*
 *             held             given            called back             left             parked
 *   NONE ──────────────> COMES ─────────> USED ─────────────> CALLED_BACK ────> GOES ────────────> NONE
 *
 * A domain may die in each of them; it then holds its key until it is forgotten, for so long its pages may have it.
 */
#define TO(state) (NW_KEY_##state + 1) /* so that 0, of entries that are not listed, means: not allowed */
static const uint8_t next_state[NW_KEY_STATES][NW_KEY_EVENTS] = {
    [NW_KEY_NONE] = {[NW_KEY_HOLD] = TO(COMES), [NW_KEY_FORGET] = TO(NONE)},
    [NW_KEY_COMES] = {[NW_KEY_GIVE] = TO(USED), [NW_KEY_FORGET] = TO(NONE)},
    [NW_KEY_USED] = {[NW_KEY_CALL_BACK] = TO(CALLED_BACK), [NW_KEY_FORGET] = TO(NONE)},
    [NW_KEY_CALLED_BACK] = {[NW_KEY_GO] = TO(GOES), [NW_KEY_FORGET] = TO(NONE)},
    [NW_KEY_GOES] = {[NW_KEY_PARK] = TO(NONE), [NW_KEY_FORGET] = TO(NONE)},
};
#undef TO

bool nw_key_is_valid(const struct nw_domain *domain)
{
    const int key = domain->held_key;

    if (domain->key && (domain->key != key || domain->key_state != NW_KEY_USED))
        return false;
    if (domain->key_state == NW_KEY_NONE)
        return !key;
    return domain->key_state < NW_KEY_STATES && key > NW_KEY_PARKED && key < NW_PKRU_KEYS && holder[key] == domain &&
           !(keys_free >> key & 1);
}

static void hold(struct nw_domain *domain)
{
    const int key = __builtin_ctz(keys_free);

    keys_free &= (uint16_t) ~(1u << key);
    holder[key] = domain;
    domain->held_key = key;
}

static void let_go(struct nw_domain *domain)
{
    nw_share_give(&domain->account, NW_RESOURCE_KEYS, 1);
    holder[domain->held_key] = NULL;
    keys_free |= (uint16_t)(1u << domain->held_key);
    domain->held_key = 0;
}

static void move(struct nw_domain *domain, enum nw_key_event event)
{
    const uint8_t next = next_state[domain->key_state][event];

    nw_check_that(next);
    if (!next)
        return;
    n_called_back -= domain->key_state == NW_KEY_CALLED_BACK;
    domain->key_state = (enum nw_key_state)(next - 1);
    n_called_back += domain->key_state == NW_KEY_CALLED_BACK;
    if (domain->key_state == NW_KEY_COMES)
        hold(domain);
    else if (domain->key_state == NW_KEY_NONE && domain->held_key)
        let_go(domain);
    nw_check_valid(nw_key, domain);
}

int nw_keys_take(void)
{
    for (int key = 1; key < NW_PKRU_KEYS; key++)
        if (pkey_alloc(0, 0) != key)
            return key;
    keys_free = 0xfff8; /* all but 0, which is the monitor's, NW_KEY_SHARED and NW_KEY_PARKED */
    nw_share_room(NW_RESOURCE_KEYS, nw_keys_free());
    return 0;
}

unsigned nw_keys_free(void)
{
    return (unsigned)__builtin_popcount(keys_free);
}

struct nw_domain *nw_keys_first_wanting(void)
{
    return line;
}

bool nw_keys_called_back(void)
{
    return n_called_back > 0;
}

struct nw_domain *nw_key_holder(int key)
{
    return holder[key];
}

bool nw_key_hold(struct nw_domain *domain)
{
    if (nw_share_take(&domain->account, NW_RESOURCE_KEYS, 1) < 0)
        return false;
    move(domain, NW_KEY_HOLD);
    return true;
}

void nw_key_give(struct nw_domain *domain)
{
    move(domain, NW_KEY_GIVE);
    nw_key_used(domain);
}

void nw_key_used(struct nw_domain *domain)
{
    domain->last_used = ++use_count;
}

void nw_key_call_back(struct nw_domain *domain)
{
    move(domain, NW_KEY_CALL_BACK);
}

void nw_key_go(struct nw_domain *domain)
{
    move(domain, NW_KEY_GO);
}

void nw_key_park(struct nw_domain *domain)
{
    move(domain, NW_KEY_PARK);
}

bool nw_key_usable(const struct nw_domain *domain)
{
    return domain->key || !nw_config()->keyed;
}

void nw_key_unwant(struct nw_domain *domain)
{
    struct nw_domain **link = &line;

    if (!domain->wants_key)
        return;
    while (*link != domain)
        link = &(*link)->next_wanting;
    *link = domain->next_wanting;
    domain->wants_key = false;
}

void nw_key_want(struct nw_domain *domain, bool urgent)
{
    struct nw_domain **link = &line;

    if (nw_key_usable(domain) || !nw_domain_lives(domain) || (domain->wants_key && (domain->key_urgent || !urgent)))
        return;
    nw_key_unwant(domain);
    domain->key_urgent = urgent;
    domain->key_due = nw_now() + (urgent ? 0 : NW_KEY_BACKGROUND_NS);
    while (*link && (*link)->key_due <= domain->key_due)
        link = &(*link)->next_wanting;
    domain->next_wanting = *link;
    *link = domain;
    domain->wants_key = true;
}

void nw_key_forget(struct nw_domain *domain)
{
    nw_key_unwant(domain);
    domain->key = 0;
    move(domain, NW_KEY_FORGET);
}
