/* See attended.h. */
#include "worker/domain/attended.h"

static struct nw_domain *first, **last = &first;

void nw__attend(struct nw_domain *domain)
{
    domain->attended = true;
    domain->next_attended = NULL;
    *last = domain;
    last = &domain->next_attended;
}

struct nw_domain *nw_attended_after(const struct nw_domain *domain)
{
    return domain ? domain->next_attended : first;
}

void nw_attended_drop(bool (*is_quiet)(const struct nw_domain *domain))
{
    struct nw_domain **link = &first;

    while (*link) {
        struct nw_domain *domain = *link;

        if (!is_quiet(domain)) {
            link = &domain->next_attended;
            continue;
        }
        domain->attended = false;
        *link = domain->next_attended;
    }
    last = link;
}
