/* See ready.h. */
#include "engine/control/ready.h"
#include "engine/control/controller.h"
#include <stddef.h>

bool nw__settled(const struct nw_controller *controller)
{
    return nw_workers_settled(&controller->workers) && !controller->state.lost &&
           nw_deployments_settled(&controller->deployments);
}

const char *nw__unready(const struct nw_controller *controller)
{
    if (!nw_workers_all_up(&controller->workers))
        return "a worker is not up";
    if (controller->state.lost)
        return "the state directory is gone";
    return nw_deployments_settled(&controller->deployments) ? NULL : "functions are being loaded";
}
