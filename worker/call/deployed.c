/* See deployed.h. */
#include "worker/call/deployed.h"
#include "common/base/atomic.h"
#include "common/base/log.h"
#include "common/manifest/control.h"
#include "protect/check/function_check.h"
#include "worker/account/ticks.h"
#include "worker/audit/filter.h"
#include "worker/base/config.h"
#include "worker/base/now.h"
#include "worker/call/extra.h"
#include "worker/call/invoke.h"
#include "worker/call/snapshots.h"
#include "worker/domain/attended.h"
#include "worker/domain/deployed.h"
#include "worker/domain/domain.h"
#include "worker/domain/slot.h"
#include "worker/executor/ready.h"
#include "worker/executor/wake.h"
#include "worker/files/closing.h"
#include "worker/files/disk.h"
#include "worker/life/make.h"
#include "worker/path/cwd.h"
#include "worker/reach/callees.h"
#include "worker/reach/grants.h"
#include "worker/reach/route.h"
#include "worker/snapshot/taker.h"
#include "worker/wire/report.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TEXT(x)     TEXT_OF(x)
#define TEXT_OF(x)  #x
#define MOST        TEXT(NW_FUNCTIONS_MAX)
#define NO_ROOM     "this worker has as many functions as it can have, " MOST "; " GET_ROOM
#define GET_ROOM    "let the tenant have more workers (--workers MIN..MAX), or remove one"
#define SO_SIZE_MAX (256l << 20)
#define CALM_NS     20000000ull  /* a function that is torn down more often than this waits as long */
#define RETRY_NS    200000000ull /* between attempts to make a domain that did not come up */
#define WINDOW_US   10000        /* over which a function's part of a processor is what it is */

static bool unsettled; /* some function retires or has no domain: nw_deployed_tend looks at all of them */

int nw_deployed_inspect(struct nw_deployed *f, char reason[NW_REASON_MAX])
{
    struct stat st;
    uint8_t *bytes;
    int error;

    if (f->inspected)
        return 0;
    if (fstat(f->so, &st) < 0 || st.st_size < 0 || st.st_size > SO_SIZE_MAX ||
        !(bytes = malloc((size_t)st.st_size + 1))) {
        snprintf(reason, NW_REASON_MAX, "the file cannot be read into memory (at most 256 MiB)");
        return -EFBIG;
    }
    if (pread(f->so, bytes, (size_t)st.st_size, 0) != st.st_size) {
        snprintf(reason, NW_REASON_MAX, "the file cannot be read: %s", strerror(errno));
        error = -EIO;
    } else {
        error = nw_function_check(bytes, (size_t)st.st_size, reason, NW_REASON_MAX);
    }
    free(bytes);
    f->inspected = error == 0;
    return error;
}

/* The texts of the message, one behind the other: name, connect, directories, cwd, calls, environment. */
struct load_texts {
    const char *name, *connect, *directories, *cwd, *calls, *env;
    size_t env_length;
};

/* False when one of the first five is missing. The message's text is followed by a NUL. */
static bool split_texts(const struct nw_control_message *message, struct load_texts *t)
{
    const char *at = message->text, *end = at + message->head.text_len;
    const char **const texts[] = {&t->name, &t->connect, &t->directories, &t->cwd, &t->calls};

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        if (at >= end)
            return false;
        *texts[i] = at;
        at += strlen(at) + 1;
    }
    t->env = at;
    t->env_length = at < end ? (size_t)(end - at) : 0;
    return nw_manifest_check_name(t->name, strlen(t->name)) == 0;
}

/*
 * In mode process the kernel holds the function, by a filter for its profile. The worker has one function there, and
 * later versions of it have workers of their own: a filter cannot be taken back.
 */
static const char *confine(uint32_t profile)
{
    static uint32_t confined;

    if (nw_config()->mode != NW_MODE_PROCESS || confined == profile)
        return NULL;
    if (confined)
        return "this worker is confined to another profile; in mode process it has one function";
    if (nw_filter_install(profile) < 0)
        return "the system call filter of its profile cannot be installed, which mode process cannot do without";
    confined = profile;
    return NULL;
}

