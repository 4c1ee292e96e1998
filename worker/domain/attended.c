/* See attended.h. */
#include "worker/domain/attended.h"

static struct nw_domain *first, **last = &first;

void nw__attend(struct nw_domain *domain)
{
    domain->attended = true;
    domain->next_attended = NULL;
    domain->attended_by = last;
    *last = domain;
    last = &domain->next_attended;
}

void nw__unattend(struct nw_domain *domain)
{
    struct nw_domain *next = domain->next_attended;

    domain->attended = false;
    *domain->attended_by = next;
    if (next)
        next->attended_by = domain->attended_by;
    else
        last = domain->attended_by;
}

struct nw_domain *nw_attended_after(const struct nw_domain *domain)
{
    return domain ? domain->next_attended : first;
}

void nw_attended_drop(bool (*is_quiet)(const struct nw_domain *domain))
{
    for (struct nw_domain *domain = first, *next; domain; domain = next) {
        next = domain->next_attended;
        if (is_quiet(domain))
            nw__unattend(domain);
    }
}
