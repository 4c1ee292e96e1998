/* See json.h. No other file of the engine uses the JSON library. */
#include "engine/admin/json.h"
#include "common/base/atomic.h"
#include "common/host/cpus.h"
#include "engine/control/controller.h"
#include "engine/gateway/failures.h"
#include "engine/http/http.h"
#include "engine/http/syntax/json_text.h"
#include "engine/operations/traffic.h"
#include "engine/serve/engine.h"
#include "engine/serve/function.h"
#include "engine/serve/link.h"
#include "engine/store/registry.h"
#include "engine/threads/channels.h"
#include "engine/threads/threads.h"
#include "engine/versions/deployments.h"
#include "engine/versions/loads.h"
#include "engine/workers/seats.h"
#include "engine/workers/tenant.h"
#include "engine/workers/tenants.h"
#include "engine/workers/worker.h"
#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define WARNINGS_MOST 100

/* The numbers of the workers that serve it. */
static void add_workers_of(cJSON *object, const struct nw_deployment *deployment)
{
    cJSON *list = cJSON_AddArrayToObject(object, "workers");
    nw_list_each(&deployment->replicas, at, after)
    {
        const struct nw_replica *replica = nw_container(at, struct nw_replica, of_deployment);
        if (replica->state == NW_REPLICA_SERVING)
            cJSON_AddItemToArray(list, cJSON_CreateNumber(replica->seat->worker->number));
    }
}

/* In which workers a version is and why, or why in none. */
static void add_replicas(cJSON *object, const struct nw_deployment *deployment)
{
    cJSON *list = cJSON_AddArrayToObject(object, "replicas");
    nw_list_each(&deployment->replicas, at, after)
    {
        const struct nw_replica *replica = nw_container(at, struct nw_replica, of_deployment);
        const struct nw_worker *worker = replica->seat->worker;
        cJSON *item = cJSON_CreateObject();
        cJSON_AddNumberToObject(item, "worker", worker ? worker->number : 0);
        cJSON_AddStringToObject(item, "state", nw_replica_state_name(replica->state));
        if (replica->state == NW_REPLICA_SERVING)
            cJSON_AddNumberToObject(item, "func_workers", replica->func_workers);
        cJSON_AddStringToObject(item, "why", nw_placement_reason(replica->rule));
        cJSON_AddItemToArray(list, item);
    }
    if (nw_list_empty(&deployment->replicas))
        cJSON_AddStringToObject(object, "unloaded", "nobody called it lately: the next call loads it");
}

/* Adds text that may come from a function, and so need not be UTF-8. */
static void add_hostile(cJSON *object, const char *key, const char *value)
{
    struct nw_buffer text = {0};
    int rc = nw_buffer_append(&text, "\"", 1);
    rc |= nw_json_escape(&text, value, strlen(value));
    rc |= nw_buffer_append(&text, "\"", sizeof "\"");
    if (!rc)
        cJSON_AddRawToObject(object, key, text.data);
    nw_buffer_fini(&text);
}

/* Values in the environment may be secret, and nobody needs them here. */
static void hide_values(cJSON *env)
{
    cJSON *variable;
    cJSON_ArrayForEach(variable, env) cJSON_SetValuestring(variable, "***");
}

/* The manifest's keys. NULL when memory is out. */
static cJSON *manifest_object(const struct nw_manifest *manifest)
{
    struct nw_buffer text = {0};
    cJSON *object = NULL;
    if (nw_manifest_to_json(manifest, &text) == 0)
        object = cJSON_ParseWithLength(text.data, text.length);
    nw_buffer_fini(&text);
    hide_values(cJSON_GetObjectItem(object, "env"));
    return object;
}

static cJSON *kept_object(const struct nw_kept_manifest *kept)
{
    struct nw_manifest manifest;
    nw_manifest_init(&manifest);
    cJSON *object = nw_kept_manifest_copy(&manifest, kept) == 0 ? manifest_object(&manifest) : NULL;
    nw_manifest_fini(&manifest);
    return object;
}

