/* See ready.h. */
#include "engine/control/ready.h"
#include "engine/control/controller.h"
#include <stddef.h>

const char *nw_unready(const struct nw_engine *engine)
{
    if (!nw_workers_all_up(&nw_controller_of(engine)->workers))
        return "a worker is not up";
    if (engine->state.lost)
        return "the state directory is gone";
    return nw_deployments_settled(&nw_controller_of(engine)->deployments) ? NULL : "functions are being loaded";
}
