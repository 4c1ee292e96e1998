/*
 * The main types of the engine and how they hang together. One thread, the loop's, touches all of it;
 * with --engine-threads each has all of this for itself (threads.h).
 *
 *   function ──current──> deployment ──replicas──> replica <──replicas── seat ──link──> link (channel to one process)
 *      │                      (a version)      (a version in a seat)  (place of a worker)        │
 *      └──waiting──> invocation <──ready── replica            invocation <──sent── link ─────────┘
 *
 * A seat is the place of a worker and lives on when the process ends; a link is one incarnation: its number, channel
 * and control socket, and it lives until nobody holds memory of its channel any more. An invocation is one input on
 * its way to a function and its output on the way back, whoever asked for it (HTTP or a nested call). A seat and a
 * deployment belong to a tenant, and only those of the same one come together in a replica.
 *
 * Callbacks go deep, so what ends something only marks it, and one place frees it, where nobody is in the middle of
 * anything. Until then it stays good for everybody on the stack:
 *
 *   what                         owner                           freed by
 *   operation                    the queue of its function       nw_operations_bury
 *   deployment, replica, a seat  the engine                      nw_deployments_reap, when nothing is bound to it
 *     of its own, its tenant
 *   link                         who holds a reference           the last nw_link_unref; it is lost in nw_workers_bury
 *   function                     operations, the version that    nw_operations_bury; the last nw_function_unref when
 *                                serves, invocations               it was removed before
 *   invocation                   its owner until `done` or       nw_request_move to FREE; `done` comes before, and is
 *                                nw_invoke_abandon                 the last that the owner hears
 *   HTTP connection, request     the server                      the `closed` callback of its connection; a request
 *                                                                  also once its answer is written
 *   mail                         the box, then its reader        the reader
 */
#ifndef NW_ENGINE_SERVE_ENGINE_H
#define NW_ENGINE_SERVE_ENGINE_H

#include "common/base/backoff.h"
#include "common/base/status.h"
#include "common/host/mode.h"
#include "common/manifest/manifest.h"
#include "common/manifest/resources.h"
#include "common/shm/channel.h"
#include "engine/base/carry.h"
#include "engine/base/list.h"
#include "engine/base/outbox.h"
#include "engine/base/spool.h"
#include "engine/config/options.h"
#include "engine/io/io.h"
#include <stdbool.h>
#include <stdint.h>

#define NW_SHA256_HEX   64
#define NW_VERSION_SIZE 13
#define NW_REASON_SIZE  1024
#define NW_DEPTH_MAX    32

struct nw_engine;
struct nw_function;
struct nw_deployment;
struct nw_replica;
struct nw_seat;
struct nw_tenant;
struct nw_link;
struct nw_invocation;
struct nw_registry;
struct nw_http_server;
struct nw_threads;
struct nw_told_worker;
struct nw_failure;

/* --- invocations: serve/invocation.c (lifecycle), dispatch.c --- */

/* An answer. With OK the data is the output, else a reason (hostile text). If `link` is not NULL it lies in the
 * worker's arena and the receiver calls nw_link_drop(link, offset) once when done with it; otherwise it lives only
 * until `done` returns. */
struct nw_result {
    enum nw_status status;
    const char *data;
    size_t length;
    struct nw_link *link;
    uint64_t offset;
};

/* Who asked. */
struct nw_invocation_owner {
    void (*room)(void *arg); /* what nw_invoke_reserve refused is there now */
    void (*cut)(void *arg);  /* its input comes too slowly, and memory is short: it must give up; see spool.h */
    void (*done)(void *arg, const struct nw_result *result); /* the invocation is freed afterwards */
};

enum nw_invocation_state {
    NW_INVOCATION_FREE,
    NW_INVOCATION_OPEN,    /* the input is arriving */
    NW_INVOCATION_WAITING, /* needs a worker, or room in its arena */
    NW_INVOCATION_READY,   /* complete; queued for a slot of its replica */
    NW_INVOCATION_SENT,    /* the worker has it */
    NW_INVOCATION_ORPHAN,  /* the worker has it, and nobody wants the answer any more */
    NW_INVOCATION_STATES
};

