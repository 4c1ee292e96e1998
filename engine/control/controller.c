/* See controller.h. */
#include "engine/control/controller.h"
#include "common/base/log.h"
#include "engine/control/drain.h"
#include "engine/control/news.h"
#include "engine/control/ready.h"
#include "engine/control/supervisor.h"
#include "engine/gateway/failures.h"
#include "engine/http/http.h"
#include "engine/io/io.h"
#include "engine/logs/logs.h"
#include "engine/logs/origin.h"
#include "engine/operations/operations.h"
#include "engine/serve/engine.h"
#include "engine/serve/function.h"
#include "engine/serve/link.h"
#include "engine/serve/role.h"
#include "engine/store/registry.h"
#include "engine/store/snapshots.h"
#include "engine/store/state.h"
#include "engine/tally/meter.h"
#include "engine/threads/loop.h"
#include "engine/threads/threads.h"
#include "engine/versions/deployments.h"
#include "engine/versions/leaving.h"
#include "engine/versions/seat_events.h"
#include "engine/workers/seat.h"
#include "engine/workers/seats.h"
#include "engine/workers/tenant.h"
#include "engine/workers/tenants.h"
#include "engine/workers/worker.h"
#include <stdlib.h>

#define REFUSAL_LOG_MS 10000 /* between two lines about one tenant's refused calls */

/* The order matters: lost workers are buried first, since versions can be reaped only when no invocation is left in
 * them; operations are buried after the threads were tended, which ends those that all threads now act on. */
static void tend(struct nw_engine *engine)
{
    struct nw_controller *controller = nw_controller_of(engine);
    struct nw_function *wanted;
    while ((wanted = nw_function_next_wanted(engine))) {
        nw_meter_awaited(wanted->meter);
        nw_deployment_wanted(wanted);
    }
    nw_workers_send_kept(&controller->workers);
    nw_workers_bury(&controller->workers);
    nw_workers_start_due(&controller->workers);
    nw_leaving_reap(&controller->deployments);
    nw_deployments_reap(&controller->deployments);
    nw_threads_tend(&controller->threads);
    nw_operations_bury(&controller->operations);
    nw__supervisor_tell_ready(controller);
}

void nw_controller_look_at_state(struct nw_controller *controller)
{
    if (nw_state_look(&controller->state, controller->registry, nw_io_now(controller->engine.io)))
        nw_threads_changed(&controller->threads);
}

static void tick(struct nw_engine *engine)
{
    struct nw_controller *controller = nw_controller_of(engine);
    nw_http_server_tick(engine->admin);
    if (engine->metrics)
        nw_http_server_tick(engine->metrics);
    if (controller->deployments.logs)
        nw_logs_tick(controller->deployments.logs);
    nw_leaving_tick(&controller->deployments);
    nw_deployments_tick(&controller->deployments);
    nw_workers_tick(&controller->workers);
    if (nw_state_tick(&controller->state, controller->registry, nw_io_now(engine->io)))
        nw_threads_changed(&controller->threads);
    nw__drain_tick(controller);
}

static const char *unready(const struct nw_engine *engine)
{
    return nw__unready(nw_controller_of(engine));
}

static void failed(struct nw_engine *engine, struct nw_function *function, const struct nw_failure *failure)
{
    (void)engine;
    nw_failure_keep(function, failure);
}

/* A refusal is counted; whether it is to be logged, which is now and then. */
static bool note_refusal(struct nw_engine *engine, struct nw_tenant *tenant)
{
    uint64_t now = nw_io_now(engine->io);
    engine->counters.calls_refused++;
    if (tenant->refusal_logged && now - tenant->refusal_logged < REFUSAL_LOG_MS)
        return false;
    tenant->refusal_logged = now;
    return true;
}

/* The version with this number that the seat's worker has, or NULL. */
static struct nw_deployment *version_in(const struct nw_seat *seat, uint32_t number)
{
    struct nw_deployment *version = nw_deployment_numbered(&nw_controller_of(seat->all->engine)->deployments, number);
    if (version)
        nw_list_each(&version->replicas, at, after)
        {
            if (nw_container(at, struct nw_replica, of_deployment)->seat == seat)
                return version;
        }
    return NULL;
}

static bool may_call_any(const struct nw_seat *seat)
{
    nw_list_each(&seat->replicas, at, after)
    {
        if (!*nw_container(at, struct nw_replica, of_seat)->deployment->manifest.calls)
            return true;
    }
    return false;
}

/* The worker's own check comes before this one (worker/reach/callees.h). A worker in the hands of an attacker may say
 * that another of its functions calls: so it can call what any of them may, but no more than that. */
static bool is_granted(const struct nw_seat *seat, struct nw_deployment *caller, const char *name)
{
    char granted[NW_CALLS_TEXT];
    if (!caller)
        return may_call_any(seat);
    if (!*caller->manifest.calls)
        return true;
    return nw_calls_resolve(caller->manifest.calls, caller->manifest.found, granted) == 0 &&
           nw_calls_allow(granted, name);
}

