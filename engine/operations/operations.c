/*
 * Operations as operations.h tells. A deployment:
 *
 *   queued ──> storing (thread) ──> loading (workers) ──> committing (thread) ──> done
 *                 └── disk failed ──┴── refused ────────────┴── disk failed ──> done, nothing changed
 *
 * A roll-back is the same, but that the version is found in the registry (thread) instead of stored.
 * A removal: queued ──> committing (thread) ──> done.
 *
 * Only one commit is under way at a time. All operations that get that far meanwhile are committed together afterwards,
 * so that they share its waits for the disk.
 *
 * The list of all of them owns an operation, from nw_deploy or nw_remove to nw_operations_bury. Whatever ends it only
 * marks it (end); nw_operations_bury alone calls `done`, unlinks and frees it, and the loop calls that where nothing
 * else of the engine is under way. So callers may go on using an operation that ended deep in a call that they made.
 */
#include "engine/operations/operations.h"
#include "common/base/log.h"
#include "engine/code/calls.h"
#include "engine/dispatch/dispatch.h"
#include "engine/io/io.h"
#include "engine/logs/logs.h"
#include "engine/operations/branches.h"
#include "engine/operations/operation.h"
#include "engine/serve/engine.h"
#include "engine/serve/function.h"
#include "engine/store/registry.h"
#include "engine/threads/threads.h"
#include "engine/versions/deployments.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static void start(struct nw__operation *op);
static void commit_change(struct nw__operation *op);

/* The operation of a function that is under way; NULL: none. A list is enough: there are at most as many operations as
 * requests to the admin API. */
static struct nw__operation *first_operation(const struct nw_operations *all, const struct nw_function *function)
{
    nw_list_each(&all->list, at, after)
    {
        struct nw__operation *op = nw_container(at, struct nw__operation, link);
        if (op->function == function)
            return op;
    }
    return NULL;
}

/* Nothing of it is left. */
static void forget(const struct nw_operations *all, struct nw_function *function)
{
    if (all->deployments->logs)
        nw_logs_forget(all->deployments->logs, function->name);
    nw_function_remove(function);
}

static void bury(struct nw__operation *op)
{
    const struct nw_operations *all = op->all;
    struct nw_function *function = op->function;
    bool ok = op->status == NW_STATUS_OK;
    nw_list_remove(&op->ended);
    nw_list_remove(&op->link);
    op->done(op->arg, op->status, ok ? op->deployment : NULL, ok ? "" : op->why);
    nw_manifest_fini(&op->manifest);
    nw_buffer_fini(&op->code);
    nw_buffer_fini(&op->change.dropped);
    nw_manifest_fini(&op->find.manifest);
    nw_manifest_fini(&op->serving);
    nw_buffer_fini(&op->routes);
    free(op);
    struct nw__operation *next = first_operation(all, function);
    if (next)
        start(next);
    else if (!function->current)
        forget(all, function);
}

void nw_operations_bury(struct nw_operations *all)
{
    while (!nw_list_empty(&all->ended))
        bury(nw_container(all->ended.next, struct nw__operation, ended));
}

static void settled(void *arg)
{
    struct nw__operation *op = arg;
    nw__operation_end(op, op->status);
}

/* A change is done when every thread acts on it. */
static void end_when_settled(struct nw__operation *op, enum nw_status status)
{
    op->status = status;
    op->waiter.settled = settled;
    op->waiter.arg = op;
    nw_threads_wait(op->all->threads, &op->waiter);
}

/* --- code into the store --- */

/* The same function once more is the same version; anything else is a new one. */
static void number_release(struct nw__operation *op, const struct nw_deployment *current)
{
    struct nw_release *release = &op->release;
    uint32_t last = current && current->release.last > op->last ? current->release.last : op->last;
    if (current && !strcmp(current->sha256, op->sha256) && nw_kept_manifest_agrees(&current->manifest, &op->manifest)) {
        *release = current->release;
        return;
    }
    release->number = release->last = last + 1;
    release->at = time(NULL);
}

