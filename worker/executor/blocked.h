/* System calls that may take long. Lock NOT held but where it says so. */
#ifndef NW_WORKER_EXECUTOR_BLOCKED_H
#define NW_WORKER_EXECUTOR_BLOCKED_H

#include <stdbool.h>
#include <stdint.h>

struct nw_executor;
struct nw_slot;

int nw_executor_block(struct nw_executor *ex); /* before a call that may take long: another gets the token; -EAGAIN */
void nw_executor_unblock(struct nw_executor *ex); /* after it */
/* Lock held. More are awake than may run slots at once: those that come back from a call run on. Who looks for work
 * leaves it to the others. */
bool nw_executor_is_spare(void);
bool nw_executors_suffice(void); /* lock held: as many are awake as may run slots, so another would be woken in vain */
/* The slot makes its system call again when it may block, or at `until` (0: never). False: its domain is dying. */
bool nw_blocked_await(struct nw_slot *slot, bool restarts, uint64_t until);
void nw_blocked_unused(struct nw_slot *slot); /* lock held: its call, which might have blocked, did not */

#endif
