/*
 * The routes of the admin API. Not responsible for carrying out what is asked (operations/operations.c,
 * gateway/invoke.c), for the JSON of answers (json.c), for lists (listing.c) or for the status (status.c).
 *
 *   PUT    /v1/functions/NAME?reset=KEY&slots=&timeout=&memory=&...&env=K%3DV   deploy the body; see docs/http.md
 *   GET    /v1/functions?after=NAME&limit=N, /v1/functions/NAME, /v1/functions/NAME/versions, /v1/status
 *   DELETE /v1/functions/NAME
 *   POST   /v1/functions/NAME/rollback?to=v3
 *   GET    /metrics                                               for Prometheus
 *   GET    /v1/logs/NAME?after=POSITION&since=US&request=ID&limit=N&wait=MS
 *   PUT    /v1/functions/NAME/traffic?v1=90&v2=10, /v1/functions/NAME/aliases/ALIAS?v3=100; DELETE ends it
 *   POST   /v1/invoke/NAME                                        as the gateway's POST /function/NAME
 */
#include "engine/admin/admin.h"
#include "common/base/log.h"
#include "common/base/without.h"
#include "engine/admin/json.h"
#include "engine/admin/listing.h"
#include "engine/admin/logs/logs.h"
#include "engine/admin/metrics.h"
#include "engine/admin/status.h"
#include "engine/admin/versions.h"
#include "engine/control/controller.h"
#include "engine/gateway/invoke.h"
#include "engine/http/http.h"
#include "engine/http/listen.h"
#include "engine/http/syntax/query.h"
#include "engine/operations/operations.h"
#include "engine/operations/traffic.h"
#include "engine/serve/engine.h"
#include "engine/serve/function.h"
#include "engine/store/state.h"
#include "engine/store/store.h"
#include "engine/versions/deployment.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HEADER_LIMIT (128ul * 1024) /* a deployment's environment travels in the query */
#define CONNECTIONS  64
#define PIPELINE     4
#define TIMEOUT_MS   30000
#define IDLE_MS      60000
#define JSON_TYPE    "application/json"

/* A request to deploy or remove, from its head until the operation that it starts is over. */
struct job {
    struct nw_controller *controller;
    struct nw_http_request *request; /* NULL once the client is gone; the operation goes on without it */
    bool started;                    /* the operation is under way: operation_done frees the job, not client_gone */
    struct nw_manifest manifest;
    struct nw__json_before before; /* the version deployed when the request came */
    uint32_t to;                   /* to be rolled back to; 0: the version before */
    uint32_t named;                /* which settings the request gives, a bit for each */
    struct nw_buffer code;
    unsigned percent;              /* of the requests that a new version is to have beside the current one; 0: all */
    bool unless_unchanged;         /* a version that is the same is left alone */
    struct nw_traffic_route route; /* who is to have requests */
};

static void fail(struct nw_http_request *request, enum nw_status status, const char *why)
{
    nw_http_answer_error(request, status, why, strlen(why));
}

static void answer_json(struct nw_http_request *request, char *json)
{
    if (json)
        nw_http_answer_copy(request, NW_STATUS_OK, JSON_TYPE, json, strlen(json));
    else
        fail(request, NW_STATUS_INTERNAL, "out of memory");
    free(json);
}

/* --- jobs --- */

static struct job *job_new(struct nw_controller *controller, struct nw_http_request *request)
{
    struct job *job = calloc(1, sizeof *job);
    if (!job)
        return NULL;
    job->controller = controller;
    job->request = request;
    nw_manifest_init(&job->manifest);
    nw_manifest_init(&job->before.manifest);
    request->user = job;
    return job;
}

static void job_free(struct job *job)
{
    nw_manifest_fini(&job->manifest);
    nw_manifest_fini(&job->before.manifest);
    nw_buffer_fini(&job->code);
    free(job);
}

static void operation_done(void *arg, enum nw_status status, const struct nw_deployment *deployment, const char *reason)
{
    struct job *job = arg;
    if (job->request && status != NW_STATUS_OK)
        fail(job->request, status, reason);
    else if (job->request && deployment)
        answer_json(job->request, nw__json_deployed(deployment, &job->before, job->named));
    else if (job->request)
        nw_http_answer_copy(job->request, NW_STATUS_OK, JSON_TYPE, "{}\n", 3);
    job_free(job);
}