/* Says that nothing has changed. */
static void add_serving(struct nw__operation *op)
{
    const struct nw_deployment *current = nw_deployment_of(op->function->current);
    size_t length = strlen(op->why);
    char version[NW_VERSION_SIZE];
    if (!current || current->state != NW_DEPLOYMENT_SERVING)
        return;
    nw_deployment_version(current, version);
    snprintf(op->why + length, sizeof op->why - length, ". Version %s still serves", version);
}

static void take_last(void *arg, const struct nw_registry_row *row)
{
    struct nw__operation *op = arg;
    if (op->last < row->release->last)
        op->last = row->release->last;
}

static void store_work(void *arg)
{
    struct nw__operation *op = arg;
    op->unfit = nw_code_calls(op->code.data, op->code.length, &op->manifest, op->why, sizeof op->why) < 0;
    if (op->unfit)
        return;
    op->rc = nw_registry_store(op->all->registry, op->code.data, op->code.length, op->sha256, op->why, sizeof op->why);
    if (op->rc == 0)
        op->rc = nw_registry_hash(&op->manifest, op->sha256, op->release.hash);
    if (op->rc == 0 && op->unsure)
        nw_registry_versions(op->all->registry, op->function->name, take_last, op);
    if (op->rc == -ENOMEM)
        snprintf(op->why, sizeof op->why, "out of memory");
}

/* The operation that has a version loaded for this function; it may be a branch of its own function. */
static struct nw__operation *operation_of(const struct nw_deployment *deployment)
{
    const struct nw_operations *all = deployment->all->events_arg;
    nw_list_each(&all->list, at, after)
    {
        struct nw__operation *op = nw_container(at, struct nw__operation, link);
        if (op->loads == deployment->function)
            return op;
    }
    return NULL;
}

static void load(struct nw__operation *op)
{
    /* A kill may have left the log of another function that had its name. */
    if (!op->function->current && op->all->deployments->logs)
        nw_logs_forget(op->all->deployments->logs, op->function->name);
    op->loads = op->function;
    op->deployment =
        nw_deployment_new(op->all->deployments, op->function, &op->manifest, op->sha256, &op->release, false);
    if (op->deployment)
        return;
    snprintf(op->why, sizeof op->why, "out of memory");
    nw__operation_end(op, NW_STATUS_INTERNAL);
}

/* Code and settings are those of the version that is current, which has nothing to make good. */
static bool is_unchanged(const struct nw__operation *op)
{
    const struct nw_deployment *current = nw_deployment_of(op->function->current);
    return current && current->release.number == op->release.number && current->state != NW_DEPLOYMENT_FAILED;
}

static void leave_alone(struct nw__operation *op)
{
    op->deployment = nw_deployment_of(op->function->current);
    nw__operation_end(op, NW_STATUS_OK);
}

static void unfit(struct nw__operation *op)
{
    nw__unused_release(&op->all->unused);
    add_serving(op);
    nw_log(NW_LOG_WARN, "cannot deploy \"%s\": %s", op->function->name, op->why);
    nw__operation_end(op, NW_STATUS_REFUSED);
}

static void store_done(void *arg)
{
    struct nw__operation *op = arg;
    if (op->all->engine->ended)
        return;
    nw_buffer_fini(&op->code);
    if (op->unfit) {
        unfit(op);
        return;
    }
    if (*op->manifest.found == '!')
        nw_log(NW_LOG_WARN, "function \"%s\": which functions it calls cannot be read: %s", op->function->name,
               op->manifest.found + 1);
    if (op->rc == 0) {
        nw_deployments_code_stored(op->all->deployments, op->sha256);
        number_release(op, nw_deployment_of(op->function->current));
        (op->unless_unchanged && is_unchanged(op) ? leave_alone : op->route.n ? nw__share_new : load)(op);
    }
    nw__unused_release(&op->all->unused);
    if (op->rc < 0)
        nw__operation_end(op, NW_STATUS_INTERNAL);
}

/* --- a version that is kept --- */

