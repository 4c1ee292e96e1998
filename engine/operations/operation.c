/* See operation.h. */
#include "engine/operations/operation.h"
#include "common/base/log.h"
#include "common/host/error_text.h"
#include "engine/serve/engine.h"
#include "engine/serve/function.h"
#include <stdio.h>

void nw__operation_end(struct nw__operation *op, enum nw_status status)
{
    op->status = status;
    nw_list_append(&op->all->ended, &op->ended);
    op->all->engine->again = true;
}

void nw__operation_no_thread(struct nw__operation *op, const char *what, int rc)
{
    char text[NW_ERROR_TEXT];
    snprintf(op->why, sizeof op->why,
             "cannot start a thread to %s: %s. Too little memory or pids.max of its cgroup may be the reason, too; try "
             "again",
             what, nw_error_text(-rc, text));
    nw_log(NW_LOG_ERROR, "function \"%s\": %s", op->function->name, op->why);
}
