/* See controller.h. */
#include "engine/control/controller.h"
#include "common/base/log.h"
#include "engine/control/deployments.h"
#include "engine/control/drain.h"
#include "engine/control/operations.h"
#include "engine/control/ready.h"
#include "engine/control/seat.h"
#include "engine/control/supervisor.h"
#include "engine/control/tenants.h"
#include "engine/control/workers.h"
#include "engine/gateway/failures.h"
#include "engine/http/http.h"
#include "engine/io/io.h"
#include "engine/serve/engine.h"
#include "engine/serve/link.h"
#include "engine/serve/role.h"
#include "engine/store/registry.h"
#include "engine/store/state.h"
#include "engine/threads/loop.h"
#include "engine/threads/threads.h"
#include <stdlib.h>

/* The order matters: whoever waits for a deployment hears of its end after all threads have. */
static void tend(struct nw_engine *engine)
{
    nw_workers_send_kept(engine);
    nw_workers_bury(engine);
    nw_deployments_reap(engine->deployments);
    nw_threads_tend(engine);
    nw_operations_bury(engine);
    nw_supervisor_tell_ready(engine);
}

void nw_controller_look_at_state(struct nw_engine *engine)
{
    if (nw_state_look(&engine->state, engine->registry, nw_io_now(engine->io)))
        nw_threads_changed(engine);
}

static void tick(struct nw_engine *engine)
{
    nw_http_server_tick(engine->admin);
    nw_deployments_tick(engine->deployments);
    nw_workers_tick(engine);
    if (nw_state_tick(&engine->state, engine->registry, nw_io_now(engine->io)))
        nw_threads_changed(engine);
    nw_drain_tick(engine);
}

static void failed(struct nw_engine *engine, struct nw_function *function, const struct nw_failure *failure)
{
    (void)engine;
    nw_failure_keep(function, failure);
}

static bool may_call(const struct nw_link *link, const struct nw_function *function)
{
    const struct nw_worker *worker = link->owner;
    return nw_tenant_may_call(worker->seat->tenant, function);
}

static const struct nw_role role = {
    .tend = tend,
    .tick = tick,
    .unready = nw_unready,
    .failed = failed,
    .may_call = may_call,
};

void nw_controller_init(struct nw_controller *controller)
{
    struct nw_engine *engine = &controller->engine;
    nw_engine_init(engine, &role);
    nw_deployments_init(&controller->deployments, engine, &nw_operation_events);
    engine->deployments = &controller->deployments;
}

void nw_controller_run(struct nw_controller *controller)
{
    struct nw_engine *engine = &controller->engine;
    /* Held until the end: its workers are ready before anything is deployed, and a machine that cannot run one says so
     * at once. */
    if (!nw_tenant_acquire(engine, NW_DEFAULT_TENANT, NW_PROFILE_COMPUTE))
        nw_die_system("cannot make workers: out of memory");
    char why[512];
    if (nw_operations_load_registry(engine, why, sizeof why) < 0)
        nw_die_system("%s", why);
    nw_engine_serve(engine);
}

void nw_controller_fini(struct nw_controller *controller)
{
    struct nw_engine *engine = &controller->engine;
    engine->ended = controller->deployments.resolver.ended = true;
    nw_http_server_close(engine->gateway);
    nw_http_server_close(engine->admin);
    nw_threads_stop(engine);
    nw_workers_fini(engine);
    nw_supervisor_fini(engine);
    nw_engine_close(engine);
    nw_http_server_free(engine->admin);
    nw_registry_close(engine->registry);
    nw_threads_free(engine);
    free(engine->addresses);
    free(engine->layers);
}
