/*
 * The life of a deployment:
 *
 *               LOADED                 COMMITTED               RETIRE
 *   LOADING ─────────────> COMMITTING ───────────> SERVING ──────────────> RETIRING ──> (gone)
 *    │  │ LOADED, when its row is there already ───> ^ │                      ^
 *    │  └ REFUSED, when its row is there already ─> FAILED ──RETIRE──────────>│
 *    └────────────── RETIRE (it was refused, or the disk failed) ────────────>┘   (from COMMITTING, too)
 *
 * SERVING becomes FAILED when no worker can load it again after a restart; FAILED becomes SERVING when one can.
 * What becomes of its replicas meanwhile is in replica.h. Nothing of this is freed but in nw_deployments_reap.
 */
#include "engine/versions/deployments.h"
#include "common/base/log.h"
#include "common/base/valid.h"
#include "engine/dispatch/dispatch.h"
#include "engine/io/io.h"
#include "engine/names/names.h"
#include "engine/serve/engine.h"
#include "engine/serve/function.h"
#include "engine/serve/link.h"
#include "engine/threads/threads.h"
#include "engine/versions/loads.h"
#include "engine/workers/seats.h"
#include "engine/workers/tenant.h"
#include "engine/workers/tenants.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum event { EVENT_LOADED, EVENT_COMMITTED, EVENT_REFUSED, EVENT_RETIRE, EVENTS };

struct transition {
    enum nw_deployment_state next;
    void (*act)(struct nw_deployment *deployment); /* NULL: the event changes nothing in this state */
};

static void commit(struct nw_deployment *deployment);
static void serve(struct nw_deployment *deployment);
static void take_over(struct nw_deployment *deployment);
static void fail(struct nw_deployment *deployment);
static void judge(struct nw_deployment *deployment);
static void begin_retiring(struct nw_deployment *deployment);

/* The first index says whether the row is in the registry. */
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
           (state != NW_DEPLOYMENT_COMMITTING || !deployment->persisted) &&
           ((state != NW_DEPLOYMENT_SERVING && state != NW_DEPLOYMENT_FAILED) || deployment->persisted);
}

/* The only one to write the state. An event that does not fit it changes nothing. */
static void deployment_move(struct nw_deployment *deployment, enum event event)
{
    const struct transition *transition = &table[deployment->persisted][deployment->state][event];
    if (!transition->act)
        return;
    deployment->state = transition->next;
    deployment->version.state = as_version[transition->next];
    nw_threads_changed(deployment->all->workers->threads);
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
    snprintf(version, NW_VERSION_SIZE, "%.12s", deployment->sha256);
}

static struct nw_replica *replica_at(struct nw_list *at)
{
    return nw_container(at, struct nw_replica, of_deployment);
}

/* --- loading --- */

static void refuse(struct nw_replica *replica, const char *reason);

static void load_next(struct nw_seat *seat)
{
    struct nw_replica *next;
    char why[512];
    while ((next = nw__loads_next(seat)))
        if (!nw__load_begin(next, why, sizeof why))
            refuse(next, why);
}

static void tell(struct nw_replica *replica, enum nw_control_kind kind)
{
    nw_worker_tell(replica->seat->worker,
                   &(struct nw_control){.kind = kind, .deployment = replica->deployment->version.number}, NULL, 0, NULL,
                   0);
}

static void activate(struct nw_replica *replica)
{
    if (replica->state != NW_REPLICA_LOADED)
        return;
    tell(replica, NW_CONTROL_ACTIVATE);
    nw_replica_move(replica, NW_REPLICA_ACTIVATE);
    nw_threads_changed(replica->deployment->all->workers->threads);
}

/* Looks at all replicas. LOADED: one has loaded it and, before it ever served, none has yet to. REFUSED: a persisted
 * version was refused everywhere. A new one that was refused anywhere is refused as a whole. */
static void judge(struct nw_deployment *deployment)
{
    unsigned loaded = 0, refused = 0, unsettled = 0;
    nw_list_each(&deployment->replicas, at, after)
    {
        enum nw_replica_state state = replica_at(at)->state;
        loaded += state == NW_REPLICA_LOADED || state == NW_REPLICA_SERVING;
        refused += state == NW_REPLICA_REFUSED;
        unsettled += state == NW_REPLICA_PENDING || state == NW_REPLICA_LOADING;
    }
    if (refused && deployment->state == NW_DEPLOYMENT_LOADING && !deployment->persisted)
        deployment->all->events->refused(deployment, NW_STATUS_REFUSED);
    else if (loaded && (!unsettled || deployment->state != NW_DEPLOYMENT_LOADING))
        deployment_move(deployment, EVENT_LOADED);
    else if (refused && !loaded && !unsettled)
        deployment_move(deployment, EVENT_REFUSED);
}