struct nw_invocation {
    struct nw_list link; /* function->waiting, link->room_waiters, replica->queues or link->sent, by state */
    struct nw_engine *engine;
    uint32_t index, generation; /* together the id that a worker sees */
    enum nw_invocation_state state;
    bool complete; /* all input is known */
    uint32_t depth;
    struct nw_function *function;
    struct nw_replica *replica; /* chosen; counted in replica->bound */
    struct nw_link *home;       /* a reference: whose arena holds the block, or who runs it */
    bool inlined;               /* the input is in `small` */
    bool has_block;             /* it is in the arena of `home` */
    bool spooled;               /* it arrives in `spilled`: those that arrive have their part of the arena already */
    bool owes;                  /* WAITING because `spilled` is not charged: too much memory for payloads is in use */
    bool partial;               /* its block counts in home->partial: its input is still arriving */
    bool capped;                /* WAITING because its function has its part of the arena already */
    bool little;                /* WAITING, and its function holds little of the arena */
    uint64_t offset;
    size_t capacity;
    size_t length;       /* bytes of input so far */
    size_t wanted;       /* bytes that nw_invoke_reserve asked for */
    char *spilled;       /* the input so far while there is no room for it in an arena */
    size_t spilled_size; /* bytes of it that may be used */
    size_t spilled_room; /* its size: all that may come */
    struct {
        struct nw_link *link; /* a reference; NULL: it does not move */
        uint64_t offset;
        size_t capacity;
        struct nw_carry carry;
    } next;                       /* WAITING while a large input is carried to another block than it has */
    struct nw_spool_holder spool; /* `spilled`, when it is large */
    unsigned char small[NW_INLINE_MAX];
    uint64_t deadline;
    const struct nw_invocation_owner *owner;
    void *owner_arg;
};

/* --- functions: functions.c, deployments.c --- */

enum nw_replica_state {
    NW_REPLICA_PENDING,  /* its worker is not up, or loads another one first */
    NW_REPLICA_LOADING,  /* LOAD is sent */
    NW_REPLICA_LOADED,   /* ready to be activated */
    NW_REPLICA_SERVING,  /* ACTIVATE is sent */
    NW_REPLICA_RETIRING, /* RETIRE is sent */
    NW_REPLICA_REFUSED,
};

struct nw_replica {
    struct nw_list of_deployment, of_seat;
    struct nw_deployment *deployment;
    struct nw_seat *seat;
    enum nw_replica_state state;
    unsigned bound;                    /* invocations that chose it */
    unsigned in_flight;                /* of these, those that the worker has */
    unsigned from_clients;             /* of those, the ones that are not nested */
    uint64_t load_begun;               /* LOADING: when */
    unsigned lost_loading;             /* times the worker ended while loading it and nothing else */
    unsigned killed_loading;           /* ... times it was ended */
    bool lost_alone;                   /* that has just happened, and which of the two is not known yet */
    bool suspect;                      /* ... or it and others: it is loaded when nothing else is */
    uint64_t holds[NW_RESOURCE_COUNT]; /* its domain, as the worker says */
    uint64_t memory, memory_peak;      /* the same; the peak is that of all its domains so far */
    struct nw_list queues[2];          /* READY: of clients, and nested calls; they take turns */
    bool nested_next;                  /* whose turn it is */
    struct nw_list pump_link;          /* in engine->pump while it may have something to send */
};

enum nw_deployment_state {
    NW_DEPLOYMENT_LOADING,
    NW_DEPLOYMENT_COMMITTING,
    NW_DEPLOYMENT_SERVING,
    NW_DEPLOYMENT_FAILED, /* persisted, but refused when it was loaded again */
    NW_DEPLOYMENT_RETIRING,
    NW_DEPLOYMENT_STATES
};

struct nw_deployment {
    struct nw_list link; /* in engine->deployments */
    struct nw_engine *engine;
    struct nw_function *function; /* NULL once it retires */
    struct nw_tenant *tenant;     /* holds it until the end */
    uint32_t number;              /* what workers call it; never reused */
    enum nw_deployment_state state;
    struct nw_manifest manifest;
    char sha256[NW_SHA256_HEX + 1];
    int code;               /* a copy that cannot change any more, see code.h; -1: not read yet */
    bool code_reading;      /* on another thread, which uses the deployment */
    struct nw_names *names; /* of names.h: NULL when there are none, or it was not asked for them yet */
    bool persisted;
    struct nw_list replicas;
    uint64_t deadline;  /* of loading */
    uint64_t load_took; /* ms, the last time; 0: not yet */
    unsigned held;      /* other threads that know it: see threads.h */
    uint64_t told;      /* in another thread: the last generation that it was in */
    char reason[NW_REASON_SIZE];
};

