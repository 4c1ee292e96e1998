/* See drain.h. */
#include "engine/control/drain.h"
#include "common/base/log.h"
#include "engine/control/controller.h"
#include "engine/http/http.h"
#include "engine/io/io.h"
#include "engine/logs/logs.h"
#include "engine/serve/engine.h"
#include "engine/threads/threads.h"

void nw__drain_begin(struct nw_controller *controller)
{
    struct nw_engine *engine = &controller->engine;
    if (controller->drain_deadline) {
        nw_log(NW_LOG_WARN, "told to stop again: ends at once");
        nw_io_stop(engine->io);
        return;
    }
    nw_log(NW_LOG_INFO, "told to stop: finishes what runs, for at most %llu s",
           (unsigned long long)(engine->options.drain_timeout / 1000));
    engine->draining = true;
    controller->drain_deadline = nw_io_now(engine->io) + engine->options.drain_timeout;
    nw_threads_drain(&controller->threads);
    nw_http_server_drain(engine->gateway);
    nw_http_server_drain(engine->admin);
    if (controller->deployments.logs)
        nw_logs_hurry(controller->deployments.logs);
}

static bool drained(const struct nw_controller *controller)
{
    return nw_threads_drained(&controller->threads) && !nw_http_server_undrained(controller->engine.admin);
}

void nw__drain_tick(struct nw_controller *controller)
{
    const struct nw_engine *engine = &controller->engine;
    if (controller->drain_deadline && (drained(controller) || nw_io_now(engine->io) >= controller->drain_deadline))
        nw_io_stop(engine->io);
}
