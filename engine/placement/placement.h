/*
 * Where a version is loaded: the policy, a function of nothing but what it is told of the seats of a tenant. Hardware
 * keys are scarce: the functions of a worker with fewer keys than functions take them from one another, which costs
 * time. So a seat is full when it has as many replicas as keys; then another worker is started; only when there may be
 * no more, or they cannot be started, does a seat get more replicas than keys. That costs nothing while no more of them
 * are busy than there are keys: so where more are, one moves to where fewer are. Not responsible for starting workers
 * or loading (versions/places.h).
 */
#ifndef NW_ENGINE_PLACEMENT_PLACEMENT_H
#define NW_ENGINE_PLACEMENT_PLACEMENT_H

#include <stdbool.h>
#include <stddef.h>

#define NW_PLACEMENT_UNKEYED 384 /* replicas that fill a worker without keys: it has room for 512 domains */

/* Why a replica is where it is. */
enum nw_placement_rule {
    NW_PLACED_OWN,        /* mode process: a worker serves one function */
    NW_PLACED_EVERYWHERE, /* as many workers as were asked for, each with all functions */
    NW_PLACED_SUCCESSOR,  /* where the version is that it takes over from */
    NW_PLACED_CALLERS,    /* where those are that call it, and a key is free */
    NW_PLACED_FREE,       /* a key is free in the fullest of the workers with one */
    NW_PLACED_STARTED,    /* no worker had a free key: one was started */
    NW_PLACED_CROWDED,    /* ... and no more may or can be started */
    NW_PLACED_GATHERED,   /* all that was in its worker fits here, which then goes */
    NW_PLACED_COOLER,     /* more functions were busy where it was than keys, and fewer are here */
    NW_PLACED_RULES
};

/* A seat as the policy sees it. */
struct nw_placement_seat {
    bool ill;          /* its worker cannot be started for now, or keeps ending */
    bool stuck;        /* ... since no process can be started for it */
    bool has;          /* a replica of this version is in it */
    bool predecessor;  /* ... of the version that this one takes over from */
    bool shares;       /* it has another replica of a version that is in the seat that would be left, and stays there */
    bool grown;        /* its worker was started because it was needed, and goes when it has no replica any more */
    unsigned keys;     /* 0: its worker has none */
    unsigned replicas; /* how many of its replicas hold a key, or will want one */
    unsigned hot;      /* ... are called so often that one without a key would soon want it back */
    unsigned calls;    /* the lead of its worker among those that call this function; 0: it does not lead */
};

struct nw_placement {
    enum nw_placement_rule rule;
    size_t seat; /* its index; as many as there are seats for STARTED */
};

/* Where one more replica of a version goes, when there may be `most` seats. False: nowhere, as every seat has one. */
bool nw_placement_choose(const struct nw_placement_seat *seats, size_t n, size_t most, struct nw_placement *placement);

/* Whether a replica in seat `from` should move, and where: to the worker whose functions call it most, out of a seat
 * that is not needed any more, or out of one that has more replicas than keys. `fights`: its key is taken from it again
 * and again, so that a worker may be started for it, or a seat be good in which others do not want theirs. Never to a
 * place that is only as good. */
bool nw_placement_improve(const struct nw_placement_seat *seats, size_t n, size_t most, size_t from, bool fights,
                          struct nw_placement *placement);

/* For people: why a replica is where it is. */
const char *nw_placement_reason(enum nw_placement_rule rule);

#endif
