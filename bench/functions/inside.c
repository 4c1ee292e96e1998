/*
 * A function that measures, or only does, something from inside its domain. Input:
 *
 *   call COUNT SIZE NAME    nested calls of NAME with SIZE bytes
 *   turns COUNT SIZE N      the same of f0, f1, ... f(N-1) in turn
 *   syscall COUNT           getppid through libc
 *   gaps COUNT              nothing: each single is for how long it did not run, when that was longer than a
 * microsecond plain COUNT SIZE NAME   as call, without reading a clock: for counting instructions and system calls
 *
 * Output, but of plain: two uint32_t, how many means and how many singles follow; then these as floats, in nanoseconds.
 * A mean is of BATCH operations in a row: the clock ticks too coarsely to tell single ones of 100 ns apart. A single is
 * one operation, less what reading the clock takes: only singles show a tail.
 */
#include <faas/worker_v1_interface.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define BATCH        32
#define BATCHED_SIZE 4096 /* calls with more bytes than this take long enough to be timed one by one */
#define COUNT_MAX    1000000
#define SIZE_MAX_    (16u << 20)
#define CLOCK_ROUNDS 1001
#define TURNS_MAX    64
#define GAP_LEAST    1000 /* ns */

struct inside {
    void *context;
    faas_invoke_func_fn_t invoke;
    faas_append_output_fn_t append;
};

struct work {
    const struct inside *inside;
    int (*once)(const struct work *work, unsigned i);
    char verb[16], name[64];
    unsigned count, size, turns;
    char *payload;
};

/* What `turns` calls. */
static char names[TURNS_MAX][8];

int faas_init(void)
{
    for (unsigned i = 0; i < TURNS_MAX; i++)
        snprintf(names[i], sizeof(names[i]), "f%u", i);
    return 0;
}

int faas_create_func_worker(void *caller_context, faas_invoke_func_fn_t invoke_func_fn,
                            faas_append_output_fn_t append_output_fn, void **worker_handle)
{
    struct inside *inside = malloc(sizeof(*inside));

    if (!inside)
        return -1;
    *inside = (struct inside){.context = caller_context, .invoke = invoke_func_fn, .append = append_output_fn};
    *worker_handle = inside;
    return 0;
}

int faas_destroy_func_worker(void *worker_handle)
{
    free(worker_handle);
    return 0;
}

static int call(const struct work *work, const char *name)
{
    const char *output;
    size_t length;

    return work->inside->invoke(work->inside->context, name, work->payload, work->size, &output, &length);
}

static int call_one(const struct work *work, unsigned i)
{
    (void)i;
    return call(work, work->name);
}

static int call_in_turn(const struct work *work, unsigned i)
{
    return call(work, names[i % work->turns]);
}

static int system_call(const struct work *work, unsigned i)
{
    (void)work;
    (void)i;
    return getppid() < 0;
}

static int parse(struct work *work, const char *input, size_t length)
{
    char text[128];
    int words;

    snprintf(text, sizeof(text), "%.*s", (int)(length < sizeof(text) ? length : sizeof(text) - 1), input);
    words = sscanf(text, "%15s %u %u %63s", work->verb, &work->count, &work->size, work->name);
    if (words < 2 || work->count < 1 || work->count > COUNT_MAX || work->size > SIZE_MAX_)
        return -1;
    if (strcmp(work->verb, "syscall") == 0 || strcmp(work->verb, "gaps") == 0) {
        work->once = system_call;
        return 0;
    }
    work->turns = (unsigned)atoi(work->name);
    work->once = strcmp(work->verb, "turns") == 0 ? call_in_turn : call_one;
    return words == 4 && (work->once == call_one || (work->turns > 0 && work->turns <= TURNS_MAX)) ? 0 : -1;
}

static double now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* What two readings of the clock in a row differ by, as a median. */
static double clock_cost(void)
{
    double samples[CLOCK_ROUNDS];

    for (int i = 0; i < CLOCK_ROUNDS; i++) {
        double start = now();
        samples[i] = now() - start;
    }
    qsort(samples, CLOCK_ROUNDS, sizeof(*samples), ascending);
    return samples[CLOCK_ROUNDS / 2];
}

static int mean(const struct work *work, unsigned from, float *sample)
{
    double start = now();

    for (unsigned i = 0; i < BATCH; i++)
        if (work->once(work, from + i))
            return -1;
    *sample = (float)((now() - start) / BATCH);
    return 0;
}

static int single(const struct work *work, unsigned i, double clock, float *sample)
{
    double start = now(), took;

    if (work->once(work, i))
        return -1;
    took = now() - start;
    *sample = (float)(took > clock ? took - clock : 0);
    return 0;
}

/* Means and singles take turns, so that both see the same machine. */
static int measure(const struct work *work)
{
    uint32_t counts[2] = {work->size > BATCHED_SIZE ? 0 : (work->count + BATCH - 1) / BATCH, work->count};
    float *means = calloc(counts[0] + 1 + counts[1], sizeof(*means)), *singles = means + counts[0] + 1;
    double clock = clock_cost();
    unsigned i = 0;
    int error = means ? 0 : -1;

    for (uint32_t s = 0; !error && s < counts[1]; s++) {
        if (counts[0] && s % BATCH == 0) {
            error = mean(work, i, &means[s / BATCH]);
            i += BATCH;
        }
        if (!error)
            error = single(work, i++, clock, &singles[s]);
    }
    if (!error) {
        work->inside->append(work->inside->context, (const char *)counts, sizeof(counts));
        work->inside->append(work->inside->context, (const char *)means, counts[0] * sizeof(*means));
        work->inside->append(work->inside->context, (const char *)singles, counts[1] * sizeof(*singles));
    }
    free(means);
    return error;
}

/* The longest that reading the clock takes is much less than the shortest preemption. */
static int find_gaps(const struct work *work)
{
    const uint32_t counts[2] = {0, work->count};
    float *gaps = calloc(work->count, sizeof(*gaps));
    double last = now();

    for (unsigned i = 0; gaps && i < work->count;) {
        const double time = now();

        if (time - last > GAP_LEAST)
            gaps[i++] = (float)(time - last);
        last = time;
    }
    if (gaps) {
        work->inside->append(work->inside->context, (const char *)counts, sizeof(counts));
        work->inside->append(work->inside->context, (const char *)gaps, work->count * sizeof(*gaps));
    }
    free(gaps);
    return gaps ? 0 : -1;
}

static int only_do(const struct work *work)
{
    for (unsigned i = 0; i < work->count; i++)
        if (work->once(work, i))
            return -1;
    return 0;
}

int faas_func_call(void *worker_handle, const char *input, size_t input_length)
{
    struct work work = {.inside = worker_handle};
    int error;

    if (parse(&work, input, input_length)) {
        fputs("inside: the input must be call, turns, syscall, gaps or plain with its numbers\n", stderr);
        return 1;
    }
    work.payload = calloc(1, work.size + 1u);
    if (!work.payload)
        error = -1;
    else if (strcmp(work.verb, "gaps") == 0)
        error = find_gaps(&work);
    else
        error = strcmp(work.verb, "plain") == 0 ? only_do(&work) : measure(&work);
    free(work.payload);
    return error ? 1 : 0;
}
