/* Makes the domain of a fresh function what it was before the invocation that is over. */
#ifndef NW_WORKER_RUN_RENEW_H
#define NW_WORKER_RUN_RENEW_H

#include <stdbool.h>

struct nw_executor;
struct nw_slot;

/* On the executor that has the slot. True: it is not stale and may run; false: it was, and waits for an invocation, or
 * its domain is replaced, since it cannot be made what it was. */
bool nw__renew(struct nw_executor *ex, struct nw_slot *slot);

#endif
