/*
 * What an executor does: it takes slots that are ready, looks at the rings, deals out keys, and sleeps when there is
 * nothing to do, one of them on the doorbell of the rings.
 */
#ifndef NW_WORKER_RUN_EXECUTOR_H
#define NW_WORKER_RUN_EXECUTOR_H

#include "worker/domain/executor.h"
#include "worker/domain/slot.h"

struct nw_gate_context *nw_executor_next(struct nw_executor *ex); /* the next slot to run; sleeps until there is one */

#endif
