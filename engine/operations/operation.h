/* One operation on a function, from the request until it is buried. What becomes of it: operations.c, sharing.c. */
#ifndef NW_ENGINE_OPERATIONS_OPERATION_H
#define NW_ENGINE_OPERATIONS_OPERATION_H

#include "engine/operations/find.h"
#include "engine/operations/operations.h"
#include "engine/operations/traffic.h"
#include "engine/store/registry.h"
#include "engine/threads/threads.h"
#include "engine/versions/deployment.h"

enum nw__operation_kind { NW__DEPLOYS, NW__ROLLS_BACK, NW__SHARES, NW__REMOVES };

struct nw__operation {
    struct nw_list link;   /* in all->list */
    struct nw_list ended;  /* in all->ended once it is over and only waits for nw_operations_bury */
    struct nw_list commit; /* in all->to_store, all->to_commit, or in the list of the commit under way */
    struct nw_registry_change change;
    struct nw_operations *all;
    struct nw_function *function;
    enum nw__operation_kind kind;
    struct nw__find find; /* a version that is kept */
    struct nw_manifest manifest;
    struct nw_buffer code;
    char sha256[NW_SHA256_HEX + 1];
    struct nw_release release;
    struct nw_deployment *deployment;
    struct nw_function *loads;     /* the function that a version is loaded for: `function`, or a branch of it */
    struct nw_traffic_route route; /* who is to get requests: SHARES; DEPLOYS, if the new version gets a part */
    struct nw_traffic traffic;     /* ... with all other routes of the function */
    struct nw_buffer routes;       /* ... as text, terminated */
    struct nw_deployment *branches[NW_ROUTE_SHARES]; /* that are loaded for it */
    unsigned n_branches;
    struct nw_manifest serving;              /* SHARES, and a part: of the version that is current and stays it */
    struct nw_registry_row beside;           /* a part: the new version */
    enum nw_status status;                   /* how it ended, or will end */
    struct nw_threads_waiter waiter;         /* to hear when every thread acts on the change */
    int rc;                                  /* of storing */
    bool unless_unchanged;                   /* DEPLOYS: nothing is done when the version that serves is the same */
    bool unsure;                             /* which numbers the name ever gave is to be looked up */
    uint32_t last;                           /* ... the highest of those */
    bool unfit;                              /* its code does not go with its settings */
    char why[NW_REASON_SIZE + 64];           /* why it ended otherwise than with OK */
    void (*ready)(struct nw__operation *op); /* all is loaded: its change is to be written */
    nw_operation_done *done;
    void *arg;
};

/* It is over; or cannot go on, for want of a thread to do something, which is put into op->why. */
void nw__operation_end(struct nw__operation *op, enum nw_status status);
void nw__operation_no_thread(struct nw__operation *op, const char *what, int rc);

/* Begins one that SHARES. */
void nw__share_start(struct nw__operation *op);

/* A new version, whose code is in the store, is to get a part of the requests. */
void nw__share_new(struct nw__operation *op);

/* A branch that it loads is loaded, or cannot be. */
void nw__share_loaded(struct nw__operation *op, struct nw_deployment *deployment);
void nw__share_refused(struct nw__operation *op, struct nw_deployment *deployment, enum nw_status status);

/* Fills in what the change says of routes and of the version that stays current. False: memory is out. */
bool nw__share_prepare(struct nw__operation *op);

/* The change is written: acts on it. Or it was not: branches that it has loaded end. */
void nw__share_committed(struct nw__operation *op);
void nw__share_undo(struct nw__operation *op);

/* Whether the version that is current stays it. */
static inline bool nw__share_is_partial(const struct nw__operation *op)
{
    return op->kind == NW__SHARES || (op->kind == NW__DEPLOYS && op->route.n);
}

#endif
