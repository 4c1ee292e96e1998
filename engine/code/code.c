/* Reading as code.h tells. */
#include "engine/code/code.h"
#include "common/base/log.h"
#include "common/host/error_text.h"
#include "engine/io/io.h"
#include "engine/serve/engine.h"
#include "engine/store/registry.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct reading {
    struct nw_code *code; /* stays as long as it is `reading` */
    struct nw_engine *engine;
    int fd; /* or negative errno */
    char why[1024];
    char name[NW_SNAPSHOT_NAME]; /* of the snapshot; empty: none is wanted */
    int snapshot;                /* or negative errno */
    uint64_t range;
};

static void read_work(void *arg)
{
    struct reading *reading = arg;
    reading->fd =
        nw_registry_open_code(reading->code->registry, reading->code->sha256, reading->why, sizeof reading->why);
    reading->snapshot =
        *reading->name ? nw_snapshots_get(reading->code->snapshots, reading->name, &reading->range) : -ENOENT;
    if (reading->snapshot < 0 && reading->snapshot != -ENOENT)
        nw_log(NW_LOG_WARN, "snapshots/%s is not used: %s", reading->name,
               reading->snapshot == -EBADMSG ? "it is not what was written, and is removed"
                                             : strerror(-reading->snapshot));
}

static void close_file(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

static void read_done(void *arg)
{
    struct reading *reading = arg;
    struct nw_code *code = reading->code;
    if (reading->engine->ended) {
        close_file(&reading->fd);
        close_file(&reading->snapshot);
    } else {
        code->reading = false;
        code->fd = reading->fd >= 0 ? reading->fd : -1;
        code->snapshot = reading->snapshot >= 0 ? reading->snapshot : -1;
        code->range = reading->range;
        code->events->read(code, reading->fd >= 0 ? NULL : reading->why);
    }
    free(reading);
}

static void begin(struct nw_code *code)
{
    struct reading *reading = calloc(1, sizeof *reading);
    if (!reading)
        return;
    *reading = (struct reading){.code = code, .engine = code->engine};
    if (!code->snapshots || !code->events->snapshot(code, reading->name))
        reading->name[0] = '\0';
    if (nw_io_offload(code->engine->io, read_work, read_done, reading) < 0)
        free(reading);
    else
        code->reading = true;
}

void nw_code_init(struct nw_code *code, struct nw_engine *engine, struct nw_registry *registry,
                  struct nw_snapshots *snapshots, const char *sha256, const struct nw_code_events *events)
{
    *code = (struct nw_code){.engine = engine,
                             .registry = registry,
                             .snapshots = snapshots,
                             .events = events,
                             .sha256 = sha256,
                             .fd = -1,
                             .snapshot = -1};
}

void nw_code_fini(struct nw_code *code)
{
    close_file(&code->fd);
    close_file(&code->snapshot);
}

void nw_code_forget(struct nw_code *code)
{
    nw_code_fini(code);
}

/* --- keeping a snapshot --- */

struct keeping {
    struct nw_code *code; /* stays as long as it counts this */
    struct nw_engine *engine;
    int file, rc;
    uint64_t range;
    char name[NW_SNAPSHOT_NAME];
};

static void keep_work(void *arg)
{
    struct keeping *keeping = arg;
    keeping->rc = nw_snapshots_put(keeping->code->snapshots, keeping->name, keeping->file, keeping->range);
}

static void keep_done(void *arg)
{
    struct keeping *keeping = arg;
    char text[NW_ERROR_TEXT];
    if (keeping->rc < 0)
        nw_log(NW_LOG_WARN,
               "cannot keep snapshots/%s: %s; until the function is unloaded it is served from memory, then it is "
               "loaded the long way",
               keeping->name, nw_error_text(-keeping->rc, text));
    if (!keeping->engine->ended) {
        keeping->code->keeping = false;
        if (keeping->code->snapshot < 0) /* it was discarded meanwhile */
            nw_snapshots_remove(keeping->code->snapshots, keeping->name);
        keeping->code->events->kept(keeping->code);
    }
    close(keeping->file);
    free(keeping);
}

void nw_code_keep(struct nw_code *code, int file, uint64_t range)
{
    if (code->keeping || code->snapshot >= 0)
        return;
    code->snapshot = fcntl(file, F_DUPFD_CLOEXEC, 0);
    code->range = range;
    struct keeping *keeping = code->snapshots ? calloc(1, sizeof *keeping) : NULL;
    if (!keeping)
        return;
    *keeping = (struct keeping){.code = code, .engine = code->engine, .range = range};
    keeping->file = fcntl(file, F_DUPFD_CLOEXEC, 0);
    if (keeping->file >= 0 && code->events->snapshot(code, keeping->name) &&
        nw_io_offload(code->engine->io, keep_work, keep_done, keeping) == 0) {
        code->keeping = true;
        return;
    }
    close_file(&keeping->file);
    free(keeping);
}

void nw_code_discard(struct nw_code *code)
{
    char name[NW_SNAPSHOT_NAME];
    close_file(&code->snapshot);
    if (code->snapshots && code->events->snapshot(code, name))
        nw_snapshots_remove(code->snapshots, name);
}

bool nw_code_ready(struct nw_code *code)
{
    if (code->fd < 0 && !code->reading)
        begin(code);
    return code->fd >= 0;
}
