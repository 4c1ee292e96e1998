/*
 * The life of a deployment:
 *
 *               LOADED                 COMMITTED               RETIRE
 *   LOADING ─────────────> COMMITTING ───────────> SERVING ──────────────> RETIRING ──> (gone)
 *    │  │ LOADED, when its row is there already ───> ^ │                      ^
 *    │  └ REFUSED, when its row is there already ─> FAILED ──RETIRE──────────>│
 *    └────────────── RETIRE (it was refused, or the disk failed) ────────────>┘   (from COMMITTING, too)
 *
 * A row that is read at the start is SERVING at once, without a replica, unless some are to be warm: the first call
 * makes one. SERVING becomes FAILED when no worker can load it; FAILED becomes SERVING when one can. LOADED in SERVING:
 * one more worker can serve it, too. What becomes of its replicas meanwhile is in replica.h. A deployment is freed only
 * in nw_deployments_reap, so nobody loses one that he is working with.
 */
#include "engine/versions/deployments.h"
#include "common/base/log.h"
#include "common/base/valid.h"
#include "engine/dispatch/dispatch.h"
#include "engine/io/io.h"
#include "engine/names/names.h"
#include "engine/serve/engine.h"
#include "engine/serve/function.h"
#include "engine/threads/threads.h"
#include "engine/versions/loads.h"
#include "engine/versions/places.h"
#include "engine/workers/seats.h"
#include "engine/workers/tenant.h"
#include "engine/workers/tenants.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CALLS_KEPT 1024 /* the longest lead of a caller: so many calls from elsewhere undo it */
#define AGAIN_MS   5000 /* what cannot be loaded is tried again when it is called, but not more often */

enum event { EVENT_LOADED, EVENT_COMMITTED, EVENT_REFUSED, EVENT_RETIRE, EVENTS };

struct transition {
    enum nw_deployment_state next;
    void (*act)(struct nw_deployment *deployment); /* NULL: the event changes nothing in this state */
};

static void commit(struct nw_deployment *deployment);
static void serve(struct nw_deployment *deployment);
static void take_over(struct nw_deployment *deployment);
static void fail(struct nw_deployment *deployment);
static void begin_retiring(struct nw_deployment *deployment);

/* The first index is deployment->persisted: whether its row is in the registry. */
static const struct transition table[2][NW_DEPLOYMENT_STATES][EVENTS] = {
    [false] = {[NW_DEPLOYMENT_LOADING] = {[EVENT_LOADED] = {NW_DEPLOYMENT_COMMITTING, commit},
                                          [EVENT_RETIRE] = {NW_DEPLOYMENT_RETIRING, begin_retiring}},
               [NW_DEPLOYMENT_COMMITTING] = {[EVENT_COMMITTED] = {NW_DEPLOYMENT_SERVING, take_over},
                                             [EVENT_RETIRE] = {NW_DEPLOYMENT_RETIRING, begin_retiring}}},
    [true] = {[NW_DEPLOYMENT_LOADING] = {[EVENT_LOADED] = {NW_DEPLOYMENT_SERVING, serve},
                                         [EVENT_REFUSED] = {NW_DEPLOYMENT_FAILED, fail},
                                         [EVENT_RETIRE] = {NW_DEPLOYMENT_RETIRING, begin_retiring}},
              [NW_DEPLOYMENT_SERVING] = {[EVENT_LOADED] = {NW_DEPLOYMENT_SERVING, serve},
                                         [EVENT_REFUSED] = {NW_DEPLOYMENT_FAILED, fail},
                                         [EVENT_RETIRE] = {NW_DEPLOYMENT_RETIRING, begin_retiring}},
              [NW_DEPLOYMENT_FAILED] = {[EVENT_LOADED] = {NW_DEPLOYMENT_SERVING, serve},
                                        [EVENT_RETIRE] = {NW_DEPLOYMENT_RETIRING, begin_retiring}}},
};

