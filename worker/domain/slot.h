/*
 * A slot is a flow of control inside a domain: each thread of the function is one. Those that wait for invocations are
 * the function's func workers.
 *
 * A slot that runs, or that waits for a callee in this worker, belongs to its executor: nobody else touches it. To end
 * such a slot, its domain is marked dying and every executor is kicked; the slot is dead when its executor surfaces.
 * Any other slot is guarded by the monitor's lock.
 */
#ifndef NW_WORKER_DOMAIN_SLOT_H
#define NW_WORKER_DOMAIN_SLOT_H

#include "common/base/valid.h"
#include "common/manifest/manifest.h"
#include "protect/gate/gate.h"
#include "worker/base/limits.h"
#include "worker/base/signals.h"
#include "worker/base/span.h"
#include <stdbool.h>
#include <stdint.h>

struct nw_domain;
struct nw_arrival;
struct nw_link;

enum nw_slot_state {
    NW_SLOT_UNUSED,
    NW_SLOT_READY,   /* in domain.ready */
    NW_SLOT_RUNNING, /* on an executor */
    NW_SLOT_BARE,    /* on a blocked executor that has none of the domain's rights */
    NW_SLOT_FREE,    /* in domain.free: a func worker that waits for an invocation */
    NW_SLOT_CALLING, /* waits for a callee that runs in this worker */
    NW_SLOT_QUEUED,  /* its nested call waits in the callee's queue */
    NW_SLOT_REMOTE,  /* its nested call is with the engine */
    NW_SLOT_FUTEX,   /* in domain.sleepers */
    NW_SLOT_SLEEP,   /* in domain.sleepers */
    NW_SLOT_SIGWAIT, /* in domain.sleepers: waits for a signal that it takes without a handler */
    NW_SLOT_BLOCK,   /* in domain.sleepers: waits until it may block an executor */
    NW_SLOT_ARENA,   /* waits for room: the payload arena or the ring was full */
    NW_SLOT_STALE,   /* in the list of executor/stale.h: a func worker that will be as it was before its invocation */
    NW_SLOT_PARKED,  /* the domain's first flow once the function is up: domain.grower */
    NW_SLOT_DEAD,    /* of a dying domain, and no executor or list has it: it waits for nw_slot_take_dead */
};

/* Names an invocation that the engine sent: its id, and the link that it came by, which its answer takes too. */
struct nw_ticket {
    uint64_t id;
    struct nw_link *link;
};

/*
 * A payload on its way into a domain or out of it that is too large to be copied at once: the executor that takes the
 * slot carries it, piece by piece (run/freight.c). The kind says what is carried.
 */
enum nw_freight_kind {
    NW_FREIGHT_NONE,
    NW_FREIGHT_INPUT,  /* the input of the invocation that it is about to run */
    NW_FREIGHT_OUTPUT, /* the output of the one that it ran, into our arena */
    NW_FREIGHT_ANSWER, /* the output of a nested call that it ran, to the caller */
    NW_FREIGHT_CALL,   /* the input of its call to a function elsewhere, into our arena */
    NW_FREIGHT_REPLY,  /* the output of that call, from the engine's arena */
    NW_FREIGHT_FETCH,  /* an output that did not fit its reply buffer and was held for it */
};

struct nw_freight {
    enum nw_freight_kind kind;
    char *to;
    struct nw_source left;
    struct nw_link *link; /* OUTPUT, CALL, REPLY: `block` lies in an arena of this link */
    uint64_t block;
};

/* Which slots go first: those that keep an executor briefly. */
enum nw_pace { NW_PACE_BRIEF, NW_PACE_LONG, NW_PACES };

/* ... and of the same pace, within a domain. */
enum nw_ready_kind {
    NW_READY_LENT,   /* one that was stopped has the turn of another, which sleeps: maybe for a lock that it has */
    NW_READY_SERVES, /* it runs an invocation */
    NW_READY_OWN,    /* a thread of the function's own */
    NW_READY_KINDS,
};

