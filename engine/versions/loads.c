/* See loads.h. */
#include "engine/versions/loads.h"
#include "common/base/buffer.h"
#include "common/base/log.h"
#include "common/base/without.h"
#include "common/host/error_text.h"
#include "common/manifest/control.h"
#include "common/manifest/manifest.h"
#include "common/manifest/resources.h"
#include "engine/code/code.h"
#include "engine/io/io.h"
#include "engine/names/names.h"
#include "engine/placement/blame.h"
#include "engine/serve/engine.h"
#include "engine/serve/link.h"
#include "engine/store/directory.h"
#include "engine/versions/deployment.h"
#include "engine/versions/replica.h"
#include "engine/workers/seat.h"
#include "engine/workers/seats.h"
#include "engine/workers/tenant.h"
#include "engine/workers/worker.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define SLOW_MS    500 /* a load that has taken longer no longer takes up one of the slots */
#define UNKNOWN_MS 100 /* how long a first load is expected to take */
#define LOST_MOST  2   /* a replica is refused when so many workers in a row ended while they loaded it alone */

/* ... or when so many were killed then. That may be nobody's fault, but the kernel also kills what takes all memory. */
#define KILLED_MOST 8

static uint64_t now_of(const struct nw_seat *seat)
{
    return nw_io_now(seat->all->engine->io);
}

static struct nw_replica *replica_at(struct nw_list *at)
{
    return nw_container(at, struct nw_replica, of_seat);
}

/* --- which replica is next --- */

/* Whether a load may take a slot; those that take long leave theirs to others. */
static bool may_begin(struct nw_seat *seat)
{
    unsigned alone = 0;
    nw_list_each(&seat->replicas, at, after)
    {
        struct nw_replica *replica = replica_at(at);
        if (replica->state != NW_REPLICA_LOADING)
            continue;
        if (now_of(seat) - replica->begun >= SLOW_MS && !nw_unchecked(NW_CHECK_LOADS))
            nw__replica_give_slot(replica);
        alone += replica->suspect;
    }
    return !alone && seat->load_slots < (nw_unchecked(NW_CHECK_LOADS) ? 1 : NW_LIMIT_LOAD_SLOTS);
}

static uint64_t time_of(const struct nw_replica *replica)
{
    return replica->deployment->load_took ? replica->deployment->load_took : UNKNOWN_MS;
}

/* Quick loads go first, then older versions; suspects, which may end the worker, go last. */
static bool goes_before(const struct nw_replica *a, const struct nw_replica *b)
{
    if (a->suspect != b->suspect)
        return b->suspect;
    if (time_of(a) != time_of(b))
        return time_of(a) < time_of(b);
    return a->deployment->version.number < b->deployment->version.number;
}

static bool names_ready(struct nw_deployment *deployment)
{
    const struct nw_kept_manifest *manifest = &deployment->manifest;
    if (!nw_names_has(manifest->connect))
        return true;
    if (!deployment->names)
        deployment->names = nw_names_new(&deployment->all->resolver, manifest->name, manifest->connect, deployment);
    return deployment->names && nw_names_ready(deployment->names);
}

static bool serves_elsewhere(const struct nw_replica *replica)
{
    nw_list_each(&replica->deployment->replicas, at, after)
    {
        const struct nw_replica *other = nw_container(at, struct nw_replica, of_deployment);
        if (other != replica && other->state == NW_REPLICA_SERVING && !other->leaves)
            return true;
    }
    return false;
}

/* Loading it ended the worker that it should move to. It stays where it is (leaving.c), however soon there is a worker
 * again: the functions that live there would be lost once more. */
static bool has_moved_in_vain(const struct nw_replica *replica)
{
    return replica->from && replica->suspect && serves_elsewhere(replica);
}

