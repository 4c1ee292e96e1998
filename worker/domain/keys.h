/*
 * Who has a hardware key: domains take turns, since there may be more of them than keys.
 *
 *   NONE ──its turn in the line──> COMES ──> USED
 *    ^                                        │ somebody else's turn
 *    └────────────────── GOES <────── CALLED_BACK
 *
 * A domain in which nothing runs is recalled at once. Any other is when it has had its turn: executors that run it are
 * kicked, and a key is given anew only when each of them has surfaced and the pages are parked. Its flows that could go
 * on wait for its next turn.
 *
 * Pages change keys without the monitor's lock, on the executor that deals: a domain that is being given or parked has
 * no key that it could use meanwhile. All functions here: lock held.
 */
#ifndef NW_WORKER_DOMAIN_KEYS_H
#define NW_WORKER_DOMAIN_KEYS_H

#include <stdbool.h>

#define NW_KEY_PARKED 2 /* the hardware key of nobody: of the pages of domains that have none */

enum nw_key_state {
    NW_KEY_NONE,
    NW_KEY_COMES, /* its pages are being given the key */
    NW_KEY_USED,
    NW_KEY_CALLED_BACK, /* executors that run it have yet to surface */
    NW_KEY_GOES,        /* its pages are being parked */
};

struct nw_domain;
struct nw_executor;

/* The flows of the domain may run, as far as keys are concerned. */
bool nw_key_usable(const struct nw_domain *domain);

/* Gets into the line unless it has a key. Urgent is what somebody waits for; what a function does on its own account
 * waits a turn before it takes a key from somebody. The caller schedules next, or calls nw_wake_executor. */
void nw_key_want(struct nw_domain *domain, bool urgent);

/* Deals out the keys that can be had. Called by executors that run nothing; lets go of the lock meanwhile. */
void nw_keys_deal(void);

/* The executor runs no slot, or is about to run another one. */
void nw_key_surfaced(struct nw_executor *ex);

/* The domain is gone, with its pages. */
void nw_key_forget(struct nw_domain *domain);

#endif