/* What invocations see of it. */
static const enum nw_version_state as_version[NW_DEPLOYMENT_STATES] = {
    [NW_DEPLOYMENT_LOADING] = NW_VERSION_LOADING,  [NW_DEPLOYMENT_COMMITTING] = NW_VERSION_LOADING,
    [NW_DEPLOYMENT_SERVING] = NW_VERSION_SERVING,  [NW_DEPLOYMENT_FAILED] = NW_VERSION_FAILED,
    [NW_DEPLOYMENT_RETIRING] = NW_VERSION_RETIRED,
};

/* The list that has all of one state; NULL: none. */
static struct nw_list *list_of(struct nw_deployments *all, enum nw_deployment_state state)
{
    switch (state) {
    case NW_DEPLOYMENT_LOADING:
        return &all->loading;
    case NW_DEPLOYMENT_FAILED:
        return &all->failed;
    case NW_DEPLOYMENT_RETIRING:
        return &all->retiring;
    default:
        return NULL;
    }
}

bool nw_deployment_is_valid(const struct nw_deployment *deployment)
{
    enum nw_deployment_state state = deployment->state;
    bool retires = state == NW_DEPLOYMENT_RETIRING;
    nw_list_each(&deployment->replicas, at, after)
    {
        const struct nw_replica *replica = nw_container(at, struct nw_replica, of_deployment);
        if (replica->deployment != deployment || replica->seat->tenant != deployment->tenant ||
            (replica->seat->only && replica->seat->only != deployment))
            return false;
    }
    return deployment->version.state == as_version[state] && retires == !deployment->function &&
           nw_list_empty(&deployment->of_state) == !list_of(deployment->all, state) &&
           (state != NW_DEPLOYMENT_COMMITTING || !deployment->persisted) &&
           ((state != NW_DEPLOYMENT_SERVING && state != NW_DEPLOYMENT_FAILED) || deployment->persisted);
}

static void enter(struct nw_deployment *deployment, enum nw_deployment_state state)
{
    struct nw_list *list = list_of(deployment->all, state);
    nw_list_remove(&deployment->of_state);
    if (list)
        nw_list_append(list, &deployment->of_state);
    deployment->state = state;
    deployment->version.state = as_version[state];
}

void nw__deployment_changed(struct nw_deployment *deployment)
{
    struct nw_deployments *all = deployment->all;
    if (all->engine->options.threads > 1 && nw_list_empty(&deployment->untold))
        nw_list_append(&all->untold, &deployment->untold);
    nw_threads_changed(all->workers->threads);
}

/* The only one to write the state. An event that does not fit it changes nothing. */
static void deployment_move(struct nw_deployment *deployment, enum event event)
{
    const struct transition *transition = &table[deployment->persisted][deployment->state][event];
    if (!transition->act)
        return;
    if (deployment->state == NW_DEPLOYMENT_LOADING && transition->next != NW_DEPLOYMENT_LOADING)
        deployment->all->unsettled -= deployment->persisted;
    if (deployment->state != transition->next)
        enter(deployment, transition->next);
    nw__deployment_changed(deployment);
    transition->act(deployment);
    nw_check_valid(nw_deployment, deployment);
}

const char *nw_deployment_state_name(enum nw_deployment_state state)
{
    static const char *const names[] = {
        [NW_DEPLOYMENT_LOADING] = "loading",   [NW_DEPLOYMENT_COMMITTING] = "loading",
        [NW_DEPLOYMENT_SERVING] = "serving",   [NW_DEPLOYMENT_FAILED] = "failed",
        [NW_DEPLOYMENT_RETIRING] = "retiring",
    };
    return names[state];
}

void nw_deployment_version(const struct nw_deployment *deployment, char version[NW_VERSION_SIZE])
{
    snprintf(version, NW_VERSION_SIZE, "%s", deployment->release.hash);
}

static struct nw_replica *replica_at(struct nw_list *at)
{
    return nw_container(at, struct nw_replica, of_deployment);
}

/* --- loading --- */

void nw__deployments_load_next(struct nw_seat *seat)
{
    struct nw_replica *next;
    char why[512];
    while ((next = nw__loads_next(seat)))
        if (!nw__load_begin(next, why, sizeof why))
            nw__deployment_refuse(next, why);
}