static void not_kept(struct nw__operation *op)
{
    uint32_t number = op->find.number, serves = op->find.serves;
    if (number && number == serves)
        snprintf(op->why, sizeof op->why, "v%u serves already", number);
    else if (number)
        snprintf(op->why, sizeof op->why, "v%u is not kept; `nightward versions %s` shows those that are", number,
                 op->function->name);
    else
        snprintf(op->why, sizeof op->why, "no version before v%u is kept", serves);
    nw__operation_end(op, NW_STATUS_BAD_REQUEST);
}

static void found(struct nw__find *find)
{
    struct nw__operation *op = nw_container(find, struct nw__operation, find);
    if (op->all->engine->ended)
        return;
    if (find->rc == -ENOENT) {
        not_kept(op);
        return;
    }
    if (find->rc < 0) {
        snprintf(op->why, sizeof op->why, "out of memory");
        nw__operation_end(op, NW_STATUS_INTERNAL);
        return;
    }
    op->manifest = find->manifest;
    find->manifest = (struct nw_manifest){.name = ""};
    op->release = find->release;
    uint32_t last = nw_deployment_of(op->function->current)->release.last;
    op->release.last = op->release.last > last ? op->release.last : last;
    snprintf(op->sha256, sizeof op->sha256, "%s", find->sha256);
    load(op);
}

/* By its turn the function may have been removed. */
static void find(struct nw__operation *op)
{
    const struct nw_deployment *current = nw_deployment_of(op->function->current);
    if (!current) {
        nw__operation_end(op, NW_STATUS_NOT_FOUND);
        return;
    }
    op->find.serves = current->release.number;
    op->find.done = found;
    if (op->find.number == op->find.serves) {
        not_kept(op);
        return;
    }
    int rc = nw__find_begin(op->all->engine->io, op->all->registry, op->function->name, &op->find);
    if (rc == 0)
        return;
    nw__operation_no_thread(op, "read the registry", rc);
    nw__operation_end(op, NW_STATUS_INTERNAL);
}

/* --- the registry --- */

/* What is committed together. */
struct commit {
    struct nw_operations *all;
    struct nw_list list; /* of operations */
    struct nw_registry_change **changes;
    size_t n;
};

static struct nw__operation *committing(const struct nw_list *link)
{
    return nw_container(link, struct nw__operation, commit);
}

static void commit_work(void *arg)
{
    struct commit *commit = arg;
    nw_registry_apply(commit->all->registry, commit->changes, commit->n);
}

static void deployed(struct nw__operation *op)
{
    char version[NW_VERSION_SIZE];
    bool partial = nw__share_is_partial(op);
    if (op->change.rc < 0) {
        if (!partial)
            nw_deployment_retire(op->deployment);
        nw__share_undo(op);
        nw__operation_end(op, NW_STATUS_INTERNAL);
        return;
    }
    if (!partial)
        nw_deployment_committed(op->deployment);
    nw__share_committed(op);
    nw_deployment_version(op->deployment, version);
    nw_log(NW_LOG_INFO, "function \"%s\": version %s serves%s%s", op->function->name, version,
           op->function->routes ? "; requests are dealt out as " : "",
           op->function->routes ? op->function->routes : "");
    end_when_settled(op, NW_STATUS_OK);
}

static void removed(struct nw__operation *op)
{
    struct nw_function *function = op->function;
    struct nw_deployment *current = nw_deployment_of(function->current);
    if (op->change.rc < 0) {
        nw__operation_end(op, NW_STATUS_INTERNAL);
        return;
    }
    function->current = NULL;
    if (current)
        nw_deployment_retire(current);
    nw__branches_apply(op->all, function, NULL);
    nw_dispatch_retry_function(function);
    nw_log(NW_LOG_INFO, "function \"%s\" is removed", function->name);
    nw_threads_changed(op->all->threads);
    end_when_settled(op, current ? NW_STATUS_OK : NW_STATUS_NOT_FOUND);
}

/* Versions that are not kept any more leave their code behind. */
static void forget_dropped(struct nw__operation *op)
{
    const struct nw_buffer *dropped = &op->change.dropped;
    for (size_t at = 0; op->change.rc == 0 && at < dropped->length; at += NW_SHA256_HEX + 1)
        nw__unused_code(&op->all->unused, dropped->data + at);
}

