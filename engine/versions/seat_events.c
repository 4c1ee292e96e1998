/* See seat_events.h. */
#include "engine/versions/seat_events.h"
#include "common/base/log.h"
#include "common/manifest/control.h"
#include "common/manifest/resources.h"
#include "engine/dispatch/dispatch.h"
#include "engine/gateway/failures.h"
#include "engine/io/io.h"
#include "engine/logs/logs.h"
#include "engine/logs/origin.h"
#include "engine/placement/blame.h"
#include "engine/serve/engine.h"
#include "engine/serve/link.h"
#include "engine/tally/meter.h"
#include "engine/versions/deployment.h"
#include "engine/versions/deployments.h"
#include "engine/versions/leaving.h"
#include "engine/versions/loads.h"
#include "engine/versions/replica.h"
#include "engine/workers/seat.h"
#include "engine/workers/tenant.h"
#include "engine/workers/worker.h"
#include "engine/workers/workers.h"
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define OLD_LINE_US 60000000ull

static void seat_up(struct nw_seat *seat)
{
    nw__deployments_load_next(seat);
}

static void seat_lost(struct nw_seat *seat)
{
    nw__loads_lost(seat);
    nw_list_each(&seat->replicas, at, after)
    {
        struct nw_replica *replica = nw_container(at, struct nw_replica, of_seat);
        memset(replica->holds, 0, sizeof replica->holds);
        memset(&replica->done, 0, sizeof replica->done); /* another process counts anew */
        replica->memory = 0;
        replica->func_workers = 0;
        if (replica->state != NW_REPLICA_REFUSED || !nw__load_is_deadly(replica))
            nw__replica_move(replica, NW_REPLICA_LOST);
        if (replica->deployment->state == NW_DEPLOYMENT_RETIRING || replica->leaves)
            replica->deployment->all->reap = true; /* no answer to RETIRE is to be waited for */
    }
}

static bool seat_judged(struct nw_seat *seat, bool own)
{
    struct nw_replica *deadly = nw__loads_judged(seat, own);
    if (deadly)
        nw__deployment_refuse(deadly, "the worker process ended while it was loaded");
    bool blamed = own && !seat->lost_loading && nw__loads_blame(seat);
    nw_list_each(&seat->replicas, at, after) nw_container(at, struct nw_replica, of_seat)->queue.lost = 0;
    return blamed || seat->lost_loading;
}

static void seat_buried(struct nw_seat *seat)
{
    nw_list_each(&seat->replicas, at, after) nw_dispatch_unqueue(&nw_container(at, struct nw_replica, of_seat)->queue);
}

static void seat_stuck(struct nw_seat *seat)
{
    nw_list_each(&seat->replicas, at, after)
        nw__deployment_stuck(nw_container(at, struct nw_replica, of_seat)->deployment, seat->why);
    nw__leaving_stuck(seat);
}

static void seat_tick(struct nw_seat *seat)
{
    const char *overdue = nw__loads_overdue(seat);
    if (overdue)
        nw_link_break(seat->worker->link, overdue);
    else if (seat->loading || nw__loads_late(seat))
        nw__deployments_load_next(seat);
}

/* --- what workers say --- */

/* A message may name thousands of versions, and a worker has a thousand; a version is in few workers. */
static struct nw_replica *replica_of(const struct nw_seat *seat, uint32_t number)
{
    if (nw_list_empty(&seat->replicas))
        return NULL;
    const struct nw_replica *any = nw_container(seat->replicas.next, struct nw_replica, of_seat);
    const struct nw_deployment *deployment = nw_deployment_numbered(any->deployment->all, number);
    if (deployment)
        nw_list_each(&deployment->replicas, at, after)
        {
            struct nw_replica *replica = nw_container(at, struct nw_replica, of_deployment);
            if (replica->seat == seat)
                return replica;
        }
    return NULL;
}

/* A version that retires has no function, but most often that has another version. NULL: it was removed; what another
 * tenant has by its name since is another function, of which its worker has nothing to say. */
