/*
 * Counts what an HTTP invocation and a nested call take, in ways that do not depend on the clock, and compares with a
 * record: count ADDRESS ENGINE_PID WORKER_PID RECORD [--write]. The functions noop, echo and inside must be deployed.
 * With --write the counts become the record.
 *
 * Prints TAP. What this machine cannot count is skipped by name. Exit status 1 when a count is above the record and
 * its tolerance.
 */
#include "bench/count/count.h"
#include "engine/test/e2e/tools/load_http.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define SMALL       64
#define LARGE       65536
#define COUNT_MAX   32
#define RUNS        5
#define REQUESTS    200
#define CONNECTIONS 32

struct count {
    const char *name;
    double value, tolerance; /* above the record, as a fraction of it */
};

/* Requests in bursts: one on each connection, and the next burst when all are answered. */
struct load {
    const char *function, *body;
    size_t length;
    int connections, bursts;
    bool stops; /* before each burst, until somebody sends SIGCONT */
};

static struct count counts[COUNT_MAX];
static int n_counts, n_lines;

/* To two digits: what is done once, as connecting, disappears among many requests. */
static void add(const char *name, double value, double tolerance)
{
    counts[n_counts++] = (struct count){name, floor(value * 100 + 0.5) / 100, tolerance};
}

static void skip(const char *what, const char *why, int error)
{
    printf("ok %d %s # skip %s: %s\n", ++n_lines, what, why, strerror(-error));
}

static bool open_all(const struct load_target *to, struct load_connection *connections, int n)
{
    for (int i = 0; i < n; i++)
        if (!load_connect(&connections[i], to)) {
            while (i-- > 0)
                load_close(&connections[i]);
            return false;
        }
    return true;
}

/* A request on each connection, then the responses. */
static bool burst(const struct load_target *to, struct load_connection *connections, const struct load *load)
{
    struct load_response response;

    for (int i = 0; i < load->connections; i++)
        if (!load_send(&connections[i], to, load->body, load->length))
            return false;
    for (int i = 0; i < load->connections; i++)
        if (!load_receive(&connections[i], &response) || response.status != 200)
            return false;
    return true;
}

/* 0, or -1 when a request was not answered with 200. */
static int send_load(const struct nw_count_target *target, const struct load *load)
{
    struct load_connection connections[CONNECTIONS] = {0};
    struct load_target to = {0};
    char path[128];
    bool sent = true;

    snprintf(path, sizeof(path), "/function/%s", load->function);
    if (!load_target_parse(&to, target->address, path) || !open_all(&to, connections, load->connections))
        return -1;
    for (int i = 0; sent && i < load->bursts; i++) {
        if (load->stops)
            raise(SIGSTOP);
        sent = burst(&to, connections, load);
    }
    for (int i = 0; i < load->connections; i++)
        load_close(&connections[i]);
    return sent ? 0 : -1;
}

static _Noreturn void give_up(const char *what)
{
    fprintf(stderr, "bench-count: %s failed\n", what);
    exit(1);
}

static struct nw_syscalls trace(const struct nw_count_target *target, const struct load *load)
{
    struct nw_syscalls sum = {0};
    pid_t client = fork();

    if (client == 0)
        _exit(send_load(target, load) ? 1 : 0);
    if (client < 0 || nw__trace_until_exit(client, &sum) != 0)
        give_up("a traced request");
    return sum;
}

#define MEDIATED 2 /* among the counts of a run */

static double least(double a, double b)
{
    return a < b ? a : b;
}

static double most(double a, double b)
{
    return a > b ? a : b;
}

/*
 * Of several runs of each, per request: the most of what it takes when nobody finds work before going to sleep, and the
 * least of mediated calls: those of a request are in every run, while func workers come and go in some.
 */
static void trace_most(const struct nw_count_target *target, const char *function, size_t length, double d[4])
{
    static char body[LARGE];
    const struct load load = {function, body, length, 1, REQUESTS, true};

    memset(body, 'x', sizeof(body));
    for (int run = 0; run < RUNS; run++) {
        struct nw_syscalls sum = trace(target, &load);
        const uint64_t values[4] = {sum.engine, sum.executors, sum.mediated, sum.moved};

        for (int i = 0; i < 4; i++) {
            double one = (double)values[i] / REQUESTS;

            d[i] = !run ? one : i == MEDIATED ? least(d[i], one) : most(d[i], one);
        }
    }
}

/* System calls of executors per nested call: what the invocations around them take disappears in the rounding. */
static double trace_nested(const struct nw_count_target *target)
{
    static const char input[] = "plain 100000 64 noop";
    const struct load load = {"inside", input, sizeof(input) - 1, 1, 1, true};
    double calls = 0;

    for (int run = 0; run < RUNS; run++) {
        struct nw_syscalls sum = trace(target, &load);
        double one = (double)(sum.executors + sum.mediated) / 100000;

        calls = run ? least(calls, one) : one;
    }
    return calls;
}

static void count_syscalls(const struct nw_count_target *target)
{
    int error = nw__trace_begin(target);
    double d[4];

    if (error) {
        skip("syscalls/* and copies/*", "threads cannot be traced here", error);
        return;
    }
    trace_most(target, "noop", SMALL, d);
    add("syscalls/http/engine", d[0], 1);
    add("syscalls/http/executors", d[1], 3);
    add("syscalls/http/mediated", d[MEDIATED], 0);
    trace_most(target, "echo", LARGE, d);
    add("copies/http/kernel", d[3] / LARGE, 0.02);
    add("syscalls/nested", trace_nested(target), 0);
}