/* What a tenant may not call does not exist for it: tenants learn nothing of one another. A function is granted names,
 * whichever version has the call. */
static enum nw_status may_call(const struct nw_link *link, uint32_t number, const char *name,
                               const struct nw_function *function)
{
    struct nw_engine *engine = link->engine;
    const struct nw_worker *worker = link->owner;
    struct nw_tenant *tenant = worker->seat->tenant;
    struct nw_deployment *current = function ? nw_deployment_of(function->current) : NULL;
    if (!current)
        return NW_STATUS_OK;
    if (!nw_manifest_may_call(current->manifest.tenant, current->manifest.callers, tenant->name)) {
        if (note_refusal(engine, tenant))
            nw_log(NW_LOG_WARN,
                   "tenant \"%s\" may not call \"%s\" of tenant \"%s\"; deploy that with --callers to allow it",
                   tenant->name, function->name, current->manifest.tenant);
        return NW_STATUS_NOT_FOUND;
    }
    struct nw_deployment *caller = version_in(worker->seat, number);
    if (is_granted(worker->seat, caller, name)) {
        nw_deployment_called(current, worker->number);
        if (caller)
            nw_graph_seen(&caller->all->graph, &caller->callees, current->manifest.name, 1);
        return NW_STATUS_OK;
    }
    if (note_refusal(engine, tenant))
        nw_log(NW_LOG_WARN, "worker %u called \"%s\" for \"%s\", which may not call it, as the worker should know",
               worker->number, name, caller ? caller->manifest.name : "a function that it does not have");
    return NW_STATUS_CALL_REFUSED;
}

static const struct nw_role role = {
    .tend = tend,
    .tick = tick,
    .unready = unready,
    .failed = failed,
    .may_call = may_call,
};

void nw_controller_init(struct nw_controller *controller)
{
    struct nw_engine *engine = &controller->engine;
    nw_loop_init(engine, &role);
    engine->origins = nw_origins_new((unsigned)engine->options.threads);
    controller->started = nw_io_now(engine->io);
    nw_threads_init(&controller->threads, engine, &nw__news_events);
    nw_workers_init(&controller->workers, engine, &controller->threads, &nw_version_seat_events);
    nw_deployments_init(&controller->deployments, engine, &controller->workers, &nw_operation_events,
                        &controller->operations);
    nw_operations_init(&controller->operations, engine, &controller->deployments, &controller->threads);
}

static void sweep_work(void *arg)
{
    nw_snapshot_files_sweep(arg);
}

static void sweep_done(void *arg)
{
    nw_snapshot_files_free(arg);
}

/* To be called when the registry is loaded, and nothing else yet. */
static void sweep_snapshots(struct nw_controller *controller)
{
    struct nw_snapshots *snapshots = controller->deployments.snapshots;
    struct nw_snapshot_files *files = snapshots ? nw_snapshots_list(snapshots) : NULL;
    if (!files)
        return;
    nw_deployments_use_snapshots(&controller->deployments, files);
    if (nw_io_offload(controller->engine.io, sweep_work, sweep_done, files) == 0)
        return;
    nw_snapshot_files_free(files);
    nw_log(NW_LOG_WARN, "snapshots of functions that are gone stay until the next start: out of memory");
}

void nw_controller_run(struct nw_controller *controller)
{
    /* Held until the end: its workers are ready before anything is deployed, and a machine that cannot run one says so
     * at once. */
    if (!nw_tenant_acquire(&controller->workers, NW_DEFAULT_TENANT, NW_PROFILE_COMPUTE))
        nw_die_system("cannot make workers: out of memory");
    if (controller->engine.options.snapshots)
        controller->deployments.snapshots = nw_snapshots_open(controller->engine.options.state);
    controller->deployments.logs =
        nw_logs_new(controller->engine.io, controller->engine.options.state, controller->engine.options.log_size,
                    controller->engine.options.log_total);
    nw_operations_load_registry(&controller->operations, controller->registry);
    sweep_snapshots(controller);
    nw_loop_run(&controller->engine);
}

void nw_controller_fini(struct nw_controller *controller)
{
    struct nw_engine *engine = &controller->engine;
    engine->ended = controller->deployments.resolver.ended = true;
    nw_http_server_close(engine->gateway);
    nw_http_server_close(engine->admin);
    if (engine->metrics)
        nw_http_server_close(engine->metrics);
    nw_threads_stop(&controller->threads);
    nw_workers_fini(&controller->workers);
    nw__supervisor_fini(controller);
    nw_loop_close(engine);
    nw_http_server_free(engine->admin);
    if (engine->metrics)
        nw_http_server_free(engine->metrics);
    nw_logs_free(controller->deployments.logs);
    nw_origins_free(engine->origins);
    nw_snapshots_close(controller->deployments.snapshots);
    nw_registry_close(controller->registry);
    nw_threads_free(&controller->threads);
    nw_functions_fini(engine);
    nw_deployments_fini(&controller->deployments);
    free(controller->addresses);
}