static void commit_next(struct nw_operations *all);

static void commit_done(void *arg)
{
    struct commit *commit = arg;
    struct nw_operations *all = commit->all;
    all->commits = false;
    while (!all->engine->ended && !nw_list_empty(&commit->list)) {
        struct nw__operation *op = committing(commit->list.next);
        nw_list_remove(&op->commit);
        forget_dropped(op);
        (op->kind == NW__REMOVES ? removed : deployed)(op);
    }
    free(commit->changes);
    free(commit);
    if (!all->engine->ended)
        commit_next(all);
}

/* No thread can be had for it: nothing was written, and to try again is up to who asked. */
static void commit_refused(struct commit *commit, int rc)
{
    nw_list_each(&commit->list, at, after)
    {
        struct nw__operation *op = committing(at);
        op->change.rc = rc;
        nw__operation_no_thread(op, "write it to the registry", rc);
    }
    commit_done(commit);
}

/* Commits all operations that wait for it. Does nothing while a commit is under way, whose end calls this again. */
static void commit_next(struct nw_operations *all)
{
    if (all->commits || nw_list_empty(&all->to_commit))
        return;
    size_t n = 0;
    nw_list_each(&all->to_commit, at, after) n++;
    struct commit *commit = calloc(1, sizeof *commit);
    struct nw_registry_change **changes = calloc(n + 1, sizeof(struct nw_registry_change *));
    if (!commit || !changes)
        nw_die_system("cannot write to the registry: out of memory");
    *commit = (struct commit){.all = all, .changes = changes};
    nw_list_init(&commit->list);
    nw_list_splice(&commit->list, &all->to_commit);
    nw_list_each(&commit->list, of, next) changes[commit->n++] = &committing(of)->change;
    all->commits = true;
    int rc = nw_io_offload(all->engine->io, commit_work, commit_done, commit);
    if (rc < 0)
        commit_refused(commit, rc);
}

static void commit_change(struct nw__operation *op)
{
    const bool removes = op->kind == NW__REMOVES;
    op->change = (struct nw_registry_change){.name = op->function->name,
                                             .manifest = removes ? NULL : &op->manifest,
                                             .sha256 = removes ? NULL : op->sha256,
                                             .why = op->why,
                                             .why_size = sizeof op->why,
                                             .release = removes ? NULL : &op->release,
                                             .keep = (unsigned)op->all->engine->options.keep};
    if (!removes && !nw__share_prepare(op))
        nw_die_system("cannot write to the registry: out of memory");
    nw_list_append(&op->all->to_commit, &op->commit);
    commit_next(op->all);
}

static void refused(struct nw_deployment *deployment, enum nw_status status)
{
    struct nw__operation *op = operation_of(deployment);
    const struct nw_function *function = op->function;
    snprintf(op->why, sizeof op->why, "%s", deployment->version.reason);
    add_serving(op);
    nw_log(NW_LOG_WARN, "cannot deploy \"%s\": %s", function->name, op->why);
    if (nw__share_is_partial(op)) {
        nw__share_refused(op, deployment, status);
        return;
    }
    nw_deployment_retire(deployment);
    nw__operation_end(op, status);
}

static void loaded(struct nw_deployment *deployment)
{
    struct nw__operation *op = operation_of(deployment);
    if (nw__share_is_partial(op)) {
        nw__share_loaded(op, deployment);
        return;
    }
    op->deployment = deployment;
    commit_change(op);
}

static void ended(void *arg, const char *sha256)
{
    struct nw_operations *all = arg;
    nw__unused_code(&all->unused, sha256);
}

const struct nw_deployment_events nw_operation_events = {.loaded = loaded, .refused = refused, .ended = ended};

/* --- the queue --- */