static void add_moment(cJSON *object, const char *key, time_t at)
{
    char text[32] = "";
    struct tm tm;
    if (gmtime_r(&at, &tm))
        strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &tm);
    cJSON_AddStringToObject(object, key, text);
}

static void add_failure(cJSON *object, const struct nw_failure *failure)
{
    cJSON *error = cJSON_AddObjectToObject(object, "last_error");
    add_moment(error, "time", (time_t)failure->at);
    cJSON_AddStringToObject(error, "code", nw_status_info(failure->status)->code);
    cJSON_AddStringToObject(error, "request_id", failure->request);
    add_hostile(error, "reason", failure->reason);
}

/* How its domains ended that should not have, the last first; nothing when none did. */
static void add_crashes(cJSON *object, const struct nw_function *function)
{
    const struct nw_crash *crash;
    cJSON *list = nw_crash_kept(function, 0) ? cJSON_AddArrayToObject(object, "crashes") : NULL;
    for (unsigned i = 0; (crash = nw_crash_kept(function, i)); i++) {
        char time[NW_LOG_TIME];
        cJSON *item = cJSON_CreateObject();
        nw_log_time(time, crash->at);
        cJSON_AddStringToObject(item, "time", time);
        cJSON_AddStringToObject(item, "version", crash->version);
        cJSON_AddNumberToObject(item, "worker", crash->worker);
        cJSON_AddStringToObject(item, "code", nw_status_info(crash->status)->code);
        add_hostile(item, "reason", crash->reason);
        cJSON_AddItemToArray(list, item);
    }
}

/* The memory that its domains have now, in all workers together, and the most that any one of them ever had. */
static void add_memory(cJSON *holds, const struct nw_deployment *deployment)
{
    double sum = 0, peak = 0;
    nw_list_each(&deployment->replicas, at, after)
    {
        const struct nw_replica *replica = nw_container(at, struct nw_replica, of_deployment);
        sum += (double)replica->memory;
        peak = peak < (double)replica->memory_peak ? (double)replica->memory_peak : peak;
    }
    cJSON_AddNumberToObject(holds, "memory", sum);
    cJSON_AddNumberToObject(holds, "memory peak", peak);
}

/* Adds what replicas hold: of domains their worker tells, load slots are charged here. */
static void sum_holds(double sum[NW_RESOURCE_COUNT], const struct nw_replica *replica)
{
    for (int r = 0; r < NW_RESOURCE_COUNT; r++)
        sum[r] += (double)replica->holds[r];
    sum[NW_RESOURCE_LOAD_SLOTS] += replica->has_load_slot;
}

/* A number for each resource in docs/reference/limits.md. */
static void add_resources(cJSON *holds, const double sum[NW_RESOURCE_COUNT])
{
    for (int r = 0; r < NW_RESOURCE_COUNT; r++)
        cJSON_AddNumberToObject(holds, nw_resources[r].name, sum[r]);
}

/* How much it holds, its domains in all workers and its payloads on the first thread of the engine together. */
static void add_holds(cJSON *object, const struct nw_deployment *deployment)
{
    double sum[NW_RESOURCE_COUNT] = {0};
    cJSON *holds = cJSON_AddObjectToObject(object, "holds");
    add_memory(holds, deployment);
    nw_list_each(&deployment->replicas, at, after) sum_holds(sum, nw_container(at, struct nw_replica, of_deployment));
    if (deployment->function) {
        sum[NW_RESOURCE_ARENA_BYTES] += (double)deployment->function->arena_bytes;
        sum[NW_RESOURCE_PAYLOAD_MEMORY] += (double)deployment->function->spooled;
    }
    add_resources(holds, sum);
}

static double seconds(uint64_t ns)
{
    return (double)ns / 1e9;
}

/* What its slots did with executors, in all workers that have it now, in seconds. */
static void add_time(cJSON *object, const struct nw_deployment *deployment)
{
    double ran = 0, waited = 0, preempted = 0;
    nw_list_each(&deployment->replicas, at, after)
    {
        const struct nw_replica *replica = nw_container(at, struct nw_replica, of_deployment);
        ran += seconds(replica->done.ran);
        waited += seconds(replica->done.waited);
        preempted += (double)replica->done.preempted;
    }
    cJSON *time = cJSON_AddObjectToObject(object, "processor");
    cJSON_AddNumberToObject(time, "ran", ran);
    cJSON_AddNumberToObject(time, "waited", waited);
    cJSON_AddNumberToObject(time, "preempted", preempted);
}

