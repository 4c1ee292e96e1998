/* The world of world.h: setting it up, turning it, and what must be true at its end. Workers are in world_worker.c. */
#include "engine/fuzz/world.h"
#include "common/base/log.h"
#include "common/test/fuzz.h"
#include "engine/admin/admin.h"
#include "engine/control/controller.h"
#include "engine/fuzz/world_worker.h"
#include "engine/gateway/gateway.h"
#include "engine/http/http.h"
#include "engine/http/listen.h"
#include "engine/operations/operations.h"
#include "engine/serve/function.h"
#include "engine/serve/invocation.h"
#include "engine/serve/link.h"
#include "engine/store/registry.h"
#include "engine/versions/deployments.h"
#include "engine/workers/seats.h"
#include "engine/workers/tenant.h"
#include "engine/workers/tenants.h"
#include "engine/workers/worker.h"
#include "engine/workers/workers.h"
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#define TURNS_MOST      200
#define OPERATIONS_MOST 400   /* that a target leaves queued: each may cost two workers and the pauses between */
#define LONG_MS         40000 /* longer than each timeout that is set below */
#define LIMIT_MS        2000

/* --- in place of files of the engine: log, listening sockets, registry --- */

void nw_log_init(const char *program, enum nw_log_level level)
{
    (void)program, (void)level;
}

/* The engine must not have met an internal error. */
enum nw_log_format nw_log_format(void)
{
    return NW_LOG_TEXT;
}

void nw_log(enum nw_log_level level, const char *format, ...)
{
    char line[2048];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    if (level == NW_LOG_ERROR && !strncmp(format, "internal error", 14)) {
        fprintf(stderr, "%s\n", line);
        abort();
    }
    if (getenv("WORLD_LOG"))
        fprintf(stderr, "%s\n", line);
}

void nw_die_system(const char *format, ...)
{
    fprintf(stderr, "died: %s\n", format);
    abort();
}

void nw_die_usage(const char *format, ...)
{
    fprintf(stderr, "died: %s\n", format);
    abort();
}

int nw_listen_tcp(const char *address, enum nw_listen_how how, struct nw_buffer *addresses)
{
    (void)address, (void)how;
    nw_buffer_append(addresses, "127.0.0.1:1\n", 12);
    return -1;
}

void nw_listen_adopt(int fd, const char *address, struct nw_buffer *addresses)
{
    (void)fd, (void)address, (void)addresses; /* nobody hands one over */
}

int nw_listen_unix(const char *path)
{
    (void)path;
    return -1;
}

/* Code is known by its first letter, which is all that a worker looks at. */
int nw_registry_store(struct nw_registry *registry, const void *code, size_t length, char *sha256, char *why,
                      size_t why_size)
{
    (void)registry, (void)length, (void)why, (void)why_size;
    memset(sha256, '0', NW_SHA256_HEX);
    snprintf(sha256, 3, "%02x", *(const unsigned char *)code);
    sha256[2] = '0';
    sha256[NW_SHA256_HEX] = '\0';
    return 0;
}

static void check_manifest(const struct nw_manifest *manifest)
{
    struct nw_buffer json = {0};
    struct nw_manifest again;
    char why[256];
    nw_manifest_init(&again);
    NW_FUZZ_CHECK(nw_manifest_to_json(manifest, &json) == 0);
    NW_FUZZ_CHECK(nw_manifest_parse_json(&again, json.data, json.length, NULL, 0, why, sizeof why) == 0);
    NW_FUZZ_CHECK(!strcmp(again.name, manifest->name) && again.env.length == manifest->env.length);
    nw_manifest_fini(&again);
    nw_buffer_fini(&json);
}

void nw_registry_apply(struct nw_registry *registry, struct nw_registry_change *const *changes, size_t n)
{
    (void)registry;
    for (size_t i = 0; i < n; i++)
        if (changes[i]->manifest)
            check_manifest(changes[i]->manifest);
}

void nw_registry_each(struct nw_registry *registry, void (*row)(void *arg, const struct nw_registry_row *row),
                      void *arg)
{
    (void)registry, (void)row, (void)arg;
}

void nw_registry_versions(struct nw_registry *registry, const char *name,
                          void (*row)(void *arg, const struct nw_registry_row *row), void *arg)
{
    (void)registry, (void)name, (void)row, (void)arg;
}

int nw_registry_hash(const struct nw_manifest *manifest, const char *sha256, char hash[NW_RELEASE_HASH + 1])
{
    (void)manifest;
    snprintf(hash, NW_RELEASE_HASH + 1, "%.*s", NW_RELEASE_HASH, sha256);
    return 0;
}