static struct nw_function *function_of(const struct nw_deployment *deployment)
{
    const char *name = deployment->manifest.name;
    struct nw_function *function = nw_function_find(deployment->all->engine, name, strlen(name));
    const struct nw_deployment *current = function ? nw_deployment_of(function->current) : NULL;
    bool own =
        function == deployment->function || (current && !strcmp(current->manifest.tenant, deployment->manifest.tenant));
    return own ? function : NULL;
}

static struct nw_meter *meter_of(const struct nw_deployment *deployment)
{
    const struct nw_function *function = deployment->function ? deployment->function : function_of(deployment);
    return function ? function->meter : NULL;
}

static const char *loaded_or_refused(struct nw_replica *replica, bool refused, const char *reason)
{
    struct nw_seat *seat = replica->seat;
    if (replica->state != NW_REPLICA_LOADING)
        return "it answered a load that it was not asked for";
    nw__load_ended(replica, !refused);
    if (refused) {
        nw__deployment_refuse(replica, *reason ? reason : "the worker gave no reason");
    } else {
        nw__replica_move(replica, NW_REPLICA_HAS_LOADED);
        nw_meter_loaded(meter_of(replica->deployment));
        nw__deployment_explain(replica->deployment, reason);
        if (*reason)
            nw_log(NW_LOG_INFO, "function \"%s\": no snapshot is taken of it: %s", replica->deployment->manifest.name,
                   reason);
        if (replica->deployment->state == NW_DEPLOYMENT_RETIRING)
            replica->deployment->all->reap = true;
        else
            nw__deployment_judge(replica->deployment);
    }
    nw__deployments_load_next(seat);
    return NULL;
}

/* For `describe`, and for the function's own log. */
static void report_crash(const struct nw_replica *replica, enum nw_status status, const char *text)
{
    const struct nw_deployment *deployment = replica->deployment;
    struct nw_function *function = function_of(deployment);
    struct nw_crash crash = {.at = nw_log_now(), .status = status, .worker = replica->seat->worker->number};
    struct nw_log_line line = {.time = crash.at, .stream = NW_LOG_HOST, .worker = crash.worker};
    char said[sizeof crash.reason + 64];
    if (!function)
        return;
    snprintf(crash.reason, sizeof crash.reason, "%s", text);
    nw_deployment_version(deployment, crash.version);
    nw_crash_keep(function, &crash);
    if (!deployment->all->logs)
        return;
    memcpy(line.version, crash.version, sizeof line.version);
    line.length = (size_t)snprintf(said, sizeof said, "%s: %s", nw_status_info(status)->code, crash.reason);
    nw_logs_add(deployment->all->logs, &deployment->tenant->lines, function->name, &line, said);
}

static void torn_down(const struct nw_replica *replica, const struct nw_control *head, const char *text)
{
    uint32_t status = head->value < 0 || head->value >= NW_STATUS_COUNT ? NW_STATUS_INTERNAL : (uint32_t)head->value;
    nw_meter_restarted(meter_of(replica->deployment), nw_status_info(status)->outcome);
    nw_log(NW_LOG_WARN, "function \"%s\": %s: %s", replica->deployment->manifest.name, nw_status_info(status)->code,
           text);
    report_crash(replica, status, text);
}

static const char *holds(struct nw_replica *replica, const struct nw_control *head, const char *text)
{
    if (nw_resources_parse(text, replica->holds) < 0 || head->value < 0)
        return "it sent no list of what a function holds";
    replica->memory = head->memory;
    replica->func_workers = head->slots;
    if ((uint64_t)head->value > replica->memory_peak)
        replica->memory_peak = (uint64_t)head->value;
    return NULL;
}

/* The worker says how often each function that runs, or was called lately, was called so far: this thread sees no calls
 * by functions of the same worker or from other threads. To end one has a time limit all the same (loads.c). */
