/*
 * A thread beside the main one. What it is told becomes functions, versions, queues and links of its own, so that
 * dispatch.c, place.c and link.c work here as they do there. Not responsible for any decision about workers and
 * versions.
 */
#include "engine/threads/thread.h"
#include "common/base/atomic.h"
#include "common/base/log.h"
#include "engine/dispatch/dispatch.h"
#include "engine/dispatch/receive.h"
#include "engine/gateway/gateway.h"
#include "engine/http/http.h"
#include "engine/serve/function.h"
#include "engine/serve/link.h"
#include "engine/serve/queue.h"
#include "engine/serve/role.h"
#include "engine/tally/meter.h"
#include "engine/threads/loop.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct nw_thread *thread_of(struct nw_engine *engine)
{
    return nw_container(engine, struct nw_thread, engine);
}

/* Without memory there is no way to go on that would not leave the main thread waiting for ever. */
static void *must(void *memory)
{
    if (!memory)
        nw_die_system("a thread of the engine is out of memory");
    return memory;
}

static void tell_main(struct nw_thread *thread, const struct nw_thread_mail *what)
{
    struct nw_thread_mail *mail = must(malloc(sizeof *mail));
    *mail = *what;
    mail->mail.read = thread->heard;
    mail->from = thread;
    nw__mail_send(thread->to_main, &mail->mail);
}

/* --- what it is told, before it is read --- */

struct nw_told_route *nw_told_route_new(const char *name, struct nw_route *route)
{
    struct nw_told_route *told = calloc(1, sizeof *told);
    if (!told)
        return NULL;
    snprintf(told->name, sizeof told->name, "%s", name);
    told->route = route ? nw_route_ref(route) : NULL;
    nw_list_init(&told->link);
    return told;
}

void nw_told_route_free(struct nw_told_route *route)
{
    nw_list_remove(&route->link);
    nw_route_unref(route->route);
    free(route);
}

void nw_told_free(struct nw_told *told)
{
    nw_list_each(&told->routes, of, next) nw_told_route_free(nw_container(of, struct nw_told_route, link));
    nw_list_each(&told->new_workers, at, after) free(nw_container(at, struct nw_told_worker, link));
    nw_list_each(&told->versions, at, after)
    {
        struct nw_told_version *version = nw_container(at, struct nw_told_version, link);
        free(version->reason);
        free(version->cors);
        nw_meter_unref(version->meter);
        free(version);
    }
    free(told);
}

struct nw_told *nw_told_new(size_t n_lost)
{
    struct nw_told *told = calloc(1, sizeof *told + n_lost * sizeof *told->lost);
    if (!told)
        return NULL;
    told->mail.read = nw__thread_told;
    nw_list_init(&told->new_workers);
    nw_list_init(&told->versions);
    nw_list_init(&told->routes);
    return told;
}

/* --- versions --- */

/* A version as it was told, until nothing is under way for it any more. */
struct version {
    struct nw_list link;            /* in thread->versions */
    struct nw_list ending;          /* in thread->ending while there is something to let go of */
    struct nw_table_node by_number; /* in thread->by_number */
    struct nw_version version;
    struct nw_function *function; /* NULL once another version is its current one, or none */
    struct nw_deployment *deployment;
    char *cors;   /* the memory behind version.cors */
    char *reason; /* the memory behind version.reason; NULL: there is none, since few versions ever have one */
};

static struct version *version_at(struct nw_list *at)
{
    return nw_container(at, struct version, link);
}

/* A version in a worker. */
struct queue {
    struct nw_queue queue;
    struct nw_list of_worker; /* in the list of its worker until that is lost */
};

static struct nw_queue *queue_at(struct nw_list *at)
{
    return nw_container(at, struct nw_queue, of_version);
}

static struct version *version_of(struct nw_version *version)
{
    return nw_container(version, struct version, version);
}

static void queue_free(struct nw_queue *queue)
{
    nw_queue_fini(queue);
    nw_list_remove(&nw_container(queue, struct queue, queue)->of_worker);
    free(nw_container(queue, struct queue, queue));
}

/* It has a queue that is closed, or retires. */
static void end_version(struct nw_thread *thread, struct version *version)
{
    if (nw_list_empty(&version->ending))
        nw_list_append(&thread->ending, &version->ending);
    thread->engine.unbound = true;
}

/* The one of this number; it is looked for at each change, as often as there are versions. */
static struct version *version_find(const struct nw_thread *thread, uint32_t number)
{
    struct nw_table_node *node = nw_table_first(&thread->by_number, nw_table_hash(&number, sizeof number));
    for (; node; node = nw_table_next(node)) {
        struct version *version = nw_container(node, struct version, by_number);
        if (version->version.number == number)
            return version;
    }
    return NULL;
}