static void activate(struct nw_replica *replica)
{
    if (replica->state != NW_REPLICA_LOADED)
        return;
    nw__load_tell(replica, replica->deployment->unnamed ? NW_CONTROL_UNNAME : NW_CONTROL_ACTIVATE);
    nw__replica_move(replica, NW_REPLICA_ACTIVATE);
    replica->used = nw_io_now(replica->deployment->all->engine->io);
    if (nw_list_empty(&replica->round))
        nw_list_append(&replica->deployment->all->round, &replica->round);
    nw__deployment_changed(replica->deployment);
}

void nw__deployment_judge(struct nw_deployment *deployment)
{
    unsigned loaded = 0, refused = 0, unsettled = 0;
    nw_list_each(&deployment->replicas, at, after)
    {
        enum nw_replica_state state = replica_at(at)->state;
        bool stuck = deployment->persisted && state == NW_REPLICA_PENDING && replica_at(at)->seat->stuck;
        loaded += state == NW_REPLICA_LOADED || state == NW_REPLICA_SERVING;
        refused += state == NW_REPLICA_REFUSED || stuck;
        unsettled += (state == NW_REPLICA_PENDING && !stuck) || state == NW_REPLICA_LOADING;
    }
    if (refused && deployment->state == NW_DEPLOYMENT_LOADING && !deployment->persisted)
        deployment->all->events->refused(deployment, NW_STATUS_REFUSED);
    else if (loaded && (!unsettled || deployment->state != NW_DEPLOYMENT_LOADING))
        deployment_move(deployment, EVENT_LOADED);
    else if (refused && !loaded && !unsettled)
        deployment_move(deployment, EVENT_REFUSED);
}

/* A copy of its own only where there is a reason, since most deployments never have one. */
void nw__deployment_because(struct nw_deployment *deployment, const char *reason)
{
    free(deployment->reason);
    deployment->reason = strdup(reason);
    deployment->version.reason = deployment->reason ? deployment->reason : "out of memory";
}

void nw__deployment_explain(struct nw_deployment *deployment, const char *no_snapshot)
{
    free(deployment->no_snapshot);
    deployment->no_snapshot = *no_snapshot ? strdup(no_snapshot) : NULL;
}

void nw__deployment_refuse(struct nw_replica *replica, const char *reason)
{
    struct nw_deployment *deployment = replica->deployment;
    nw__replica_move(replica, NW_REPLICA_REFUSE);
    nw__deployment_because(deployment, reason);
    if (deployment->state == NW_DEPLOYMENT_RETIRING)
        deployment->all->reap = true;
    else
        nw__deployment_judge(deployment);
}

void nw__deployment_stuck(struct nw_deployment *deployment, const char *why)
{
    if (deployment->state != NW_DEPLOYMENT_LOADING)
        return;
    nw__deployment_because(deployment, why);
    if (deployment->persisted)
        nw__deployment_judge(deployment);
    else
        deployment->all->events->refused(deployment, NW_STATUS_UNAVAILABLE);
}

static void refuse_all(struct nw_deployment *deployment, const char *why)
{
    nw_list_each(&deployment->replicas, at, after)
    {
        struct nw_replica *replica = replica_at(at);
        if (replica->state == NW_REPLICA_PENDING && deployment->state != NW_DEPLOYMENT_RETIRING)
            nw__deployment_refuse(replica, why);
    }
}

static void load_everywhere(struct nw_deployment *deployment)
{
    nw_list_each(&deployment->replicas, at, after) nw__deployments_load_next(replica_at(at)->seat);
}

/* --- what other threads have done for it --- */

static void code_read(struct nw_code *code, const char *why)
{
    struct nw_deployment *deployment = nw_container(code, struct nw_deployment, code);
    if (deployment->state == NW_DEPLOYMENT_RETIRING)
        deployment->all->reap = true;
    else if (why)
        refuse_all(deployment, why);
    else
        load_everywhere(deployment);
}

static void snapshot_kept(struct nw_code *code)
{
    nw_container(code, struct nw_deployment, code)->all->reap = true;
}

static const struct nw_code_events code_events = {
    .read = code_read, .snapshot = nw__load_snapshot_name, .kept = snapshot_kept};