static const char *called(struct nw_seat *seat, const struct nw_control *head, const char *text)
{
    uint64_t now = nw_io_now(seat->all->engine->io);
    if (head->text_len % sizeof(struct nw_calls))
        return "it sent a broken list of how often functions are called";
    for (size_t at = 0; at < head->text_len; at += sizeof(struct nw_calls)) {
        struct nw_calls calls;
        memcpy(&calls, text + at, sizeof calls);
        struct nw_replica *replica = replica_of(seat, calls.deployment);
        if (!replica)
            continue;
        if (replica->calls != calls.calls || replica->state != NW_REPLICA_RETIRING)
            replica->used = now;
        struct nw_heat heat = replica->heat;
        nw_heat_note(&heat, calls.calls, calls.rekeyed, now);
        nw__replica_heat(replica, &heat);
        nw_meter_work(meter_of(replica->deployment), &replica->done, &calls);
        if (calls.rekeyed > replica->done.rekeyed)
            seat->worker->rekeyed += calls.rekeyed - replica->done.rekeyed;
        if (calls.calls_refused > replica->done.calls_refused)
            seat->all->engine->counters.calls_refused += calls.calls_refused - replica->done.calls_refused;
        replica->calls = calls.calls;
        replica->done = calls;
    }
    return NULL;
}

/* How often its functions called one another within it. What a worker makes up harms its own functions alone. */
static const char *called_each_other(struct nw_seat *seat, const struct nw_control *head, const char *text)
{
    if (head->text_len % sizeof(struct nw_edge_calls))
        return "it sent a broken list of which functions call which";
    for (size_t at = 0; at < head->text_len; at += sizeof(struct nw_edge_calls)) {
        struct nw_edge_calls calls;
        memcpy(&calls, text + at, sizeof calls);
        const struct nw_replica *caller = replica_of(seat, calls.caller), *callee = replica_of(seat, calls.callee);
        if (caller && callee)
            nw_graph_seen(&caller->deployment->all->graph, &caller->deployment->callees,
                          callee->deployment->manifest.name, calls.calls);
    }
    return NULL;
}

/* A worker that could still change the file could have others check something else than they use. */
static bool is_sealed(int file)
{
    int seals = fcntl(file, F_GET_SEALS), wanted = F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW;
    return seals >= 0 && (seals & wanted) == wanted;
}

static const char *discard_snapshot(struct nw_replica *replica, const char *why)
{
    struct nw_deployment *deployment = replica->deployment;
    if (!replica->has_snapshot)
        return "it discarded a snapshot that it does not have";
    replica->has_snapshot = false;
    nw_log(NW_LOG_WARN, "function \"%s\": its snapshot is discarded: %s", deployment->manifest.name, why);
    nw_code_discard(&deployment->code);
    return NULL;
}

/* To keep one takes a thread, descriptors and disk, so a worker sends one for each load at most: at first when it was
 * handed none, else once it has found that one to be of no use. */
static const char *snapshot(struct nw_replica *replica, const struct nw_control_message *message)
{
    struct nw_deployment *deployment = replica->deployment;
    struct stat st;
    if (message->n_fds == 0)
        return discard_snapshot(replica, message->text);
    if (!replica->awaits_snapshot || replica->has_snapshot || !is_sealed(message->fds[0]))
        return "it sent a snapshot that nobody asked for";
    replica->awaits_snapshot = false;
    replica->has_snapshot = true;
    if (fstat(message->fds[0], &st) < 0 || st.st_size < 0 || (uint64_t)st.st_size > NW_SNAPSHOT_MOST)
        nw_log(NW_LOG_WARN, "function \"%s\": its snapshot is not kept: it has more than %lu MiB",
               deployment->manifest.name, NW_SNAPSHOT_MOST >> 20);
    else
        nw_code_keep(&deployment->code, message->fds[0], deployment->range);
    return NULL;
}

/* A worker's clock is ours; what is far from it is no time. */
static uint64_t time_of(const struct nw_said *said)
{
    uint64_t now = nw_log_now();
    return said->time <= now && now - said->time < OLD_LINE_US ? said->time : now;
}

