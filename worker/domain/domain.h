/*
 * A domain is one loaded instance of a function: address range, key, slots, files. A crashed one is torn down and a new
 * one takes its place; the old one lingers until the last of its slots has surfaced.
 *
 * The monitor's lock guards it, but for three parts: its memory and its files have locks of their own, and free_lock
 * guards its list of free func workers (free.h).
 */
#ifndef NW_WORKER_DOMAIN_DOMAIN_H
#define NW_WORKER_DOMAIN_DOMAIN_H

#include "common/base/bound.h"
#include "common/base/status.h"
#include "worker/account/demand.h"
#include "worker/account/share.h"
#include "worker/base/config.h"
#include "worker/base/limits.h"
#include "worker/base/signals.h"
#include "worker/domain/keys.h"
#include "worker/domain/slot.h"
#include "worker/files/files.h"
#include "worker/lines/lines.h"
#include "worker/memory/memory.h"
#include "worker/turn/queue.h"
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

/* The ready slots of one domain that have the same pace (slot.h). */
struct nw_ready_list {
    struct nw_slot *first[NW_READY_KINDS], **tail[NW_READY_KINDS];
    uint32_t n;
    uint32_t turns;             /* that slots of it have had */
    struct nw_turn_place place; /* in the queue of executor/ready.c; only while the domain has a key */
};

struct nw_domain {
    uint32_t index;  /* as nw_domain_at takes it */
    uint64_t serial; /* tells this domain from earlier ones that had the same record */
    uint32_t state;  /* enum nw_domain_state; DYING is stored before the kick that makes executors look */
    uint32_t free_lock;
    uint32_t free_times;                        /* how often free_last has taken free_lock in a row */
    struct nw_executor *free_last, *free_owner; /* free_owner: who may go without the lock (free.h), or NULL */
    struct nw_slot *free;
    uint32_t n_free;
    uint32_t n_workers;      /* func workers: threads that have waited for an invocation */
    uint32_t n_made;         /* func workers that the stub says it has made; some may not have waited yet */
    uint32_t n_serving;      /* func workers with an invocation that is no nested call: at most function->slots */
    struct nw_slot *grower;  /* its first flow, waiting to be asked for another func worker; NULL while it makes one */
    bool makes_beyond;       /* the one that it makes is beyond function->slots, for nested calls */
    bool calls_some;         /* it may call some functions only: see reach/callees.h */
    uint64_t make_failed_at; /* when making one last failed; 0: it has not since, or another may be tried at once */
    struct nw_demand demand; /* for func workers */
    uint64_t extra_used_at;  /* when more func workers than are to be kept were last busy */
    struct nw_deployed *function;
    struct nw_account account;
    int key;            /* hardware key that its flows may use; 0: none now, or the machine has no keys */
    int held_key;       /* hardware key that nobody else is given, since its pages may have it; 0: none */
    uint64_t last_used; /* when its key was last used: a count of uses, not a time */
    uint64_t served;    /* how many invocations it had begun when somebody last looked for a key to take */
    enum nw_key_state key_state;
    uint64_t key_since;                   /* USED and CALLED_BACK: since when */
    uint64_t key_due;                     /* while wants_key: from when it may take a key from another domain */
    bool wants_key, key_urgent, key_lost; /* key_lost: its last key was taken from it */
    struct nw_domain *next_wanting;
    uint32_t recall;          /* CALLED_BACK: the number of the recall */
    pthread_cond_t key_given; /* for executors that hold a slot of it */
    uint32_t n_key_waiters;
    uint64_t areas;            /* address of the monitor's own pages in the range: the gate pops registers from there */
    pthread_mutex_t move_lock; /* held for each piece of a large payload, so that one domain's carriers take turns */
    uint32_t workers_told;     /* n_workers as last told to the engine */
    uint64_t memory_told, memory_peak_told; /* nw_memory_used and memory.peak as last told to the engine */
    uint32_t calls_told;                    /* how often its function was called, as last told to the engine */
    struct nw_memory memory;
    struct nw_files files;
    char cwd[PATH_MAX]; /* what relative paths begin at; guarded by files.lock */
    uint32_t n_slots;   /* that are not UNUSED; one more while somebody works on it unlocked: it is not buried then */
    uint32_t slots_end; /* slots from this index on were never used */
    struct nw_ready_list ready[NW_PACES];
    struct nw_domain *next_buried;
    struct nw_domain *next_attended; /* in the list of attended.h */
    struct nw_domain **attended_by;  /* what points at it there */
    bool attended;                   /* it is in that list */
    struct nw_domain *next_taken;    /* in the queue of snapshot/taker.c */
    bool snapshot_wanted;            /* its function is up, and a snapshot is taken as soon as its func workers wait */
    const char *no_snapshot;         /* why none can be taken, or NULL; set when it is put in that queue */
    bool restores;                   /* it is made from its function's snapshot */
    struct nw_slot *sleepers;
    uint64_t futex_wakes; /* how many futex wakes it has made; who is about to wait reads it without the lock */
    uint32_t n_ending;    /* threads that are about to end: they do not count any more when another is made */
    struct nw_signals signals;
    struct nw_lines lines;
    uint64_t arena_bytes; /* of our arenas that its payloads on the way to the engine take */
    uint64_t started_at;  /* when it was made, or, once it is closing, when that began */
    bool closing;         /* its function retires: func workers are destroyed, then it ends */
    bool loaded;          /* its program is mapped; the executor that runs its first flow does that */
    enum nw_status end_status;
    bool violated;                         /* it reached for memory whose key it does not hold, and ends for that */
    char reason[NW_REASON_MAX];            /* why it was torn down, or what it said when it could not start */
    uint8_t *xsave;                        /* a save area for each slot */
    bool calls_others;                     /* one of the next two is not all zero */
    uint64_t called[NW_DEPLOYED_MAX];      /* calls by each route that its slots do not count any more (called.h) ... */
    uint64_t called_told[NW_DEPLOYED_MAX]; /* ... and how many of all the engine was told of */
    struct nw_slot slots[NW_DOMAIN_SLOTS]; /* last: most of them are never touched */
};

/* Bytes at `xsave`. */
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

/* Its slots are within bounds, none is left when it is gone, and it uses no key but the one that it holds. */
bool nw_domain_is_valid(const struct nw_domain *domain);

/* The one place where the state changes. Lock held; an executor that reads it without sees it once it is kicked. */
void nw_domain_move(struct nw_domain *domain, enum nw_domain_event event);

/* How many are DYING, and how many are not NONE. Lock held. */
uint32_t nw_domains_dying(void);
uint32_t nw_domains_there(void);

/* The records of domains, of which some are unused (NONE); they stay where they are. NULL behind the last. Lock held.
 */
struct nw_domain *nw_domain_at(uint64_t index);

/* A record that is unused, still NONE. NULL with errno: ENOMEM, or ENOSPC when all NW_DOMAINS_MAX are taken. */
struct nw_domain *nw_domain_take(void);

/* All records, unused ones too, one after the other: the first is the one after NULL. */
struct nw_domain *nw_domain_after(const struct nw_domain *domain);

#endif