/* NULL, or why the function cannot be loaded. The message's fds are the function's from now on. */
static const char *function_init(struct nw_deployed *f, const struct nw_control_message *message,
                                 const struct load_texts *t)
{
    const struct nw_control *head = &message->head;
    int error;

    *f = (struct nw_deployed){
        .deployment = head->deployment,
        .so = message->fds[0],
        .slots = head->slots,
        .timeout_ns = head->timeout_ms * 1000000ull,
        .memory = head->memory,
        .threads = head->threads,
        .static_tls = head->static_tls,
        .profile = head->profile,
        .range = head->range,
        .fresh = head->fresh,
        .weight = head->weight,
        .file = -1,
        .env = malloc(t->env_length + 1),
        .env_length = t->env_length,
        .keeps = NW_KEEPS_UNKNOWN,
        .reach.lock = PTHREAD_MUTEX_INITIALIZER,
    };
    nw__snapshot_init(f, message);
    nw_limit_init(&f->limit, head->cpu_limit, nw_ticks_of_us(WINDOW_US), nw_ticks());
    f->queued = nw_deployed_queued_least(f);
    f->queue_tail = &f->queue;
    snprintf(f->name, sizeof(f->name), "%s", t->name);
    error = nw_grants_init(f, t->connect, t->directories, message->fds + 1, message->n_fds - 1 - (int)head->restores);
    if (error == -EPERM)
        return "a granted directory belongs to the kernel, like /proc: nothing of it can be granted";
    if (!error && nw_cwd_init(f, t->cwd) < 0)
        return "its working directory is none: make the directory that cwd names, or name another";
    if (!error)
        error = nw_callees_init(f, t->calls);
    if (error || !f->env)
        return "its grants cannot be kept: a list is malformed, or memory is out";
    memcpy(f->env, t->env, t->env_length);
    nw_disk_init(&f->disk, head->disk);
    return f->fresh && nw__snapshot_obstacle() ? nw__snapshot_obstacle() : confine(f->profile);
}

static void function_fini(struct nw_deployed *f)
{
    nw_disk_fini(&f->disk);
    nw_grants_fini(f);
    nw__snapshot_fini(f);
    nw_callees_fini(f);
    nw_close(NULL, f->so);
    free(f->cwd);
    free(f->env);
    f->cwd = f->env = NULL;
    nw_deployed_move(f, NW_DEPLOYED_ENDED);
}

/* Whether it has the files that it says it has, and a place for a snapshot if it has one. */
static bool files_fit(const struct nw_control_message *message)
{
    const struct nw_control *head = &message->head;

    return head->restores <= 1 && head->weight > 0 && message->n_fds >= 1 + (int)head->restores &&
           (head->range || !head->restores) && (head->range ? nw_place_fits(head->range) : !head->fresh);
}

/* Whether a function may be loaded beside those that there are. A new version of one that is active always may, as far
 * as there are records, since the old one goes. */
static bool has_room_for(const char *name)
{
    uint32_t n = 0;

    for (const struct nw_deployed *f = nw_deployed_after(NULL); f; f = nw_deployed_after(f))
        n++;
    return n < NW_FUNCTIONS_MAX || nw_route_find(name) >= 0;
}

/* lock held */
void nw_deployed_load(const struct nw_control_message *message)
{
    const struct nw_control *head = &message->head;
    struct nw_deployed *f = nw_deployed_find(head->deployment) ? NULL : nw_deployed_take(head->deployment);
    struct load_texts texts;
    const bool good = files_fit(message) && split_texts(message, &texts);
    const char *why = good ? NO_ROOM : "the engine's message about it is malformed";

    if (!f || !good || !has_room_for(texts.name)) {
        for (int i = 0; i < message->n_fds; i++)
            close(message->fds[i]);
    } else {
        why = function_init(f, message, &texts);
        if (why)
            function_fini(f);
    }
    if (why)
        nw_tell_engine(NW_CONTROL_REFUSED, head->deployment, 0, why);
    else
        nw_deployed_move(f, NW_DEPLOYED_LOAD);
    unsettled = true;
}

void nw_deployed_reach(const struct nw_control_message *message)
{
    struct nw_deployed *f = nw_deployed_find(message->head.deployment);
    struct nw_address_grant grants[NW_CONTROL_TEXT_MAX / sizeof(struct nw_address_grant)];
    size_t n = message->head.text_len / sizeof(*grants);

    memcpy(grants, message->text, n * sizeof(*grants));
    if (f && nw_grants_reach(f, grants, n) < 0)
        nw_log(NW_LOG_WARN, "function %s: what it may reach cannot be changed: memory is out", f->name);
}

