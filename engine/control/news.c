/* See news.h. */
#include "engine/control/news.h"
#include "engine/control/controller.h"
#include "engine/control/ready.h"
#include "engine/serve/engine.h"
#include "engine/serve/link.h"
#include "engine/tally/meter.h"
#include "engine/threads/thread.h"
#include "engine/versions/deployments.h"
#include "engine/versions/leaving.h"
#include "engine/versions/replica.h"
#include "engine/versions/seat_events.h"
#include "engine/workers/seat.h"
#include "engine/workers/worker.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static size_t count(const struct nw_list *list)
{
    size_t n = 0;
    nw_list_each(list, at, after) n++;
    return n;
}

static struct nw_told_version *version_new(struct nw_deployment *deployment, const char *name)
{
    struct nw_told_version *version =
        calloc(1, sizeof *version + count(&deployment->replicas) * sizeof *version->workers);
    if (!version)
        return NULL;
    snprintf(version->name, sizeof version->name, "%s", name);
    version->deployment = deployment;
    version->number = deployment->version.number;
    version->slots = nw_manifest_slots(deployment->manifest.fresh, deployment->manifest.slots);
    version->queue = deployment->manifest.queue;
    version->http = deployment->manifest.http;
    version->cors = deployment->version.cors ? strdup(deployment->version.cors) : NULL; /* or as if it had none */
    version->timeout_ms = deployment->manifest.timeout_ms;
    version->state = deployment->version.state;
    if (deployment->version.state == NW_VERSION_FAILED)
        version->reason = strdup(deployment->version.reason); /* when memory is out, it is told without a reason */
    nw_list_each(&deployment->replicas, at, after)
    {
        const struct nw_replica *replica = nw_container(at, struct nw_replica, of_deployment);
        if (replica->state == NW_REPLICA_SERVING)
            version->workers[version->n_workers++] = replica->seat->worker->number;
    }
    return version;
}

static bool is_current(const struct nw_deployment *deployment)
{
    return deployment->function && deployment->function->current == &deployment->version;
}

/* One that ended is told without a name: it may have no function by now. */
static int add_version(struct nw_told *told, struct nw_deployment *deployment)
{
    struct nw_told_version *version = version_new(deployment, is_current(deployment) ? deployment->function->name : "");
    if (!version)
        return -ENOMEM;
    if (is_current(deployment))
        nw_meter_ref(version->meter = deployment->function->meter);
    else
        version->state = NW_VERSION_RETIRED;
    nw_list_append(&told->versions, &version->link);
    return 0;
}

/* What is not current and was never told is no news. */
static int add_versions(struct nw_told *told, const struct nw_engine *engine)
{
    int rc = 0;
    nw_list_each(&nw_controller_of(engine)->deployments.untold, at, after)
    {
        struct nw_deployment *deployment = nw_container(at, struct nw_deployment, untold);
        if (!rc && (is_current(deployment) || deployment->held))
            rc = add_version(told, deployment);
    }
    return rc;
}

static int add_routes(struct nw_told *told, const struct nw_engine *engine)
{
    nw_list_each(&nw_controller_of(engine)->operations.untold_routes, at, after)
    {
        const struct nw_told_route *route = nw_container(at, struct nw_told_route, link);
        struct nw_told_route *copy = nw_told_route_new(route->name, route->route);
        if (!copy)
            return -ENOMEM;
        nw_list_append(&told->routes, &copy->link);
    }
    return 0;
}

static struct nw_told *told_new(const struct nw_engine *engine, const struct nw_list *lost)
{
    struct nw_told *told = nw_told_new(count(lost));
    if (!told)
        return NULL;
    told->unready = nw__unready(nw_controller_of(engine));
    nw_list_each(lost, at, after) told->lost[told->n_lost++] = nw_container(at, struct nw_channels, lost)->worker;
    if (add_versions(told, engine) == 0 && add_routes(told, engine) == 0)
        return told;
    nw_told_free(told);
    return NULL;
}

/* Adds the workers that are up and that the thread does not know yet, with their channels. It cannot fail, so channels
 * that were taken are always told. */
static void add_workers(struct nw_told *told, const struct nw_engine *engine, unsigned thread)
{
    nw_list_each(&nw_controller_of(engine)->workers.fresh, at, after)
    {
        const struct nw_worker *worker = nw_container(at, struct nw_seat, fresh)->worker;
        struct nw_told_worker *new = worker->link->broken ? NULL : nw_channels_take(worker->channels, thread);
        if (new)
            nw_list_append(&told->new_workers, &new->link);
    }
}

static void hold_replica(struct nw_replica *replica, unsigned n_threads)
{
    if (replica->state == NW_REPLICA_SERVING)
        replica->held = n_threads;
}

/* Versions and replicas that the threads are told of must not end before each thread has let go of them. */
static void hold(struct nw_deployment *deployment, unsigned n_threads)
{
    nw_list_remove(&deployment->untold);
    if (!is_current(deployment))
        return;
    deployment->held = n_threads;
    nw_list_each(&deployment->replicas, of, next)
        hold_replica(nw_container(of, struct nw_replica, of_deployment), n_threads);
}

static bool news(struct nw_engine *engine, const struct nw_list *lost, struct nw_told **told, unsigned n)
{
    struct nw_controller *controller = nw_controller_of(engine);
    for (unsigned i = 0; i < n; i++) {
        told[i] = told_new(engine, lost);
        if (told[i])
            continue;
        while (i > 0)
            nw_told_free(told[--i]);
        return false;
    }
    nw_list_each(&controller->deployments.untold, at, after) hold(nw_container(at, struct nw_deployment, untold), n);
    nw_list_each(&controller->operations.untold_routes, route, behind)
        nw_told_route_free(nw_container(route, struct nw_told_route, link));
    for (unsigned i = 0; i < n; i++)
        add_workers(told[i], engine, i);
    nw_list_each(&controller->workers.fresh, of, next) nw_list_remove(of);
    return true;
}

/* --- what the other threads say --- */

static void released(struct nw_engine *engine, struct nw_deployment *deployment)
{
    deployment->held--;
    nw_controller_of(engine)->deployments.reap = true;
}

static void vacated(struct nw_engine *engine, const struct nw_deployment *deployment, uint32_t worker)
{
    (void)engine;
    nw_leaving_vacated(deployment, worker);
}

static void suspected(struct nw_engine *engine, uint32_t version, uint32_t worker, const struct nw_suspect *suspect)
{
    nw_version_suspected(&nw_controller_of(engine)->workers, version, worker, suspect);
}

static void let_go(struct nw_engine *engine, uint32_t worker)
{
    nw_workers_let_go(&nw_controller_of(engine)->workers, worker);
}

static void broken(struct nw_engine *engine, uint32_t number, const char *why)
{
    const struct nw_seat *seat = nw_workers_seat(&nw_controller_of(engine)->workers, number);
    if (seat && seat->worker)
        nw_link_break(seat->worker->link, why);
}

const struct nw_threads_events nw__news_events = {
    .news = news, .released = released, .vacated = vacated, .suspected = suspected, .let_go = let_go, .broken = broken};
