/*
 * What a real worker process takes for what happens inside it, with the function `inside` as the stopwatch: nested
 * calls, domains beyond the hardware's keys, mediated system calls, the start of a domain. Without engine and HTTP.
 */
#include "bench/micro/micro.h"
#include "common/base/clock.h"
#include "common/host/mode.h"
#include "worker/test/harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEYS      15
#define COLD      (KEYS + 2) /* domains called in turn: two more than keys, and `inside` needs one more */
#define WARM      8
#define EXECUTORS 2

static struct nw_harness workers[NW_MODE_NONE + 1];
static uint32_t inside[NW_MODE_NONE + 1];

static uint32_t load(struct nw_harness *h, const char *name, const char *folder, const char *file, uint32_t slots)
{
    const char *build = getenv("NW_BUILD");
    char path[512];
    struct nw_load l = {.name = name, .so = path, .timeout_ms = 60000, .slots = slots};
    uint32_t deployment;

    snprintf(path, sizeof(path), "%s/%s/%s.so", build ? build : "build", folder, file);
    deployment = nw_harness_load(h, &l);
    if (!deployment) {
        fprintf(stderr, "%s was refused: %s\n", path, h->message.text);
        exit(1);
    }
    return deployment;
}

/* One worker for each mode, started when it is first needed and kept. */
static struct nw_harness *worker(enum nw_mode mode)
{
    struct nw_harness *h = &workers[mode];

    if (!h->pid) {
        nw_harness_start(h, mode, EXECUTORS);
        load(h, "noop", "functions/noop", "noop", 1);
        inside[mode] = load(h, "inside", "bench/functions", "inside", 1);
    }
    return h;
}

static int account(struct nw_bench *bench, const struct nw_answer *answer, uint64_t took)
{
    uint32_t counts[2];
    const float *samples = (const float *)(answer->data + sizeof(counts));

    if (answer->status != NW_STATUS_OK || answer->length < sizeof(counts))
        return -1;
    memcpy(counts, answer->data, sizeof(counts));
    nw__bench_samples(bench, took, samples, counts[0], samples + counts[0], counts[1]);
    return 0;
}

/* Each iteration is one invocation of `inside` with this input. */
static void run_inside(struct nw_bench *bench, enum nw_mode mode, const char *input)
{
    struct nw_harness *h = worker(mode);

    while (nw__bench_next(bench)) {
        uint64_t start = nw_clock_ns();
        struct nw_answer answer = nw_harness_invoke(h, inside[mode], input, strlen(input));

        if (account(bench, &answer, nw_clock_ns() - start))
            nw__bench_fail(bench, "the function failed");
        free(answer.data);
    }
}

static void nested_call(struct nw_bench *bench, enum nw_mode mode, long size)
{
    char input[64];

    snprintf(input, sizeof(input), "call %d %ld noop", size <= 4096 ? 4000 : size <= 65536 ? 1000 : 100, size);
    run_inside(bench, mode, input);
}

static void nested_call_mpk(struct nw_bench *bench, long size)
{
    nested_call(bench, NW_MODE_MPK, size);
}

static void nested_call_none(struct nw_bench *bench, long size)
{
    nested_call(bench, NW_MODE_NONE, size);
}

static void mediated(struct nw_bench *bench, long mode)
{
    run_inside(bench, (enum nw_mode)mode, "syscall 2000");
}

/* The domains f0, f1, ... beside noop and inside, in the worker of mode mpk; called in turn. */
static void vkey(struct nw_bench *bench, long domains)
{
    static bool loaded;
    struct nw_harness *h = worker(NW_MODE_MPK);
    char text[32];

    for (int i = 0; !loaded && i < COLD; i++) {
        snprintf(text, sizeof(text), "f%d", i);
        load(h, text, "functions/noop", "noop", 1);
    }
    loaded = true;
    snprintf(text, sizeof(text), "turns 500 64 %ld", domains);
    run_inside(bench, NW_MODE_MPK, text);
}

/*
 * One preemption and resumption, as the slot sees it: for how long it does not run. Executors of this worker take every
 * slot away every 50 us, or later where that costs much, and take it again. `by_thread`: by the one thread that kicks
 * all executors, else by the timer of each.
 */
static void preemption(struct nw_bench *bench, long by_thread)
{
    static struct nw_harness preempted[2];
    struct nw_harness *h = &preempted[by_thread];
    char why[256];
    uint32_t deployment;

    setenv("NW_CHAOS_PREEMPT", "50", 1);
    if (by_thread)
        setenv("NW_TICKER", "1", 1);
    nw_harness_start(h, nw_mode_mpk_usable(why, sizeof(why)) ? NW_MODE_MPK : NW_MODE_NONE, 1);
    unsetenv("NW_CHAOS_PREEMPT");
    unsetenv("NW_TICKER");
    deployment = load(h, "inside", "bench/functions", "inside", 1);
    while (nw__bench_next(bench)) {
        uint64_t start = nw_clock_ns();
        struct nw_answer answer = nw_harness_invoke(h, deployment, "gaps 2000", 9);

        if (account(bench, &answer, nw_clock_ns() - start))
            nw__bench_fail(bench, "the function failed");
        free(answer.data);
    }
    nw_harness_stop(h);
}

/* From the request to load a function that does nothing to its domain being up, with one slot, its file being known to
 * the worker. */
static void domain_start(struct nw_bench *bench, long mode)
{
    struct nw_harness *h = worker((enum nw_mode)mode);

    while (nw__bench_next(bench)) {
        uint64_t start = nw_clock_ns();
        uint32_t deployment = load(h, "start", "functions/noop", "noop", 1);

        nw__bench_batch(bench, nw_clock_ns() - start, 1);
        free(nw_harness_invoke(h, deployment, "", 0).data); /* its func worker is there from then on */
        nw_harness_tell(h, NW_CONTROL_RETIRE, deployment);
        nw_harness_expect(h, NW_CONTROL_RETIRED);
    }
}

static void register_sizes(const char *mode, void (*run)(struct nw_bench *bench, long size))
{
    static const long sizes[] = {0, 64, 256, 1024, 4096, 65536, 1048576};
    char name[64];

    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        snprintf(name, sizeof(name), "nested_call/%s/%ld", mode, sizes[i]);
        nw__bench_register(name, run, sizes[i]);
    }
}

void nw__bench_register_worker(void)
{
    char why[256];

    register_sizes("none", nested_call_none);
    nw__bench_register("preemption/timer", preemption, 0);
    nw__bench_register("preemption/thread", preemption, 1);
    nw__bench_register("domain_start/none", domain_start, NW_MODE_NONE);
    if (!nw_mode_mpk_usable(why, sizeof(why))) {
        fprintf(stderr, "skipped: all of mode mpk: %s\n", why);
        nw__bench_register("syscall/mediated", mediated, NW_MODE_NONE);
        return;
    }
    register_sizes("mpk", nested_call_mpk);
    nw__bench_register("domain_start/mpk", domain_start, NW_MODE_MPK);
    nw__bench_register("syscall/mediated", mediated, NW_MODE_MPK);
    nw__bench_register("vkey/hit", vkey, WARM);
    nw__bench_register("vkey/miss", vkey, COLD);
}

void nw__bench_stop_workers(void)
{
    for (size_t i = 0; i < sizeof(workers) / sizeof(workers[0]); i++)
        if (workers[i].pid)
            nw_harness_stop(&workers[i]);
}