static void function_end(struct nw_deployed *f)
{
    while (f->queue) {
        struct nw_arrival *invocation = f->queue;

        f->queue = invocation->next;
        nw__arrival_fail(invocation, NW_STATUS_UNAVAILABLE, -ENOENT, NW_REMOVED);
    }
    function_fini(f);
}

static bool has_domain(const struct nw_deployed *f)
{
    for (const struct nw_domain *d = nw_domain_after(NULL); d; d = nw_domain_after(d))
        if (d->state != NW_DOMAIN_NONE && d->function == f)
            return true;
    return false;
}

/* A retiring function may have nothing left to do. */
static void settle(struct nw_deployed *f)
{
    if (f->state != NW_DEPLOYED_RETIRING || has_domain(f))
        return;
    if (!f->silent)
        nw_tell_engine(NW_CONTROL_RETIRED, f->deployment, 0, "");
    function_end(f);
}

static void started(struct nw_domain *domain)
{
    struct nw_deployed *f = domain->function;

    domain->reason[0] = '\0';
    domain->files.exposed = true;
    nw_domain_move(domain, NW_DOMAIN_STARTED);
    nw_store_release(&f->domain, domain); /* loaded by the nested call in dispatch.c */
    if (f->state == NW_DEPLOYED_LOADING) {
        nw_deployed_move(f, NW_DEPLOYED_STARTED);
        nw_tell_engine(NW_CONTROL_LOADED, f->deployment, 0, f->no_snapshot);
    }
    nw_deployed_feed(f);
    if (nw_ready_any())
        nw_wake_executor();
}

void nw_deployed_ready(struct nw_domain *domain)
{
    if (nw__snapshot_is_due(domain))
        nw_taker_await(domain);
    else
        started(domain);
}

void nw_deployed_restored(struct nw_domain *domain, struct nw_slot *first)
{
    nw_slot_move(first, NW_SLOT_PARKED);
    nw_extra_made(domain, first, false);
    started(domain);
}

/* The peak of a domain that is gone counts on: the engine may not have heard of it yet. */
static void note_peak(struct nw_deployed *f, uint64_t peak)
{
    f->memory_peak = peak > f->memory_peak ? peak : f->memory_peak;
}

/* It ends when none of its domains is left. */
static void refuse(struct nw_deployed *f, const char *why)
{
    nw_tell_engine(NW_CONTROL_REFUSED, f->deployment, 0, why);
    nw_deployed_move(f, NW_DEPLOYED_RETIRE);
    f->silent = true;
}

/* Called while the domain is not yet marked dying. */
void nw__deployed_domain_lost(struct nw_domain *domain, enum nw_status status, const char *reason)
{
    struct nw_deployed *f = domain->function;
    uint64_t now;

    if (f->domain == domain)
        nw_store_release(&f->domain, NULL); /* loaded by the nested call in dispatch.c */
    unsettled = true;
    if (f->state == NW_DEPLOYED_RETIRING) {
        if (status != NW_STATUS_UNAVAILABLE && !f->silent)
            nw_log(NW_LOG_WARN, "function %s: %s while it was being ended", f->name, reason);
        return;
    }
    if (status == NW_STATUS_OK) { /* it is replaced, and has done nothing wrong */
        note_peak(f, nw_load_relaxed(&domain->memory.peak));
        f->retry_at = 0;
        f->lost_at = nw_now();
        nw_wake_control();
        return;
    }
    if (f->state == NW_DEPLOYED_LOADING && domain->restores && !f->fresh) { /* loaded the long way it may come up */
        nw__snapshot_lost(f, domain, status, reason);
        f->lost_at = nw_now();
        nw_wake_control();
        return;
    }
    if (f->state == NW_DEPLOYED_LOADING) {
        refuse(f, reason);
        return;
    }
    nw__snapshot_lost(f, domain, status, reason);
    nw_log(NW_LOG_WARN, "function %s: %s; its domain is made anew", f->name, reason);
    nw_tell_engine(NW_CONTROL_TORN_DOWN, f->deployment, status, reason);
    note_peak(f, nw_load_relaxed(&domain->memory.peak)); /* see nw__memory_note_peak */
    now = nw_now();
    f->retry_at = domain->state != NW_DOMAIN_LIVE ? now + RETRY_NS : now - f->lost_at < CALM_NS ? now + CALM_NS : 0;
    f->lost_at = now;
    nw_wake_control();
}

