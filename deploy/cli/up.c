/*
 * nightward up: decides how the host runs, says so, and hands over to the host (host.c), which runs it.
 */
#include "common/base/log.h"
#include "common/host/cpus.h"
#include "common/host/mode.h"
#include "common/host/policy.h"
#include "common/host/spawn.h"
#include "common/host/users.h"
#include "common/manifest/control.h"
#include "deploy/base/say.h"
#include "deploy/base/state.h"
#include "deploy/cli/command.h"
#include "deploy/host/host.h"
#include "deploy/host/notify.h"
#include "deploy/import/import.h"
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
    LISTEN,
    METRICS,
    STATE,
    ISOLATION,
    WORKERS,
    IDLE,
    QUEUE,
    KEEP,
    EXECUTORS,
    ENGINE_THREADS,
    BODY_LIMIT,
    ACCESS_LOG,
    LOG_FORMAT,
    LOG_SIZE,
    LOG_TOTAL,
    IO,
    SNAPSHOT,
    POLICY,
    ENGINE_CPUS,
    WORKER_CPUS,
    WORKER_USERS,
    FUNC_CONFIG,
    FUNC_DIR,
    FUNC_WORKING_DIR,
    CONFIG,
    CHECK_CONFIG,
    PRINT_CONFIG,
    ALLOW_NO_ISOLATION,
    N_OPTIONS,
};

#define MAX_EXECUTORS 256
#define WORKER_BYTES  (UINT64_C(64) << 20) /* of memory for each worker that may be added: several times its need */

#define WORKER_THREADS 5 /* of a worker beside its executors */