static int reserve_code(struct nw_http_request *request, uint64_t total)
{
    struct job *job = request->user;
    if (nw_buffer_reserve(&job->code, total - job->code.length) == 0)
        return 0;
    fail(request, NW_STATUS_UNAVAILABLE, "no memory for the code");
    job_free(job);
    return 0;
}

static void take_code(struct nw_http_request *request, const char *data, size_t length)
{
    struct job *job = request->user;
    nw_buffer_append(&job->code, data, length);
}

static void client_gone(struct nw_http_request *request)
{
    struct job *job = request->user;
    job->request = NULL;
    if (!job->started)
        job_free(job);
}

static void deploy_end(struct nw_http_request *request)
{
    struct job *job = request->user;
    if (job->code.length && nw_deploy(&job->controller->operations, &job->manifest, &job->code, job->percent,
                                      job->unless_unchanged, operation_done, job) == 0) {
        job->started = true;
        return;
    }
    fail(request, job->code.length ? NW_STATUS_INTERNAL : NW_STATUS_BAD_REQUEST,
         job->code.length ? "out of memory" : "the body must be the function's .so file");
    job_free(job);
}

static void remove_end(struct nw_http_request *request)
{
    struct job *job = request->user;
    struct nw_function *function =
        nw_function_find(&job->controller->engine, request->function, strlen(request->function));
    if (function && nw_remove(&job->controller->operations, function, operation_done, job) == 0) {
        job->started = true;
        return;
    }
    fail(request, function ? NW_STATUS_INTERNAL : NW_STATUS_NOT_FOUND, "");
    job_free(job);
}

static void roll_back_end(struct nw_http_request *request)
{
    struct job *job = request->user;
    struct nw_function *function =
        nw_function_find(&job->controller->engine, request->function, strlen(request->function));
    if (function && nw_roll_back(&job->controller->operations, function, job->to, operation_done, job) == 0) {
        job->started = true;
        return;
    }
    fail(request, function ? NW_STATUS_INTERNAL : NW_STATUS_NOT_FOUND, "");
    job_free(job);
}

static void share_end(struct nw_http_request *request)
{
    struct job *job = request->user;
    struct nw_operations *operations = &job->controller->operations;
    struct nw_function *function =
        nw_function_find(&job->controller->engine, request->function, strlen(request->function));
    const struct nw_deployment *current = function ? nw_deployment_of(function->current) : NULL;
    const struct nw_traffic_route *route = &job->route;
    bool promotes = current && !*route->alias && route->n == 1 && !nw_traffic_left(route) &&
                    route->shares[0].version != current->release.number;
    int rc = !function  ? -ENOENT
             : promotes ? nw_roll_back(operations, function, route->shares[0].version, operation_done, job)
                        : nw_share(operations, function, route, operation_done, job);
    if (rc == 0) {
        job->started = true;
        return;
    }
    fail(request, function ? NW_STATUS_INTERNAL : NW_STATUS_NOT_FOUND, "");
    job_free(job);
}

static const struct nw_http_handler deploy_handler = {
    .reserve = reserve_code, .data = take_code, .end = deploy_end, .gone = client_gone};
static const struct nw_http_handler remove_handler = {
    .reserve = nw_http_reserve_nothing, .data = nw_http_pass_over, .end = remove_end, .gone = client_gone};
static const struct nw_http_handler share_handler = {
    .reserve = nw_http_reserve_nothing, .data = nw_http_pass_over, .end = share_end, .gone = client_gone};
static const struct nw_http_handler roll_back_handler = {
    .reserve = nw_http_reserve_nothing, .data = nw_http_pass_over, .end = roll_back_end, .gone = client_gone};

/* --- routes --- */

/* "10" or "10%". 0: it is none from 1 to 100. */
static unsigned read_percent(const char *text)
{
    char *end;
    unsigned long percent = *text >= '1' && *text <= '9' ? strtoul(text, &end, 10) : 0;
    bool good = percent && percent <= NW_ROUTE_TURNS && (!*end || !strcmp(end, "%"));
    return good ? (unsigned)percent : 0;
}