int nw_registry_open_code(struct nw_registry *registry, const char *sha256, char *why, size_t why_size)
{
    unsigned first = 0;
    int fd = memfd_create("code", MFD_CLOEXEC);
    (void)registry, (void)why, (void)why_size;
    sscanf(sha256, "%2x", &first);
    NW_FUZZ_CHECK(fd >= 0 && pwrite(fd, &(unsigned char){(unsigned char)first}, 1, 0) == 1);
    return fd;
}

const char *nw_registry_notice(const struct nw_registry *registry)
{
    (void)registry;
    return NULL;
}

const char *nw_registry_store_notice(const struct nw_registry *registry)
{
    (void)registry;
    return NULL;
}

unsigned nw_registry_look_through(struct nw_registry *registry)
{
    (void)registry;
    return 0;
}

void nw_registry_note_unlisted(struct nw_registry *registry, unsigned n)
{
    (void)registry, (void)n;
}

bool nw__registry_is_there(struct nw_registry *registry)
{
    (void)registry;
    return true;
}

void nw_registry_forget(struct nw_registry *registry, const char *sha256)
{
    (void)registry, (void)sha256;
}

void nw_registry_close(struct nw_registry *registry)
{
    (void)registry;
}

/* --- playing --- */

size_t world_arena = 128 * 1024;

bool world_turn_once(struct world *world, uint64_t ms)
{
    world->engine->spin_credit.left = 0; /* spinning would only cost time */
    fake_turn(world->engine->io, ms);
    return world_workers_turn(world);
}

void world_turn(struct world *world, uint64_t ms)
{
    for (int i = 0; i < TURNS_MOST && world_turn_once(world, ms); i++)
        ms = 1;
}

static void operation_done(void *arg, enum nw_status status, const struct nw_deployment *deployment, const char *reason)
{
    (void)arg;
    NW_FUZZ_CHECK(status == NW_STATUS_OK || reason);
    NW_FUZZ_CHECK(!deployment || deployment->state != NW_DEPLOYMENT_RETIRING);
}

static void deploy(struct world *world, const char *name, const char *code, const char *http)
{
    struct nw_manifest manifest;
    struct nw_buffer bytes = {0};
    char why[64];
    nw_manifest_init(&manifest);
    NW_FUZZ_CHECK(nw_manifest_set(&manifest, "name", name, why, sizeof why) == 0);
    NW_FUZZ_CHECK(nw_manifest_set(&manifest, "slots", "2", why, sizeof why) == 0);
    NW_FUZZ_CHECK(nw_manifest_set(&manifest, "timeout", "1s", why, sizeof why) == 0);
    NW_FUZZ_CHECK(nw_manifest_set(&manifest, "http", http, why, sizeof why) == 0);
    NW_FUZZ_CHECK(nw_buffer_append(&bytes, code, strlen(code)) == 0);
    NW_FUZZ_CHECK(nw_deploy(&world->controller.operations, &manifest, &bytes, 0, false, operation_done, NULL) == 0);
}

void world_deploy(struct world *world, const char *name, const char *code)
{
    deploy(world, name, code, "false");
}

void world_deploy_http(struct world *world, const char *name, const char *code)
{
    deploy(world, name, code, "true");
}

void world_remove(struct world *world, const char *name)
{
    struct nw_function *function = nw_function_find(world->engine, name, strlen(name));
    if (function)
        NW_FUZZ_CHECK(nw_remove(&world->controller.operations, function, operation_done, NULL) == 0);
}

/* --- the end --- */

static void remove_function(struct nw_function *function, void *arg)
{
    NW_FUZZ_CHECK(nw_remove(arg, function, operation_done, NULL) == 0);
}

static void count_function(struct nw_function *function, void *arg)
{
    (void)function;
    ++*(unsigned *)arg;
}

static bool some_function_is_left(struct nw_engine *engine)
{
    unsigned n = 0;
    nw_functions_each(engine, count_function, &n);
    return n > 0;
}

