/*
 * Which domain has a hardware key, and which wait for one: they take turns, since there may be more domains than keys
 * (run/deal.h and run/victim.h say whose turn it is). All functions here: lock held.
 */
#ifndef NW_WORKER_DOMAIN_KEYS_H
#define NW_WORKER_DOMAIN_KEYS_H

#include <stdbool.h>

#define NW_KEY_PARKED        2           /* hardware key that no flow may use: pages of domains without a key have it */
#define NW_KEY_BACKGROUND_NS 20000000ull /* so long background work waits before it takes a key from another domain */

enum nw_key_state {
    NW_KEY_NONE,
    NW_KEY_COMES, /* its pages are being given the key */
    NW_KEY_USED,
    NW_KEY_CALLED_BACK, /* it loses the key once the executors that run it have surfaced */
    NW_KEY_GOES,        /* its pages are being parked */
    NW_KEY_STATES,
};

/* What happens to the key of a domain. */
enum nw_key_event {
    NW_KEY_HOLD,
    NW_KEY_GIVE,      /* all its pages have the key */
    NW_KEY_CALL_BACK, /* no flow of it begins to run */
    NW_KEY_GO,        /* no executor runs it */
    NW_KEY_PARK,      /* all its pages are parked */
    NW_KEY_FORGET,    /* the domain and its pages no longer exist */
    NW_KEY_EVENTS,
};

struct nw_domain;

/* A domain that holds a key is recorded as its holder, and `key` is set only while it may use the one it holds. */
bool nw_key_is_valid(const struct nw_domain *domain);

/* Takes all hardware keys of the process from the kernel, at the start, in mode mpk. They are never returned to it, so
 * pkey_alloc can give none to a function. 0, or the number of a key that something else had taken. */
int nw_keys_take(void);

unsigned nw_keys_free(void);                   /* how many belong to no domain */
struct nw_domain *nw_keys_first_wanting(void); /* who waits in front, or NULL; next_wanting leads to the others */
bool nw_keys_called_back(void);                /* some domain is CALLED_BACK */
struct nw_domain *nw_key_holder(int key);      /* or NULL */

/* The domain gets one that is free, which its account is charged for: COMES. False: its account may not have it. */
bool nw_key_hold(struct nw_domain *domain);

/* Its pages have it: USED. The caller lets its flows run. */
void nw_key_give(struct nw_domain *domain);

/* Its key is used. Of domains that are equally busy the one that used its key longest ago loses it first. */
void nw_key_used(struct nw_domain *domain);

/* CALLED_BACK; then GOES; then NONE, and the key is free. */
void nw_key_call_back(struct nw_domain *domain);
void nw_key_go(struct nw_domain *domain);
void nw_key_park(struct nw_domain *domain);

/* The flows of the domain may run, as far as keys are concerned. */
bool nw_key_usable(const struct nw_domain *domain);

/* Queues the domain for a key, unless it has one; the queue is ordered by when each may take a key from another
 * domain: at once if urgent, which means that somebody waits for its result; after NW_KEY_BACKGROUND_NS otherwise.
 * The caller schedules next, or calls nw_wake_executor. */
void nw_key_want(struct nw_domain *domain, bool urgent);
void nw_key_unwant(struct nw_domain *domain);

/* The domain and its pages no longer exist: the key that it held, if any, is free. */
void nw_key_forget(struct nw_domain *domain);

#endif
