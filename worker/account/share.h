/*
 * Who holds how much of what domains could take from one another (common/manifest/resources.def). An account for each
 * domain, and for each resource the room that all have together. A domain that holds less than its share is never
 * refused.
 *
 * Any thread, whatever locks are held: a spinlock of its own guards it, for a few instructions.
 */
#ifndef NW_WORKER_ACCOUNT_SHARE_H
#define NW_WORKER_ACCOUNT_SHARE_H

#include "common/manifest/resources.h"
#include "worker/account/denied.h"
#include "worker/account/log_share.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Part of a domain. */
struct nw_account {
    const char *name; /* of its function, for messages */
    uint64_t used[NW_RESOURCE_COUNT];
    uint64_t limit[NW_RESOURCE_COUNT];
    uint64_t told[NW_RESOURCE_COUNT]; /* what the engine knows of `used` */
    const uint64_t *disk_used;        /* of its function, which counts what it fills of directories (disk.h) */
    struct nw_denied denied;
    struct nw_log_share log;
    bool open;
};

/* What all domains have together of a resource; before the first is admitted. Without it there is no bound. */
void nw_share_room(enum nw_resource r, uint64_t room);

/* Remembers what bounds that room, for messages: a limit, its value and what raises it. */
void nw__share_bound(enum nw_resource r, const char *limit, uint64_t value, const char *how);

/* What raises that limit, for people; what the table of resources says unless nw__share_bound named something else. */
const char *nw__share_advice(enum nw_resource r);

/*
 * Admits a domain, whose name and disk are set: its shares are kept free from now on, and its limits are those of the
 * table, and of what takes memory the `memory` of its function. 0, or -EAGAIN with a message for people that says of
 * what there is no more and what to raise.
 */
int nw_share_open(struct nw_account *account, uint64_t memory, char *why, size_t why_size);
void nw_share_close(struct nw_account *account); /* whatever it still holds is free again */

/* 0, or the negative errno of the table: it would be over its limit, or take what is kept for others; -EAGAIN where
 * the table names none. */
int nw_share_take(struct nw_account *account, enum nw_resource r, uint64_t n);
void nw_share_give(struct nw_account *account, enum nw_resource r, uint64_t n);
/* None has more than its limit, and one that was not admitted has nothing: for tests and debug builds. */
bool nw_account_is_valid(const struct nw_account *account);

uint64_t nw_share_used(const struct nw_account *account, enum nw_resource r);

#endif
