/*
 * That a domain has as much of a resource as it may, or as there is: its log says so in words. What the function itself
 * gets is an errno, which names no limit.
 */
#ifndef NW_WORKER_ACCOUNT_DENIED_H
#define NW_WORKER_ACCOUNT_DENIED_H

#include "common/manifest/resources.h"
#include <stdbool.h>
#include <stdint.h>

struct nw_account;

/* Part of an account (share.h). */
struct nw_denied {
    uint32_t own, room; /* bits of resources: it is at its limit; others have what is left */
    uint64_t said_at;
};

/* Any lock. */
void nw_denied_note(struct nw_denied *denied, enum nw_resource r, bool own);

/* A system call of the domain has failed; no lock: one line a second at most about what was noted. */
void nw_denied_say(struct nw_account *account);

#endif