struct nw_replica *nw__loads_next(struct nw_seat *seat)
{
    struct nw_replica *next = NULL;
    if (seat->state != NW_SEAT_UP || !may_begin(seat))
        return NULL;
    nw_list_each(&seat->replicas, at, after)
    {
        struct nw_replica *replica = replica_at(at);
        if (replica->state == NW_REPLICA_PENDING && !replica->leaves && !has_moved_in_vain(replica) &&
            replica->late_until <= now_of(seat) && replica->deployment->state != NW_DEPLOYMENT_RETIRING &&
            nw_code_ready(&replica->deployment->code) && names_ready(replica->deployment) &&
            (!next || goes_before(replica, next)))
            next = replica;
    }
    return next && next->suspect && seat->loading ? NULL : next;
}

/* --- begin and end --- */

/* The code and the granted directories, in the order in which the worker expects them. */
struct load_files {
    int fds[NW_CONTROL_FDS_MAX];
    int n;
};

static int add_file(struct load_files *files, int fd)
{
    if (fd < 0)
        return -1;
    files->fds[files->n++] = fd;
    return 0;
}

/* 0, or -1 with a message for people in `why`. What was opened is in `files` either way. */
static int open_files(struct load_files *files, const struct nw_deployment *deployment, char *why, size_t why_size)
{
    struct nw_directory_grant grants[NW_DIRECTORIES_MAX];
    char text[NW_ERROR_TEXT];
    int n = nw_grant_directories(deployment->manifest.directories, grants, why, why_size);
    files->n = 0;
    if (add_file(files, fcntl(deployment->code.fd, F_DUPFD_CLOEXEC, 0)) < 0) {
        snprintf(why, why_size, "its code cannot be handed to a worker: %s", nw_error_text(errno, text));
        return -1;
    }
    for (int i = 0; i < n; i++)
        if (add_file(files, nw_directory_open(grants[i].path, grants[i].writable)) < 0) {
            snprintf(why, why_size, "directories: cannot open %.300s: %s", grants[i].path, nw_error_text(errno, text));
            return -1;
        }
    return n < 0 ? -1 : 0;
}

/* The texts of a LOAD message, each with a NUL, then the environment. */
static int load_text(struct nw_buffer *text, const struct nw_kept_manifest *manifest)
{
    char calls[NW_CALLS_TEXT];
    const char *const parts[] = {manifest->name, manifest->connect, manifest->directories, manifest->cwd, calls};
    int rc = nw_calls_resolve(manifest->calls, manifest->found, calls);
    for (size_t i = 0; i < sizeof parts / sizeof parts[0] && !rc; i++)
        rc = nw_buffer_append(text, parts[i], strlen(parts[i]) + 1);
    return rc ? rc : nw_buffer_append(text, manifest->env.data, manifest->env.length);
}

void nw__load_tell(const struct nw_replica *replica, enum nw_control_kind kind)
{
    const struct nw_control head = {.kind = kind, .deployment = replica->deployment->version.number};
    nw_worker_tell(replica->seat->worker, &head, NULL, 0, NULL, 0);
}

void nw_deployment_name(struct nw_deployment *deployment, bool named)
{
    if (deployment->unnamed == !named)
        return;
    deployment->unnamed = !named;
    nw_list_each(&deployment->replicas, at, after)
    {
        const struct nw_replica *replica = nw_container(at, struct nw_replica, of_deployment);
        if (replica->state == NW_REPLICA_SERVING)
            nw__load_tell(replica, named ? NW_CONTROL_ACTIVATE : NW_CONTROL_UNNAME);
    }
}

void nw__load_tell_reach(const struct nw_replica *replica)
{
    const struct nw_deployment *deployment = replica->deployment;
    const struct nw_control head = {.kind = NW_CONTROL_REACH, .deployment = deployment->version.number};
    struct nw_reach reach;
    if (!deployment->names)
        return;
    nw_names_reach(deployment->names, &reach);
    nw_worker_tell(replica->seat->worker, &head, (const char *)reach.grants, reach.n * sizeof *reach.grants, NULL, 0);
}

/* The same in every worker, from the first on. */
static uint64_t range_of(struct nw_deployment *deployment)
{
    if (!deployment->range && deployment->code.snapshot >= 0)
        deployment->range = deployment->code.range;
    if (!deployment->range && (deployment->all->engine->options.snapshots || deployment->manifest.fresh))
        deployment->range = nw_addresses_deal(&deployment->all->addresses);
    return deployment->range;
}