/* Instructions of engine and worker per request: the least of several runs of each. */
static void instructions(const struct nw_count_target *target, const struct nw_instructions *counter,
                         const struct load *load, double took[2])
{
    for (int run = 0; run < RUNS; run++) {
        uint64_t before[2], after[2];

        nw__instructions_read(counter, &before[0], &before[1]);
        if (send_load(target, load))
            give_up("a counted request");
        nw__instructions_read(counter, &after[0], &after[1]);
        for (int i = 0; i < 2; i++) {
            double one = (double)(after[i] - before[i]) / (load->connections * load->bursts);
            took[i] = run ? least(took[i], one) : one;
        }
    }
}

/* HTTP in bursts: an engine or executor with nothing to do may look for work for a while, which the clock ends. */
static void count_instructions(const struct nw_count_target *target)
{
    static const char body[SMALL];
    const struct load http = {"noop", body, sizeof(body), CONNECTIONS, 50, false};
    const struct load few_calls = {"inside", "plain 1000 64 noop", 18, 1, 1, false};
    const struct load many_calls = {"inside", "plain 101000 64 noop", 20, 1, 1, false};
    struct nw_instructions counter;
    double few[2], many[2];
    int error;

#ifdef __clang__
    skip("instructions/*", "the record is of code compiled by gcc", -ENOTSUP);
    return;
#endif
    error = nw__instructions_open(&counter, target);
    if (error) {
        skip("instructions/*", "there is no such counter here", error);
        return;
    }
    instructions(target, &counter, &http, many);
    add("instructions/http/engine", many[0], 1);
    add("instructions/http/worker", many[1], 3);
    instructions(target, &counter, &few_calls, few);
    instructions(target, &counter, &many_calls, many);
    add("instructions/nested", (many[1] - few[1]) / 100000, 0.1);
    nw__instructions_close(&counter);
}

static cJSON *read_record(const char *path)
{
    static char text[65536];
    FILE *file = fopen(path, "r");
    cJSON *record;

    if (!file) {
        fprintf(stderr, "bench-count: cannot read %s: %s\n", path, strerror(errno));
        exit(1);
    }
    text[fread(text, 1, sizeof(text) - 1, file)] = 0;
    fclose(file);
    record = cJSON_Parse(text);
    if (!cJSON_IsArray(record)) {
        fprintf(stderr, "bench-count: %s is no JSON array\n", path);
        exit(1);
    }
    return record;
}

static int write_record(const char *path)
{
    FILE *file = fopen(path, "w");

    if (!file) {
        fprintf(stderr, "bench-count: cannot write %s: %s\n", path, strerror(errno));
        return 1;
    }
    for (int i = 0; i < n_counts; i++)
        fprintf(file, "%s\n  {\"name\": \"%s\", \"value\": %.2f, \"tolerance\": %g}", i ? "," : "[", counts[i].name,
                counts[i].value, counts[i].tolerance);
    fputs("\n]\n", file);
    return fclose(file) ? 1 : 0;
}

static const cJSON *recorded(const cJSON *record, const char *name)
{
    const cJSON *entry;

    cJSON_ArrayForEach(entry, record)
    {
        const cJSON *is = cJSON_GetObjectItemCaseSensitive(entry, "name");
        if (cJSON_IsString(is) && strcmp(is->valuestring, name) == 0)
            return entry;
    }
    return NULL;
}

/* Prints one line of TAP. True when the count is within the record. */
static bool compare(const cJSON *record, const struct count *count)
{
    const cJSON *entry = recorded(record, count->name);
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(entry, "value");
    const cJSON *tolerance = cJSON_GetObjectItemCaseSensitive(entry, "tolerance");
    bool known = cJSON_IsNumber(value) && cJSON_IsNumber(tolerance);
    double limit = known ? value->valuedouble * (1 + tolerance->valuedouble) : -1;

    printf("%sok %d - %-26s %10.2f", count->value > limit ? "not " : "", ++n_lines, count->name, count->value);
    if (known)
        printf("   record %10.2f, at most %10.2f\n", value->valuedouble, limit);
    else
        puts("   is not in the record");
    return count->value <= limit;
}

static int compare_all(const char *path)
{
    cJSON *record = read_record(path);
    int failed = 0;

    for (int i = 0; i < n_counts; i++)
        failed += !compare(record, &counts[i]);
    cJSON_Delete(record);
    printf("1..%d\n", n_lines);
    if (failed)
        fprintf(
            stderr,
            "bench-count: %d counts are above the record %s. If that is meant to be: make bench-count COUNT=write\n",
            failed, path);
    return failed ? 1 : 0;
}

int main(int argc, char **argv)
{
    const struct load warm_up = {"inside", "plain 100 64 noop", 17, CONNECTIONS, 10, false};
    struct nw_count_target target;

    if (argc < 5) {
        fputs("usage: count ADDRESS ENGINE_PID WORKER_PID RECORD [--write]\n", stderr);
        return 2;
    }
    target = (struct nw_count_target){argv[1], atoi(argv[2]), atoi(argv[3])};
    if (send_load(&target, &warm_up))
        give_up("the first request");
    count_instructions(&target);
    count_syscalls(&target);
    return argc > 5 && strcmp(argv[5], "--write") == 0 ? write_record(argv[4]) : compare_all(argv[4]);
}
