/*
 * What one thread of the engine needs to serve; nobody but that thread touches it. The main thread has more beside it
 * (control/controller.h), the others what they were told (threads/thread.c). How the types of this layer hang together:
 *
 *   function ──current──> version ──queues──> queue ──link──> link (the channel to one worker)
 *      └──waiting──> invocation <──waiting──────┘               │
 *                    invocation <──sent─────────────────────────┘
 *
 * An invocation is one input on its way to a function and its output on the way back, whoever asked for it (HTTP or a
 * nested call). A queue holds those for one version in one worker. A link lives until nobody holds memory of its
 * channel any more.
 *
 * Callbacks go deep, so what ends something only marks it, and one place frees it, where nobody is in the middle of
 * anything. Until then it stays good for everybody on the stack:
 *
 *   - a link, while somebody holds a reference; its owner drops its own at the end of the turn in which it broke;
 *   - a queue, while an invocation is bound to it; `unbound` tells its owner that none is any more;
 *   - a function, while invocations and outputs refer to it, also when it was removed;
 *   - an invocation, until its owner heard `done`, which is the last call that it gets, or called nw_invoke_abandon.
 */
#ifndef NW_ENGINE_SERVE_ENGINE_H
#define NW_ENGINE_SERVE_ENGINE_H

#include "common/shm/credit.h"
#include "engine/base/chores.h"
#include "engine/base/list.h"
#include "engine/base/spool.h"
#include "engine/base/wheel.h"
#include "engine/config/options.h"
#include "engine/io/io.h"
#include "engine/lookup/order.h"
#include "engine/lookup/table.h"
#include "engine/route/route.h"
#include "engine/serve/counters.h"
#include <stdbool.h>
#include <stdint.h>

struct nw_access;
struct nw_http_server;
struct nw_invocation;
struct nw_origins;

struct nw_engine {
    const struct nw_role *role;
    struct nw_options options;
    struct nw_io *io;
    struct nw_io_timer *tick;
    struct nw_http_server *gateway;
    struct nw_http_server *admin;   /* the main thread's, as is the next */
    struct nw_http_server *metrics; /* NULL: they have no port of their own */
    unsigned thread;                /* its number; the main one is 0 */
    struct nw_counters counters;
    uint64_t counted_at;        /* ns: the time of what is counted now (dispatch/count.h); 0: nobody has looked yet */
    struct nw_access *access;   /* the log of requests; NULL: there is none */
    struct nw_origins *origins; /* of its invocations, for log lines; NULL: nobody wants to know */

    struct nw_table functions; /* by name; see function.h */
    struct nw_order functions_order;
    size_t branches;         /* of the functions, those that are versions of others */
    struct nw_routes routes; /* names whose requests go to other functions */
    struct nw_list awake;    /* links to look at before the loop waits */
    struct nw_list broken;   /* links whose loss is to be dealt with */
    struct nw_list orphan;   /* links to workers that call for invocations that nobody wants any more */
    unsigned in_flight;      /* invocations that workers have */
    uint64_t queued;         /* requests of clients that are complete and that no worker has */
    uint64_t queueing;       /* functions of which some are */

    struct nw_spool spool;
    struct nw_list owing;      /* invocations that wait until they may take more of the spool */
    struct nw_list chores;     /* see chores.h */
    struct nw_list moving;     /* invocations whose input is being carried to another place */
    struct nw_list moved;      /* ... and has come there */
    struct nw_list lent;       /* outputs in arenas that clients have yet to read */
    struct nw_list wanted;     /* functions for which an invocation found no worker since that was last looked at */
    struct nw_list uncap;      /* functions whose capped invocations may go on */
    struct nw_list pump;       /* queues to look at before the loop waits */
    bool unbound;              /* a queue that nobody may choose is bound by nobody any more */
    struct nw_io_timer *retry; /* a ring was full: look again soon */
    struct nw_wheel wheel;     /* all deadlines */
    struct nw_io_timer *alarm; /* wakes the loop for the next one */
    uint64_t alarm_at;         /* NW_WHEEL_NEVER: it is off */
    bool late;                 /* more deadlines are over than the last turn looked at */
    void (*invocation_due)(struct nw_wheel_timer *timer); /* of invocations */
    bool again;                                           /* something ended, and the next turn must deal with it */
    struct nw_credit spin_credit;                         /* see loop.c */
    struct nw_invocation **invocations;
    uint32_t n_invocations;
    uint32_t live_invocations; /* those that are not FREE */
    struct nw_list free_invocations;

    bool draining; /* nothing new begins any more */
    bool ended;    /* the loop is over: what comes back from other threads is not looked at */
};

#endif
