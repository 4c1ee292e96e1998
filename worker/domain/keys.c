/* See keys.h. */
#include "worker/domain/keys.h"
#include "common/base/atomic.h"
#include "worker/base/limits.h"
#include "worker/base/now.h"
#include "worker/call/invoke.h"
#include "worker/domain/domain.h"
#include "worker/domain/free.h"
#include "worker/domain/monitor.h"
#include "worker/domain/slot.h"
#include <errno.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

bool nw_key_usable(const struct nw_domain *domain)
{
    return domain->key || !nw_m.keyed;
}

void nw_key_unwant(struct nw_domain *domain)
{
    struct nw_domain **link = &nw_m.key_line;

    if (!domain->wants_key)
        return;
    while (*link != domain)
        link = &(*link)->next_wanting;
    *link = domain->next_wanting;
    domain->wants_key = false;
}

void nw_key_want(struct nw_domain *domain, bool urgent)
{
    struct nw_domain **link = &nw_m.key_line;

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
    nw_m.key_holder[domain->held_key] = NULL;
    nw_m.keys_free |= (uint16_t)(1u << domain->held_key);
    domain->held_key = 0;
    domain->key_state = NW_KEY_NONE;
}

void nw_key_forget(struct nw_domain *domain)
{
    nw_key_unwant(domain);
    nw_m.n_called_back -= domain->key_state == NW_KEY_CALLED_BACK;
    domain->key = 0;
    if (domain->held_key)
        nw_key_free(domain);
}