void nw_deployed_activate(uint32_t deployment)
{
    struct nw_deployed *f = nw_deployed_find(deployment);

    if (!f) /* it has ended meanwhile */
        return;
    nw_route_set(f);
    nw_callees_activated(f->name);
}

void nw_deployed_unname(uint32_t deployment)
{
    const struct nw_deployed *f = nw_deployed_find(deployment);

    if (f)
        nw_routes_clear(f);
}

/* Idle: nothing queued, no func worker busy. Then its domain can go. */
static bool is_idle(const struct nw_deployed *f)
{
    if (f->queue)
        return false;
    for (size_t i = 0; f->domain && i < f->domain->slots_end; i++)
        if (f->domain->slots[i].state != NW_SLOT_UNUSED && f->domain->slots[i].sequence & 1)
            return false;
    return true;
}

void nw_deployed_retire(uint32_t deployment)
{
    struct nw_deployed *f = nw_deployed_find(deployment);

    if (!f)
        return;
    nw_routes_clear(f);
    nw_deployed_move(f, NW_DEPLOYED_RETIRE);
    unsettled = true;
    nw_wake_control();
}

/* A func worker that is on its way is waited for, unless it takes too long. */
static bool workers_are_made(const struct nw_domain *domain, uint64_t now)
{
    return (domain->grower && domain->n_workers >= domain->n_made) ||
           now - domain->started_at >= domain->function->timeout_ns;
}

/* A retiring function that has nothing left to do destroys its func workers; the last one takes the domain along. */
static void retire_idle(struct nw_deployed *f, uint64_t now)
{
    struct nw_domain *domain = f->domain;

    if (!domain) {
        settle(f);
    } else if (!domain->closing && workers_are_made(domain, now) && domain->n_free == domain->n_workers && is_idle(f)) {
        domain->closing = true;
        domain->started_at = now;
        nw_attend(domain); /* it has until the deadline to end, also when nothing of it runs */
        nw_workers_dismiss(domain);
    }
}

/* Lets go of the lock meanwhile. Nobody else ends the function: it is not retiring, and no domain of it is left that
 * could be lost. */
static void start(struct nw_deployed *f, uint64_t now)
{
    char why[NW_REASON_MAX];
    struct nw_domain *domain;
    struct nw_slot *first;
    int error;

    domain = nw_domain_new(f, &error, why);
    f->retry_at = now + RETRY_NS;
    first = domain ? nw_slot_new(domain) : NULL;
    if (first) {
        nw_ready(first);
        nw_wake_executor();
        return;
    }
    nw_log(NW_LOG_WARN, "function %s: cannot make a domain: %s", f->name, why);
    if (f->state == NW_DEPLOYED_LOADING)
        refuse(f, why);
}

static bool has_current_domain(const struct nw_deployed *f)
{
    if (f->domain)
        return true;
    for (const struct nw_domain *d = nw_domain_after(NULL); d; d = nw_domain_after(d))
        if (d->state == NW_DOMAIN_STARTING && d->function == f)
            return true;
    return false;
}

/* The memory of a domain that was torn down is not given back at once. Until most of it is, the function gets no new
 * domain, so that it never has much more than its limit, however often it crashes. */
static bool lingers(const struct nw_deployed *f)
{
    uint64_t charged = 0;

    for (const struct nw_domain *d = nw_domain_after(NULL); d; d = nw_domain_after(d)) {
        if (d->function == f && (d->state == NW_DOMAIN_DYING || d->state == NW_DOMAIN_BURIED))
            charged += nw_load_relaxed(&d->memory.regions.charged); /* changed only as long as slots of it run */
    }
    return charged > f->memory / 2;
}

bool nw_deployed_tend(uint64_t now)
{
    bool busy = false;

    if (!unsettled)
        return false;
    unsettled = false;
    for (struct nw_deployed *f = nw_deployed_after(NULL); f; f = nw_deployed_after(f)) {
        if (f->state == NW_DEPLOYED_RETIRING)
            retire_idle(f, now);
        else if (!has_current_domain(f) && now >= f->retry_at && !lingers(f) && !nw__snapshot_awaits_place(f, now)) {
            if (!has_domain(f))
                nw__snapshot_give_up(f);
            start(f, now);
            busy = true; /* something may have begun to run meanwhile that the watch has yet to see */
        }
        unsettled |= f->state == NW_DEPLOYED_RETIRING || (f->state != NW_DEPLOYED_NONE && !f->domain);
    }
    return busy || unsettled;
}