/* What tells a version, and when it was deployed, if anybody knows. */
static void add_release(cJSON *object, const struct nw_release *release, const char *sha256)
{
    char number[16];
    snprintf(number, sizeof number, "v%u", release->number);
    cJSON_AddStringToObject(object, "number", number);
    cJSON_AddStringToObject(object, "version", release->hash);
    cJSON_AddStringToObject(object, "sha256", sha256);
    if (release->at)
        add_moment(object, "deployed", (time_t)release->at);
}

/* How often it called what it may not, in all workers that have it now. */
static void add_refused(cJSON *object, const struct nw_deployment *deployment)
{
    double refused = 0;
    nw_list_each(&deployment->replicas, at, after) refused +=
        (double)nw_container(at, struct nw_replica, of_deployment)->done.calls_refused;
    cJSON_AddNumberToObject(object, "calls_refused", refused);
}

/* Of each version that has requests by this name: its number, its part and how many requests it had. */
static cJSON *route_list(const struct nw_function *function, const char *name)
{
    cJSON *list = cJSON_CreateArray();
    const struct nw_route *route = nw_routes_find(&function->engine->routes, name, strlen(name));
    const struct nw_deployment *current = nw_deployment_of(function->current);
    for (unsigned i = 0; route && i < route->n; i++) {
        const char *to = route->shares[i].name;
        uint32_t kept = nw_release_kept_number(to);
        char number[16];
        cJSON *share = cJSON_CreateObject();
        snprintf(number, sizeof number, "v%u", kept ? kept : current->release.number);
        cJSON_AddStringToObject(share, "number", number);
        cJSON_AddNumberToObject(share, "percent", route->shares[i].percent);
        cJSON_AddNumberToObject(share, "requests", (double)nw_load_relaxed(&route->counts[i]));
        cJSON_AddItemToArray(list, share);
    }
    return list;
}

static void add_routes(cJSON *object, const struct nw_function *function)
{
    struct nw_traffic traffic;
    cJSON *aliases = NULL;
    nw_traffic_parse(&traffic, function->routes);
    for (unsigned i = 0; i < traffic.n; i++) {
        const char *alias = traffic.routes[i].alias;
        char name[2 * NW_NAME_MAX];
        snprintf(name, sizeof name, "%s%s%s", function->name, *alias ? "@" : "", alias);
        if (*alias && !aliases)
            aliases = cJSON_AddObjectToObject(object, "aliases");
        cJSON_AddItemToObject(*alias ? aliases : object, *alias ? alias : "traffic", route_list(function, name));
    }
}

/* Whom it calls: what was found in its file beside what was seen. */
static void add_callees(cJSON *object, const struct nw_deployment *deployment)
{
    cJSON *list = nw_list_empty(&deployment->callees.list) ? NULL : cJSON_AddArrayToObject(object, "callees");
    nw_list_each(&deployment->callees.list, at, after)
    {
        const struct nw_edge *edge = nw_edge_at(at);
        cJSON *item = cJSON_CreateObject();
        cJSON_AddStringToObject(item, "function", edge->callee);
        cJSON_AddBoolToObject(item, "found", edge->found);
        cJSON_AddNumberToObject(item, "calls", (double)edge->calls);
        if (!edge->found && *deployment->manifest.found)
            cJSON_AddStringToObject(item, "note", "seen, not found in its file");
        else if (!edge->calls)
            cJSON_AddStringToObject(item, "note", "found in its file, never seen");
        cJSON_AddItemToArray(list, item);
    }
}