/* All that the memory of a loaded function depends on, but its code and the machine. */
struct settings {
    uint64_t memory, static_tls;
    uint32_t slots, threads, profile;
};

bool nw__load_snapshot_name(struct nw_code *code, char name[NW_SNAPSHOT_NAME])
{
    const struct nw_deployment *deployment = nw_container(code, struct nw_deployment, code);
    const struct nw_kept_manifest *manifest = &deployment->manifest;
    const char *tenant = deployment->tenant->name;
    struct settings settings;
    struct nw_buffer text = {0};
    if (manifest->fresh || !deployment->all->engine->options.snapshots)
        return false;
    memset(&settings, 0, sizeof settings); /* the gaps, too */
    settings.memory = manifest->memory;
    settings.static_tls = manifest->static_tls;
    settings.slots = manifest->slots;
    settings.threads = manifest->threads;
    settings.profile = manifest->profile;
    bool made = nw_buffer_append(&text, &settings, sizeof settings) == 0 &&
                nw_buffer_append(&text, tenant, strlen(tenant) + 1) == 0 && load_text(&text, manifest) == 0;
    if (made)
        nw_snapshots_name(deployment->sha256, text.data, text.length, name);
    nw_buffer_fini(&text);
    return made;
}

/* Whether there is one that can be handed to a worker. */
static bool add_snapshot(struct load_files *files, const struct nw_deployment *deployment)
{
    const struct nw_code *code = &deployment->code;
    return code->snapshot >= 0 && code->range == deployment->range && !deployment->manifest.fresh &&
           add_file(files, fcntl(code->snapshot, F_DUPFD_CLOEXEC, 0)) == 0;
}

bool nw__load_begin(struct nw_replica *replica, char *why, size_t why_size)
{
    struct nw_seat *seat = replica->seat;
    struct nw_deployment *deployment = replica->deployment;
    const struct nw_kept_manifest *manifest = &deployment->manifest;
    struct load_files files;
    struct nw_buffer text = {0};
    bool begun = false;
    struct nw_control head = {.kind = NW_CONTROL_LOAD,
                              .worker = seat->worker->number,
                              .deployment = deployment->version.number,
                              .slots = nw_manifest_slots(manifest->fresh, manifest->slots),
                              .timeout_ms = manifest->timeout_ms,
                              .memory = manifest->memory,
                              .disk = manifest->disk,
                              .threads = manifest->threads,
                              .weight = manifest->weight,
                              .cpu_limit = manifest->cpu_limit,
                              .static_tls = manifest->static_tls,
                              .profile = manifest->profile,
                              .fresh = manifest->fresh,
                              .range = range_of(deployment)};
    snprintf(why, why_size, "out of memory");
    if (open_files(&files, deployment, why, why_size) == 0 && load_text(&text, manifest) == 0) {
        head.restores = add_snapshot(&files, deployment);
        nw_worker_tell(seat->worker, &head, text.data, text.length, files.fds, files.n);
        nw__load_tell_reach(replica);
        nw__replica_move(replica, NW_REPLICA_LOAD);
        replica->has_snapshot = head.restores;
        replica->awaits_snapshot = head.range && !manifest->fresh;
        replica->begun = now_of(seat);
        seat->loading++;
        nw_seat_attend(seat);
        begun = true;
    }
    nw_buffer_fini(&text);
    for (int i = 0; i < files.n; i++)
        close(files.fds[i]);
    return begun;
}

void nw__load_ended(struct nw_replica *replica, bool loaded)
{
    uint64_t took = now_of(replica->seat) - replica->begun;
    replica->seat->loading--;
    replica->lost_loading = replica->killed_loading = 0;
    replica->suspect = false;
    if (loaded)
        replica->deployment->load_took = took ? took : 1;
}

void nw__load_retire(struct nw_replica *replica)
{
    nw__load_tell(replica, NW_CONTROL_RETIRE);
    nw__replica_move(replica, NW_REPLICA_RETIRE);
    replica->begun = now_of(replica->seat);
    nw_seat_attend(replica->seat);
}

/* The worker first finishes the calls by its other functions that wait for this one, however many: so the time begins
 * anew with each. After that, what still runs, func workers that are being made, and the end itself may each take as
 * long as an invocation. */
