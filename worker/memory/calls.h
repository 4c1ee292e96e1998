/* The memory system calls of a domain: memory.c, remap.c. */
#ifndef NW_WORKER_MEMORY_CALLS_H
#define NW_WORKER_MEMORY_CALLS_H

#include <stdint.h>

struct nw_domain;
struct nw_executor;

/* They return what the system call would; -NW_CALL_CUT when a kick of the executor, NULL if there is none, cut them
 * short. */
long nw_memory_map(struct nw_executor *ex, struct nw_domain *d, const uint64_t args[6]);
long nw_memory_unmap(const struct nw_executor *ex, struct nw_domain *d, uint64_t start, uint64_t length);
long nw_memory_protect(const struct nw_executor *ex, struct nw_domain *d, uint64_t start, uint64_t length,
                       uint64_t prot);
long nw_memory_remap(const struct nw_executor *ex, struct nw_domain *d, const uint64_t args[6]);
long nw_memory_advise(const struct nw_executor *ex, struct nw_domain *d, uint64_t start, uint64_t length,
                      uint64_t advice);

#endif
