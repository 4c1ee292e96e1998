/*
 * A bad time for one host: load, crashes, attacks, deployments, removals, kills and clients without manners, all at
 * once and at random, for some seconds. Then everything adds up, or it says what does not:
 *
 *   - every request that was sent whole got exactly one answer, and the right one if it was 200;
 *   - the engine's counters agree with each other, begun = completed + failed + given up, and with what came back;
 *   - processes, domains and keys are as many as before, and descriptors of each no more, once the same functions are
 * deployed and were called again; memory and threads are within bounds; and each function serves.
 *
 * The same seed gives each actor the same intentions; how they meet is up to the scheduler.
 */
#include "engine/test/e2e/chaos/chaos.h"

#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define CALM_S         40    /* for everything to settle */
#define PATIENCE_S     45    /* longer than the engine lets a request wait for a worker */
#define SETTLE_MS      500   /* longer than workers take to say what they use */
#define ENGINE_GROWTH  12288 /* KiB that the engine may have more, for what it keeps for next time */
#define WORKER_GROWTH  65536 /* KiB, of all workers together */
#define EXECUTORS_MOST 66    /* threads of a worker: executors that once were needed stay */
#define FUNCTION_CALLS 3
#define COUNT(array)   (sizeof(array) / sizeof *(array))

static struct chaos chaos = {.lock = PTHREAD_MUTEX_INITIALIZER};
static int failures;

#define EXPECT(condition, ...)                      \
    do {                                            \
        if (!(condition)) {                         \
            fprintf(stderr, "chaos: " __VA_ARGS__); \
            fputc('\n', stderr);                    \
            failures++;                             \
        }                                           \
    } while (0)

/* The functions that are there before and after, and a call that each answers with 200. */
static const struct {
    const char *name, *query, *path, *input, *output;
    bool keyed; /* only where keys hold it */
} functions[] = {
    {"echo", "slots=8&timeout=2s", "functions/echo/echo.so", "still here", "still here", false},
    {"bar", "slots=8&timeout=2s", "functions/bar/bar.so", "night", NULL, false},
    {"foo", "slots=8&timeout=2s", "functions/foo/foo.so", "night", "foo called bar: bar heard night\n", false},
    {"fault", "slots=4&timeout=300ms&memory=64M", "functions/fault/fault.so", "ok", "ok\n", false},
    {"memory", "slots=2&timeout=300ms&memory=64M", "test/worker/attack/memory.so", "nothing", "no such attack", false},
    {"flow", "slots=2&timeout=300ms&memory=64M", "test/worker/attack/flow.so", "nothing", "no such attack", false},
    {"greedy", "slots=2&timeout=300ms&memory=64M", "test/e2e/greedy/greedy.so", "nothing", "no such attack", false},
    {"callee", "slots=2&timeout=300ms&memory=64M", "test/e2e/greedy/neighbour.so", "allocate", "ok", false},
    {"jumps", "slots=2&timeout=300ms&memory=64M", "test/worker/attack/jumps.so", "nothing", "no such attack", true},
};

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void wait_ms(long ms)
{
    nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000}, NULL);
}

/* --- a known state --- */

static bool deploy_all(void)
{
    for (size_t i = 0; i < COUNT(functions); i++) {
        char path[512];
        if (functions[i].keyed && !chaos.keyed)
            continue;
        snprintf(path, sizeof path, "%s/%s", chaos.build, functions[i].path);
        int status = chaos_deploy(&chaos, functions[i].name, functions[i].query, path);
        if (status != 200) {
            fprintf(stderr, "chaos: cannot deploy %s: status %d\n", functions[i].name, status);
            return false;
        }
    }
    return true;
}

static bool each_serves(void)
{
    char output[256];
    for (size_t i = 0; i < COUNT(functions) * FUNCTION_CALLS; i++) {
        size_t which = i % COUNT(functions);
        if (functions[which].keyed && !chaos.keyed)
            continue;
        int status = chaos_call(&chaos, functions[which].name, functions[which].input, output, sizeof output);
        bool right = status == 200 && (!functions[which].output || !strcmp(output, functions[which].output));
        EXPECT(right, "%s does not serve: status %d: %s", functions[which].name, status, output);
        if (!right)
            return false;
    }
    return true;
}

static bool is_calm(const struct chaos_view *view, long deployments)
{
    return view->valid && view->ready && !view->in_flight && !view->connections && view->n_up == view->n_workers &&
           view->n_workers > 0 && view->deployments == deployments;
}