static void check_nothing_is_left(struct world *world)
{
    struct nw_engine *engine = world->engine;
    const struct nw_counters *counters = &engine->counters;
    NW_FUZZ_CHECK(!engine->functions.n && !engine->functions_order.root);
    NW_FUZZ_CHECK(nw_list_empty(&world->controller.deployments.list) && nw_list_empty(&engine->broken) &&
                  !engine->in_flight);
    for (uint32_t i = 0; i < engine->n_invocations; i++)
        NW_FUZZ_CHECK(engine->invocations[i]->state == NW_INVOCATION_FREE);
    NW_FUZZ_CHECK(counters->requests == counters->completed + counters->failed + counters->abandoned);
    NW_FUZZ_CHECK(world->controller.workers.tenants.next->next ==
                  &world->controller.workers.tenants); /* the default one */
    unsigned seats = 0;
    nw_list_each(&world->controller.workers.seats, at, after)
    {
        const struct nw_worker *worker = nw_container(at, struct nw_seat, link)->worker;
        const struct nw_link *link = worker ? worker->link : NULL;
        NW_FUZZ_CHECK(link && !link->busy && !link->n_calls && !link->backlog_length && link->references == 1);
        NW_FUZZ_CHECK(nw_arena_used(link->channel.arena) == 0);
        seats++;
    }
    NW_FUZZ_CHECK(seats == (engine->options.mode == NW_MODE_PROCESS ? 0 : engine->options.workers));
    world_workers_check_idle(world);
}

/* Dishonest workers are killed and replaced by honest ones; all functions are removed; the rest is waited for. */
static void end(struct world *world)
{
    struct nw_engine *engine = world->engine;
    for (int i = 0; world->dishonest && i < WORLD_WORKERS; i++)
        if (world->workers[i].used)
            world_kill(world, &world->workers[i]);
    world->dishonest = world->held = false;
    world_turn(world, LONG_MS);
    nw_functions_each(engine, remove_function, &world->controller.operations);
    for (int i = 0; i < 4 || (i < OPERATIONS_MOST && some_function_is_left(engine)); i++)
        world_turn(world, LONG_MS);
    NW_FUZZ_CHECK(nw_http_server_connections(engine->gateway) == 0);
    NW_FUZZ_CHECK(nw_http_server_connections(engine->admin) == 0);
    check_nothing_is_left(world);
}

struct script {
    struct world *world;
    void (*play)(struct world *world, void *arg);
    void *arg;
};

static void script(void *arg)
{
    struct script *s = arg;
    world_turn(s->world, 0);
    world_deploy(s->world, "echo", "E");
    world_turn(s->world, 0);
    s->play(s->world, s->arg);
    end(s->world);
}

static void nothing(void *arg)
{
    (void)arg;
}

static void open_sockets(struct world *world)
{
    struct nw_engine *engine = world->engine;
    int pair[2];
    world->controller.supervisor.socket = eventfd(0, EFD_CLOEXEC);
    world->controller.supervisor.signals = eventfd(0, EFD_CLOEXEC);
    world->controller.supervisor.signal_watch =
        nw_io_watch_new(engine->io, world->controller.supervisor.signals, nothing, NULL);
    NW_FUZZ_CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) == 0);
    world->launcher = pair[1];
    nw_workers_new_launcher(&world->controller.workers, pair[0]);
}

void world_run(enum nw_mode mode, unsigned workers, bool dishonest, void (*play)(struct world *world, void *arg),
               void *arg)
{
    static struct world world;
    memset(&world, 0, sizeof world);
    world.engine = &world.controller.engine;
    world.dishonest = dishonest;
    world.engine->options = (struct nw_options){.state = ".",
                                                .listen = {"127.0.0.1:0"},
                                                .n_listen = 1,
                                                .mode = mode,
                                                .workers = workers,
                                                .executors = 1,
                                                .threads = 1,
                                                .body_limit = world_arena / 8 * 3,
                                                .arena = world_arena,
                                                .payload_memory = 4 * world_arena,
                                                .queue = 16384,
                                                .ring = 16,
                                                .header_limit = 1024,
                                                .header_timeout = LIMIT_MS,
                                                .body_timeout = LIMIT_MS,
                                                .idle_timeout = LIMIT_MS,
                                                .write_timeout = LIMIT_MS,
                                                .queue_timeout = LIMIT_MS,
                                                .load_timeout = LIMIT_MS};
    nw_controller_init(&world.controller);
    open_sockets(&world);
    world.controller.addresses = nw_gateway_start(world.engine, NULL, 0);
    nw_admin_start(&world.controller);
    struct script s = {&world, play, arg};
    fake_script(script, &s);
    nw_controller_run(&world.controller);
    nw_controller_fini(&world.controller);
    free(nw_container(world.controller.workers.tenants.next, struct nw_tenant,
                      link)); /* the engine frees it when it ends */
    world_workers_fini(&world);
    close(world.launcher);
}