static void names_known(void *arg)
{
    load_everywhere(arg);
}

static void names_changed(void *arg)
{
    const struct nw_deployment *deployment = arg;
    nw_list_each(&deployment->replicas, at, after)
    {
        const struct nw_replica *replica = replica_at(at);
        if (replica->state == NW_REPLICA_LOADING || replica->state == NW_REPLICA_LOADED ||
            replica->state == NW_REPLICA_SERVING)
            nw__load_tell_reach(replica);
    }
}

static void names_idle(void *arg)
{
    const struct nw_deployment *deployment = arg;
    deployment->all->reap = true;
}

static const struct nw_names_events names_events = {.known = names_known, .changed = names_changed, .idle = names_idle};

static void code_stored(struct nw_deployment *deployment)
{
    if (deployment->state != NW_DEPLOYMENT_FAILED || deployment->code.fd >= 0)
        return;
    nw_list_each(&deployment->replicas, of, next) nw__replica_move(replica_at(of), NW_REPLICA_AGAIN);
    load_everywhere(deployment);
}

void nw_deployments_code_stored(struct nw_deployments *all, const char *sha256)
{
    struct nw_deployment *at = nw__deployment_coded(all, sha256);
    for (; at; at = nw__deployment_coded_next(at))
        code_stored(at);
}

bool nw_deployments_use_code(const struct nw_deployments *all, const char *sha256)
{
    return nw__deployment_coded(all, sha256) != NULL;
}

/* The reason for a refusal may be over, so refused replicas are tried again; but never what ended workers. */
static void try_again(struct nw_deployment *deployment)
{
    uint64_t now = nw_io_now(deployment->all->engine->io);
    if (now - deployment->failed_at < AGAIN_MS)
        return;
    deployment->failed_at = now;
    nw_list_each(&deployment->replicas, at, after)
    {
        if (!nw__load_is_deadly(replica_at(at)))
            nw__replica_move(replica_at(at), NW_REPLICA_AGAIN);
    }
}

/* Replicas that load or leave need nothing: the function is served in a moment, or wanted again. But those that exist
 * may also be refused ones, or without a worker, left over when the one that served was unloaded: hence try_again. */
void nw_deployment_wanted(struct nw_function *function)
{
    struct nw_deployment *deployment = nw_deployment_of(function->current);
    if (!deployment || (deployment->state != NW_DEPLOYMENT_SERVING && deployment->state != NW_DEPLOYMENT_FAILED))
        return;
    try_again(deployment);
    if (nw__places_fill(deployment) < 0)
        nw_log(NW_LOG_ERROR, "no worker can be chosen for function \"%s\": out of memory", function->name);
    load_everywhere(deployment);
}

/* A majority vote: a worker that makes more than half of the calls ends up leading, and one number is enough. */
void nw_deployment_called(struct nw_deployment *deployment, uint32_t worker)
{
    if (!deployment->calls)
        deployment->called_from = worker;
    if (deployment->called_from != worker)
        deployment->calls--;
    else if (deployment->calls < CALLS_KEPT)
        deployment->calls++;
}

/* --- actions of the transitions --- */

static void commit(struct nw_deployment *deployment)
{
    deployment->all->events->loaded(deployment);
}

static void serve(struct nw_deployment *deployment)
{
    nw_list_each(&deployment->replicas, at, after) activate(replica_at(at));
    nw_dispatch_retry_function(deployment->function);
}

static void take_over(struct nw_deployment *deployment)
{
    struct nw_function *function = deployment->function;
    struct nw_deployment *old = nw_deployment_of(function->current);
    deployment->persisted = true;
    function->current = &deployment->version;
    serve(deployment);
    nw__deployment_judge(deployment); /* workers may have been lost, and refused it, while the row was written */
    if (old)
        nw_deployment_retire(old);
}

static void fail(struct nw_deployment *deployment)
{
    deployment->failed_at = nw_io_now(deployment->all->engine->io);
    nw_log(NW_LOG_ERROR, "function \"%s\" cannot be loaded: %s", deployment->manifest.name, deployment->version.reason);
    nw_dispatch_retry_function(deployment->function);
}