/* The keys of the manifest, then those of the version. NULL when memory is out. */
static cJSON *deployment_object(const struct nw_deployment *deployment)
{
    cJSON *object = kept_object(&deployment->manifest);
    add_release(object, &deployment->release, deployment->sha256);
    cJSON_AddStringToObject(object, "state", nw_deployment_state_name(deployment->state));
    if (deployment->function && deployment->function->routes)
        add_routes(object, deployment->function);
    add_workers_of(object, deployment);
    add_replicas(object, deployment);
    add_holds(object, deployment);
    add_time(object, deployment);
    add_refused(object, deployment);
    add_callees(object, deployment);
    if (deployment->no_snapshot)
        add_hostile(object, "no_snapshot", deployment->no_snapshot);
    if (deployment->state == NW_DEPLOYMENT_FAILED)
        add_hostile(object, "reason", deployment->version.reason);
    const struct nw_failure *failure = deployment->function ? nw_failure_last(deployment->function) : NULL;
    if (failure)
        add_failure(object, failure);
    if (deployment->function)
        add_crashes(object, deployment->function);
    return object;
}

/* A text that free() frees, with a newline at its end. */
static char *print(cJSON *object)
{
    char *text = object ? cJSON_PrintUnformatted(object) : NULL;
    size_t length = text ? strlen(text) : 0;
    char *line = text ? malloc(length + 2) : NULL;
    if (line) {
        memcpy(line, text, length);
        memcpy(line + length, "\n", 2);
    }
    cJSON_free(text);
    cJSON_Delete(object);
    return line;
}

char *nw__json_deployment(const struct nw_deployment *deployment)
{
    return print(deployment_object(deployment));
}

/* The variable of that name, K=V, or NULL. `variable` may have a value, too. */
static const char *find_variable(const struct nw_buffer *env, const char *variable)
{
    const size_t length = strcspn(variable, "=") + 1;
    for (size_t at = 0; at < env->length; at += strlen(env->data + at) + 1)
        if (!strncmp(env->data + at, variable, length))
            return env->data + at;
    return NULL;
}

/* Adds the names of variables that `env` has and `other` has not, or, if `values`, has with another value. */
static void add_variables(cJSON *list, const struct nw_buffer *env, const struct nw_buffer *other, bool values)
{
    for (size_t at = 0; at < env->length; at += strlen(env->data + at) + 1) {
        const char *variable = env->data + at, *same = find_variable(other, variable);
        char name[256];
        snprintf(name, sizeof name, "%.*s", (int)strcspn(variable, "="), variable);
        if (!same || (values && strcmp(same, variable) != 0))
            cJSON_AddItemToArray(list, cJSON_CreateString(name));
    }
}

static void add_changed(cJSON *object, const struct nw_manifest *now, const char *sha256,
                        const struct nw__json_before *before)
{
    cJSON *values = manifest_object(&before->manifest), *changed = cJSON_AddObjectToObject(object, "changed");
    for (unsigned i = 0; nw_manifest_key(i); i++) {
        cJSON *value = cJSON_DetachItemFromObject(values, nw_manifest_key(i));
        if (!nw_manifest_agree(now, &before->manifest, i))
            cJSON_AddItemToObject(changed, nw_manifest_key(i), value ? value : cJSON_CreateNull());
        else
            cJSON_Delete(value);
    }
    cJSON_Delete(values);
    cJSON *env = cJSON_AddArrayToObject(object, "env_changed");
    add_variables(env, &now->env, &before->manifest.env, true);
    add_variables(env, &before->manifest.env, &now->env, false);
    cJSON_AddBoolToObject(object, "code_changed", strcmp(sha256, before->sha256) != 0);
}

static void add_kept(cJSON *object, const struct nw_manifest *now, uint32_t named)
{
    struct nw_manifest initial;
    cJSON *kept = cJSON_AddArrayToObject(object, "kept");
    nw_manifest_init(&initial);
    for (unsigned i = 0; nw_manifest_key(i); i++)
        if (!(named >> i & 1) && strcmp(nw_manifest_key(i), "name") && !nw_manifest_agree(now, &initial, i))
            cJSON_AddItemToArray(kept, cJSON_CreateString(nw_manifest_key(i)));
}

char *nw__json_deployed(const struct nw_deployment *deployment, const struct nw__json_before *before, uint32_t named)
{
    struct nw_manifest now;
    cJSON *object = deployment_object(deployment);
    nw_manifest_init(&now);
    if (object && *before->manifest.name && nw_kept_manifest_copy(&now, &deployment->manifest) == 0) {
        add_changed(object, &now, deployment->sha256, before);
        add_kept(object, &now, named);
    }
    nw_manifest_fini(&now);
    return print(object);
}