/* Versions may be kept that the row of the function does not know of: it was lost, or an earlier Nightward wrote it. */
static void store(struct nw__operation *op)
{
    const struct nw_deployment *current = nw_deployment_of(op->function->current);
    op->unsure = !current || !current->release.at;
    int rc = nw_io_offload(op->all->engine->io, store_work, store_done, op);
    if (rc == 0) {
        nw__unused_hold(&op->all->unused);
        return;
    }
    nw__operation_no_thread(op, "store its code", rc);
    nw__operation_end(op, NW_STATUS_INTERNAL);
}

/* No code is being removed any more. */
static void store_waiting(void *arg)
{
    struct nw_operations *all = arg;
    while (!nw_list_empty(&all->to_store)) {
        struct nw__operation *op = nw_container(all->to_store.next, struct nw__operation, commit);
        nw_list_remove(&op->commit);
        store(op);
    }
}

static void start(struct nw__operation *op)
{
    if (op->kind == NW__REMOVES)
        commit_change(op);
    else if (op->kind == NW__ROLLS_BACK)
        find(op);
    else if (op->kind == NW__SHARES)
        nw__share_start(op);
    else if (op->all->unused.removing)
        nw_list_append(&op->all->to_store, &op->commit);
    else
        store(op);
}

static struct nw__operation *queue(struct nw_operations *all, struct nw_function *function, nw_operation_done *done,
                                   void *arg)
{
    struct nw__operation *op = calloc(1, sizeof *op);
    if (!op)
        return NULL;
    op->all = all;
    op->function = function;
    op->ready = commit_change;
    op->done = done;
    op->arg = arg;
    nw_list_init(&op->ended);
    nw_list_init(&op->commit);
    nw_list_append(&all->list, &op->link);
    return op;
}

static void start_if_first(struct nw__operation *op)
{
    if (op == first_operation(op->all, op->function))
        start(op);
}

int nw_share(struct nw_operations *all, struct nw_function *function, const struct nw_traffic_route *route,
             nw_operation_done *done, void *arg)
{
    struct nw__operation *op = queue(all, function, done, arg);
    if (!op)
        return -ENOMEM;
    op->kind = NW__SHARES;
    op->route = *route;
    start_if_first(op);
    return 0;
}

int nw_deploy(struct nw_operations *all, struct nw_manifest *manifest, struct nw_buffer *code, unsigned percent,
              bool unless_unchanged, nw_operation_done *done, void *arg)
{
    struct nw_function *function = nw_function_get(all->engine, manifest->name);
    struct nw__operation *op = function ? queue(all, function, done, arg) : NULL;
    if (!op && function && !function->current && !first_operation(all, function))
        nw_function_remove(function);
    if (!op)
        return -ENOMEM;
    op->manifest = *manifest;
    op->code = *code;
    op->route.n = percent > 0;
    op->route.shares[0].percent = percent;
    op->unless_unchanged = unless_unchanged;
    *manifest = (struct nw_manifest){.name = ""};
    *code = (struct nw_buffer){0};
    start_if_first(op);
    return 0;
}

int nw_remove(struct nw_operations *all, struct nw_function *function, nw_operation_done *done, void *arg)
{
    struct nw__operation *op = queue(all, function, done, arg);
    if (!op)
        return -ENOMEM;
    op->kind = NW__REMOVES;
    start_if_first(op);
    return 0;
}

int nw_roll_back(struct nw_operations *all, struct nw_function *function, uint32_t number, nw_operation_done *done,
                 void *arg)
{
    struct nw__operation *op = queue(all, function, done, arg);
    if (!op)
        return -ENOMEM;
    op->kind = NW__ROLLS_BACK;
    op->find.number = number;
    start_if_first(op);
    return 0;
}

void nw_operations_init(struct nw_operations *all, struct nw_engine *engine, struct nw_deployments *deployments,
                        struct nw_threads *threads)
{
    *all = (struct nw_operations){.engine = engine, .deployments = deployments, .threads = threads};
    nw_list_init(&all->list);
    nw_list_init(&all->ended);
    nw_list_init(&all->to_commit);
    nw_list_init(&all->to_store);
    nw_list_init(&all->untold_routes);
    nw__unused_init(&all->unused, engine, deployments, store_waiting, all);
}