static void begin_retiring(struct nw_deployment *deployment)
{
    deployment->function = NULL;
    if (deployment->names)
        nw_names_stop(deployment->names);
    deployment->all->reap = true;
}

void nw_deployment_committed(struct nw_deployment *deployment)
{
    deployment_move(deployment, EVENT_COMMITTED);
}

void nw_deployment_retire(struct nw_deployment *deployment)
{
    deployment_move(deployment, EVENT_RETIRE);
}

/* --- making and ending --- */

void nw_deployments_init(struct nw_deployments *all, struct nw_engine *engine, struct nw_workers *workers,
                         const struct nw_deployment_events *events, void *events_arg)
{
    *all = (struct nw_deployments){.engine = engine, .workers = workers, .events = events, .events_arg = events_arg};
    nw_list_init(&all->list);
    nw_list_init(&all->loading);
    nw_list_init(&all->failed);
    nw_list_init(&all->retiring);
    nw_list_init(&all->untold);
    nw_list_init(&all->round);
    nw_list_init(&all->leaving);
    nw_resolver_init(&all->resolver, engine->io, &names_events);
    nw_addresses_init(&all->addresses);
}

void nw_deployments_fini(struct nw_deployments *all)
{
    nw_table_fini(&all->codes);
    nw_table_fini(&all->numbers);
    nw_graph_fini(&all->graph);
}

struct nw_deployment *nw_deployment_new(struct nw_deployments *all, struct nw_function *function,
                                        const struct nw_manifest *manifest, const char *sha256,
                                        const struct nw_release *release, bool persisted)
{
    struct nw_engine *engine = all->engine;
    struct nw_deployment *deployment = calloc(1, sizeof *deployment);
    const uint32_t number = ++all->last_number;
    bool kept = deployment && nw_kept_manifest_init(&deployment->manifest, manifest) == 0;
    struct nw_tenant *tenant = kept ? nw_tenant_acquire(all->workers, manifest->tenant, manifest->profile) : NULL;
    if (tenant) {
        deployment->all = all;
        deployment->version.number = number;
        snprintf(deployment->sha256, sizeof deployment->sha256, "%s", sha256);
    }
    if (!tenant || nw__deployment_index(deployment) < 0) {
        if (tenant)
            nw_tenant_release(tenant);
        if (kept)
            nw_kept_manifest_fini(&deployment->manifest);
        free(deployment);
        return NULL;
    }
    deployment->tenant = tenant;
    deployment->function = function;
    deployment->version = (struct nw_version){.engine = engine,
                                              .number = number,
                                              .slots = nw_manifest_slots(manifest->fresh, manifest->slots),
                                              .queue = manifest->queue,
                                              .http = manifest->http,
                                              .cors = *manifest->cors ? deployment->manifest.cors : NULL,
                                              .timeout_ms = manifest->timeout_ms,
                                              .reason = ""};
    deployment->release = *release;
    deployment->persisted = persisted;
    deployment->deadline = nw_io_now(engine->io) + engine->options.load_timeout;
    nw_code_init(&deployment->code, engine, all->registry, all->snapshots, deployment->sha256, &code_events);
    nw_list_init(&deployment->version.queues);
    nw_list_init(&deployment->replicas);
    nw_edges_init(&deployment->callees);
    nw_graph_found(&all->graph, &deployment->callees, manifest->found);
    nw_list_append(&all->list, &deployment->link);
    nw_list_init(&deployment->of_state);
    nw_list_init(&deployment->untold);
    enter(deployment, NW_DEPLOYMENT_LOADING);
    all->unsettled += persisted;
    bool lazy = persisted && !manifest->warm;
    if (!lazy && nw__places_fill(deployment) < 0) {
        nw_deployment_retire(deployment);
        return NULL;
    }
    if (persisted)
        function->current = &deployment->version;
    nw__deployment_changed(deployment);
    if (lazy)
        deployment_move(deployment, EVENT_LOADED);
    load_everywhere(deployment);
    return deployment;
}

