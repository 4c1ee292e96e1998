/* See keys.h. */
#include "worker/domain/keys.h"
#include "common/base/atomic.h"
#include "worker/base/config.h"
#include "worker/base/limits.h"
#include "worker/base/now.h"
#include "worker/domain/domain.h"
#include "worker/domain/free.h"
#include "worker/domain/slot.h"
#include <errno.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

static uint16_t keys_free; /* bit k: hardware key k belongs to no domain */
static struct nw_domain *holder[NW_PKRU_KEYS];
static struct nw_domain *line; /* of domains that wait for a key: those that may take one first in front */
static uint32_t n_called_back;
static uint64_t use_count;

int nw_keys_take(void)
{
    for (int key = 1; key < NW_PKRU_KEYS; key++)
        if (pkey_alloc(0, 0) != key)
            return key;
    keys_free = 0xfff8; /* all but 0, the monitor's; NW_KEY_SHARED; NW_KEY_PARKED */
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

void nw_key_hold(struct nw_domain *domain)
{
    const int key = __builtin_ctz(keys_free);

    keys_free &= (uint16_t) ~(1u << key);
    holder[key] = domain;
    domain->held_key = key;
    domain->key_state = NW_KEY_COMES;
}

void nw_key_used(struct nw_domain *domain)
{
    domain->last_used = ++use_count;
}

void nw_key_call_back(struct nw_domain *domain)
{
    domain->key_state = NW_KEY_CALLED_BACK;
    n_called_back++;
}

void nw_key_go(struct nw_domain *domain)
{
    domain->key_state = NW_KEY_GOES;
    n_called_back--;
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

void nw_key_free(struct nw_domain *domain)
{
    holder[domain->held_key] = NULL;
    keys_free |= (uint16_t)(1u << domain->held_key);
    domain->held_key = 0;
    domain->key_state = NW_KEY_NONE;
}

void nw_key_forget(struct nw_domain *domain)
{
    nw_key_unwant(domain);
    n_called_back -= domain->key_state == NW_KEY_CALLED_BACK;
    domain->key = 0;
    if (domain->held_key)
        nw_key_free(domain);
}
