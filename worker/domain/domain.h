/*
 * A domain is one loaded instance of a function: address range, key, slots, files. A crashed one is torn down and a new
 * one takes its place; the old one lingers until the last of its slots has surfaced.
 *
 * The monitor's lock guards it, but for what says otherwise: its memory and its files have locks of their own, its list
 * of free func workers under free_lock (free.h).
 */
#ifndef NW_WORKER_DOMAIN_DOMAIN_H
#define NW_WORKER_DOMAIN_DOMAIN_H

#include "common/base/bound.h"
#include "common/base/status.h"
#include "worker/account/lines.h"
#include "worker/account/share.h"
#include "worker/base/config.h"
#include "worker/base/limits.h"
#include "worker/base/signals.h"
#include "worker/domain/keys.h"
#include "worker/domain/slot.h"
#include "worker/files/files.h"
#include "worker/memory/memory.h"
#include <limits.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct nw_executor;
struct nw_deployed;

enum nw_domain_state {
    NW_DOMAIN_NONE,     /* the record is unused */
    NW_DOMAIN_MAKING,   /* taken by the control thread, which prepares it without the lock */
    NW_DOMAIN_STARTING, /* its flow runs ld.so, constructors, faas_init and makes the func workers */
    NW_DOMAIN_LIVE,
    NW_DOMAIN_DYING,  /* no flow of it will run again; waits for the last slots to surface */
    NW_DOMAIN_BURIED, /* they have; its memory and files are given back */
};

/* Slots of one domain that are ready, of one pace. */
struct nw_ready_list {
    struct nw_slot *first, **tail;
    struct nw_domain *next; /* in the queue of executor/ready.c */
    bool queued;            /* there; only while the domain has a key */
};

struct nw_domain {
    uint32_t index;  /* as nw_domain_at takes it */
    uint64_t serial; /* tells this domain from earlier ones of its record */
    uint32_t state;  /* enum nw_domain_state; DYING is stored before the kick that makes executors look */
    uint32_t free_lock;
    uint32_t free_times;                        /* taken by the same executor in a row: */
    struct nw_executor *free_last, *free_owner; /* the last; who may do without the lock */
    struct nw_slot *free;
    uint32_t n_free;
    uint32_t n_workers;      /* func workers: threads that have waited for an invocation */
    uint32_t n_made;         /* ... that the stub says it has made */
    uint32_t n_serving;      /* ... that run an invocation which is no nested call: at most the function's slots */
    struct nw_slot *grower;  /* its first flow, waiting to be asked for another func worker; NULL while it makes one */
    bool makes_beyond;       /* ... that is beyond its slots */
    uint64_t make_failed_at; /* it could make no more; 0: it could */
    uint64_t extra_used_at;  /* when more than its slots were last busy */
    struct nw_deployed *function;
    struct nw_account account;
    int key;            /* hardware key that its flows may use; 0 while there is none, or where there are none */
    int held_key;       /* ... that nobody else is given, since its pages may be in it */
    uint64_t last_used; /* of its key: a count, not a time */
    uint64_t served;    /* what its func workers had begun when somebody last looked for a key */
    enum nw_key_state key_state;
    uint64_t key_since; /* USED and CALLED_BACK: since when */
    uint64_t key_due;   /* in the line: from when it may take a key from somebody */
    bool wants_key, key_urgent;
    struct nw_domain *next_wanting;
    uint32_t recall;          /* CALLED_BACK: the number of the recall */
    pthread_cond_t key_given; /* for executors that hold a slot of it */
    uint32_t n_key_waiters;
    uint64_t areas;            /* where full exits place registers; the monitor's own pages inside the range */
    pthread_mutex_t move_lock; /* for a piece of a large transfer: those of a domain take turns at the processor */
    uint64_t memory_told, memory_peak_told; /* what the engine knows of nw_memory_used, and of its peak */
    uint32_t calls_told;                    /* the same of how often its function was called */
    struct nw_memory memory;
    struct nw_files files;
    char cwd[PATH_MAX]; /* what relative paths begin at; guarded by files.lock */
    uint32_t n_slots;   /* not UNUSED */
    uint32_t slots_end; /* beyond it no slot was ever used */
    struct nw_ready_list ready[NW_PACES];
    struct nw_domain *next_buried;
    struct nw_domain *next_attended; /* in the list of attended.h */
    bool attended;                   /* there */
    struct nw_domain *next_taken;    /* in the queue of snapshot/taker.c */
    bool snapshot_wanted;            /* its function is up, and a snapshot is taken as soon as its func workers wait */
    const char *no_snapshot;         /* why none can be taken; known when it is in that queue */
    bool restores;                   /* it is made from its function's snapshot */
    struct nw_slot *sleepers;
    uint64_t futex_wakes; /* how often somebody called for it; read without the lock */
    uint32_t n_ending;    /* threads that have said that they end, and that nobody else has to wait for */
    struct nw_signals signals;
    struct nw_lines lines;
    uint64_t arena_bytes; /* of our arenas, for what the engine has of it */
    uint64_t started_at;  /* ... and, once it is closing, since when */
    bool closing;         /* its function retires: func workers are destroyed, then it ends */
    bool loaded;          /* its program is mapped; the executor that runs its first flow does that */
    enum nw_status end_status;
    char reason[NW_REASON_MAX];            /* why it was torn down, or what it said when it could not start */
    uint8_t *xsave;                        /* a save area for each slot */
    struct nw_slot slots[NW_DOMAIN_SLOTS]; /* last: most of them are never touched */
};

/* Of the save areas of all its slots. */
static inline size_t nw_domain_xsave_size(void)
{
    return NW_DOMAIN_SLOTS * nw_config()->xsave_size;
}

/* Whether flows of it may run. */
static inline bool nw_domain_lives(const struct nw_domain *domain)
{
    return domain->state == NW_DOMAIN_STARTING || domain->state == NW_DOMAIN_LIVE;
}

/* See nw_memory_holds and nw_memory_confine. */
static inline bool nw_domain_holds(const struct nw_domain *domain, uint64_t start, uint64_t length)
{
    return nw_memory_holds(&domain->memory, start, length);
}

static inline bool nw_domain_confine(const struct nw_domain *domain, uint64_t *start, uint64_t length)
{
    return nw_memory_confine(&domain->memory, start, length);
}

/* What happens to a domain. */
enum nw_domain_event {
    NW_DOMAIN_TAKE,    /* its record is taken */
    NW_DOMAIN_START,   /* it is made: its first flow may run */
    NW_DOMAIN_STARTED, /* the function is up */
    NW_DOMAIN_KILL,
    NW_DOMAIN_BURY,   /* no slot of it is left */
    NW_DOMAIN_FORGET, /* what it had is given back */
    NW_DOMAIN_EVENTS,
};

/* Its lists are counted, and it has no key that it does not hold. */
bool nw_domain_is_valid(const struct nw_domain *domain);

/* The one place where the state changes. Lock held; seen by who looks at it without, once it is kicked. */
void nw_domain_move(struct nw_domain *domain, enum nw_domain_event event);

/* How many are DYING, and how many are not NONE. Lock held. */
uint32_t nw_domains_dying(void);
uint32_t nw_domains_there(void);

/* The records of domains, of which some are unused (NONE); they stay where they are. NULL behind the last. Lock held.
 */
struct nw_domain *nw_domain_at(uint64_t index);

/* One that is unused. NULL with errno: ENOMEM, or ENOSPC when there are as many as can be. */
struct nw_domain *nw_domain_take(void);

/* All of them, one after the other: the first is the one after NULL. */
struct nw_domain *nw_domain_after(const struct nw_domain *domain);

#endif
