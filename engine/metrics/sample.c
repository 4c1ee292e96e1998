/* See sample.h. */
#include "engine/metrics/sample.h"
#include "common/base/version.h"
#include "engine/control/controller.h"
#include "engine/logs/logs.h"
#include "engine/metrics/process.h"
#include "engine/metrics/text.h"
#include "engine/serve/engine.h"
#include "engine/serve/function.h"
#include "engine/serve/link.h"
#include "engine/serve/role.h"
#include "engine/tally/meter.h"
#include "engine/threads/channels.h"
#include "engine/threads/threads.h"
#include "engine/versions/replica.h"
#include "engine/workers/seats.h"
#include "engine/workers/tenant.h"
#include <stdio.h>
#include <string.h>

/* Whether some worker has it. */
static bool add_replicas(struct nw__function_sample *sample, const struct nw_deployment *deployment)
{
    if (!deployment)
        return false;
    nw_list_each(&deployment->replicas, at, after)
    {
        const struct nw_replica *replica = nw_container(at, struct nw_replica, of_deployment);
        *sample->domains += replica->state == NW_REPLICA_SERVING;
        *sample->memory += replica->memory;
        *sample->keys += replica->holds[NW_RESOURCE_KEYS];
    }
    return !nw_list_empty(&deployment->replicas);
}

static void add_worked(struct nw__function_sample *sample, const struct nw_worked *worked)
{
    *sample->calls = worked->begun_or_ended / 2;
    *sample->ran = worked->ran_ns;
    *sample->waited = worked->waited_ns;
    *sample->preemptions = worked->preempted;
    *sample->rekeys = worked->rekeyed;
    *sample->cold_starts = worked->cold_starts;
    memcpy(sample->restarts, worked->restarts, sizeof sample->restarts);
}

bool nw__sample_function(struct nw__function_sample *sample, const struct nw_function *function)
{
    struct nw_tally sum;
    memset(sample, 0, sizeof *sample);
    nw__text_label(&sample->sample, "function", function->name);
    bool called = nw_meter_sum(function->meter, &sum);
    bool loaded = add_replicas(sample, nw_deployment_of(function->current));
    memcpy(sample->requests, sum.ended, sizeof sample->requests);
    *sample->in_flight = nw_tally_in_flight(&sum);
    sample->duration = sum.took;
    sample->queue_wait = sum.waited;
    add_worked(sample, &function->meter->worked);
    return called || loaded || *sample->calls;
}

static void add_of_seat(struct nw__worker_sample *sample, const struct nw_seat *seat)
{
    nw_list_each(&seat->replicas, at, after)
    {
        const struct nw_replica *replica = nw_container(at, struct nw_replica, of_seat);
        *sample->worker_functions += replica->state == NW_REPLICA_SERVING;
        for (int r = 0; r < NW_RESOURCE_COUNT; r++)
            sample->worker_resources[r] += replica->holds[r];
        sample->worker_resources[NW_RESOURCE_LOAD_SLOTS] += replica->has_load_slot;
    }
}

bool nw__sample_worker(struct nw__worker_sample *sample, const struct nw_seat *seat)
{
    char number[16];
    const struct nw_worker *worker = seat->worker;
    unsigned keys = seat->all->keys;
    if (seat->state != NW_SEAT_UP)
        return false;
    struct nw_link *link = worker->link;
    int space = nw_ring_space(&link->channel.out); /* of one that broke the rules: nothing to speak of */
    memset(sample, 0, sizeof *sample);
    snprintf(number, sizeof number, "%u", worker->number);
    nw__text_label(&sample->sample, "worker", number);
    nw__text_label(&sample->sample, "tenant", seat->tenant->name);
    add_of_seat(sample, seat);
    *sample->worker_domains = worker->domains;
    *sample->worker_in_flight = link->busy + nw_channels_busy(worker->channels);
    *sample->worker_keys = keys;
    *sample->worker_keys_bound = worker->free_keys < keys ? keys - worker->free_keys : 0;
    *sample->worker_rekeys = worker->rekeyed;
    *sample->worker_ring_size = link->channel.out.capacity;
    *sample->worker_ring_used = space < 0 ? 0 : link->channel.out.capacity - (uint32_t)space;
    *sample->worker_arena_size = seat->all->engine->options.arena;
    *sample->worker_arena_used = nw_arena_used(link->channel.arena);
    return true;
}

static void add_counters(struct nw__host_sample *sample, const struct nw_counters *counters)
{
#define X(name, text) *sample->engine_##name = counters->name;
    NW_COUNTERS(X)
#undef X
}

static void add_process(struct nw__host_sample *sample)
{
    struct nw__process process;
    nw__process_look(&process);
    *sample->process_cpu = process.cpu_ns;
    *sample->process_resident = process.resident;
    *sample->process_virtual = process.virtual;
    *sample->process_open_fds = process.open_fds;
    *sample->process_max_fds = process.max_fds;
    *sample->process_start = process.started_ns;
}

void nw__sample_host(struct nw__host_sample *sample, const struct nw_controller *controller)
{
    const struct nw_engine *engine = &controller->engine;
    const struct nw_thread_figures sum = nw_threads_sum(&controller->threads);
    memset(sample, 0, sizeof *sample);
    for (int r = 0; r < NW_RESOURCE_COUNT; r++)
        sample->resource_limits[r] = nw_resources[r].limit;
    *sample->ready = !engine->draining && !engine->role->unready(engine);
    *sample->functions = engine->functions.n;
    *sample->threads = engine->options.threads;
    *sample->connections = sum.connections;
    if (controller->deployments.logs)
        *sample->log_lines_lost = nw_logs_all_lost(controller->deployments.logs);
    add_counters(sample, &sum.counters);
    add_process(sample);
}

void nw__sample_build(struct nw__build_sample *sample, const struct nw_controller *controller)
{
    memset(sample, 0, sizeof *sample);
    nw__text_label(&sample->sample, "version", NW_VERSION);
    nw__text_label(&sample->sample, "mode", nw_mode_name(controller->engine.options.mode));
    nw__text_label(&sample->sample, "io", nw_io_kind_name(nw_io_kind(controller->engine.io)));
    *sample->build_info = 1;
}
