/* Who runs next and for how long. Lock held. */
#ifndef NW_WORKER_RUN_SCHEDULE_H
#define NW_WORKER_RUN_SCHEDULE_H

#include "worker/domain/slot.h"
#include <stdbool.h>
#include <stdint.h>

void nw_ready(struct nw_slot *slot); /* the caller schedules next, or calls nw_wake_executor */
struct nw_slot *nw_ready_take(void);
void nw_ready_remove(struct nw_slot *slot);
bool nw_ready_any(void);                       /* somebody waits for an executor */
void nw_ready_all(struct nw_domain *domain);   /* it has a key from now on */
void nw_unready_all(struct nw_domain *domain); /* it has none any more */
void nw_sleep(struct nw_slot *slot, enum nw_slot_state state, uint64_t wake_at);
void nw_sleepers_remove(struct nw_slot *slot);
uint64_t nw_timers_run(uint64_t now); /* when to come again */
bool nw_watch(uint64_t now);          /* deadlines and quanta; false: nothing runs that would need watching */

#endif