static const struct nw_option options[N_OPTIONS] = {
    [LISTEN] = {.name = "listen",
                .value = "ADDR:PORT",
                .initial = "127.0.0.1:8080",
                .help = "where HTTP is served; port 0 takes a free one",
                .kind = NW_OPTION_ADDRESS,
                .repeats = true,
                .in_environment = true,
                .in_file = true},
    [METRICS] = {.name = "metrics",
                 .value = "ADDR:PORT",
                 .help = "where /metrics is served for Prometheus, to everybody who can connect there [nowhere]",
                 .kind = NW_OPTION_ADDRESS,
                 .in_environment = true,
                 .in_file = true},
    [STATE] = NW_OPTION_ROW_STATE,
    [ISOLATION] = {.name = "isolation",
                   .value = "MODE",
                   .initial = "auto",
                   .help = "auto, mpk, process or none",
                   .kind = NW_OPTION_MODE,
                   .in_environment = true,
                   .in_file = true},
    [WORKERS] = {.name = "workers",
                 .value = "MIN..MAX",
                 .help = "worker processes of each tenant; in mode process, MIN for each function [1, and as many more "
                         "as functions need and memory allows]",
                 .kind = NW_OPTION_SPAN,
                 .min = 1,
                 .max = NW_WORKERS_MAX,
                 .in_environment = true,
                 .in_file = true},
    [IDLE] = {.name = "idle",
              .value = "TIME",
              .initial = "5m",
              .help = "a function that nobody has called for so long is unloaded until it is called, 2s to 720h",
              .kind = NW_OPTION_TIME,
              .min = 2000, /* workers say twice a second what runs */
              .max = UINT64_C(720) * 3600000,
              .in_environment = true,
              .in_file = true},
    [QUEUE] = {.name = "queue",
               .value = "N",
               .initial = "16384",
               .help = "requests of all functions that may wait for workers; more are refused with 429",
               .kind = NW_OPTION_COUNT,
               .min = 16,
               .max = 1000000,
               .in_environment = true,
               .in_file = true},
    [KEEP] = {.name = "keep",
              .value = "N",
              .initial = "5",
              .help =
                  "versions of each function that are kept, the one that serves included; see versions and rollback",
              .kind = NW_OPTION_COUNT,
              .min = 1,
              .max = 100,
              .in_environment = true,
              .in_file = true},
    [EXECUTORS] = {.name = "executors",
                   .value = "N",
                   .help = "threads of a worker that run functions [one for each of its CPUs]",
                   .kind = NW_OPTION_COUNT,
                   .min = 1,
                   .max = MAX_EXECUTORS,
                   .in_environment = true,
                   .in_file = true},
    [ENGINE_THREADS] = {.name = "engine-threads",
                        .value = "N",
                        .initial = "1",
                        .help = "threads of the engine that serve HTTP",
                        .kind = NW_OPTION_COUNT,
                        .min = 1,
                        .max = 16,
                        .in_environment = true,
                        .in_file = true},
    [BODY_LIMIT] = {.name = "body-limit",
                    .value = "BYTES",
                    .initial = "16M",
                    .help = "largest body of a request, and of a response up to 16M",
                    .kind = NW_OPTION_BYTES,
                    .min = 1,
                    .max = UINT64_C(64) << 20, /* an arena is four times as large */
                    .in_environment = true,
                    .in_file = true},
    [ACCESS_LOG] = {.name = "access-log",
                    .value = "FILE",
                    .help = "a line for each request goes there; - is standard error [none]",
                    .kind = NW_OPTION_TEXT,
                    .in_environment = true,
                    .in_file = true},
    [LOG_FORMAT] = {.name = "log-format",
                    .value = "FORMAT",
                    .initial = "text",
                    .help = "of the log on standard error, and of the access log: " NW_LOG_FORMAT_WORDS,
                    .kind = NW_OPTION_LOG_FORMAT,
                    .in_environment = true,
                    .in_file = true},
    [LOG_SIZE] = {.name = "log-size",
                  .value = "BYTES",
                  .initial = "1M",
                  .help = "on disk for the last lines that a function wrote",
                  .kind = NW_OPTION_BYTES,
                  .min = UINT64_C(64) << 10,
                  .max = UINT64_C(64) << 20,
                  .in_environment = true,
                  .in_file = true},
    [LOG_TOTAL] = {.name = "log-total",
                   .value = "BYTES",
                   .initial = "256M",
                   .help = "on disk for the lines of all functions; beyond it those written longest ago go",
                   .kind = NW_OPTION_BYTES,
                   .min = UINT64_C(1) << 20,
                   .max = UINT64_C(1) << 40,
                   .in_environment = true,
                   .in_file = true},
    [IO] = {.name = "io",
            .value = "KIND",
            .initial = "auto",
            .help = "the engine's event loop: auto, uring (io_uring) or uv (libuv)",
            .kind = NW_OPTION_IO,
            .in_environment = true,
            .in_file = true},
    [SNAPSHOT] = {.name = "snapshot",
                  .value = "WHEN",
                  .initial = "auto",
                  .help = "auto: a function starts from a snapshot of its first start, where that can be taken; or off",
                  .kind = NW_OPTION_SNAPSHOT,
                  .in_environment = true,
                  .in_file = true},
    [POLICY] = {.name = "policy",
                .value = "NAME",
                .initial = "levels",
                .help = "by which functions have turns in a worker: " NW_POLICY_WORDS,
                .kind = NW_OPTION_POLICY,
                .in_environment = true,
                .in_file = true},
    [ENGINE_CPUS] = {.name = "engine-cpus",
                     .value = "LIST",
                     .help = "CPUs that the engine runs on, like 0 or 2-5,7 [any]",
                     .kind = NW_OPTION_CPUS,
                     .in_environment = true,
                     .in_file = true},
    [WORKER_CPUS] = {.name = "worker-cpus",
                     .value = "LIST",
                     .help = "CPUs that workers run on [any]",
                     .kind = NW_OPTION_CPUS,
                     .in_environment = true,
                     .in_file = true},
    [WORKER_USERS] = {.name = "worker-users",
                      .value = "FIRST-LAST",
                      .initial = NW_USERS_DEFAULT,
                      .help = "user ids that nobody else uses: as root, each worker runs as one of them",
                      .kind = NW_OPTION_USERS,
                      .in_environment = true,
                      .in_file = true},
    [FUNC_CONFIG] = NW_OPTION_ROW_FUNC_CONFIG,
    [FUNC_DIR] = NW_OPTION_ROW_FUNC_DIR,
    [FUNC_WORKING_DIR] = NW_OPTION_ROW_FUNC_WORKING_DIR,
    [CONFIG] = {.name = "config",
                .value = "FILE",
                .help = "read `key = value` lines; a key is a flag without its dashes",
                .kind = NW_OPTION_TEXT,
                .in_environment = true},
    [CHECK_CONFIG] = {.name = "check-config", .help = "check flags, environment and file, then exit"},
    [PRINT_CONFIG] = {.name = "print-config", .help = "print the settings in use, as a file, then exit"},
    [ALLOW_NO_ISOLATION] = {.name = "allow-no-isolation",
                            .help = "allow --isolation none, which does not confine functions"},
};

