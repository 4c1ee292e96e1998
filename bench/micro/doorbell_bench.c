/* Each doorbell as a round trip: two threads that wake each other in turn, on one core and on two. */
#include "bench/micro/doorbells.h"
#include "bench/micro/micro.h"
#include "common/base/atomic.h"
#include "common/base/clock.h"

#include <sched.h>
#include <stdio.h>

struct pair {
    const struct nw_bell_kind *kind;
    struct nw_bell there, back;
    bool end;
};

static void pin(pthread_t thread, int cpu)
{
    cpu_set_t set;

    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    pthread_setaffinity_np(thread, sizeof(set), &set);
}

/* The first and the last CPU that this process may use. */
static void find_cpus(const cpu_set_t *allowed, int cpus[2])
{
    cpus[0] = cpus[1] = -1;
    for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
        if (CPU_ISSET(cpu, allowed)) {
            cpus[0] = cpus[0] < 0 ? cpu : cpus[0];
            cpus[1] = cpu;
        }
}

static void *answer(void *argument)
{
    struct pair *pair = argument;

    for (;;) {
        pair->kind->wait(&pair->there);
        if (nw_load_acquire(&pair->end)) /* pairs with the release store in measure */
            return NULL;
        pair->kind->ring(&pair->back);
    }
}

static void measure(struct nw_bench *bench, struct pair *pair)
{
    while (nw__bench_next(bench)) {
        uint64_t start = nw_clock_ns();

        pair->kind->ring(&pair->there);
        pair->kind->wait(&pair->back);
        nw__bench_batch(bench, nw_clock_ns() - start, 1);
    }
    nw_store_release(&pair->end, true);
    pair->kind->ring(&pair->there);
}

static void run_pair(struct nw_bench *bench, struct pair *pair, bool two_cores)
{
    cpu_set_t before;
    pthread_t other;
    int cpus[2];

    pthread_getaffinity_np(pthread_self(), sizeof(before), &before);
    find_cpus(&before, cpus);
    if (pthread_create(&other, NULL, answer, pair)) {
        nw__bench_fail(bench, "cannot start a thread");
        return;
    }
    pair->there.waiter = other;
    pair->back.waiter = pthread_self();
    pin(pthread_self(), cpus[0]);
    pin(other, cpus[two_cores]);
    measure(bench, pair);
    pthread_join(other, NULL);
    pthread_setaffinity_np(pthread_self(), sizeof(before), &before);
}

/* The argument is twice the kind, plus one for two cores. */
static void round_trip(struct nw_bench *bench, long argument)
{
    struct pair pair = {.kind = &nw__bell_kinds[argument / 2]};

    if (pair.kind->open(&pair.there)) {
        nw__bench_fail(bench, "cannot open the doorbell");
        return;
    }
    if (pair.kind->open(&pair.back)) {
        nw__bench_fail(bench, "cannot open the doorbell");
    } else {
        run_pair(bench, &pair, argument % 2);
        pair.kind->close(&pair.back);
    }
    pair.kind->close(&pair.there);
}

static bool works(const struct nw_bell_kind *kind)
{
    struct nw_bell bell;
    int error = kind->open(&bell);

    if (!error)
        kind->close(&bell);
    else
        fprintf(stderr, "skipped: doorbell/%s: this kernel does not have or allow it (error %d)\n", kind->name, -error);
    return !error;
}

void nw__bench_register_doorbells(void)
{
    cpu_set_t allowed;
    char name[64];

    sched_getaffinity(0, sizeof(allowed), &allowed);
    if (CPU_COUNT(&allowed) < 2)
        fputs("skipped: doorbell/*/two_cores: there is one\n", stderr);
    for (int i = 0; i < nw__bell_kinds_count; i++) {
        const struct nw_bell_kind *kind = &nw__bell_kinds[i];

        for (int two = 0; works(kind) && two < 2 && two < CPU_COUNT(&allowed); two++) {
            snprintf(name, sizeof(name), "doorbell/%s/%s", kind->name, two ? "two_cores" : "one_core");
            if (two ? kind->two_cores : kind->one_core)
                nw__bench_register(name, round_trip, 2 * i + two);
        }
    }
}
