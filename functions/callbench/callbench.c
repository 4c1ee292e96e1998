/*
 * Measures one nested call as a function sees it: input "COUNT SIZE [NAME]" calls NAME (noop by default) COUNT times
 * with SIZE bytes. The time that reading the clock takes is measured too and taken off each sample.
 */
#include <faas/worker_v1_interface.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define COUNT_MAX    1000000
#define PAYLOAD_MAX  (16u << 20)
#define WARM_UP      1000
#define CLOCK_ROUNDS 10001

struct callbench {
    void *context;
    faas_invoke_func_fn_t invoke;
    faas_append_output_fn_t append;
};

struct plan {
    unsigned count;
    unsigned size;
    char callee[64];
};

int faas_init(void)
{
    return 0;
}

int faas_create_func_worker(void *caller_context, faas_invoke_func_fn_t invoke_func_fn,
                            faas_append_output_fn_t append_output_fn, void **worker_handle)
{
    struct callbench *bench = malloc(sizeof *bench);

    if (!bench)
        return -1;
    *bench = (struct callbench){.context = caller_context, .invoke = invoke_func_fn, .append = append_output_fn};
    *worker_handle = bench;
    return 0;
}

int faas_destroy_func_worker(void *worker_handle)
{
    free(worker_handle);
    return 0;
}

/* 0, or -1 when the input is not "COUNT SIZE [NAME]" within the limits. */
static int parse(const char *input, size_t length, struct plan *plan)
{
    char text[96];

    if (length >= sizeof text)
        return -1;
    snprintf(text, sizeof text, "%.*s", (int)length, input);
    snprintf(plan->callee, sizeof plan->callee, "noop");
    if (sscanf(text, "%9u %9u %63s", &plan->count, &plan->size, plan->callee) < 2)
        return -1;
    return plan->count >= 1 && plan->count <= COUNT_MAX && plan->size <= PAYLOAD_MAX ? 0 : -1;
}

static uint64_t now_ns(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static int ascending(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return (x > y) - (x < y);
}

/* What two readings of the clock in a row differ by, as a median. */
static uint64_t clock_cost(void)
{
    static _Thread_local uint64_t samples[CLOCK_ROUNDS];

    for (int i = 0; i < CLOCK_ROUNDS; i++) {
        uint64_t start = now_ns();
        samples[i] = now_ns() - start;
    }
    qsort(samples, CLOCK_ROUNDS, sizeof *samples, ascending);
    return samples[CLOCK_ROUNDS / 2];
}

static int call(const struct callbench *bench, const struct plan *plan, const char *payload)
{
    const char *output;
    size_t output_length;

    return bench->invoke(bench->context, plan->callee, payload, plan->size, &output, &output_length);
}

/* Fills samples[0..count-1], sorted. 0, or -1 when a call failed. */
static int measure(const struct callbench *bench, const struct plan *plan, const char *payload, uint64_t *samples,
                   uint64_t overhead)
{
    for (unsigned i = 0; i < WARM_UP && i < plan->count; i++)
        if (call(bench, plan, payload))
            return -1;
    for (unsigned i = 0; i < plan->count; i++) {
        uint64_t start = now_ns();
        if (call(bench, plan, payload))
            return -1;
        uint64_t took = now_ns() - start;
        samples[i] = took > overhead ? took - overhead : 0;
    }
    qsort(samples, plan->count, sizeof *samples, ascending);
    return 0;
}

static void report(const struct callbench *bench, const struct plan *plan, const uint64_t *samples, uint64_t overhead)
{
    const unsigned n = plan->count;
    const uint64_t p50 = samples[n / 2], p99 = samples[(uint64_t)n * 99 / 100],
                   p999 = samples[(uint64_t)n * 999 / 1000];
    char text[512];
    int length = snprintf(text, sizeof text,
                          "one nested call of %s with %u bytes: p50 %lu ns, p99 %lu ns, p99.9 %lu ns, min %lu ns "
                          "(%u calls; %lu ns for reading the clock taken off)\n"
                          "p50=%lu p99=%lu p999=%lu min=%lu clock=%lu n=%u\n",
                          plan->callee, plan->size, p50, p99, p999, samples[0], n, overhead, p50, p99, p999, samples[0],
                          overhead, n);

    bench->append(bench->context, text, (size_t)length);
}

int faas_func_call(void *worker_handle, const char *input, size_t input_length)
{
    const struct callbench *bench = worker_handle;
    struct plan plan;
    int failed = 1;

    if (parse(input, input_length, &plan)) {
        fputs("callbench: the input must be \"COUNT SIZE [NAME]\", COUNT up to 1000000, SIZE up to 16777216\n", stderr);
        return 1;
    }
    uint64_t *samples = calloc(plan.count, sizeof *samples);
    char *payload = malloc(plan.size + 1u);
    if (samples && payload) {
        uint64_t overhead = clock_cost();
        memset(payload, 'x', plan.size);
        failed = measure(bench, &plan, payload, samples, overhead);
        if (!failed)
            report(bench, &plan, samples, overhead);
    }
    free(payload);
    free(samples);
    return failed ? 1 : 0;
}