/* ---- decisions ---- */

static int count_cpus(void)
{
    cpu_set_t set;

    return sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
}

/* How many of the CPUs `wanted` the kernel would not let us run on. Only trying tells: the kernel leaves out those that
 * are not in our cpuset, without an error. */
static int count_forbidden(const cpu_set_t *wanted, cpu_set_t *forbidden)
{
    cpu_set_t before, given;

    CPU_ZERO(&given);
    if (sched_getaffinity(0, sizeof before, &before) != 0)
        return 0;
    if (sched_setaffinity(0, sizeof *wanted, wanted) == 0)
        sched_getaffinity(0, sizeof given, &given);
    sched_setaffinity(0, sizeof before, &before);
    return nw_cpus_missing(wanted, &given, forbidden);
}

/* The CPUs that an option names, NULL when it does not. */
static const cpu_set_t *decide_cpus(const struct nw_settings *settings, size_t option, cpu_set_t *cpus)
{
    const char *text = nw_setting_text(settings, option);
    const char *name = settings->options[option].name;
    char list[256];
    cpu_set_t forbidden;

    if (!text)
        return NULL;
    nw_cpus_parse(text, cpus);
    if (count_forbidden(cpus, &forbidden) > 0) {
        nw_cpus_format(&forbidden, list, sizeof list);
        nw_fail(NW_EXIT_SYSTEM,
                "--%s %s: this machine has CPU %s, but not for us: the cpuset of our cgroup or container lacks it; "
                "leave it out or widen the cpuset",
                name, text, list);
    }
    nw_say("--%s: CPU %s only", name, text);
    return cpus;
}

/* Takes every protection key that is free and gives them back. */
static int count_keys(void)
{
    int keys[16];
    int n = 0;

    while (n < 16 && (keys[n] = pkey_alloc(0, 0)) >= 0)
        n++;
    for (int i = 0; i < n; i++)
        pkey_free(keys[i]);
    return n;
}

static void check_no_isolation(const struct nw_settings *settings)
{
    if (!nw_setting_on(settings, ALLOW_NO_ISOLATION))
        nw_fail(NW_EXIT_USAGE, "--isolation none: functions could read and write each other and the worker; it is for "
                               "measuring only. Add --allow-no-isolation to start all the same");
    nw_say("isolation none: NOTHING holds a function; for measuring only");
}

static enum nw_mode decide_mode(const struct nw_settings *settings)
{
    int asked = nw_mode_parse(nw_setting_text(settings, ISOLATION));
    char why[512];
    int usable;

    if (asked == NW_MODE_NONE) {
        check_no_isolation(settings);
        return NW_MODE_NONE;
    }
    if (asked == NW_MODE_PROCESS) {
        nw_say("isolation process: as asked; a worker process for each function");
        return NW_MODE_PROCESS;
    }
    usable = nw_mode_mpk_usable(why, sizeof why);
    if (usable) {
        nw_say("isolation mpk: %s; %d protection keys are free",
               asked == NW_MODE_MPK ? "as asked" : "this machine has it", count_keys());
        return NW_MODE_MPK;
    }
    if (asked == NW_MODE_MPK)
        nw_fail(NW_EXIT_SYSTEM, "--isolation mpk: this machine cannot: %s; use --isolation process", why);
    nw_say("isolation process: mpk cannot run here: %s", why);
    return NW_MODE_PROCESS;
}

static void set_executors(struct nw_settings *settings)
{
    const char *workers = nw_setting_text(settings, WORKER_CPUS);
    char text[16];
    cpu_set_t set;
    int cpus = workers && nw_cpus_parse(workers, &set) == 0 ? CPU_COUNT(&set) : count_cpus();

    snprintf(text, sizeof text, "%d", cpus < MAX_EXECUTORS ? cpus : MAX_EXECUTORS);
    nw_settings_default(settings, EXECUTORS, text);
}

