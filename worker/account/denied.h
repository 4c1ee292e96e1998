/*
 * Logs that a domain is at its limit of a resource, or that the worker has no more of it. The function itself gets only
 * an errno, which does not name the limit.
 */
#ifndef NW_WORKER_ACCOUNT_DENIED_H
#define NW_WORKER_ACCOUNT_DENIED_H

#include "common/base/atomic.h"
#include "common/manifest/resources.h"
#include <stdbool.h>
#include <stdint.h>

struct nw_account;

/* Part of an account (share.h). */
struct nw_denied {
    uint32_t own, room; /* bits of resources: it is at its limit; others have what is left */
    uint64_t said_at;
};

/* Of resources that system calls ask for. */
#define NW__DENIED_BIT(r) (1u << NW_RESOURCE_##r)
#define NW__DENIED_SAID                                                                                         \
    (NW__DENIED_BIT(MAPPINGS) | NW__DENIED_BIT(DESCRIPTORS) | NW__DENIED_BIT(WATCHES) | NW__DENIED_BIT(LOCKS) | \
     NW__DENIED_BIT(DISK) | NW__DENIED_BIT(THREADS))

/* Any lock. */
static inline void nw_denied_note(struct nw_denied *denied, enum nw_resource r, bool own)
{
    if (1u << r & NW__DENIED_SAID)
        nw_fetch_or(own ? &denied->own : &denied->room, 1u << r); /* pairs with nw_denied_say */
}

/* A system call of the domain has failed; no lock: one line a second at most about what was noted. */
void nw_denied_say(struct nw_account *account);

#endif
