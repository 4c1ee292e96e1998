/* The table of functions by name, and what serving needs of their versions. Not responsible for how a version comes to
 * be served (control). */
#ifndef NW_ENGINE_SERVE_FUNCTION_H
#define NW_ENGINE_SERVE_FUNCTION_H

#include "common/manifest/manifest.h"
#include "engine/admit/pace.h"
#include "engine/base/list.h"
#include "engine/lookup/table.h"
#include "engine/serve/invocation.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct nw_engine;
struct nw_failures;
struct nw_meter;
struct nw_tally;

#define NW_REASON_SIZE 1024

/* What a version is to new invocations. */
enum nw_version_state {
    NW_VERSION_LOADING, /* not served yet: they wait */
    NW_VERSION_SERVING,
    NW_VERSION_FAILED,  /* it cannot be */
    NW_VERSION_RETIRED, /* only those that chose it are finished */
};

struct nw_version {
    struct nw_engine *engine;
    uint32_t number; /* what workers call it; never reused */
    uint32_t slots, timeout_ms;
    uint32_t queue;   /* requests that may wait */
    bool http;        /* it sees requests as HTTP */
    const char *cors; /* origins as gateway/cors.h has them; NULL: none */
    enum nw_version_state state;
    const char *reason; /* FAILED: why */
    struct nw_list queues;
};

struct nw_function {
    struct nw_table_node by_name; /* in engine->functions */
    struct nw_engine *engine;
    char name[NW_NAME_MAX + 1];           /* in engine->functions_order */
    struct nw_version *current;           /* serves, failed, or is loaded at start; NULL before the first one serves */
    struct nw_list waiting;               /* invocations without a worker */
    struct nw_list capped[NW_ROOM_KINDS]; /* invocations that wait for others of it to leave the arenas */
    struct nw_list uncap_link;            /* in engine->uncap while some of those may go on */
    struct nw_list wanted_link;           /* in engine->wanted while somebody has yet to look for a worker for it */
    uint64_t arena_bytes;                 /* of its inputs ... */
    uint64_t small_bytes;                 /* ... of these, of the small ones (place.h) ... */
    uint64_t nested_bytes;                /* ... and of those of nested calls */
    uint64_t spooled;                     /* bytes of engine->spool for its inputs and outputs */
    uint32_t queued;                      /* requests of clients that are complete and that no worker has ... */
    uint32_t sent;                        /* ... and those that workers have */
    struct nw_pace pace;
    unsigned references;          /* invocations and outputs that point here */
    bool removed;                 /* in no table any more */
    bool query_said;              /* that it does not see queries */
    struct nw_failures *failures; /* the gateway's; see failures.h */
    struct nw_meter *meter;       /* a reference: what is counted of it, by all threads */
    struct nw_tally *tally;       /* this thread's part of that; NULL: no request has come yet */
    char *routes;                 /* the main thread's; see operations/traffic.h; NULL: there are none */
    struct nw_function *heir;     /* of a removed branch: its function, a reference; see nw_function_bequeath */
};

/*
 * A branch is a version of a function that has requests beside the one that is current: a function of its own, named
 * NAME@v3. When it is removed, what waits for it goes to the version that is current of NAME.
 */
#define NW_BRANCH_MARK '@'

static inline bool nw_function_is_branch(const struct nw_function *function)
{
    return strchr(function->name, NW_BRANCH_MARK) != NULL;
}

/* The function whose version what is bound to `function` goes to, and in whose list it waits. */
static inline struct nw_function *nw_function_heir(struct nw_function *function)
{
    return function->heir ? function->heir : function;
}

/* What waits for a branch, which is about to be removed, goes to the function that it is of; if that is there. */
void nw_function_bequeath(struct nw_function *branch);

/* The function of this name, or of those that the name is routed to the one that has the next request; or NULL. */
struct nw_function *nw_function_choose(struct nw_engine *engine, const char *name, size_t length);

/* For an engine that begins, and one that ends. */
void nw_functions_init(struct nw_engine *engine);
void nw_functions_fini(struct nw_engine *engine);

/* The function of this name, or NULL. */
struct nw_function *nw_function_find(struct nw_engine *engine, const char *name, size_t length);

/* The first function whose name comes behind `name`, or NULL. */
struct nw_function *nw_function_behind(struct nw_engine *engine, const char *name);

/* The function of this name, made if there is none. NULL when memory is out. */
struct nw_function *nw_function_get(struct nw_engine *engine, const char *name);

/* What is counted of it is shown in this meter from now on: of a thread beside the main one, whose functions have none
 * before. */
void nw_function_measure(struct nw_function *function, struct nw_meter *meter);

/* Its first request comes. NULL when memory is out. */
struct nw_tally *nw_function_tally(struct nw_function *function);

/* Takes it out of the table; its memory lives until the last invocation lets go of it. */
void nw_function_remove(struct nw_function *function);

/* No worker serves it, and somebody calls it: it is looked at in the next turn. */
void nw_function_want(struct nw_function *function);

/* The first of those that are wanted, which is not any more; NULL: none is. */
struct nw_function *nw_function_next_wanted(struct nw_engine *engine);

/* An invocation lets go. */
void nw_function_unref(struct nw_function *function);

/* Calls back for each function. The callback may remove it. */
void nw_functions_each(struct nw_engine *engine, void (*callback)(struct nw_function *function, void *arg), void *arg);

#endif