static struct version *version_get(struct nw_thread *thread, uint32_t number)
{
    struct version *version = version_find(thread, number);
    if (version)
        return version;
    version = must(calloc(1, sizeof *version));
    if (nw_table_add(&thread->by_number, &version->by_number, nw_table_hash(&number, sizeof number)) < 0)
        must(NULL);
    version->version = (struct nw_version){.engine = &thread->engine, .number = number, .reason = ""};
    nw_list_init(&version->version.queues);
    nw_list_init(&version->ending);
    nw_list_append(&thread->versions, &version->link);
    return version;
}

static void version_free(struct nw_thread *thread, struct version *version)
{
    nw_list_remove(&version->link);
    nw_list_remove(&version->ending);
    nw_table_remove(&thread->by_number, &version->by_number);
    free(version->reason);
    free(version->cors);
    free(version);
}

/* --- workers --- */

/* A worker as it was told, until it is lost. */
struct worker {
    struct nw_list of_thread; /* in thread->workers */
    struct nw_list queues;
    struct nw_link *link;
    uint32_t *shown_busy; /* where the main thread reads how many invocations it has of this one */
    struct nw_channels *channels;
};

static struct worker *worker_at(struct nw_list *at)
{
    return nw_container(at, struct worker, of_thread);
}

static struct worker *worker_of(struct nw_thread *thread, uint32_t number)
{
    nw_list_each(&thread->workers, at, after) if (worker_at(at)->link->number == number) return worker_at(at);
    return NULL;
}

static void meet(struct nw_thread *thread, struct nw_told_worker *told)
{
    struct worker *worker = must(calloc(1, sizeof *worker));
    worker->link = must(nw_link_adopt(&thread->engine, told->number, worker, &told->channel));
    worker->shown_busy = told->busy;
    worker->channels = told->channels;
    nw_list_init(&worker->queues);
    nw_list_append(&thread->workers, &worker->of_thread);
}

static struct nw_queue *of_worker(struct nw_list *at)
{
    return &nw_container(at, struct queue, of_worker)->queue;
}

/* The main thread cannot see what was begun here, and finds out who is to blame. */
static void tell_suspect(struct nw_thread *thread, struct nw_queue *queue, uint32_t worker)
{
    if (!queue->lost)
        return;
    tell_main(thread, &(struct nw_thread_mail){.suspected = queue->version->number,
                                               .suspected_worker = worker,
                                               .suspect = {.begun = queue->lost, .completed = queue->completed}});
    queue->lost = 0;
}

static void lose(struct nw_thread *thread, struct worker *worker)
{
    struct nw_link *link = worker->link;
    uint32_t number = link->number;
    nw_link_lose(link, "it is not there any more");
    nw_list_remove(&worker->of_thread);
    nw_list_each(&worker->queues, at, after) nw_queue_lost(of_worker(at));
    nw_receive_last(link);
    nw_dispatch_link_lost(link);
    nw_list_each(&worker->queues, of, next) tell_suspect(thread, of_worker(of), number);
    tell_main(thread, &(struct nw_thread_mail){.channels = worker->channels});
    nw_link_unref(link);
    while (!nw_list_empty(&worker->queues)) {
        struct nw_queue *queue = of_worker(worker->queues.next);
        nw_list_remove(worker->queues.next);
        end_version(thread, version_of(queue->version));
        nw_dispatch_unqueue(queue);
    }
    free(worker);
}

static bool is_among(uint32_t number, const uint32_t *numbers, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (numbers[i] == number)
            return true;
    return false;
}

/* The main thread hears of a worker that broke the rules here, and says later that it is gone. */
static void bury(struct nw_thread *thread)
{
    struct nw_engine *engine = &thread->engine;
    while (!nw_list_empty(&engine->broken)) {
        struct nw_link *link = nw_container(engine->broken.next, struct nw_link, broken_link);
        nw_list_remove(&link->broken_link);
        tell_main(thread, &(struct nw_thread_mail){.broken = link->number, .why = link->broken});
        lose(thread, link->owner);
    }
}

/* --- what is over --- */