struct nw_slot {
    struct nw_gate_context gate; /* first: the gate knows slots by it */
    struct nw_domain *domain;
    struct nw_slot *next; /* link of the list that `state` names */
    enum nw_slot_state state;
    enum nw_pace pace;              /* how it used its last turn on an executor */
    uint64_t due;                   /* READY: when its invocation is to end, in ticks */
    uint64_t ready_at;              /* READY: ticks since when */
    uint64_t used;                  /* ticks that it has run since it last waited for anything but an executor */
    enum nw_pace queued_as;         /* READY: in which of domain.ready it is ... */
    enum nw_ready_kind queued_kind; /* ... and in which list of that */
    bool lent;                      /* READY: it has another's turn */
    uint32_t tid;                   /* what gettid answers */
    uint32_t sequence;              /* odd while an invocation runs; so the watch can tell one from the next */
    uint32_t signalled;             /* a signal may wait to be delivered to it */
    uint32_t depth;                 /* how many nested calls led to the running invocation */
    struct nw_slot *caller;         /* the running invocation is a nested call of this slot; NULL: of none here */
    struct nw_ticket invocation;    /* from_ring: of the running invocation */
    uint64_t until;                 /* from_ring: so long whoever asked waits, ns; 0: no limit */
    bool from_ring;
    bool takes_slot; /* the running invocation is no nested call: it counts in domain.n_serving */
    bool worker;     /* a func worker: has called NW_OP_WAIT */
    bool stale;      /* an executor is to make its domain what it was before the invocation that is over */
    bool answered;   /* the engine has its answer already: what the invocation still returns is dropped */
    bool excused;    /* its deadline passed while a callee was late, for which it is not blamed */
    /* as a func worker: where an input may be placed, and what it just produced */
    struct nw_sink inbox;
    struct nw_source output;
    int32_t output_status;
    struct nw_source request;    /* from_ring and not answered: the record of its request, in the engine's arena */
    char *answer;                /* what it said of its answer: a record of answer_length bytes, or 0 ... */
    uint32_t answer_length;      /* ... in NW_ANSWER_MAX bytes, once it had something to say */
    struct nw_arrival *assigned; /* an input larger than the inbox, for which it makes room */
    struct nw_freight freight;
    /* as a caller: where the output goes; an output that did not fit, until it is fetched */
    struct nw_sink reply;
    uint64_t called[NW_CALLED]; /* how often it called, by route: see domain/called.h; beside what a call touches */
    void *held;
    uint64_t held_length;
    /* as a caller of a function that is not in this worker */
    bool call_unsent;
    char callee[NW_NAME_MAX + 1];
    struct nw_source input;
    uint32_t call_generation; /* matches a REPLY with the call it answers */
    uint64_t call_block;      /* the CALL's payload in our arena, or NW_OFFSET_INLINE */
    /* as a sleeper */
    uint64_t wake_at; /* CLOCK_MONOTONIC, ns; 0 = no limit */
    uint64_t futex;
    uint32_t futex_bits;
    uint64_t block_until; /* when its call times out, which waits until it may block an executor; 0: no such call */
    bool may_block;       /* a blocked executor is taken for it already */
    uint64_t clear_tid;   /* zeroed and woken when the flow ends */
    struct nw_slot_signals signals;
    /* watched by the clock */
    uint32_t seen_sequence;
    uint64_t seen_at;
} __attribute__((aligned(64))); /* so that what a nested call touches takes as few cache lines in each */

/* Its state fits what it does: a slot that waits for a callee runs an invocation, one that is free runs none.
 */
static inline bool nw_slot_is_valid(const struct nw_slot *slot)
{
    const bool serves = slot->sequence & 1;

    switch (slot->state) {
    case NW_SLOT_CALLING:
    case NW_SLOT_QUEUED:
    case NW_SLOT_REMOTE:
        return serves && slot->domain;
    case NW_SLOT_FREE:
    case NW_SLOT_STALE:
        return !serves && slot->domain;
    default:
        return slot->state <= NW_SLOT_DEAD;
    }
}