struct nw_function {
    struct nw_list link; /* in its bucket of engine->functions */
    char name[NW_NAME_MAX + 1];
    struct nw_deployment *current; /* serves, failed, or is loaded at start; NULL before the first one serves */
    struct nw_deployment *next;    /* on its way */
    struct nw_list waiting;        /* invocations without a worker */
    struct nw_list capped;         /* invocations that wait for others of this function to leave the arena */
    struct nw_list uncap_link;     /* in engine->uncap while some of those may go on */
    uint64_t arena_bytes;          /* of its inputs */
    struct nw_list operations;     /* deployments and removals; the first is under way */
    uint64_t spooled;              /* bytes of engine->spool for its inputs and outputs */
    unsigned references;           /* invocations and outputs that point here */
    bool removed;                  /* in no table any more */
    bool query_said;               /* that it does not see queries */
    struct nw_failure *failure;    /* the last one; NULL: none; see failures.h */
    uint64_t failure_second;       /* when `failures` were counted */
    unsigned failures;
};

/* --- workers: tenants.c, workers.c, link.c --- */

struct nw_tenant {
    struct nw_list link; /* in engine->tenants */
    struct nw_engine *engine;
    char name[NW_NAME_MAX + 1];
    uint32_t profile; /* enum nw_profile, that of each of its functions */
    struct nw_list seats;
    unsigned deployments;    /* that hold it */
    uint64_t refusal_logged; /* when; 0: never */
};

enum nw_seat_state {
    NW_SEAT_DOWN,     /* waits for a launcher or for its backoff */
    NW_SEAT_STARTING, /* START is sent, HELLO not come */
    NW_SEAT_UP,
    NW_SEAT_STATES
};

/* Through what a worker is lost. */
enum nw_loss {
    NW_LOSS_OWN,    /* its own doing, or its functions' */
    NW_LOSS_UNTOLD, /* its socket is closed; the launcher says how its process ended */
    NW_LOSS_OTHER,  /* neither: it was killed, or the launcher was */
};

struct nw_seat {
    struct nw_list link; /* in engine->seats */
    struct nw_list of_tenant;
    struct nw_engine *engine;
    struct nw_tenant *tenant;
    struct nw_deployment *only; /* mode process: the one deployment that it serves */
    enum nw_seat_state state;
    struct nw_link *worker; /* while STARTING or UP */
    struct nw_list replicas;
    unsigned loading;  /* replicas that are LOADING */
    uint64_t deadline; /* DOWN: when to start; STARTING: HELLO */
    uint64_t up_since;
    struct nw_backoff backoff;
    unsigned restarts;
    uint32_t untold;   /* the worker that was lost: how it ended is not told yet; 0: none */
    uint64_t lived;    /* ms, the one that was lost */
    bool lost_loading; /* ... while it loaded something */
    char why[512];     /* no process could be started for it the last time; "": one could */
};

struct nw_link {
    struct nw_engine *engine;
    struct nw_seat *seat;
    const char *broken; /* set: it is lost, why; nothing is sent or read any more, only its memory may be in use */
    enum nw_loss loss;  /* broken: through what */
    struct nw_list broken_link; /* in engine->broken until its loss was dealt with */
    uint32_t number;
    int64_t pid;                 /* 0 until the launcher says */
    uint32_t domains, free_keys; /* as the worker says */
    uint64_t refused;            /* the same: system calls of its functions */
    unsigned references;
    struct nw_channel channel;
    int control;
    struct nw_outbox outbox;    /* to its control socket */
    struct nw_list outbox_link; /* in engine->unsent while something is kept there */
    struct nw_io_watch *control_watch, *doorbell_watch;
    struct nw_list awake; /* in engine->awake while we look at its ring without being rung */
    uint64_t partial;     /* bytes of our arena for inputs that are still arriving */
    uint64_t lent;        /* bytes of its arena in answers that clients have yet to read */
    bool room;            /* a block was freed since the waiters were last looked at */
    unsigned unrung;      /* descriptors that it was sent and not rung for yet, and turns of the loop since */
    unsigned busy;        /* invocations that it has */
    unsigned n_calls;
    struct nw_list calls;          /* nested calls from it that are not answered */
    struct nw_list reply_waiters;  /* those of them whose output needs room in the arena */
    struct nw_list room_waiters;   /* invocations whose input does */
    struct nw_list little_waiters; /* the same, of functions that hold little of it: they go first */
    struct nw_list sent;           /* invocations */
    struct nw_desc *backlog;       /* RELEASE and REPLY descriptors that did not fit */
    size_t backlog_length, backlog_capacity;
    struct nw_told_worker **others; /* what other threads get, until they have it */
    uint32_t *busy_elsewhere;       /* invocations that it has of each of them */
    struct nw_link *origin;         /* in another thread: the main one's */
    uint32_t *shown_busy;           /* ... and where it reads `busy` */
    uint64_t *reply_blocks;         /* a bit per 64 bytes of our arena: a REPLY block that the worker may release */
};