/* Waits until nothing is under way. */
static struct chaos_view calm(long deployments)
{
    struct chaos_view view = chaos_look(&chaos);
    for (double end = now() + CALM_S; !is_calm(&view, deployments) && now() < end; wait_ms(50))
        view = chaos_look(&chaos);
    EXPECT(is_calm(&view, deployments),
           "it does not settle: %ld in flight, %ld connections, %ld deployments of %ld, %d of %d workers up",
           view.in_flight, view.connections, view.deployments, deployments, view.n_up, view.n_workers);
    return view;
}

static bool same_usage(const struct chaos_usage *a, const struct chaos_usage *b)
{
    return a->worker_fds == b->worker_fds && a->domains == b->domains && a->free_keys == b->free_keys &&
           a->engine_fds == b->engine_fds && a->processes == b->processes && a->launcher_fds == b->launcher_fds;
}

/* Of descriptors there may be fewer: what was being made of a function that had just come up is there no more. */
static bool nothing_is_left(const struct chaos_usage *after, const struct chaos_usage *before)
{
    return after->worker_fds <= before->worker_fds && after->engine_fds <= before->engine_fds &&
           after->launcher_fds <= before->launcher_fds && after->domains == before->domains &&
           after->free_keys == before->free_keys && after->processes == before->processes &&
           after->workers == before->workers;
}

/* What is used in the end: nothing more than `before`, or, without that, the same for a while. */
static struct chaos_usage settle(long deployments, const struct chaos_usage *before)
{
    struct chaos_usage usage = {0}, last;
    double end = now() + CALM_S;
    do {
        wait_ms(SETTLE_MS);
        struct chaos_view view = calm(deployments);
        last = usage;
        usage = chaos_measure(&chaos, &view);
    } while (now() < end && !(before ? nothing_is_left(&usage, before) : same_usage(&usage, &last)));
    return usage;
}

/* --- the bad time --- */

static void run_actors(uint64_t seed, long seconds)
{
    static void *(*const acts[])(void *) = {chaos_load,  chaos_load,   chaos_load,   chaos_fault,
                                            chaos_fault, chaos_attack, chaos_greedy, chaos_operate,
                                            chaos_kill,  chaos_annoy,  chaos_annoy};
    static struct actor actors[COUNT(acts)];
    pthread_t threads[COUNT(acts)];
    for (size_t i = 0; i < COUNT(acts); i++) {
        actors[i] = (struct actor){.chaos = &chaos, .random = seed * 1000 + i};
        if (pthread_create(&threads[i], NULL, acts[i], &actors[i])) {
            fprintf(stderr, "chaos: cannot start a thread\n");
            exit(1);
        }
    }
    for (double end = now() + (double)seconds; now() < end;)
        wait_ms(100);
    nw_store_relaxed(&chaos.stop, true);
    for (size_t i = 0; i < COUNT(acts); i++)
        pthread_join(threads[i], NULL);
}

/* --- the verdict --- */

/* Answers 200 that came from a function. */
static long served(void)
{
    return chaos.answers[200] - chaos.deploys;
}

static void check_answers(void)
{
    for (int i = 0; i < CHAOS_STATUSES_MAX; i++)
        if (chaos.answers[i])
            printf("chaos: %ld answers %d\n", chaos.answers[i], i);
    printf("chaos: %ld whole requests, %ld of them left alone, %ld right; %ld deployed, %ld refused, %ld removed; "
           "%ld workers and %ld launchers killed; %ld times greedy, %ld nuisances\n",
           chaos.sent, chaos.left, served(), chaos.deploys, chaos.refusals, chaos.removals, chaos.workers_killed,
           chaos.launchers_killed, chaos.greedy, chaos.nuisances);
    EXPECT(chaos.lost == 0, "%ld requests got no answer", chaos.lost);
    EXPECT(chaos.mixed == 0, "%ld answers were not the right ones", chaos.mixed);
    EXPECT(chaos.extra == 0, "%ld connections did not end behind their last answer", chaos.extra);
    EXPECT(served() > 0 && chaos.deploys > 0 && chaos.answers[502] > 0 && chaos.greedy > 0, "hardly anything happened");
}