static unsigned percent_of(const struct nw_traffic_route *route, uint32_t version)
{
    for (unsigned i = 0; i < route->n; i++)
        if (route->shares[i].version == version)
            return route->shares[i].percent;
    return 0;
}

char *nw__json_version(const struct nw_registry_row *row, const struct nw__json_before *before,
                       const struct nw_traffic *traffic)
{
    const struct nw_traffic_route *route = nw_traffic_find(traffic, "");
    cJSON *object = manifest_object(row->manifest);
    add_release(object, row->release, row->sha256);
    cJSON_AddBoolToObject(object, "serves", row->serves);
    cJSON_AddNumberToObject(object, "percent",
                            route         ? percent_of(route, row->release->number)
                            : row->serves ? NW_ROUTE_TURNS
                                          : 0);
    cJSON *aliases = cJSON_AddArrayToObject(object, "aliases");
    for (unsigned i = 0; i < traffic->n; i++)
        if (*traffic->routes[i].alias && percent_of(&traffic->routes[i], row->release->number))
            cJSON_AddItemToArray(aliases, cJSON_CreateString(traffic->routes[i].alias));
    if (*before->manifest.name)
        add_changed(object, row->manifest, row->sha256, before);
    return print(object);
}

/* Adds the lines that begin with `mark`, without it; all lines when it is 0. */
static void add_lines(cJSON *root, const char *key, const char *lines, char mark)
{
    cJSON *list = cJSON_AddArrayToObject(root, key);
    while (*lines) {
        const char *end = strchrnul(lines, '\n');
        char line[256];
        snprintf(line, sizeof line, "%.*s", (int)(end - lines), lines);
        if (!mark || *line == mark)
            cJSON_AddItemToArray(list, cJSON_CreateString(line + (mark != 0)));
        lines = *end ? end + 1 : end;
    }
}

/* Adds the processors that a process may run on; nothing when the process is gone. */
static void add_cpus(cJSON *object, pid_t pid)
{
    cpu_set_t cpus;
    char list[1024];
    if (pid <= 0 || sched_getaffinity(pid, sizeof cpus, &cpus) != 0)
        return;
    nw_cpus_format(&cpus, list, sizeof list);
    cJSON_AddStringToObject(object, "cpus", list);
}

/* How many invocations a worker has, from all threads. */
static unsigned busy(const struct nw_worker *worker)
{
    return worker ? worker->link->busy + nw_channels_busy(worker->channels) : 0;
}

char *nw__json_worker(const struct nw_seat *seat)
{
    cJSON *object = cJSON_CreateObject();
    double sum[NW_RESOURCE_COUNT] = {0};
    int loaded = 0;
    nw_list_each(&seat->replicas, at, after)
    {
        const struct nw_replica *replica = nw_container(at, struct nw_replica, of_seat);
        loaded += replica->state == NW_REPLICA_SERVING;
        sum_holds(sum, replica);
    }
    cJSON_AddNumberToObject(object, "worker", seat->worker ? seat->worker->number : 0);
    cJSON_AddNumberToObject(object, "pid", seat->worker ? (double)seat->worker->pid : 0);
    add_cpus(object, seat->worker ? (pid_t)seat->worker->pid : 0);
    cJSON_AddStringToObject(object, "state", nw_seat_state_name(seat->state));
    cJSON_AddStringToObject(object, "tenant", seat->tenant->name);
    cJSON_AddStringToObject(object, "profile", nw_profile_text(seat->tenant->profile));
    cJSON_AddNumberToObject(object, "functions", loaded);
    cJSON_AddNumberToObject(object, "in_flight", busy(seat->worker));
    cJSON_AddNumberToObject(object, "domains", seat->worker ? seat->worker->domains : 0);
    if (seat->all->engine->options.mode == NW_MODE_MPK)
        cJSON_AddNumberToObject(object, "free_keys", seat->worker ? seat->worker->free_keys : 0);
    cJSON_AddNumberToObject(object, "restarts", seat->restarts);
    add_resources(cJSON_AddObjectToObject(object, "holds"), sum);
    if (*seat->why)
        cJSON_AddStringToObject(object, "why", seat->why);
    if (seat->only)
        cJSON_AddStringToObject(object, "function", seat->only->manifest.name);
    return print(object);
}