/* A line for the log of its function, unless that is gone. */
static void keep_line(struct nw_replica *replica, const struct nw_said *said, const char *text)
{
    const struct nw_deployment *deployment = replica->deployment;
    struct nw_logs *logs = deployment->all->logs;
    struct nw_engine *engine = deployment->all->engine;
    const char *name = deployment->manifest.name;
    struct nw_log_line line = {.time = time_of(said),
                               .stream = (enum nw_log_stream)said->stream,
                               .worker = replica->seat->worker->number,
                               .slot = said->slot,
                               .length = said->length};
    if (!function_of(deployment))
        return;
    nw_deployment_version(deployment, line.version);
    if (engine->origins)
        nw_origin_find(nw_origins_of(engine->origins, said->channel), said->invocation, line.worker, line.request);
    nw_logs_lost(logs, name, said->lost);
    if (said->stream)
        nw_logs_add(logs, &deployment->tenant->lines, name, &line, text);
}

/* Lines of functions. Those of one function mostly follow one another. */
static const char *lines(struct nw_seat *seat, const struct nw_control *head, const char *text)
{
    struct nw_replica *replica = NULL;
    struct nw_said said;
    for (size_t at = 0, left; (left = head->text_len - at); at += sizeof said + said.length) {
        if (left < sizeof said)
            return "it sent a broken list of lines";
        memcpy(&said, text + at, sizeof said);
        if (said.length > left - sizeof said || said.stream > NW_LOG_STDERR ||
            said.channel >= seat->all->engine->options.threads)
            return "it sent a broken list of lines";
        if (!replica || replica->deployment->version.number != said.deployment)
            replica = replica_of(seat, said.deployment);
        if (replica && replica->deployment->all->logs)
            keep_line(replica, &said, text + at + sizeof said);
    }
    return NULL;
}

static const char *worker_said(struct nw_seat *seat, const struct nw_control_message *message)
{
    const struct nw_control *head = &message->head;
    const char *text = message->text;
    struct nw_replica *replica = replica_of(seat, head->deployment);
    if (head->kind == NW_CONTROL_CALLS)
        return called(seat, head, text);
    if (head->kind == NW_CONTROL_LINES)
        return lines(seat, head, text);
    if (head->kind == NW_CONTROL_EDGES)
        return called_each_other(seat, head, text);
    if (!replica)
        return "it spoke of a deployment that it does not have";
    switch (head->kind) {
    case NW_CONTROL_LOADED:
    case NW_CONTROL_REFUSED:
        return loaded_or_refused(replica, head->kind == NW_CONTROL_REFUSED, text);
    case NW_CONTROL_RETIRED:
        if (!nw__replica_move(replica, NW_REPLICA_HAS_RETIRED))
            return "it retired a deployment that it was not asked to";
        /* Only the reaper frees it: its seat may go with it, and our caller still uses that. */
        replica->deployment->all->reap = true;
        return NULL;
    case NW_CONTROL_TORN_DOWN:
        torn_down(replica, head, text);
        return NULL;
    case NW_CONTROL_SNAPSHOT:
        return snapshot(replica, message);
    case NW_CONTROL_HOLDS:
        return holds(replica, head, text);
    default:
        return "it sent a message that is not a worker's";
    }
}

/* A thread that gave the worker up because it broke the protocol says so while the seat still has it. */
void nw_version_suspected(struct nw_workers *all, uint32_t version, uint32_t worker, const struct nw_suspect *suspect)
{
    struct nw_seat *seat = nw_workers_seat(all, worker);
    struct nw_replica *replica = seat && (seat->worker || seat->unheard) ? replica_of(seat, version) : NULL;
    if (!replica)
        return;
    replica->queue.lost += suspect->begun;
    replica->queue.completed += suspect->completed;
}

const struct nw_seat_events nw_version_seat_events = {
    .up = seat_up,
    .lost = seat_lost,
    .buried = seat_buried,
    .judged = seat_judged,
    .stuck = seat_stuck,
    .tick = seat_tick,
    .said = worker_said,
};