/* --- the whole --- */

#define NW_COUNTERS(X)                                                            \
    X(requests, "invocations begun, nested calls included")                       \
    X(nested_calls, "nested calls that came through the engine")                  \
    X(calls_refused, "nested calls into tenants that do not allow it")            \
    X(completed, "invocations that ended with OK")                                \
    X(failed, "invocations that ended otherwise")                                 \
    X(abandoned, "invocations given up by their caller before a worker had them") \
    X(bytes_in, "bytes of input handed to workers")                               \
    X(bytes_out, "bytes of output taken from workers")                            \
    X(system_calls_refused, "system calls of functions that workers refused")     \
    X(workers_started, "worker processes started")                                \
    X(workers_lost, "worker processes that ended or were killed")                 \
    X(protocol_errors, "workers killed because they broke the protocol")

struct nw_counters {
#define X(name, text) uint64_t name;
    NW_COUNTERS(X)
#undef X
};

#define NW_FUNCTION_BUCKETS 1024

struct nw_engine {
    struct nw_options options;
    struct nw_io *io;
    struct nw_io_timer *tick;
    struct nw_http_server *gateway, *admin;
    struct nw_threads *threads; /* the other ones; NULL when there are none */
    bool beside;                /* this is one of those */
    struct nw_registry *registry;
    struct nw_counters counters;

    struct nw_list functions[NW_FUNCTION_BUCKETS];
    struct nw_list deployments;
    uint32_t last_deployment;
    struct nw_list ended_operations; /* see operations.c */
    unsigned storing;                /* operations that rely on code in the store that no deployment names yet */
    struct nw_list forgotten;        /* code to remove from the store when that is over */
    bool reap;                       /* something that retires may have come further */

    struct nw_list tenants;
    struct nw_list seats;
    struct nw_list awake;  /* links to look at before the loop waits */
    struct nw_list unsent; /* links with messages that their control sockets did not take yet */
    struct nw_list broken; /* links whose loss is to be dealt with */
    uint32_t last_worker;
    unsigned in_flight; /* invocations that workers have */

    struct nw_spool spool;
    struct nw_list owing;      /* invocations that wait until they may take more of the spool */
    struct nw_list chores;     /* see chores.h */
    struct nw_list moving;     /* invocations whose input is being carried to another place */
    struct nw_list lent;       /* outputs in arenas that clients have yet to read */
    struct nw_list uncap;      /* functions whose capped invocations may go on */
    struct nw_list pump;       /* replicas to look at before the loop waits */
    struct nw_io_timer *retry; /* a ring was full: look again soon */
    int spin_credit;           /* see loop.c */
    struct nw_invocation **invocations;
    uint32_t n_invocations;
    struct nw_chore sweep; /* looks for those that are overdue */
    uint32_t swept;        /* so many of them it has seen */
    struct nw_list free_invocations;

    int supervisor, launcher; /* control sockets; -1 */
    struct nw_outbox to_launcher;
    char *layers; /* what the launcher said last of how workers that only compute are confined; see launcher/start.h */
    struct nw_io_watch *supervisor_watch, *launcher_watch, *signal_watch;
    int signal_fd;
    int lock;               /* of the state directory */
    const char *state_lost; /* why nothing that is deployed now would survive; NULL when all is well; see state.h */
    uint64_t state_looked;  /* when it was looked at last */
    char *addresses;        /* one listening address per line */
    uint64_t started;
    uint64_t drain_deadline; /* 0: not draining */
    bool ready;              /* READY was sent */
    unsigned lookups;        /* of names that are under way */
    bool ended;              /* the loop is over: what comes back from other threads is not looked at */
};

#endif