static void refuse(struct nw_replica *replica, const char *reason)
{
    struct nw_deployment *deployment = replica->deployment;
    nw_replica_move(replica, NW_REPLICA_REFUSE);
    snprintf(deployment->reason, sizeof deployment->reason, "%s", reason);
    if (deployment->state == NW_DEPLOYMENT_RETIRING)
        deployment->all->reap = true;
    else
        judge(deployment);
}

static void refuse_all(struct nw_deployment *deployment, const char *why)
{
    nw_list_each(&deployment->replicas, at, after)
    {
        struct nw_replica *replica = replica_at(at);
        if (replica->state == NW_REPLICA_PENDING && deployment->state != NW_DEPLOYMENT_RETIRING)
            refuse(replica, why);
    }
}

static void load_everywhere(struct nw_deployment *deployment)
{
    nw_list_each(&deployment->replicas, at, after) load_next(replica_at(at)->seat);
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

static const struct nw_code_events code_events = {.read = code_read};

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

void nw_deployments_code_stored(struct nw_deployments *all, const char *sha256)
{
    nw_list_each(&all->list, at, after)
    {
        struct nw_deployment *deployment = nw_container(at, struct nw_deployment, link);
        if (deployment->state != NW_DEPLOYMENT_FAILED || deployment->code.fd >= 0 || strcmp(deployment->sha256, sha256))
            continue;
        nw_list_each(&deployment->replicas, of, next) nw_replica_move(replica_at(of), NW_REPLICA_AGAIN);
        load_everywhere(deployment);
    }
}

/* --- what deployments do on their way --- */

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
    judge(deployment); /* workers may have been lost, and refused it, while the row was written */
    if (old)
        nw_deployment_retire(old);
}