static void reap_version(struct nw_thread *thread, struct version *version)
{
    bool retired = version->version.state == NW_VERSION_RETIRED, closed = false;
    nw_list_each(&version->version.queues, at, after)
    {
        struct nw_queue *queue = queue_at(at);
        closed |= !queue->open;
        if (queue->bound || (!retired && queue->open))
            continue;
        if (!retired && queue->link)
            tell_main(thread, &(struct nw_thread_mail){.vacated = {version->deployment, queue->link->number}});
        queue_free(queue);
    }
    if (!retired && !closed)
        nw_list_remove(&version->ending);
    if (!retired || !nw_list_empty(&version->version.queues))
        return;
    tell_main(thread, &(struct nw_thread_mail){.released = version->deployment});
    version_free(thread, version);
}

static void reap(struct nw_thread *thread)
{
    if (!thread->engine.unbound)
        return;
    thread->engine.unbound = false;
    nw_list_each(&thread->ending, at, after) reap_version(thread, nw_container(at, struct version, ending));
}

/* --- figures --- */

/* Read by the main thread at any time; each figure is right, all together may be of two moments. */
static void show(struct nw_thread *thread)
{
    struct nw_engine *engine = &thread->engine;
#define X(name, text) nw_store_relaxed(&thread->shown.counters.name, engine->counters.name);
    NW_COUNTERS(X)
#undef X
    nw_store_relaxed(&thread->shown.connections, nw_http_server_connections(engine->gateway));
    nw_store_relaxed(&thread->shown.in_flight, engine->in_flight);
    nw_store_relaxed(&thread->shown.undrained, nw_http_server_undrained(engine->gateway));
    nw_list_each(&thread->workers, at, after) nw_store_relaxed(worker_at(at)->shown_busy, worker_at(at)->link->busy);
}

/* --- what is told --- */

static void close_queue(struct nw_thread *thread, struct nw_queue *queue)
{
    nw_queue_close(queue);
    end_version(thread, version_of(queue->version));
}

static void open_queue(struct worker *worker, struct nw_version *version)
{
    struct queue *queue = must(malloc(sizeof *queue));
    nw_queue_init(&queue->queue, version);
    nw_queue_open(&queue->queue, worker->link);
    nw_list_init(&queue->of_worker);
    nw_list_append(&worker->queues, &queue->of_worker);
}

/* Which workers serve it: those that do not any more finish what they have. */
static void open_queues(struct nw_thread *thread, struct nw_version *version, const struct nw_told_version *told)
{
    nw_list_each(&version->queues, at, after)
    {
        struct nw_queue *queue = queue_at(at);
        if (queue->link && is_among(queue->link->number, told->workers, told->n_workers))
            nw_queue_open(queue, queue->link);
        else
            close_queue(thread, queue);
    }
    for (size_t i = 0; i < told->n_workers; i++) {
        struct worker *worker = worker_of(thread, told->workers[i]);
        bool there = !worker;
        nw_list_each(&version->queues, at, after) there |= worker && queue_at(at)->link == worker->link;
        if (!there)
            open_queue(worker, version);
    }
}

/* Another version is the current one of its function, which `function->current` says already, or none is any more. What
 * waits is told so. */
static void retire(struct nw_thread *thread, struct version *version)
{
    struct nw_function *function = version->function;
    version->version.state = NW_VERSION_RETIRED;
    version->function = NULL;
    end_version(thread, version);
    if (!function || function->current != &version->version)
        return;
    function->current = NULL;
    if (nw_function_is_branch(function))
        nw_function_bequeath(function);
    nw_dispatch_retry_function(function);
    nw_function_remove(function);
}

static void learn(struct nw_thread *thread, const struct nw_told_version *told)
{
    struct nw_function *function = must(nw_function_get(&thread->engine, told->name));
    struct version *version = version_get(thread, told->number);
    nw_function_measure(function, told->meter);
    if (function->current && function->current != &version->version) {
        version_of(function->current)->function = NULL;
        function->current->state = NW_VERSION_RETIRED;
    }
    function->current = &version->version;
    version->function = function;
    version->deployment = told->deployment;
    version->version.state = told->state;
    version->version.slots = told->slots;
    version->version.queue = told->queue;
    version->version.http = told->http;
    version->version.timeout_ms = told->timeout_ms;
    free(version->reason);
    free(version->cors);
    version->version.cors = version->cors = told->cors ? must(strdup(told->cors)) : NULL;
    version->reason = told->reason ? must(strdup(told->reason)) : NULL;
    version->version.reason = version->reason ? version->reason : "";
    open_queues(thread, &version->version, told);
    nw_dispatch_retry_function(function);
}

static void learn_route(struct nw_thread *thread, struct nw_told_route *told)
{
    if (nw_routes_set(&thread->engine.routes, told->name, told->route) < 0)
        must(NULL);
    told->route = NULL; /* that is the table's now */
}