static int set_key(struct job *job, const char *key, const char *value, char *why, size_t why_size)
{
    struct nw_manifest *manifest = &job->manifest;
    if (!strcmp(key, "traffic")) {
        job->percent = read_percent(value);
        snprintf(why, why_size, "traffic: \"%.80s\" does not do; give 1%% to 100%%", value);
        return job->percent ? 0 : -EINVAL;
    }
    if (!strcmp(key, "unless")) {
        job->unless_unchanged = !strcmp(value, "unchanged");
        snprintf(why, why_size, "unless: \"%.80s\" does not do; give unchanged", value);
        return job->unless_unchanged ? 0 : -EINVAL;
    }
    if (!strcmp(key, "reset"))
        return nw_manifest_reset(manifest, value, why, why_size);
    if (strcmp(key, "name"))
        return nw_manifest_set(manifest, key, value, why, why_size);
    snprintf(why, why_size, "name: it is given by the path");
    return -EINVAL;
}

/* Fills in the manifest from the query. 0, or -EINVAL with `why`. */
static int read_query(struct job *job, struct nw_query query, char *why, size_t why_size)
{
    struct nw_buffer key = {0}, value = {0};
    int rc;
    while ((rc = nw_query_next(&query, &key, &value)) > 0)
        if ((rc = set_key(job, key.data, value.data, why, why_size)) < 0)
            break;
    nw_buffer_fini(&key);
    nw_buffer_fini(&value);
    return rc < 0 ? rc : nw_manifest_check(&job->manifest, why, why_size);
}

/* What the answer is compared with. 0 or -ENOMEM. */
static int remember(struct job *job, const struct nw_deployment *current)
{
    if (!current)
        return 0;
    snprintf(job->before.sha256, sizeof job->before.sha256, "%s", current->sha256);
    return nw_kept_manifest_copy(&job->before.manifest, &current->manifest);
}

/* Begins with the settings that are deployed, so that those that the request does not give stay as they are. */
static int read_settings(struct job *job, const struct nw_function *function, struct nw_query query, char *why,
                         size_t why_size)
{
    const struct nw_deployment *current = function ? nw_deployment_of(function->current) : NULL;
    snprintf(why, why_size, "the query is malformed");
    if (remember(job, current) < 0 || (current && nw_kept_manifest_copy(&job->manifest, &current->manifest) < 0)) {
        snprintf(why, why_size, "out of memory");
        return -ENOMEM;
    }
    int rc = read_query(job, query, why, why_size);
    job->named = job->manifest.named;
    size_t length = strlen(why);
    if (rc < 0 && current)
        snprintf(why + length, why_size - length,
                 "; settings that are not given are kept as they are deployed, unless they are reset");
    return rc;
}

static void begin_deploy(struct nw_controller *controller, struct nw_http_request *request, struct nw_query query)
{
    char why[640];
    struct job *job = job_new(controller, request);
    if (!job) {
        fail(request, NW_STATUS_INTERNAL, "out of memory");
        return;
    }
    struct nw_function *function = nw_function_find(&controller->engine, request->function, strlen(request->function));
    snprintf(job->manifest.name, sizeof job->manifest.name, "%s", request->function);
    if (read_settings(job, function, query, why, sizeof why) < 0) {
        fail(request, NW_STATUS_BAD_REQUEST, why);
        job_free(job);
        return;
    }
    request->body_limit = NW_STORE_CODE_MAX;
    request->handler = &deploy_handler;
}

static void begin_remove(struct nw_controller *controller, struct nw_http_request *request)
{
    if (!job_new(controller, request))
        fail(request, NW_STATUS_INTERNAL, "out of memory");
    request->handler = &remove_handler;
}

/* The query may say to=vN. False: it says something else. */
static bool read_version(struct nw_query query, uint32_t *number)
{
    struct nw_buffer key = {0}, value = {0};
    bool good = true;
    int rc;
    while ((rc = nw_query_next(&query, &key, &value)) > 0 && good)
        good = !strcmp(key.data, "to") && (*number = nw_release_number(value.data));
    nw_buffer_fini(&key);
    nw_buffer_fini(&value);
    return good && rc == 0;
}

