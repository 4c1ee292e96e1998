/* Functions of this worker: what the engine asks of them and what becomes of them. Lock held but where it says
 * otherwise. */
#ifndef NW_WORKER_CALL_DEPLOYED_H
#define NW_WORKER_CALL_DEPLOYED_H

#include "common/base/status.h"
#include "common/manifest/control.h"
#include "common/manifest/manifest.h"
#include "worker/base/limits.h"
#include <stdbool.h>
#include <stdint.h>

struct nw_domain;
struct nw_deployed;
struct nw_slot;

/* What the engine asks. The message's fds are taken over. */
void nw_deployed_load(const struct nw_control_message *message);
void nw_deployed_reach(const struct nw_control_message *message);
void nw_deployed_activate(uint32_t deployment);
void nw_deployed_unname(uint32_t deployment);
void nw_deployed_retire(uint32_t deployment);

/* Its first flow has said that the function is up. */
void nw_deployed_ready(struct nw_domain *domain);

/* It is up because it was made from the snapshot, of which `first` is the first flow, and is just as that says. */
void nw_deployed_restored(struct nw_domain *domain, struct nw_slot *first);

void nw__deployed_domain_lost(struct nw_domain *domain, enum nw_status status, const char *reason);

/* Makes missing domains, for which it lets go of the lock; ends retired functions; true: look again soon. */
bool nw_deployed_tend(uint64_t now);

/* Lock NOT held; before it runs. */
int nw_deployed_inspect(struct nw_deployed *function, char reason[NW_REASON_MAX]);

#endif
