/*
 * A version of a function as this worker has it (the engine calls it a deployment): its name and its .so, what it is
 * granted and limited to, the invocations that wait for a slot. What comes from its manifest does not change once it is
 * loaded; the monitor's lock guards the rest. call/deployed.c loads, replaces and retires functions.
 */
#ifndef NW_WORKER_DOMAIN_DEPLOYED_H
#define NW_WORKER_DOMAIN_DEPLOYED_H

#include "common/manifest/manifest.h"
#include "worker/base/limits.h"
#include "worker/files/disk.h"
#include "worker/files/files.h"
#include "worker/turn/limit.h"
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NW_KEEPS_UNKNOWN 10000000ull                /* nw_deployed.keeps before it has run, more than it can be later */
#define NW_REMOVED       "the function was removed" /* why a domain ends that has nothing left to do */

struct nw_domain;
struct nw_arrival;
struct nw_snapshot;

/* What a function of profile net may connect to. The engine sends it again when names in its list resolve anew. */
struct nw_reachable {
    pthread_mutex_t lock;
    bool everything;
    size_t n;
    struct nw_address_grant *addresses;
};

/* Processor time, in ticks, and what it lacked. Time is counted when a slot leaves its executor: what it called
 * meanwhile counts for it, and what it called that was made to stop counts for itself from then on. */
struct nw_usage {
    uint64_t ran, waited; /* ... on an executor, for one */
    uint64_t preempted;   /* how often one of its slots had to make way */
    uint64_t rekeyed;     /* how often its domain wanted back a key that had been taken from it, and got one */
};

/* The functions that it may call, for reach/callees.h alone. */
struct nw_callees {
    char *names;                           /* as nw_calls_resolve has them; NULL: any */
    uint64_t routes[NW_DEPLOYED_MAX / 64]; /* those of them that there are so far, a bit each; read without the lock */
    uint64_t refused;                      /* calls of others */
    uint64_t said_at;                      /* when one was logged */
};

enum nw_deployed_state {
    NW_DEPLOYED_NONE,
    NW_DEPLOYED_LOADING, /* its first domain starts; the engine waits for LOADED or REFUSED */
    NW_DEPLOYED_UP,      /* serves; a crashed domain is replaced */
    NW_DEPLOYED_RETIRING,
};

/* The snapshot of a function. Drawn, and moved, in call/snapshots.c. */
enum nw_snapshot_state {
    NW_SNAPSHOT_NONE,         /* there is none, and none is taken any more */
    NW_SNAPSHOT_WANTED,       /* one is taken of the next domain */
    NW_SNAPSHOT_SENT,         /* its file came with the function, and is opened for the next domain */
    NW_SNAPSHOT_GIVEN,        /* further domains are made from the one that came */
    NW_SNAPSHOT_OWN,          /* ... from one that was taken here */
    NW_SNAPSHOT_SPOILT_GIVEN, /* it is no good, and goes when no domain is left */
    NW_SNAPSHOT_SPOILT_OWN,
    NW_SNAPSHOT_RESTING, /* domains are loaded; one is taken again after a while, once one of them has served */
    NW_SNAPSHOT_STATES,
};