static bool retires_too_long(const struct nw_replica *replica, uint64_t now)
{
    uint64_t since = replica->used > replica->begun ? replica->used : replica->begun;
    uint64_t patience =
        replica->seat->all->engine->options.load_timeout + 3 * (uint64_t)replica->deployment->manifest.timeout_ms;
    return replica->state == NW_REPLICA_RETIRING && now - since >= patience;
}

const char *nw__loads_overdue(const struct nw_seat *seat)
{
    uint64_t now = now_of(seat);
    nw_list_each(&seat->replicas, at, after)
    {
        const struct nw_replica *replica = replica_at(at);
        if (replica->state == NW_REPLICA_LOADING && now - replica->begun >= seat->all->engine->options.load_timeout)
            return "it did not finish loading a function in time";
        if (retires_too_long(replica, now))
            return "it did not end a function in time";
    }
    return NULL;
}

bool nw__load_is_deadly(const struct nw_replica *replica)
{
    return replica->lost_loading >= LOST_MOST || replica->killed_loading >= KILLED_MOST;
}

void nw__loads_lost(struct nw_seat *seat)
{
    seat->lost_loading = seat->loading > 0;
    nw_list_each(&seat->replicas, at, after)
    {
        struct nw_replica *replica = replica_at(at);
        if (replica->state != NW_REPLICA_LOADING)
            continue;
        replica->suspect = true;
        replica->lost_alone = seat->loading == 1;
    }
    seat->loading = 0;
}

struct nw_replica *nw__loads_judged(struct nw_seat *seat, bool own)
{
    struct nw_replica *alone = NULL;
    nw_list_each(&seat->replicas, at, after)
    {
        if (!replica_at(at)->lost_alone)
            continue;
        alone = replica_at(at);
        alone->lost_alone = false;
        alone->lost_loading += own;
        alone->killed_loading += !own;
    }
    return alone && nw__load_is_deadly(alone) ? alone : NULL;
}

/* --- who ended a worker that was up --- */

static struct nw_suspect suspect_of(const struct nw_replica *replica)
{
    return (struct nw_suspect){.begun = replica->queue.lost,
                               .completed = replica->queue.completed,
                               .blamed = replica->blamed.ends[NW_END_OWN]};
}

static struct nw_replica *most_suspect(const struct nw_seat *seat)
{
    struct nw_replica *most = NULL;
    struct nw_suspect suspect = {0};
    nw_list_each(&seat->replicas, at, after)
    {
        const struct nw_suspect other = suspect_of(replica_at(at));
        if (!nw_blame_more(&other, &suspect))
            continue;
        most = replica_at(at);
        suspect = other;
    }
    return most;
}

static void blame(struct nw_replica *replica)
{
    struct nw_seat *seat = replica->seat;
    uint64_t pause = nw_backoff_pause(&replica->blamed, NW_END_OWN, seat->lived);
    if (!pause)
        return;
    replica->late_until = now_of(seat) + pause;
    if (replica->late_until > seat->late_until)
        seat->late_until = replica->late_until;
    nw_seat_attend(seat);
    nw_log(NW_LOG_WARN,
           "workers keep ending while they run function \"%s\": it is loaded again in %llu ms, the others at once",
           replica->deployment->manifest.name, (unsigned long long)pause);
}

/* Who was not there when the worker ended again is acquitted. */
static void acquit(const struct nw_seat *seat)
{
    nw_list_each(&seat->replicas, at, after)
    {
        struct nw_replica *replica = replica_at(at);
        if (replica->late_until <= now_of(seat))
            continue;
        replica->late_until = 0;
        replica->blamed = (struct nw_backoff){{0}};
    }
}

bool nw__loads_blame(struct nw_seat *seat)
{
    struct nw_replica *most = most_suspect(seat);
    if (!most)
        return false;
    acquit(seat);
    blame(most);
    return true;
}

bool nw__loads_late(struct nw_seat *seat)
{
    bool late = seat->late_until;
    if (now_of(seat) >= seat->late_until)
        seat->late_until = 0;
    return late;
}
