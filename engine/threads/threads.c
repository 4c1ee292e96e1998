/* The main thread's side of threads.h: what the others are told, what they say, and their figures. */
#include "engine/threads/threads.h"
#include "common/base/atomic.h"
#include "common/base/error_text.h"
#include "common/base/log.h"
#include "common/manifest/control.h"
#include "engine/control/deployment.h"
#include "engine/control/deployments.h"
#include "engine/control/replica.h"
#include "engine/control/workers.h"
#include "engine/http/http.h"
#include "engine/serve/function.h"
#include "engine/serve/link.h"
#include "engine/threads/thread.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct nw_threads {
    struct nw_engine *engine;
    struct nw_mailbox inbox;
    bool changed;        /* since they were told last */
    uint64_t generation; /* what they were told last */
    struct nw_list waiters;
    unsigned n;
    struct nw_thread *all[];
};

/* --- what they are told --- */

void nw_told_free(struct nw_told *told)
{
    nw_list_each(&told->new_workers, at, after) free(nw_container(at, struct nw_told_worker, link));
    nw_list_each(&told->versions, at, after)
    {
        struct nw_told_version *version = nw_container(at, struct nw_told_version, link);
        free(version->reason);
        free(version);
    }
    free(told);
}

static size_t count(const struct nw_list *list)
{
    size_t n = 0;
    nw_list_each(list, at, after) n++;
    return n;
}

