/* See unlisted.h. */
#include "engine/control/unlisted.h"
#include "common/base/log.h"
#include "engine/control/controller.h"
#include "engine/io/io.h"
#include "engine/store/registry.h"
#include <stdlib.h>

struct look {
    struct nw_controller *controller;
    unsigned found;
};

static void look_work(void *arg)
{
    struct look *look = arg;
    look->found = nw_registry_look_through(look->controller->registry);
}

static void look_done(void *arg)
{
    struct look *look = arg;
    struct nw_registry *registry = look->controller->registry;
    if (!look->controller->engine.ended) {
        nw_registry_note_unlisted(registry, look->found);
        if (nw_registry_store_notice(registry))
            nw_log(NW_LOG_WARN, "%s", nw_registry_store_notice(registry));
    }
    free(look);
}

void nw__unlisted_look(struct nw_controller *controller)
{
    struct look *look = calloc(1, sizeof *look);
    if (!look)
        return;
    look->controller = controller;
    if (nw_io_offload(controller->engine.io, look_work, look_done, look) < 0)
        free(look);
}