/* The number in a file of /proc; `other` when there is none. */
static uint64_t number_in(const char *path, uint64_t other)
{
    FILE *file = fopen(path, "re");
    uint64_t number = other;

    if (file && fscanf(file, "%" SCNu64, &number) != 1)
        number = other;
    if (file)
        fclose(file);
    return number;
}

/* Half of the threads that the kernel allows, which it counts over all processes. */
static uint64_t workers_by_threads(uint64_t executors)
{
    uint64_t pids = number_in("/proc/sys/kernel/pid_max", UINT64_MAX);
    uint64_t threads = number_in("/proc/sys/kernel/threads-max", UINT64_MAX);

    return (pids < threads ? pids : threads) / 2 / (WORKER_THREADS + executors);
}

/* So many there may be; there are no more than functions that are loaded need. */
static void set_workers(struct nw_settings *settings)
{
    long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
    uint64_t most = pages > 0 && page > 0 ? (uint64_t)pages * (uint64_t)page / WORKER_BYTES : 1;
    uint64_t by_threads = workers_by_threads(nw_setting_number(settings, EXECUTORS));
    char text[32];

    most = by_threads < most ? by_threads : most;
    snprintf(text, sizeof text, "1..%" PRIu64, most < 1 ? 1 : most > NW_WORKERS_MAX ? NW_WORKERS_MAX : most);
    nw_settings_default(settings, WORKERS, text);
}

static void say_workers(const struct nw_host_plan *plan, bool own)
{
    char most[32] = "";
    if (plan->workers_most > plan->workers && !own)
        snprintf(most, sizeof most, " to %" PRIu64, plan->workers_most);
    nw_say("%d CPUs: %" PRIu64 "%s worker%s%s, each of %" PRIu64 " executors", count_cpus(), plan->workers, most,
           plan->workers == 1 && !*most ? "" : "s", own ? " for each function" : " for each tenant", plan->executors);
}

static char *make_state(struct nw_settings *settings)
{
    const char *asked = nw_setting_text(settings, STATE);
    char *path;

    nw_state_make(asked);
    path = realpath(asked, NULL);
    if (!path)
        nw_fail(NW_EXIT_SYSTEM, "cannot find the state directory %s: %s", asked, strerror(errno));
    nw_say("state directory %s", path);
    return path;
}

static void find_program(const char *name, char *path)
{
    int rc = nw_program_path(name, path, PATH_MAX);

    if (rc < 0)
        nw_fail(NW_EXIT_SYSTEM, "cannot find %s beside this program or in ../libexec/nightward: %s", name,
                strerror(-rc));
}

/* ---- functions of nightcore ---- */

#define DEPLOY_WORDS 10

static struct nw_import plan_import(const struct nw_settings *settings)
{
    return (struct nw_import){.file = nw_setting_text(settings, FUNC_CONFIG),
                              .dir = nw_setting_text(settings, FUNC_DIR),
                              .working_dir = nw_setting_text(settings, FUNC_WORKING_DIR)};
}

/* The command that deploys them, a process of its own: it waits for the engine's answers. */
static void fill_deploy_argv(const struct nw_settings *settings, const char *program, const char *state, char **argv)
{
    static const size_t passed_on[] = {FUNC_CONFIG, FUNC_DIR, FUNC_WORKING_DIR};
    static const char *const flags[] = {"--func-config", "--func-dir", "--func-working-dir"};
    const char *const begin[] = {program, "deploy", "--state", state};
    int n = 0;

    for (size_t i = 0; i < sizeof begin / sizeof begin[0]; i++)
        argv[n++] = (char *)begin[i];
    for (size_t i = 0; i < sizeof passed_on / sizeof passed_on[0]; i++) {
        if (!nw_setting_text(settings, passed_on[i]))
            continue;
        argv[n++] = (char *)flags[i];
        argv[n++] = (char *)nw_setting_text(settings, passed_on[i]);
    }
    argv[n] = NULL;
}

/* ---- the command ---- */

