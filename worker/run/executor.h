/* Executors: the kernel threads that run slots. */
#ifndef NW_WORKER_RUN_EXECUTOR_H
#define NW_WORKER_RUN_EXECUTOR_H

#include "worker/domain/executor.h"
#include "worker/domain/slot.h"
#include <stdint.h>

int nw_executors_init(uint32_t tokens);
struct nw_gate_context *nw_executor_next(struct nw_executor *ex); /* the next slot to run; sleeps until there is one */
void nw_executors_kick(void);                                     /* every executor looks at what it runs */
enum nw_pace nw_executor_pace(const struct nw_executor *ex);      /* of the slot that it took last */
int nw_executor_start(void);                                      /* lock held, but not meanwhile */

#endif
