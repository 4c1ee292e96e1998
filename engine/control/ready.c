/* See ready.h. */
#include "engine/control/ready.h"
#include "engine/control/deployments.h"
#include "engine/control/workers.h"
#include "engine/serve/engine.h"
#include <stddef.h>

const char *nw_unready(const struct nw_engine *engine)
{
    if (!nw_workers_all_up(engine))
        return "a worker is not up";
    if (engine->state.lost)
        return "the state directory is gone";
    return nw_deployments_settled(engine->deployments) ? NULL : "functions are being loaded";
}