/* First those that are current: a function whose version is another one now is not removed. Routes lead to those, and
 * to none that retires. */
static void learn_all(struct nw_thread *thread, const struct nw_told *told)
{
    nw_list_each(&told->versions, at, after)
    {
        const struct nw_told_version *version = nw_container(at, struct nw_told_version, link);
        if (version->state != NW_VERSION_RETIRED)
            learn(thread, version);
    }
    nw_list_each(&told->routes, route, behind) learn_route(thread, nw_container(route, struct nw_told_route, link));
    nw_list_each(&told->versions, of, next)
    {
        const struct nw_told_version *told_version = nw_container(of, struct nw_told_version, link);
        struct version *version = version_find(thread, told_version->number);
        if (told_version->state == NW_VERSION_RETIRED && version)
            retire(thread, version);
    }
}

void nw__thread_told(void *reader, struct nw_mail *mail)
{
    struct nw_thread *thread = reader;
    struct nw_engine *engine = &thread->engine;
    struct nw_told *told = nw_container(mail, struct nw_told, mail);
    nw_list_each(&told->new_workers, at, after) meet(thread, nw_container(at, struct nw_told_worker, link));
    for (size_t i = 0; i < told->n_lost; i++) {
        struct worker *worker = worker_of(thread, told->lost[i]);
        if (worker) /* else it broke the rules here, and was lost before */
            lose(thread, worker);
    }
    learn_all(thread, told);
    thread->unready = told->unready;
    if (told->generation == 1) /* before, it would answer that there are no functions */
        nw_gateway_serve(engine, engine->thread);
    tell_main(thread, &(struct nw_thread_mail){.applied = told->generation});
    nw_told_free(told);
}

void nw__thread_drain(void *reader, struct nw_mail *mail)
{
    struct nw_engine *engine = &((struct nw_thread *)reader)->engine;
    free(mail);
    engine->draining = true;
    nw_http_server_drain(engine->gateway);
    show(reader);
    tell_main(reader, &(struct nw_thread_mail){.drains = true});
}

void nw__thread_stop(void *reader, struct nw_mail *mail)
{
    free(mail);
    nw_io_stop(((struct nw_thread *)reader)->engine.io);
}

/* --- the thread --- */

static const char *unready(const struct nw_engine *engine)
{
    return nw_container(engine, const struct nw_thread, engine)->unready;
}

static void failed(struct nw_engine *engine, struct nw_function *function, const struct nw_failure *failure)
{
    struct nw_told_failure *told = must(malloc(sizeof *told));
    snprintf(told->name, sizeof told->name, "%s", function->name);
    told->failure = *failure;
    tell_main(thread_of(engine), &(struct nw_thread_mail){.failure = told});
}

static void tend(struct nw_engine *engine)
{
    struct nw_thread *thread = thread_of(engine);
    struct nw_function *wanted;
    bury(thread);
    reap(thread);
    while ((wanted = nw_function_next_wanted(engine)))
        tell_main(thread, &(struct nw_thread_mail){.wanted = must(strdup(wanted->name))});
    show(thread);
}

static void tick(struct nw_engine *engine)
{
    (void)engine; /* the main thread watches over workers */
}

static const struct nw_role role = {.tend = tend, .tick = tick, .unready = unready, .failed = failed};

static void remove_function(struct nw_function *function, void *arg)
{
    (void)arg;
    nw_function_remove(function);
}

static void end(struct nw_thread *thread)
{
    struct nw_engine *engine = &thread->engine;
    engine->ended = true;
    nw__mailbox_close(&thread->inbox);
    nw_http_server_close(engine->gateway);
    nw_list_each(&thread->workers, at, after) lose(thread, worker_at(at));
    nw_loop_close(engine);
    nw_functions_each(engine, remove_function, NULL);
    nw_functions_fini(engine);
    nw_list_each(&thread->versions, at, after)
    {
        nw_list_each(&version_at(at)->version.queues, of, next) queue_free(queue_at(of));
        version_free(thread, version_at(at));
    }
    nw_table_fini(&thread->by_number);
}

void *nw__thread_main(void *arg)
{
    struct nw_thread *thread = arg;
    struct nw_engine *engine = &thread->engine;
    nw_list_init(&thread->versions);
    nw_list_init(&thread->workers);
    nw_list_init(&thread->ending);
    nw_loop_init(engine, &role);
    if (nw__mailbox_open(&thread->inbox, engine->io, thread) < 0)
        nw_die_system("a thread of the engine cannot read its mail: out of memory or file descriptors");
    nw_gateway_open(engine);
    nw_loop_run(engine);
    end(thread);
    return NULL;
}
