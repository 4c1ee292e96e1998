/* What the files share that carry out the memory system calls of domains: memory.c, code.c, remap.c. */
#ifndef NW_WORKER_MEMORY_MEMORY_H
#define NW_WORKER_MEMORY_MEMORY_H

#include "worker/base/limits.h"
#include "worker/domain/domain.h"
#include "worker/domain/executor.h"
#include "worker/memory/region.h"
#include <stdbool.h>
#include <stdint.h>

struct nw_domain;
struct nw_domain_fd;
struct nw_executor;

#define NW_MONITOR_MAPPINGS 1 /* of the monitor's own in a domain's range */

static inline uint64_t nw_page_up(uint64_t length)
{
    return (length + NW_PAGE_SIZE - 1) & -NW_PAGE_SIZE;
}

/* All with domain.memory_lock held. */

/* Whether the domain may have so many bytes charged; less than it has it always may. */
bool nw_memory_fits(const struct nw_domain *d, uint64_t charged);

/* Admits what a change would lead to: -ENOMEM. What it took and the change did not use is given back by the other. */
int nw_memory_admit(struct nw_domain *d, const struct nw_regions_cost *cost);
void nw_memory_settle(struct nw_domain *d);

/* Where a mapping goes: at the fixed address, or wherever it fits, at the hint if that is free. */
int nw_memory_place(struct nw_domain *d, uint64_t hint, uint64_t length, bool fixed, uint64_t *start);

/* Maps an image's or a file's part there, in the domain's key, and records it. */
int nw_memory_put(struct nw_domain *d, uint64_t start, uint64_t length, int prot, enum nw_region_kind kind, int fd,
                  uint64_t offset, const struct nw_region_origin *origin);

/* Anonymous memory and files; of MAP_FIXED the contents that it replaces are gone already if they are large. */
long nw_memory_map_data(struct nw_domain *d, uint64_t hint, uint64_t length, int prot, int flags, int fd,
                        uint64_t offset);
long nw_memory_unmap_now(struct nw_domain *d, uint64_t start, uint64_t length);

/* Without the lock: code.c. -EAGAIN: it has to wait until it may keep a kernel thread. */
long nw_memory_map_code(struct nw_executor *ex, struct nw_domain *d, uint64_t hint, uint64_t length, int prot,
                        bool fixed, const struct nw_domain_fd *file, uint64_t offset);

#endif
