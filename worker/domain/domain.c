/* The records of domains. One is used again but never freed, so that an executor with an old pointer finds a lock and a
 * state rather than garbage. */
#include "worker/domain/domain.h"
#include <errno.h>
#include <stdlib.h>

static struct nw_domain *nw__domains[NW_DOMAINS_MAX]; /* attacks look for it by this name */

/* attacks look for it by this name */

struct nw_domain *nw_domain_at(uint64_t index)
{
    return index < NW_DOMAINS_MAX ? nw__domains[index] : NULL;
}

struct nw_domain *nw_domain_after(const struct nw_domain *domain)
{
    return nw_domain_at(domain ? domain->index + 1ull : 0);
}

static struct nw_domain *record_new(size_t index)
{
    struct nw_domain *domain = calloc(1, sizeof(*domain));

    if (!domain)
        return NULL;
    domain->index = (uint32_t)index;
    nw_memory_init(&domain->memory);
    nw_files_init(&domain->files);
    pthread_mutex_init(&domain->move_lock, NULL);
    pthread_cond_init(&domain->key_given, NULL);
    return domain;
}

struct nw_domain *nw_domain_take(void)
{
    size_t i = 0;

    while (i < NW_DOMAINS_MAX && nw__domains[i] && nw__domains[i]->state != NW_DOMAIN_NONE)
        i++;
    errno = ENOSPC;
    if (i == NW_DOMAINS_MAX)
        return NULL;
    if (!nw__domains[i])
        nw__domains[i] = record_new(i);
    return nw__domains[i];
}