static int start(struct nw_settings *settings)
{
    char engine_path[PATH_MAX], launcher_path[PATH_MAX], own_path[PATH_MAX], *deploy_argv[DEPLOY_WORDS + 1];
    const struct nw_setting *listen = &settings->values[LISTEN];
    enum nw_mode mode = decide_mode(settings);
    char *state = make_state(settings);
    char *socket = nw_state_socket(state);
    cpu_set_t engine_cpus, worker_cpus;
    struct nw_host_plan plan = {
        .engine_path = engine_path,
        .launcher_path = launcher_path,
        .state = state,
        .socket = socket,
        .mode = nw_mode_name(mode),
        .listen = listen->texts,
        .n_listen = listen->n,
        .metrics = nw_setting_text(settings, METRICS),
        .idle = nw_setting_text(settings, IDLE),
        .queue = nw_setting_number(settings, QUEUE),
        .keep = nw_setting_number(settings, KEEP),
        .executors = nw_setting_number(settings, EXECUTORS),
        .engine_threads = nw_setting_number(settings, ENGINE_THREADS),
        .body_limit = nw_setting_number(settings, BODY_LIMIT),
        .access_log = nw_setting_text(settings, ACCESS_LOG),
        .log_size = nw_setting_number(settings, LOG_SIZE),
        .log_total = nw_setting_number(settings, LOG_TOTAL),
        .io = nw_setting_text(settings, IO),
        .snapshot = nw_setting_text(settings, SNAPSHOT),
        .policy = nw_setting_text(settings, POLICY),
        .engine_cpus = decide_cpus(settings, ENGINE_CPUS, &engine_cpus),
        .worker_cpus = decide_cpus(settings, WORKER_CPUS, &worker_cpus),
        .worker_users = nw_setting_text(settings, WORKER_USERS),
    };
    int status;

    nw_setting_span(settings, WORKERS, &plan.workers, &plan.workers_most);
    say_workers(&plan, mode == NW_MODE_PROCESS);
    find_program("nightward-engine", engine_path);
    find_program("nightward-launcher", launcher_path);
    if (nw_setting_text(settings, FUNC_CONFIG)) {
        find_program("nightward", own_path);
        fill_deploy_argv(settings, own_path, state, deploy_argv);
        plan.deploy_argv = deploy_argv;
    }
    nw_process_close();
    status = nw_host_run(&plan);
    free(socket);
    free(state);
    return status;
}

static int run(struct nw_settings *settings)
{
    const char *config = nw_setting_text(settings, CONFIG);

    if (config)
        nw_settings_read_file(settings, config);
    set_executors(settings);
    set_workers(settings);
    nw_state_directory(settings, STATE);
    if (settings->values[LISTEN].n > NW_HOST_LISTEN_MAX)
        nw_fail(NW_EXIT_USAGE, "--listen: more than %d addresses", NW_HOST_LISTEN_MAX);
    if (nw_setting_text(settings, FUNC_CONFIG)) {
        const struct nw_import import = plan_import(settings);
        nw_import_check(&import);
    }
    if (nw_setting_on(settings, PRINT_CONFIG)) {
        nw_settings_print(settings);
        return NW_EXIT_OK;
    }
    if (nw_setting_on(settings, CHECK_CONFIG)) {
        nw_say("the configuration is valid");
        return NW_EXIT_OK;
    }
    nw_notify_init();
    setenv(NW_LOG_FORMAT_VARIABLE, nw_setting_text(settings, LOG_FORMAT), 1); /* for all that it starts */
    nw_log_init("nightward", NW_LOG_INFO);
    nw_say_as_log();
    return start(settings);
}

static const char *const examples[] = {
    "nightward up",
    "nightward up --listen 127.0.0.1:0 --state /tmp/try",
    "nightward up --listen 0.0.0.0:8080 --listen [::]:8080 --workers 2..8",
    "nightward up --metrics 127.0.0.1:9464",
    "nightward up --func-config nightcore/func_config.json",
    "nightward up --config /etc/nightward.conf --check-config",
    NULL,
};

static const char *const notes[] = {
    "It stays in the foreground. SIGTERM or SIGINT lets running calls finish, for at most 10 s; a second one does not "
    "wait.",
    "A flag wins over the environment, that over the file, that over the default.",
    NULL,
};

const struct nw_command nw__command_up = {
    .name = "up",
    .summary = "Run the whole host: gateway, workers and all.",
    .arguments = "",
    .examples = examples,
    .notes = notes,
    .options = options,
    .n_options = N_OPTIONS,
    .run = run,
};