static struct nw_told_version *version_new(const struct nw_deployment *deployment, const char *name)
{
    struct nw_told_version *version =
        calloc(1, sizeof *version + count(&deployment->replicas) * sizeof *version->workers);
    if (!version)
        return NULL;
    snprintf(version->name, sizeof version->name, "%s", name);
    version->number = deployment->version.number;
    version->slots = deployment->manifest.slots;
    version->timeout_ms = deployment->manifest.timeout_ms;
    version->state = deployment->version.state;
    if (deployment->version.state == NW_VERSION_FAILED)
        version->reason = strdup(deployment->reason); /* without memory for it, without it */
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

static int add_versions(struct nw_told *told, const struct nw_engine *engine)
{
    nw_list_each(&engine->deployments->list, at, after)
    {
        const struct nw_deployment *deployment = nw_container(at, struct nw_deployment, link);
        if (!is_current(deployment))
            continue;
        struct nw_told_version *version = version_new(deployment, deployment->function->name);
        if (!version)
            return -ENOMEM;
        nw_list_append(&told->versions, &version->link);
    }
    return 0;
}

static struct nw_told *told_new(const struct nw_threads *threads)
{
    const struct nw_engine *engine = threads->engine;
    struct nw_told *told = calloc(1, sizeof *told + count(&engine->seats) * sizeof *told->workers);
    if (!told)
        return NULL;
    told->mail.read = nw_thread_told;
    told->generation = threads->generation + 1;
    nw_list_init(&told->new_workers);
    nw_list_init(&told->versions);
    told->unready = nw_workers_unready(engine);
    if (add_versions(told, engine) == 0)
        return told;
    nw_told_free(told);
    return NULL;
}

/* Which workers there are, and the thread's channels to those that it does not know. Cannot fail. */
static void add_workers(struct nw_told *told, const struct nw_engine *engine, unsigned thread)
{
    nw_list_each(&engine->seats, at, after)
    {
        const struct nw_worker *worker = nw_container(at, struct nw_seat, link)->worker;
        if (!worker || worker->link->broken || nw_container(at, struct nw_seat, link)->state != NW_SEAT_UP)
            continue;
        told->workers[told->n_workers++] = worker->number;
        struct nw_told_worker *new = nw_channels_take(worker->channels, thread);
        if (new)
            nw_list_append(&told->new_workers, &new->link);
    }
}

/* A version that they know is not gone before each has let go of it. */
static void hold_versions(const struct nw_threads *threads)
{
    nw_list_each(&threads->engine->deployments->list, at, after)
    {
        struct nw_deployment *deployment = nw_container(at, struct nw_deployment, link);
        if (is_current(deployment))
            deployment->held = threads->n;
    }
}

/* False when memory is out: then nobody was told anything. */
static bool tell(struct nw_threads *threads)
{
    struct nw_told *told[NW_CHANNELS_MAX];
    for (unsigned i = 0; i < threads->n; i++) {
        told[i] = told_new(threads);
        if (told[i])
            continue;
        while (i > 0)
            nw_told_free(told[--i]);
        return false;
    }
    hold_versions(threads);
    for (unsigned i = 0; i < threads->n; i++) {
        add_workers(told[i], threads->engine, i);
        nw_mail_send(&threads->all[i]->inbox, &told[i]->mail);
    }
    threads->generation++;
    return true;
}

void nw_threads_changed(struct nw_engine *engine)
{
    if (engine->threads)
        engine->threads->changed = true;
}

bool nw_threads_settled(const struct nw_engine *engine)
{
    const struct nw_threads *threads = engine->threads;
    for (unsigned i = 0; threads && i < threads->n; i++)
        if (threads->changed || threads->all[i]->applied != threads->generation)
            return false;
    return true;
}

static bool all_applied(const struct nw_threads *threads, uint64_t generation)
{
    for (unsigned i = 0; i < threads->n; i++)
        if (threads->all[i]->applied < generation)
            return false;
    return true;
}

void nw_threads_wait(struct nw_engine *engine, struct nw_threads_waiter *waiter)
{
    struct nw_threads *threads = engine->threads;
    if (!threads) {
        waiter->settled(waiter->arg);
        return;
    }
    waiter->generation = threads->generation + threads->changed;
    nw_list_append(&threads->waiters, &waiter->link);
}

static void call_waiters(struct nw_threads *threads)
{
    while (!nw_list_empty(&threads->waiters)) {
        struct nw_threads_waiter *waiter = nw_container(threads->waiters.next, struct nw_threads_waiter, link);
        if (!all_applied(threads, waiter->generation))
            return;
        nw_list_remove(&waiter->link);
        waiter->settled(waiter->arg);
    }
}

void nw_threads_tend(struct nw_engine *engine)
{
    struct nw_threads *threads = engine->threads;
    if (!threads)
        return;
    if (threads->changed)
        threads->changed = !tell(threads);
    call_waiters(threads);
}

/* --- what they say --- */

static void released(struct nw_engine *engine, uint32_t number)
{
    nw_list_each(&engine->deployments->list, at, after)
    {
        struct nw_deployment *deployment = nw_container(at, struct nw_deployment, link);
        if (deployment->version.number != number)
            continue;
        deployment->held--;
        engine->deployments->reap = true;
    }
}

static void broken(struct nw_engine *engine, uint32_t number, const char *why)
{
    nw_list_each(&engine->seats, at, after)
    {
        const struct nw_worker *worker = nw_container(at, struct nw_seat, link)->worker;
        if (worker && worker->number == number)
            nw_link_break(worker->link, why);
    }
}

void nw_threads_heard(void *reader, struct nw_mail *mail)
{
    struct nw_engine *engine = ((struct nw_threads *)reader)->engine;
    struct nw_thread_mail *said = nw_container(mail, struct nw_thread_mail, mail);
    if (said->applied)
        said->from->applied = said->applied;
    if (said->released)
        released(engine, said->released);
    if (said->broken)
        broken(engine, said->broken, said->why);
    said->from->drains |= said->drains;
    if (said->channels)
        nw_channels_unref(said->channels);
    if (said->failure)
        nw_failure_told(engine, said->failure->name, &said->failure->failure);
    free(said->failure);
    free(said);
}

/* --- figures --- */

struct nw_thread_figures nw_threads_figures(const struct nw_engine *engine, unsigned i)
{
    struct nw_thread_figures figures = {engine->counters, nw_http_server_connections(engine->gateway),
                                        engine->in_flight, nw_http_server_undrained(engine->gateway)};
    if (i == 0)
        return figures;
    const struct nw_thread_figures *shown = &engine->threads->all[i - 1]->shown;
#define X(name, text) figures.counters.name = nw_load_relaxed(&shown->counters.name);
    NW_COUNTERS(X)
#undef X
    figures.connections = nw_load_relaxed(&shown->connections);
    figures.in_flight = nw_load_relaxed(&shown->in_flight);
    figures.undrained = nw_load_relaxed(&shown->undrained);
    return figures;
}

struct nw_thread_figures nw_threads_sum(const struct nw_engine *engine)
{
    struct nw_thread_figures sum = nw_threads_figures(engine, 0);
    for (unsigned i = 1; i < engine->options.threads; i++) {
        const struct nw_thread_figures figures = nw_threads_figures(engine, i);
#define X(name, text) sum.counters.name += figures.counters.name;
        NW_COUNTERS(X)
#undef X
        sum.connections += figures.connections;
        sum.in_flight += figures.in_flight;
        sum.undrained += figures.undrained;
    }
    return sum;
}

/* --- begin and end --- */

static void start(struct nw_threads *threads, unsigned i)
{
    struct nw_thread *thread = calloc(1, sizeof *thread);
    int rc = thread ? nw_mailbox_init(&thread->inbox) : -ENOMEM;
    if (rc == 0) {
        thread->engine.options = threads->engine->options;
        thread->to_main = &threads->inbox;
        thread->number = i + 1;
        threads->all[i] = thread;
        rc = -pthread_create(&thread->id, NULL, nw_thread_main, thread);
    }
    char text[NW_ERROR_TEXT];
    if (rc < 0)
        nw_die_system("cannot start a thread: %s", nw_error_text(-rc, text));
}

void nw_threads_start(struct nw_engine *engine)
{
    unsigned n = (unsigned)engine->options.threads - 1;
    if (!n)
        return;
    struct nw_threads *threads = calloc(1, sizeof *threads + n * sizeof(struct nw_thread *));
    int rc = threads ? nw_mailbox_init(&threads->inbox) : -ENOMEM;
    if (rc == 0)
        rc = nw_mailbox_open(&threads->inbox, engine->io, threads);
    char text[NW_ERROR_TEXT];
    if (rc < 0)
        nw_die_system("cannot start threads: %s", nw_error_text(-rc, text));
    threads->engine = engine;
    threads->changed = true;
    threads->n = n;
    nw_list_init(&threads->waiters);
    engine->threads = threads;
    for (unsigned i = 0; i < n; i++)
        start(threads, i);
}

/* Mail that says nothing but what `read` does. */
static void send_all(const struct nw_threads *threads, void (*read)(void *reader, struct nw_mail *mail))
{
    for (unsigned i = 0; i < threads->n; i++) {
        struct nw_mail *mail = malloc(sizeof *mail);
        if (!mail)
            nw_die_system("cannot stop: out of memory");
        mail->read = read;
        nw_mail_send(&threads->all[i]->inbox, mail);
    }
}

void nw_threads_drain(struct nw_engine *engine)
{
    if (engine->threads)
        send_all(engine->threads, nw_thread_drain);
}

bool nw_threads_drained(const struct nw_engine *engine)
{
    const struct nw_threads *threads = engine->threads;
    for (unsigned i = 0; threads && i < threads->n; i++)
        if (!threads->all[i]->drains)
            return false;
    return nw_threads_sum(engine).undrained == 0;
}

void nw_threads_stop(struct nw_engine *engine)
{
    struct nw_threads *threads = engine->threads;
    if (!threads)
        return;
    send_all(threads, nw_thread_stop);
    for (unsigned i = 0; i < threads->n; i++) {
        pthread_join(threads->all[i]->id, NULL);
        nw_mailbox_fini(&threads->all[i]->inbox);
    }
    nw_mailbox_read(&threads->inbox);
    nw_mailbox_close(&threads->inbox);
    nw_mailbox_fini(&threads->inbox);
}

void nw_threads_free(struct nw_engine *engine)
{
    struct nw_threads *threads = engine->threads;
    for (unsigned i = 0; threads && i < threads->n; i++)
        free(threads->all[i]);
    free(threads);
}
