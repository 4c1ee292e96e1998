/* nightward-engine: wires options, state directory, registry, sockets and the loop. */
#include "common/base/log.h"
#include "common/host/spawn.h"
#include "engine/admin/admin.h"
#include "engine/control/controller.h"
#include "engine/control/supervisor.h"
#include "engine/gateway/gateway.h"
#include "engine/serve/engine.h"
#include "engine/store/registry.h"
#include "engine/store/state.h"
#include "engine/threads/threads.h"
#include <malloc.h>
#include <stdlib.h>

#define LARGE_BLOCK (1 << 20)

static struct nw_controller controller;

/* However it ends by itself: no socket stays behind that nobody answers. */
static void leave(void)
{
    nw_state_leave(&controller.state);
}

int main(int argc, char **argv)
{
    struct nw_engine *engine = &controller.engine;
    char why[4608];

    nw_log_init("nightward-engine", NW_LOG_INFO);
    nw_process_close();
    /* Large blocks come from the kernel and go back there: of the 16 MiB that keep count of an arena few pages are ever
     * touched, but malloc would zero all of them from the second worker on. */
    mallopt(M_MMAP_THRESHOLD, LARGE_BLOCK);
    nw_options_parse(&engine->options, argc, argv);
    nw_log_init("nightward-engine", engine->options.log_level);
    nw_controller_init(&controller);
    nw_supervisor_start(&controller);
    nw_state_take(&controller.state, engine->options.state);
    controller.registry = nw_registry_open(engine->options.state, why, sizeof why);
    if (!controller.registry)
        nw_die_system("%s", why);
    if (nw_registry_notice(controller.registry))
        nw_log(NW_LOG_WARN, "%s", nw_registry_notice(controller.registry));
    controller.addresses = nw_gateway_start(engine, controller.supervisor.held, controller.supervisor.n_held);
    nw_threads_start(&controller.threads);
    nw_admin_start(&controller);
    atexit(leave);
    nw_controller_run(&controller);
    nw_controller_fini(&controller);
    return 0;
}