/*
 * The one place where a state is written; `from` lists every move that is allowed. The usual ones (a func worker that
 * is made from a snapshot goes from PARKED to FREE; one of a fresh function from RUNNING or ARENA to STALE, and is
 * RUNNING while its domain is made what it was, before it is FREE):
 *
 *                    new                              invocation over, or to the list and back (free.h)
 *   UNUSED ───────────────────> PARKED <──────┐     FREE <──────────> RUNNING
 *      ^                          │ started   │ up
 *      │ reaped                   v           │          runs
 *    DEAD <─── any ─── READY ──────────────> RUNNING ──> FUTEX, SLEEP, SIGWAIT, BLOCK ──> READY
 *                        ^      taken         │  ^  └──> ARENA ──> FREE, REMOTE: what it sends found room
 *                        │  kicked, yields    │  │                  READY: it will be carried there
 *                        │                    │  └─────> BARE ──> RUNNING, with rights again
 *                        ├────────────────────┘
 *                        │   answered                    begun
 *                        └─────────────── QUEUED ──────────────────> CALLING ──> RUNNING: it returns
 *                                         CALLING, REMOTE            ^  └──────> READY: it returns the longer way
 *                     RUNNING ── calls ──> QUEUED, CALLING, REMOTE ──┘
 *                     CALLING ── its func worker ended before it began ──> QUEUED
 */
static inline void nw_slot_move(struct nw_slot *slot, enum nw_slot_state to)
{
#define FROM(state) 1u << NW_SLOT_##state
    static const uint32_t from[] = {
        [NW_SLOT_UNUSED] = FROM(DEAD),
        [NW_SLOT_READY] = FROM(PARKED) | FROM(RUNNING) | FROM(CALLING) | FROM(QUEUED) | FROM(REMOTE) | FROM(FUTEX) |
                          FROM(SLEEP) | FROM(SIGWAIT) | FROM(BLOCK) | FROM(ARENA),
        [NW_SLOT_RUNNING] = FROM(READY) | FROM(RUNNING) | FROM(BARE) | FROM(FREE) | FROM(CALLING) | FROM(STALE),
        [NW_SLOT_BARE] = FROM(RUNNING),
        [NW_SLOT_FREE] = FROM(RUNNING) | FROM(ARENA) | FROM(PARKED),
        [NW_SLOT_CALLING] = FROM(RUNNING) | FROM(QUEUED) | FROM(CALLING), /* room for its input was made */
        [NW_SLOT_QUEUED] = FROM(RUNNING) | FROM(CALLING),
        [NW_SLOT_REMOTE] = FROM(RUNNING) | FROM(ARENA),
        [NW_SLOT_FUTEX] = FROM(RUNNING),
        [NW_SLOT_SLEEP] = FROM(RUNNING),
        [NW_SLOT_SIGWAIT] = FROM(RUNNING),
        [NW_SLOT_BLOCK] = FROM(RUNNING),
        [NW_SLOT_ARENA] = FROM(RUNNING) | FROM(ARENA),
        [NW_SLOT_STALE] = FROM(RUNNING) | FROM(ARENA) | FROM(FREE) | FROM(PARKED),
        [NW_SLOT_PARKED] = FROM(RUNNING) | FROM(UNUSED),
        [NW_SLOT_DEAD] = ~(FROM(UNUSED) | FROM(DEAD)),
    };
#undef FROM

    nw_check_that(from[to] >> slot->state & 1);
    slot->state = to;
    nw_check_valid(nw_slot, slot);
}

/* Lock held. */
struct nw_slot *nw_slot_new(struct nw_domain *domain);
void nw_slot_end(struct nw_slot *slot);
void nw_slot_served(struct nw_slot *slot); /* the invocation that it ran is over */

/* Whoever has a slot of a dying domain, which must be in no list, lets go of it: it will be reaped (call/death.h). */
void nw_slot_die(struct nw_slot *slot);
bool nw_slot_has_dead(void);
struct nw_slot *nw_slot_take_dead(void); /* NULL: there is none */

/* With or without the lock. */
void nw_slot_result(struct nw_slot *slot, long result); /* its system call returns this, whichever way it was made */
void nw_slot_again(struct nw_slot *slot);               /* it makes its system call once more when it runs */
void nw_slot_began(struct nw_slot *slot);               /* takes nw_slot_again back: a result follows */
void nw_slot_state_reset(struct nw_slot *slot);         /* makes its extended state that of a new program */

#endif
