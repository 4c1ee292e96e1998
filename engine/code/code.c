/* Reading as code.h tells. */
#include "engine/code/code.h"
#include "engine/io/io.h"
#include "engine/serve/engine.h"
#include "engine/store/registry.h"
#include <stdlib.h>
#include <unistd.h>

struct reading {
    struct nw_code *code; /* stays as long as it is `reading` */
    struct nw_engine *engine;
    int fd; /* or negative errno */
    char why[1024];
};

static void read_work(void *arg)
{
    struct reading *reading = arg;
    reading->fd =
        nw_registry_open_code(reading->code->registry, reading->code->sha256, reading->why, sizeof reading->why);
}

static void read_done(void *arg)
{
    struct reading *reading = arg;
    struct nw_code *code = reading->code;
    if (reading->engine->ended) {
        if (reading->fd >= 0)
            close(reading->fd);
    } else {
        code->reading = false;
        code->fd = reading->fd >= 0 ? reading->fd : -1;
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
    if (nw_io_offload(code->engine->io, read_work, read_done, reading) < 0)
        free(reading);
    else
        code->reading = true;
}

void nw_code_init(struct nw_code *code, struct nw_engine *engine, struct nw_registry *registry, const char *sha256,
                  const struct nw_code_events *events)
{
    *code = (struct nw_code){.engine = engine, .registry = registry, .events = events, .sha256 = sha256, .fd = -1};
}

void nw_code_fini(struct nw_code *code)
{
    if (code->fd >= 0)
        close(code->fd);
}

void nw_code_forget(struct nw_code *code)
{
    nw_code_fini(code);
    code->fd = -1;
}

bool nw_code_ready(struct nw_code *code)
{
    if (code->fd < 0 && !code->reading)
        begin(code);
    return code->fd >= 0;
}