static void fail(struct nw_deployment *deployment)
{
    nw_log(NW_LOG_ERROR, "function \"%s\" cannot be loaded: %s", deployment->manifest.name, deployment->reason);
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

static int add_own_seats(struct nw_deployment *deployment)
{
    for (uint64_t i = 0; i < deployment->all->engine->options.workers; i++) {
        struct nw_seat *seat = nw_seat_new(deployment->tenant, deployment);
        if (!seat)
            return -ENOMEM;
        if (!nw_replica_new(deployment, seat)) {
            nw_seat_free(seat);
            return -ENOMEM;
        }
    }
    return 0;
}

static int add_replicas(struct nw_deployment *deployment)
{
    if (deployment->all->engine->options.mode == NW_MODE_PROCESS)
        return add_own_seats(deployment);
    nw_list_each(&deployment->tenant->seats, at,
                 after) if (!nw_replica_new(deployment, nw_container(at, struct nw_seat, of_tenant))) return -ENOMEM;
    return 0;
}

void nw_deployments_init(struct nw_deployments *all, struct nw_engine *engine, struct nw_workers *workers,
                         const struct nw_deployment_events *events, void *events_arg)
{
    *all = (struct nw_deployments){.engine = engine, .workers = workers, .events = events, .events_arg = events_arg};
    nw_list_init(&all->list);
    nw_resolver_init(&all->resolver, engine->io, &names_events);
}

struct nw_deployment *nw_deployment_new(struct nw_deployments *all, struct nw_function *function,
                                        struct nw_manifest *manifest, const char *sha256, bool persisted)
{
    struct nw_engine *engine = all->engine;
    struct nw_deployment *deployment = calloc(1, sizeof *deployment);
    struct nw_tenant *tenant = deployment ? nw_tenant_acquire(all->workers, manifest->tenant, manifest->profile) : NULL;
    if (!tenant) {
        free(deployment);
        return NULL;
    }
    deployment->all = all;
    deployment->tenant = tenant;
    deployment->function = function;
    deployment->version = (struct nw_version){.engine = engine,
                                              .number = ++all->last_number,
                                              .slots = manifest->slots,
                                              .timeout_ms = manifest->timeout_ms,
                                              .reason = deployment->reason};
    deployment->state = NW_DEPLOYMENT_LOADING;
    deployment->persisted = persisted;
    deployment->deadline = nw_io_now(engine->io) + engine->options.load_timeout;
    snprintf(deployment->sha256, sizeof deployment->sha256, "%s", sha256);
    nw__code_init(&deployment->code, engine, all->registry, deployment->sha256, &code_events);
    nw_list_init(&deployment->version.queues);
    nw_list_init(&deployment->replicas);
    nw_list_append(&all->list, &deployment->link);
    if (add_replicas(deployment) < 0) {
        nw_deployment_retire(deployment);
        return NULL;
    }
    deployment->manifest = *manifest;
    *manifest = (struct nw_manifest){.name = ""};
    if (persisted)
        function->current = &deployment->version;
    load_everywhere(deployment);
    return deployment;
}

static void replica_free(struct nw_replica *replica)
{
    struct nw_seat *seat = replica->seat;
    nw_replica_free(replica);
    if (seat->only)
        nw_seat_free(seat);
    else
        load_next(seat);
}

/* A replica of a retiring deployment that no invocation needs. A worker that has it is told and answers first. */
static void end_replica(struct nw_replica *replica)
{
    enum nw_replica_state state = replica->state;
    if (state == NW_REPLICA_PENDING || state == NW_REPLICA_REFUSED) {
        replica_free(replica);
    } else if (state == NW_REPLICA_LOADED || state == NW_REPLICA_SERVING) {
        tell(replica, NW_CONTROL_RETIRE);
        nw_replica_move(replica, NW_REPLICA_RETIRE);
    }
}

static void end_deployment(struct nw_deployment *deployment)
{
    nw_list_remove(&deployment->link);
    deployment->all->events->ended(deployment->all->events_arg, deployment->sha256);
    nw__code_fini(&deployment->code);
    nw_names_free(deployment->names);
    nw_manifest_fini(&deployment->manifest);
    nw_tenant_release(deployment->tenant);
    free(deployment);
}

void nw_deployments_reap(struct nw_deployments *all)
{
    struct nw_engine *engine = all->engine;
    if (!all->reap && !engine->unbound)
        return;
    all->reap = engine->unbound = false;
    nw_list_each(&all->list, at, after)
    {
        struct nw_deployment *deployment = nw_container(at, struct nw_deployment, link);
        if (deployment->state != NW_DEPLOYMENT_RETIRING || deployment->held || deployment->code.reading ||
            (deployment->names && nw_names_busy(deployment->names)))
            continue;
        nw_list_each(&deployment->replicas, replica, next) if (!replica_at(replica)->queue.bound)
            end_replica(replica_at(replica));
        if (nw_list_empty(&deployment->replicas))
            end_deployment(deployment);
    }
}

/* --- what workers do --- */

static void seat_up(struct nw_seat *seat)
{
    load_next(seat);
}

static void seat_lost(struct nw_seat *seat)
{
    nw__loads_lost(seat);
    nw_list_each(&seat->replicas, at, after)
    {
        struct nw_replica *replica = nw_container(at, struct nw_replica, of_seat);
        memset(replica->holds, 0, sizeof replica->holds);
        replica->memory = 0;
        if (replica->state != NW_REPLICA_REFUSED || !nw__load_is_deadly(replica))
            nw_replica_move(replica, NW_REPLICA_LOST);
        if (replica->deployment->state == NW_DEPLOYMENT_RETIRING)
            replica->deployment->all->reap = true; /* no answer to RETIRE is to be waited for */
    }
}

static void seat_judged(struct nw_seat *seat, bool own)
{
    struct nw_replica *deadly = nw__loads_judged(seat, own);
    if (deadly)
        refuse(deadly, "the worker process ended while it was loaded");
}

static void seat_buried(struct nw_seat *seat)
{
    nw_list_each(&seat->replicas, at, after) nw_dispatch_unqueue(&nw_container(at, struct nw_replica, of_seat)->queue);
}

static void seat_stuck(struct nw_seat *seat)
{
    nw_list_each(&seat->replicas, at, after)
    {
        struct nw_deployment *deployment = nw_container(at, struct nw_replica, of_seat)->deployment;
        if (deployment->state != NW_DEPLOYMENT_LOADING || deployment->persisted)
            continue;
        snprintf(deployment->reason, sizeof deployment->reason, "%s", seat->why);
        deployment->all->events->refused(deployment, NW_STATUS_UNAVAILABLE);
    }
}

static struct nw_replica *replica_of(struct nw_seat *seat, uint32_t number)
{
    nw_list_each(&seat->replicas, at, after)
    {
        struct nw_replica *replica = nw_container(at, struct nw_replica, of_seat);
        if (replica->deployment->version.number == number)
            return replica;
    }
    return NULL;
}

static const char *loaded_or_refused(struct nw_replica *replica, bool refused, const char *reason)
{
    struct nw_seat *seat = replica->seat;
    if (replica->state != NW_REPLICA_LOADING)
        return "it answered a load that it was not asked for";
    nw__load_ended(replica, !refused);
    if (refused) {
        refuse(replica, *reason ? reason : "the worker gave no reason");
    } else {
        nw_replica_move(replica, NW_REPLICA_HAS_LOADED);
        if (replica->deployment->state == NW_DEPLOYMENT_RETIRING)
            replica->deployment->all->reap = true;
        else
            judge(replica->deployment);
    }
    load_next(seat);
    return NULL;
}

static void torn_down(const struct nw_replica *replica, const struct nw_control *head, const char *text)
{
    uint32_t status = head->value < 0 || head->value >= NW_STATUS_COUNT ? NW_STATUS_INTERNAL : (uint32_t)head->value;
    nw_log(NW_LOG_WARN, "function \"%s\": %s: %s", replica->deployment->manifest.name, nw_status_info(status)->code,
           text);
}

static const char *holds(struct nw_replica *replica, const struct nw_control *head, const char *text)
{
    if (nw_resources_parse(text, replica->holds) < 0 || head->value < 0)
        return "it sent no list of what a function holds";
    replica->memory = head->memory;
    if ((uint64_t)head->value > replica->memory_peak)
        replica->memory_peak = (uint64_t)head->value;
    return NULL;
}

static const char *worker_said(struct nw_seat *seat, const struct nw_control *head, const char *text)
{
    struct nw_replica *replica = replica_of(seat, head->deployment);
    if (!replica)
        return "it spoke of a deployment that it does not have";
    switch (head->kind) {
    case NW_CONTROL_LOADED:
    case NW_CONTROL_REFUSED:
        return loaded_or_refused(replica, head->kind == NW_CONTROL_REFUSED, text);
    case NW_CONTROL_RETIRED:
        if (!nw_replica_move(replica, NW_REPLICA_HAS_RETIRED))
            return "it retired a deployment that it was not asked to";
        /* The reaper ends it: a seat of its own goes too, and our caller is at it. */
        replica->deployment->all->reap = true;
        return NULL;
    case NW_CONTROL_TORN_DOWN:
        torn_down(replica, head, text);
        return NULL;
    case NW_CONTROL_HOLDS:
        return holds(replica, head, text);
    default:
        return "it sent a message that is not a worker's";
    }
}

static void seat_tick(struct nw_seat *seat)
{
    if (nw__loads_overdue(seat))
        nw_link_break(seat->worker->link, "it did not finish loading a function in time");
    else if (seat->loading)
        load_next(seat);
}

const struct nw_seat_events nw_deployment_seat_events = {
    .up = seat_up,
    .lost = seat_lost,
    .buried = seat_buried,
    .judged = seat_judged,
    .stuck = seat_stuck,
    .tick = seat_tick,
    .said = worker_said,
};

/* --- the whole --- */

void nw_deployments_tick(struct nw_deployments *all)
{
    uint64_t now = nw_io_now(all->engine->io);
    nw_resolver_tick(&all->resolver);
    nw_list_each(&all->list, at, after)
    {
        struct nw_deployment *deployment = nw_container(at, struct nw_deployment, link);
        if (deployment->state != NW_DEPLOYMENT_LOADING || deployment->persisted || now < deployment->deadline)
            continue;
        snprintf(deployment->reason, sizeof deployment->reason, "no worker could load it in time");
        deployment->all->events->refused(deployment, NW_STATUS_UNAVAILABLE);
    }
}

bool nw_deployments_settled(const struct nw_deployments *all)
{
    nw_list_each(&all->list, at, after)
    {
        const struct nw_deployment *deployment = nw_container(at, struct nw_deployment, link);
        if (deployment->state == NW_DEPLOYMENT_LOADING && deployment->persisted)
            return false;
    }
    return true;
}

bool nw_deployments_use_code(const struct nw_deployments *all, const char *sha256)
{
    nw_list_each(&all->list, at,
                 after) if (!strcmp(nw_container(at, struct nw_deployment, link)->sha256, sha256)) return true;
    return false;
}