static void begin_roll_back(struct nw_controller *controller, struct nw_http_request *request, struct nw_query query)
{
    static const char why[] = "the query may have to=VERSION, like v3";
    struct job *job = job_new(controller, request);
    const struct nw_function *function =
        nw_function_find(&controller->engine, request->function, strlen(request->function));
    if (!job || remember(job, function ? nw_deployment_of(function->current) : NULL) < 0) {
        fail(request, NW_STATUS_INTERNAL, "out of memory");
    } else if (!read_version(query, &job->to)) {
        fail(request, NW_STATUS_BAD_REQUEST, why);
    } else {
        job->named = UINT32_MAX; /* what stays as it was is not worth a word */
        request->handler = &roll_back_handler;
        return;
    }
    if (job)
        job_free(job);
}

/* Shares as v1=90%&v2=10. False: they are none. */
static bool read_shares(struct nw_query query, struct nw_traffic_route *route)
{
    struct nw_buffer key = {0}, value = {0};
    bool good = true;
    int rc;
    while ((rc = nw_query_next(&query, &key, &value)) > 0 && good) {
        uint32_t version = nw_release_number(key.data);
        good = version && nw_traffic_add(route, version, read_percent(value.data));
    }
    nw_buffer_fini(&key);
    nw_buffer_fini(&value);
    return good && rc == 0;
}

/* Who gets the requests for the name, or for an alias. */
static void begin_share(struct nw_controller *controller, struct nw_http_request *request, const char *alias,
                        struct nw_query query)
{
    static const char why[] =
        "versions and their parts must be given, like v1=90% and v2=10%: each once, each 1 to 100, "
        "together at most 100, at most 8 of them";
    struct job *job = job_new(controller, request);
    const struct nw_function *function =
        nw_function_find(&controller->engine, request->function, strlen(request->function));
    bool ends = request->method == NW_HTTP_DELETE;
    if (!job || remember(job, function ? nw_deployment_of(function->current) : NULL) < 0) {
        fail(request, NW_STATUS_INTERNAL, "out of memory");
    } else if (!ends && (!read_shares(query, &job->route) || !job->route.n)) {
        fail(request, NW_STATUS_BAD_REQUEST, why);
    } else {
        snprintf(job->route.alias, sizeof job->route.alias, "%s", alias);
        job->named = UINT32_MAX;
        request->handler = &share_handler;
        return;
    }
    if (job)
        job_free(job);
}

/* An alias of a function, taken off what is to be its name: NAME/aliases/ALIAS. False: there is none. */
static bool take_alias(const char *name, size_t *length, char alias[NW_ALIAS_MAX + 1])
{
    static const char between[] = "/aliases/";
    const char *at = memmem(name, *length, between, strlen(between));
    const char *begin = at ? at + strlen(between) : NULL;
    size_t n = at ? (size_t)(name + *length - begin) : 0;
    if (!at || !nw_alias_is_good(begin, n))
        return false;
    memcpy(alias, begin, n);
    alias[n] = '\0';
    *length = (size_t)(at - name);
    return *length + 1 + n <= NW_NAME_MAX;
}

static void show_function(struct nw_controller *controller, struct nw_http_request *request)
{
    struct nw_function *function = nw_function_find(&controller->engine, request->function, strlen(request->function));
    if (function && function->current)
        answer_json(request, nw__json_deployment(nw_deployment_of(function->current)));
    else
        fail(request, NW_STATUS_NOT_FOUND, "");
}

static void wrong_method(struct nw_http_request *request, const char *allow)
{
    request->allow = allow;
    fail(request, NW_STATUS_BAD_METHOD, "");
}

/* Takes `end` off what is to be a name, if that ends so. */
static bool take_end(const char *name, size_t *length, const char *end)
{
    const size_t n = strlen(end);
    if (*length <= n || memcmp(name + *length - n, end, n) != 0)
        return false;
    *length -= n;
    return true;
}

