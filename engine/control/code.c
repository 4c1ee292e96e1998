/* Reading as code.h tells. */
#include "engine/control/code.h"
#include "engine/control/deployments.h"
#include "engine/io/io.h"
#include "engine/serve/engine.h"
#include "engine/store/registry.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct reading {
    struct nw_deployment *deployment; /* stays as long as its code_reading is set */
    struct nw_engine *engine;
    int fd; /* or negative errno */
    char why[NW_REASON_SIZE];
};

static void read_work(void *arg)
{
    struct reading *reading = arg;
    const struct nw_deployment *deployment = reading->deployment;
    reading->fd =
        nw_registry_open_code(reading->engine->registry, deployment->sha256, reading->why, sizeof reading->why);
}

static void read_done(void *arg)
{
    struct reading *reading = arg;
    struct nw_deployment *deployment = reading->deployment;
    if (reading->engine->ended) {
        if (reading->fd >= 0)
            close(reading->fd);
    } else {
        deployment->code_reading = false;
        deployment->code = reading->fd >= 0 ? reading->fd : -1;
        nw_deployment_code_read(deployment, reading->fd >= 0 ? NULL : reading->why);
    }
    free(reading);
}

static void begin(struct nw_deployment *deployment)
{
    struct reading *reading = calloc(1, sizeof *reading);
    if (!reading)
        return;
    *reading = (struct reading){.deployment = deployment, .engine = deployment->engine};
    if (nw_io_offload(deployment->engine->io, read_work, read_done, reading) < 0)
        free(reading);
    else
        deployment->code_reading = true;
}

bool nw_code_ready(struct nw_deployment *deployment)
{
    if (deployment->code < 0 && !deployment->code_reading)
        begin(deployment);
    return deployment->code >= 0;
}

void nw_code_close(struct nw_deployment *deployment)
{
    if (deployment->code >= 0)
        close(deployment->code);
}
