/* See holds.h. What runs on a domain's FS base has no thread-local storage: stays are kept by executor. */
#include "worker/test/holds/holds.h"
#include "protect/rewrite/shortcut.h"
#include "worker/base/limits.h"
#include "worker/base/lock.h"
#include "worker/base/span.h"
#include "worker/call/arrive.h"
#include "worker/call/deployed.h"
#include "worker/call/invoke.h"
#include "worker/executor/blocked.h"
#include "worker/gate/op.h"
#include "worker/gate/syscall.h"
#include "worker/range/pages.h"
#include "worker/reach/route.h"
#include "worker/run/executor.h"
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#undef pthread_mutex_lock
#undef pthread_mutex_unlock
#undef pthread_cond_wait

#define HELD_MAX    8 /* written by one thread at a time */
#define RECORDS_MAX 256
#define LONGEST     3

static struct record {
    const char *kind, *what, *where;
    long number;          /* of a system call or operation */
    uint64_t ns[LONGEST]; /* falling */
} records[RECORDS_MAX];

static size_t n_records;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* of the above; who waits for it spends no time */

static uint64_t spent(void)
{
    struct timespec t;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * 1000000000ull + (uint64_t)t.tv_nsec;
}

static struct record *record_of(const char *kind, const char *what, const char *where, long number)
{
    size_t i = 0;

    while (i < n_records && (strcmp(records[i].kind, kind) || strcmp(records[i].what, what) ||
                             strcmp(records[i].where, where) || records[i].number != number))
        i++;
    if (i == RECORDS_MAX)
        return NULL;
    if (i == n_records)
        records[n_records++] = (struct record){.kind = kind, .what = what, .where = where, .number = number};
    return &records[i];
}

static void keep(const char *kind, const char *what, const char *where, long number, uint64_t ns)
{
    struct record *record;

    pthread_mutex_lock(&lock);
    record = record_of(kind, what, where, number);
    for (size_t i = 0; record && i < LONGEST; i++)
        if (ns > record->ns[i]) {
            uint64_t shorter = record->ns[i];

            record->ns[i] = ns;
            ns = shorter;
        }
    pthread_mutex_unlock(&lock);
}

/* ---- locks ---- */

static __thread struct {
    const pthread_mutex_t *mutex;
    const char *name, *function;
    uint64_t since;
} held[HELD_MAX];

static const char *name_of(const char *expression, const char *file)
{
    static const char *const names[][2] = {
        {"nw_monitor_lock", "monitor.lock"},    {"memory.lock", "domain.memory.lock"},
        {"memory->lock", "domain.memory.lock"}, {"files.lock", "domain.files.lock"},
        {"files->lock", "domain.files.lock"},   {"images->mutex", "images.mutex"},
        {"move_lock", "domain.move_lock"},      {"building", "domain.code.building"}};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (strstr(expression, names[i][0]))
            return names[i][1];
    return file;
}

static void begin_hold(const pthread_mutex_t *mutex, const char *name, const char *file, const char *function)
{
    size_t i = 0;

    while (i < HELD_MAX && held[i].mutex)
        i++;
    if (i == HELD_MAX)
        return;
    held[i].mutex = mutex;
    held[i].name = name_of(name, file);
    held[i].function = function;
    /* Twice: at a first call of the kernel after an interrupt a thread is charged for more than it did itself. Of holds
     * that seemed to last for a millisecond all but tens of us lay between two looks at the clock and nothing else. */
    spent();
    held[i].since = spent();
}

static void note_under_lock(const char *name)
{
    for (size_t i = 0; i < HELD_MAX; i++)
        if (held[i].mutex == &nw_monitor_lock)
            keep("under", held[i].name, name, 0, spent() - held[i].since);
}

static void end_hold(const pthread_mutex_t *mutex)
{
    for (size_t i = 0; i < HELD_MAX; i++)
        if (held[i].mutex == mutex) {
            uint64_t ns = spent() - held[i].since;

            held[i].mutex = NULL;
            keep("hold", held[i].name, held[i].function, 0, ns);
        }
}

int nw_holds_lock(pthread_mutex_t *mutex, const char *name, const char *file, const char *function)
{
    int error = pthread_mutex_lock(mutex);

    begin_hold(mutex, name, file, function);
    return error;
}

int nw_holds_unlock(pthread_mutex_t *mutex)
{
    end_hold(mutex);
    return pthread_mutex_unlock(mutex);
}

int nw_holds_wait(pthread_cond_t *cond, pthread_mutex_t *mutex, const char *name, const char *file,
                  const char *function)
{
    int error;

    end_hold(mutex);
    error = pthread_cond_wait(cond, mutex);
    begin_hold(mutex, name, file, function);
    return error;
}

