/*
 * Names in what a function may connect to: looked up on another thread, one list of names at a time, before the
 * function is loaded and then again and again. What its workers are told is all addresses that the list stands for, and
 * those of the host's name servers, without which a name would be of no use. A name that cannot be looked up keeps what
 * it had; nobody waits for it longer than some seconds. Not responsible for how the resolver is asked (lookup.c) or for
 * telling workers (loads.c).
 */
#ifndef NW_ENGINE_NAMES_NAMES_H
#define NW_ENGINE_NAMES_NAMES_H

#include "common/manifest/grant.h"
#include "engine/base/list.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct nw_io;
struct nw_names;

/* Each gets what nw_names_new was given. */
struct nw_names_events {
    void (*known)(void *arg);   /* each name was looked up, or could not be; called once */
    void (*changed)(void *arg); /* ... and the addresses of one have changed since */
    void (*idle)(void *arg);    /* stopped, and no other thread uses them any more */
};

/* All names of the engine. */
struct nw_resolver {
    struct nw_io *io;
    const struct nw_names_events *events;
    struct nw_list lists; /* of struct nw_names */
    bool looking;         /* a thread is at one of them */
    bool ended;           /* the loop is over: what comes back from the thread is not looked at */
};

void nw_resolver_init(struct nw_resolver *resolver, struct nw_io *io, const struct nw_names_events *events);

/* Looks up what is due. */
void nw_resolver_tick(struct nw_resolver *resolver);

/* Those in `connect`, a list in the syntax of the manifest, which stays as long as they do. NULL when memory is out. */
struct nw_names *nw_names_new(struct nw_resolver *resolver, const char *function, const char *connect, void *arg);

/* Whether such a list has names in it. A worker can read a list without names by itself. */
bool nw_names_has(const char *connect);

/* Whether they are known; begins to look them up if they never were. */
bool nw_names_ready(struct nw_names *names);

/* All that the list stands for now: struct nw_address_grant, as the text of one control message. */
#define NW_NAMES_EACH 32 /* addresses of one name */
struct nw_reach {
    struct nw_address_grant grants[NW_ADDRESSES_MAX + (NW_ADDRESSES_MAX + 1) * NW_NAMES_EACH];
    unsigned n;
};
void nw_names_reach(const struct nw_names *names, struct nw_reach *reach);

/* Stops looking them up; another thread may still use them and what nw_names_new was given until they are not busy. */
void nw_names_stop(struct nw_names *names);
bool nw_names_busy(const struct nw_names *names);

/* Good for NULL; not while they are busy. */
void nw_names_free(struct nw_names *names);

#endif
