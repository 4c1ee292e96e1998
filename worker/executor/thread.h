/* Executors as kernel threads: they are started and kicked here. What they run is no matter of this file. */
#ifndef NW_WORKER_EXECUTOR_THREAD_H
#define NW_WORKER_EXECUTOR_THREAD_H

#include "worker/domain/executor.h"
#include "worker/domain/slot.h"
#include <stdbool.h>
#include <stdint.h>

/* What an executor runs next; it sleeps until there is something. */
typedef struct nw_gate_context *nw_executor_next_fn(struct nw_executor *ex);

int nw_executors_init(uint32_t tokens, nw_executor_next_fn *next);
int nw__executor_start(void); /* lock held, but not meanwhile */

/* Makes an executor look again at what it runs. The second does so for every executor that may run something. Lock
 * held.
 */
void nw_executor_kick(const struct nw_executor *ex);
void nw_executors_kick(void);

/* All of them, one after the other: the first is the one after NULL. They are never fewer. Lock held. */
struct nw_executor *nw_executor_after(const struct nw_executor *ex);

/* How many run slots at once, however many there are. */
uint32_t nw_executors_at_once(void);

uint32_t nw__executors_count(void); /* all of them; lock held */

#endif