/* ---- stays: from where a domain's call or trap comes in until it goes on, or its executor is given to others ---- */

static struct {
    const char *what;
    long number;
    uint64_t since; /* 0: none is under way */
} stays[NW_EXECUTORS_MAX];

static void begin_stay(const struct nw_executor *ex, const char *what, long number)
{
    nw_set_fs(ex->monitor_fs);
    stays[ex->id].what = what;
    stays[ex->id].number = number;
    stays[ex->id].since = spent();
}

static void end_stay(const struct nw_executor *ex)
{
    if (stays[ex->id].since)
        keep("stay", stays[ex->id].what, "", stays[ex->id].number, spent() - stays[ex->id].since);
    stays[ex->id].since = 0;
}

static struct nw_gate_context *stayed(const struct nw_executor *ex, struct nw_gate_context *next)
{
    end_stay(ex);
    return next;
}

#define WRAP(returns, name, ...)        \
    returns __real_##name(__VA_ARGS__); \
    returns __wrap_##name(__VA_ARGS__); \
    returns __wrap_##name(__VA_ARGS__)

WRAP(struct nw_gate_context *, nw__syscall_trapped, struct nw_executor *ex, struct nw_slot *slot)
{
    begin_stay(ex, "system-call", ex->trap.syscall);
    return stayed(ex, __real_nw__syscall_trapped(ex, slot));
}

WRAP(struct nw_gate_context *, nw__syscall_direct, struct nw_executor *ex, struct nw_slot *slot,
     const struct nw_shortcut_call *asked)
{
    begin_stay(ex, "system-call", (long)asked->number);
    return stayed(ex, __real_nw__syscall_direct(ex, slot, asked));
}

WRAP(struct nw_gate_context *, nw__slow_op, struct nw_executor *ex, struct nw_slot *slot, uint64_t op, uint64_t a1,
     uint64_t a2, uint64_t a3, uint64_t a4)
{
    begin_stay(ex, "operation", (long)(uint32_t)op);
    return stayed(ex, __real_nw__slow_op(ex, slot, op, a1, a2, a3, a4));
}

WRAP(struct nw_gate_context *, nw__slow_wait, struct nw_executor *ex, struct nw_slot *slot)
{
    begin_stay(ex, "wait", 0);
    return stayed(ex, __real_nw__slow_wait(ex, slot));
}

WRAP(struct nw_gate_context *, nw__slow_call, struct nw_executor *ex, struct nw_slot *slot,
     const struct nw_route *route, struct nw_source input)
{
    begin_stay(ex, "call", 0);
    return stayed(ex, __real_nw__slow_call(ex, slot, route, input));
}

WRAP(struct nw_gate_context *, nw_executor_next, struct nw_executor *ex)
{
    end_stay(ex);
    return __real_nw_executor_next(ex);
}

WRAP(int, nw_executor_block, struct nw_executor *ex)
{
    int error = __real_nw_executor_block(ex);

    if (!error)
        end_stay(ex);
    return error;
}

WRAP(void, nw_executor_unblock, struct nw_executor *ex)
{
    __real_nw_executor_unblock(ex);
    if (stays[ex->id].what)
        begin_stay(ex, stays[ex->id].what, stays[ex->id].number);
}

/* Of the executor that looks at the rings on behalf of all. */
WRAP(bool, nw_ring_poll, void)
{
    uint64_t since = spent();
    bool came = __real_nw_ring_poll();

    keep("poll", "rings", "nw_ring_poll", 0, spent() - since);
    return came;
}

/* ---- what may not begin under the lock of all ---- */

WRAP(int, nw_pages_reserve, size_t length, size_t opened, uint64_t *start, bool *whole)
{
    note_under_lock("nw_pages_reserve");
    return __real_nw_pages_reserve(length, opened, start, whole);
}

WRAP(int, nw_deployed_inspect, struct nw_deployed *function, char reason[NW_REASON_MAX])
{
    note_under_lock("nw_deployed_inspect");
    return __real_nw_deployed_inspect(function, reason);
}

WRAP(int, pthread_create, pthread_t *thread, const pthread_attr_t *how, void *(*begin)(void *), void *argument)
{
    note_under_lock("pthread_create");
    return __real_pthread_create(thread, how, begin, argument);
}

__attribute__((destructor)) static void report(void)
{
    for (size_t i = 0; i < n_records; i++) {
        const struct record *r = &records[i];
        char number[24];

        snprintf(number, sizeof(number), "%ld", r->number);
        dprintf(STDERR_FILENO, "%s %s %s %llu %llu\n", r->kind, r->what, r->where[0] ? r->where : number,
                (unsigned long long)r->ns[0] / 1000, (unsigned long long)r->ns[LONGEST - 1] / 1000);
    }
}