static void route_function(struct nw_controller *controller, struct nw_http_request *request, const char *name,
                           size_t length, struct nw_query query)
{
    const bool versions = take_end(name, &length, "/versions");
    const bool rollback = !versions && take_end(name, &length, "/rollback");
    char alias[NW_ALIAS_MAX + 1] = "";
    const bool shares = take_alias(name, &length, alias) || take_end(name, &length, "/traffic");
    if (nw_manifest_check_name(name, length) < 0 && !nw_unchecked(NW_CHECK_NAME)) {
        fail(request, NW_STATUS_BAD_REQUEST,
             "a function's name is 1 to 63 of A-Z a-z 0-9 . _ - and begins with none of . -");
        return;
    }
    memcpy(request->function, name, length);
    request->function[length] = '\0';
    nw_controller_look_at_state(controller);
    if (versions && request->method == NW_HTTP_GET)
        nw__versions_begin(controller, request);
    else if (versions)
        wrong_method(request, "GET, HEAD");
    else if (rollback && request->method != NW_HTTP_POST)
        wrong_method(request, "POST");
    else if (shares && request->method != NW_HTTP_PUT && request->method != NW_HTTP_DELETE)
        wrong_method(request, "PUT, DELETE");
    else if (request->method == NW_HTTP_GET)
        show_function(controller, request);
    else if (controller->engine.draining)
        fail(request, NW_STATUS_DRAINING, "");
    else if (controller->state.lost)
        fail(request, NW_STATUS_UNAVAILABLE, controller->state.lost);
    else if (rollback)
        begin_roll_back(controller, request, query);
    else if (shares)
        begin_share(controller, request, alias, query);
    else if (request->method == NW_HTTP_PUT)
        begin_deploy(controller, request, query);
    else if (request->method == NW_HTTP_DELETE)
        begin_remove(controller, request);
    else
        wrong_method(request, "GET, HEAD, PUT, DELETE");
}

/* What is behind `prefix` in a path, or NULL. */
static const char *behind(const char *path, size_t length, const char *prefix)
{
    size_t n = strlen(prefix);
    return length >= n && !memcmp(path, prefix, n) ? path + n : NULL;
}

static void head(void *arg, struct nw_http_request *request)
{
    struct nw_controller *controller = arg;
    const char *path = request->target, *end = path + request->target_length, *name;
    const char *mark = memchr(path, '?', request->target_length);
    struct nw_query query = {mark ? mark + 1 : end, mark ? (size_t)(end - mark - 1) : 0};
    size_t length = (size_t)((mark ? mark : end) - path);
    end = path + length;
    if ((name = behind(path, length, "/v1/functions/"))) {
        route_function(controller, request, name, (size_t)(end - name), query);
    } else if ((name = behind(path, length, "/v1/invoke/"))) {
        if (request->method == NW_HTTP_POST)
            nw_http_invoke(&controller->engine, request, name, (size_t)(end - name));
        else
            wrong_method(request, "POST");
    } else if ((name = behind(path, length, "/v1/logs/"))) {
        if (request->method == NW_HTTP_GET)
            nw_logs_begin(controller, request, name, (size_t)(end - name), query);
        else
            wrong_method(request, "GET, HEAD");
    } else if (behind(path, length, "/v1/functions") == end || behind(path, length, "/v1/status") == end ||
               behind(path, length, "/metrics") == end) {
        if (request->method != NW_HTTP_GET)
            wrong_method(request, "GET, HEAD");
        else if (path[1] == 'm')
            nw__metrics_begin(controller, request);
        else if (path[4] == 'f')
            nw__listing_begin(controller, request, query);
        else
            nw__status_begin(controller, request);
    } else {
        fail(request, NW_STATUS_NO_ROUTE, "");
    }
}

void nw_admin_start(struct nw_controller *controller)
{
    char path[4096];
    const struct nw_http_limits limits = {
        .head = HEADER_LIMIT,
        .body = controller->engine.options.body_limit,
        .head_ms = TIMEOUT_MS,
        .body_ms = TIMEOUT_MS,
        .idle_ms = IDLE_MS,
        .write_ms = TIMEOUT_MS,
        .pipeline = PIPELINE,
        .connections = CONNECTIONS,
    };
    controller->engine.admin =
        nw_http_server_new(controller->engine.io, &controller->engine.wheel, &limits, head, controller);
    if (!controller->engine.admin)
        nw_die_system("cannot serve the admin API: out of memory");
    nw_http_server_only_user(controller->engine.admin, getuid());
    nw_state_path(&controller->state, "admin.sock", path, sizeof path);
    int rc = nw_http_server_listen(controller->engine.admin, nw_listen_unix(path));
    if (rc < 0)
        nw_die_system("cannot listen on %s: %s", path, strerror(-rc));
    nw__metrics_listen(controller);
}