struct nw_deployed {
    enum nw_deployed_state state;
    uint32_t deployment;
    char name[NW_NAME_MAX + 1];
    int so; /* descriptor of its file */
    uint32_t slots;
    uint64_t timeout_ns;
    uint64_t memory;
    uint32_t threads;
    uint32_t weight;       /* its part of what long ones have among themselves, over that of others */
    struct nw_limit limit; /* its part of a processor */
    uint64_t static_tls;   /* bytes for thread-local variables of what is loaded later */
    uint32_t profile;      /* enum nw_profile */
    struct nw_reachable reach;
    uint32_t n_directories;
    struct nw_directory directories[NW_DIRECTORIES_MAX];
    struct nw_disk disk;
    struct nw_callees callees;
    char *cwd; /* where its domains begin; of PATH_MAX bytes */
    char *env; /* K=V NUL ... */
    size_t env_length;
    uint64_t range; /* where its domains lie if they can; 0: anywhere, and there are no snapshots */
    bool fresh;     /* each invocation finds its domain as the snapshot is */
    enum nw_snapshot_state snapshot_state;
    int file;                        /* of a snapshot that came with it and is not opened yet; or -1 */
    struct nw_snapshot *snapshot;    /* from which further domains are made; NULL: there is none ... */
    char no_snapshot[NW_REASON_MAX]; /* ... and why, if one was wanted; or why the one that there is is no good */
    uint32_t lost_early;      /* how many domains that it should have made were lost, one after the other, unserved */
    uint32_t rests;           /* how often its own was spoilt */
    uint64_t rests_until;     /* RESTING: none is taken before that */
    bool awaited, handed;     /* the engine takes one, once; the engine has one of this worker's, or that it sent it */
    struct nw_domain *domain; /* the current one; release-stored when it is set, acquire-loaded by the nested call */
    struct nw_arrival *queue, **queue_tail;
    uint32_t queued; /* how many, and nw_deployed_queued_least more; unless it is 0 nested calls take the longer way,
                        who read it without the lock */
    bool inspected;  /* its file was found to be a function */
    bool silent;     /* the engine has heard that it was refused, so it is not told that it is retired */
    uint64_t retry_at;
    uint64_t lost_at; /* when its last domain was torn down */
    uint64_t keeps;   /* TSC ticks for which one of its slots keeps an executor: a moving mean */
    struct nw_usage usage;
    uint64_t fair;        /* time by which it has its turns, more with less weight (turn/turn.h): who comes back has no
                             less than those who stayed (executor/ready.c) */
    uint64_t ran_told;    /* usage.ran as last told to the engine */
    bool ran_long;        /* so did the last turn of one of its slots */
    uint64_t long_until;  /* ticks: one of its slots ran long lately, so others are expected to until then */
    uint64_t memory_peak; /* the largest memory.peak of its earlier domains */
    uint64_t refused[8];  /* system call numbers that were refused and logged, one bit each */
};

/* Bytes that the stacks of its func workers take beside the first's. */
static inline uint64_t nw_deployed_stacks(const struct nw_deployed *function)
{
    return (function->slots - 1ull) * NW_WORKER_STACK;
}

/* Whether one is to be taken of a domain that is not made from it. A fresh function needs one in any case. */
static inline bool nw_deployed_wants_snapshot(const struct nw_deployed *function)
{
    const enum nw_snapshot_state state = function->snapshot_state;

    return state == NW_SNAPSHOT_WANTED ||
           (function->fresh && (state == NW_SNAPSHOT_OWN || state == NW_SNAPSHOT_SPOILT_OWN));
}

/* Nested calls of some functions always take the longer way: an executor has something to do for each, or its time is
 * to count for the function and not for the caller. */
static inline uint32_t nw_deployed_queued_least(const struct nw_deployed *function)
{
    return function->fresh || function->limit.percent;
}

/* Those that there are, one after the other: the first is the one after NULL. Lock held, here and below. */
struct nw_deployed *nw_deployed_after(const struct nw_deployed *function);

struct nw_deployed *nw_deployed_find(uint32_t deployment); /* NULL: there is none */
struct nw_deployed *nw_deployed_take(uint32_t deployment); /* a record that is unused; NULL: there is none */

/* What happens to a function. */
enum nw_deployed_event {
    NW_DEPLOYED_LOAD,    /* the engine wants it */
    NW_DEPLOYED_STARTED, /* a domain of it is up */
    NW_DEPLOYED_RETIRE,  /* the engine wants it no more, or its first domain has failed */
    NW_DEPLOYED_ENDED,   /* nothing of it is left */
    NW_DEPLOYED_EVENTS,
};

bool nw_deployed_is_valid(const struct nw_deployed *function);

/* The one place where the state changes. */
void nw_deployed_move(struct nw_deployed *function, enum nw_deployed_event event);

#endif