static void check_usage(const struct chaos_usage *before, const struct chaos_usage *after)
{
#define SAME(field) EXPECT(before->field == after->field, #field ": %ld before, %ld after", before->field, after->field)
#define NO_MORE(field) \
    EXPECT(after->field <= before->field, #field ": %ld before, %ld after", before->field, after->field)
    SAME(workers);
    SAME(processes);
    SAME(domains);
    SAME(free_keys);
    NO_MORE(engine_fds);
    NO_MORE(launcher_fds);
    NO_MORE(host_fds);
    NO_MORE(worker_fds);
#undef SAME
#undef NO_MORE
    EXPECT(after->worker_snapshots <= after->domains, "%ld snapshots of %ld domains", after->worker_snapshots,
           after->domains);
    EXPECT(after->worker_threads <= after->workers * EXECUTORS_MOST, "worker_threads: %ld before, %ld after",
           before->worker_threads, after->worker_threads);
    printf("chaos: workers: %ld before, %ld after\n", before->workers, after->workers);
    printf("chaos: memory of the engine: %ld KiB before, %ld after; of workers: %ld and %ld\n",
           before->engine_memory_kib, after->engine_memory_kib, before->worker_memory_kib, after->worker_memory_kib);
    EXPECT(after->engine_memory_kib < before->engine_memory_kib + ENGINE_GROWTH, "the engine grew");
    EXPECT(after->worker_memory_kib < before->worker_memory_kib + WORKER_GROWTH, "the workers grew");
}

/* For people: what is open when it is more than what was open before. */
static void list_files(pid_t pid)
{
    char command[64];
    snprintf(command, sizeof command, "ls -l /proc/%d/fd >&2", (int)pid);
    if (system(command))
        fprintf(stderr, "chaos: cannot list the files of %d\n", (int)pid);
}

static void check_counters(const struct chaos_view *view)
{
    EXPECT(view->requests == view->completed + view->failed + view->abandoned,
           "%ld invocations begun, %ld completed, %ld failed, %ld given up", view->requests, view->completed,
           view->failed, view->abandoned);
    EXPECT(view->completed >= served(), "%ld invocations completed, but %ld answers came", view->completed, served());
}

static int judge(uint64_t seed, long seconds)
{
    if (!deploy_all() || !each_serves())
        return 1;
    struct chaos_view view = calm(chaos_look(&chaos).deployments);
    struct chaos_usage before = settle(view.deployments, NULL);
    run_actors(seed, seconds);
    struct chaos_view during = chaos_look(&chaos);
    EXPECT(during.engine == view.engine, "the engine ended: it was pid %ld and is pid %ld", view.engine, during.engine);
    check_answers();
    chaos_remove(&chaos, "hello");
    chaos_remove(&chaos, "hostile");
    for (double end = now() + CALM_S; !deploy_all() && now() < end;)
        wait_ms(500);
    calm(view.deployments);
    each_serves();
    struct chaos_usage after = settle(view.deployments, &before);
    check_usage(&before, &after);
    struct chaos_view last = calm(view.deployments);
    if (before.engine_fds < after.engine_fds)
        list_files((pid_t)last.engine);
    if (before.worker_fds < after.worker_fds)
        list_files(after.widest);
    check_counters(&last);
    return failures != 0;
}

static int usage(FILE *to)
{
    fputs("usage: chaos --build DIR --state DIR --host PID [--mpk] [--seed N] [--seconds N] ADDRESS:PORT\n", to);
    return to == stdout ? 0 : 2;
}

int main(int argc, char **argv)
{
    static const struct option flags[] = {
        {"build", required_argument, NULL, 'b'}, {"state", required_argument, NULL, 's'},
        {"host", required_argument, NULL, 'p'},  {"mpk", no_argument, NULL, 'k'},
        {"seed", required_argument, NULL, 'S'},  {"seconds", required_argument, NULL, 't'},
        {"help", no_argument, NULL, 'h'},        {0},
    };
    uint64_t seed = (uint64_t)time(NULL) ^ (uint64_t)getpid() << 20;
    long seconds = 60;
    for (int flag; (flag = getopt_long(argc, argv, "", flags, NULL)) != -1;) {
        switch (flag) {
        case 'b':
            chaos.build = optarg;
            break;
        case 's':
            snprintf(chaos.admin, sizeof chaos.admin, "%s/admin.sock", optarg);
            break;
        case 'p':
            chaos.host = (pid_t)strtol(optarg, NULL, 10);
            break;
        case 'k':
            chaos.keyed = true;
            break;
        case 'S':
            seed = strtoull(optarg, NULL, 10);
            break;
        case 't':
            seconds = strtol(optarg, NULL, 10);
            break;
        default:
            return usage(flag == 'h' ? stdout : stderr);
        }
    }
    if (argc - optind != 1 || !chaos.build || !*chaos.admin || chaos.host <= 1 || seconds < 1 ||
        !load_target_parse(&chaos.gateway, argv[optind], "/"))
        return usage(stderr);
    chaos.gateway.patience_s = PATIENCE_S;
    signal(SIGPIPE, SIG_IGN);
    printf("chaos: seed %llu, %ld seconds\n", (unsigned long long)seed, seconds);
    fflush(stdout);
    return judge(seed, seconds);
}