static void add_threads(cJSON *root, const struct nw_controller *controller)
{
    cJSON *list = cJSON_AddArrayToObject(root, "threads");
    for (unsigned i = 0; i < controller->engine.options.threads; i++) {
        const struct nw_thread_figures figures = nw_threads_figures(&controller->threads, i);
        cJSON *object = cJSON_CreateObject();
        cJSON_AddNumberToObject(object, "connections", figures.connections);
        cJSON_AddNumberToObject(object, "in_flight", figures.in_flight);
        cJSON_AddNumberToObject(object, "requests", (double)figures.counters.requests);
        cJSON_AddItemToArray(list, object);
    }
}

static void add_warning(cJSON *list, const char *about, const char *text)
{
    cJSON *object = text ? cJSON_CreateObject() : NULL;
    if (!object)
        return;
    cJSON_AddStringToObject(object, "about", about);
    add_hostile(object, "text", text);
    cJSON_AddItemToArray(list, object);
}

/* Functions that cannot be loaded; at most so many, since all may be it. */
static void add_failed(cJSON *list, const struct nw_deployments *all)
{
    unsigned n = 0;
    nw_list_each(&all->failed, at, after)
    {
        const struct nw_deployment *deployment = nw_container(at, struct nw_deployment, of_state);
        if (n++ == WARNINGS_MOST) {
            add_warning(list, "functions", "more of them cannot be loaded: `nightward list` shows all");
            return;
        }
        add_warning(list, deployment->manifest.name, deployment->version.reason);
    }
}

/* Adds a warning for each thing that whoever runs the host should attend to. */
static void add_warnings(cJSON *root, const struct nw_controller *controller)
{
    cJSON *list = cJSON_AddArrayToObject(root, "warnings");
    add_warning(list, "state", controller->state.lost);
    add_warning(list, "registry", nw_registry_notice(controller->registry));
    add_warning(list, "store", nw_registry_store_notice(controller->registry));
    add_failed(list, &controller->deployments);
}

char *nw__json_status(struct nw_controller *controller)
{
    const struct nw_thread_figures sum = nw_threads_sum(&controller->threads);
    cJSON *root = cJSON_CreateObject();
    cJSON_AddNumberToObject(root, "pid", getpid());
    add_cpus(root, getpid());
    cJSON_AddStringToObject(root, "mode", nw_mode_name(controller->engine.options.mode));
    cJSON_AddStringToObject(root, "io", nw_io_kind_name(nw_io_kind(controller->engine.io)));
    add_lines(root, "listen", controller->addresses, 0);
    cJSON_AddBoolToObject(root, "ready", controller->workers.ready && !controller->engine.draining);
    cJSON_AddNumberToObject(root, "uptime_ms", (double)(nw_io_now(controller->engine.io) - controller->started));
    cJSON_AddNumberToObject(root, "connections", sum.connections);
    cJSON_AddNumberToObject(root, "in_flight", sum.in_flight);
    cJSON_AddNumberToObject(root, "deployments", (double)controller->deployments.codes.n);
    const char *layers = controller->workers.layers;
    if (layers) {
        add_lines(root, "confined_by", layers, '+');
        add_lines(root, "not_confined_by", layers, '-');
    }
    add_warnings(root, controller);
    return print(root);
}

char *nw__json_figures(const struct nw_controller *controller)
{
    const struct nw_thread_figures sum = nw_threads_sum(&controller->threads);
    cJSON *root = cJSON_CreateObject();
    cJSON *counters = cJSON_AddObjectToObject(root, "counters");
#define X(name, text) cJSON_AddNumberToObject(counters, #name, (double)sum.counters.name);
    NW_COUNTERS(X)
#undef X
    add_threads(root, controller);
    return print(root);
}