void nw__deployment_drop(struct nw_replica *replica)
{
    struct nw_seat *seat = replica->seat;
    nw__replica_free(replica);
    if (seat->only) {
        nw_seat_free(seat);
        return;
    }
    nw_seat_attend(seat); /* it may be empty */
    nw__deployments_load_next(seat);
}

/* Ends a replica of a retiring deployment that no invocation needs. Where a worker has it, that worker is only told to
 * end it: the replica is freed in a later call, after the answer. */
static void end_replica(struct nw_replica *replica)
{
    enum nw_replica_state state = replica->state;
    if (state == NW_REPLICA_PENDING || state == NW_REPLICA_REFUSED) {
        nw__deployment_drop(replica);
    } else if (state == NW_REPLICA_LOADED || state == NW_REPLICA_SERVING || state == NW_REPLICA_CLOSING) {
        nw__load_retire(replica);
    }
}

/* Whether another version has the same code and settings: the same function was deployed again. */
static bool shares_snapshot(struct nw_deployment *deployment)
{
    struct nw_deployment *at = nw__deployment_coded(deployment->all, deployment->sha256);
    char name[NW_SNAPSHOT_NAME], other[NW_SNAPSHOT_NAME];
    if (!at || !nw__load_snapshot_name(&deployment->code, name))
        return at != NULL;
    for (; at; at = nw__deployment_coded_next(at))
        if (!strcmp(at->manifest.name, deployment->manifest.name) && nw__load_snapshot_name(&at->code, other) &&
            !strcmp(name, other))
            return true;
    return false;
}

static void end_deployment(struct nw_deployment *deployment)
{
    nw_list_remove(&deployment->link);
    nw_list_remove(&deployment->of_state);
    nw_list_remove(&deployment->untold);
    nw__deployment_unindex(deployment);
    nw_graph_forget(&deployment->all->graph, &deployment->callees);
    deployment->all->events->ended(deployment->all->events_arg, deployment->sha256);
    if (!shares_snapshot(deployment))
        nw_code_discard(&deployment->code);
    nw_code_fini(&deployment->code);
    nw_names_free(deployment->names);
    nw_kept_manifest_fini(&deployment->manifest);
    free(deployment->reason);
    free(deployment->no_snapshot);
    nw_tenant_release(deployment->tenant);
    free(deployment);
}

void nw_deployments_reap(struct nw_deployments *all)
{
    struct nw_engine *engine = all->engine;
    if (!all->reap && !engine->unbound)
        return;
    all->reap = engine->unbound = false;
    nw_list_each(&all->retiring, at, after)
    {
        struct nw_deployment *deployment = nw_container(at, struct nw_deployment, of_state);
        if (deployment->held || deployment->code.reading || deployment->code.keeping ||
            (deployment->names && nw_names_busy(deployment->names)))
            continue;
        nw_list_each(&deployment->replicas, replica, next) if (!replica_at(replica)->queue.bound)
            end_replica(replica_at(replica));
        if (nw_list_empty(&deployment->replicas))
            end_deployment(deployment);
    }
}

/* --- all deployments --- */

void nw_deployments_tick(struct nw_deployments *all)
{
    uint64_t now = nw_io_now(all->engine->io);
    nw_resolver_tick(&all->resolver);
    nw_list_each(&all->loading, at, after)
    {
        struct nw_deployment *deployment = nw_container(at, struct nw_deployment, of_state);
        if (deployment->persisted || now < deployment->deadline)
            continue;
        nw__deployment_because(deployment, "no worker could load it in time");
        deployment->all->events->refused(deployment, NW_STATUS_UNAVAILABLE);
    }
}

void nw_deployments_use_snapshots(struct nw_deployments *all, struct nw_snapshot_files *files)
{
    nw_list_each(&all->list, at, after)
    {
        struct nw_deployment *deployment = nw_container(at, struct nw_deployment, link);
        char name[NW_SNAPSHOT_NAME];
        if (nw_snapshot_files_have(files, deployment->sha256) && nw__load_snapshot_name(&deployment->code, name))
            nw_snapshot_files_use(files, name);
    }
}

bool nw_deployments_settled(const struct nw_deployments *all)
{
    return !all->unsettled;
}
