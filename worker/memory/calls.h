/* The memory system calls of a domain: calls.c, remap.c. */
#ifndef NW_WORKER_MEMORY_CALLS_H
#define NW_WORKER_MEMORY_CALLS_H

#include <stdint.h>

struct nw_memory;
struct nw_code_call;
struct nw_domain_fd;
struct nw_gate_thread;

/*
 * All return what the system call would, or -NW_CALL_CUT: a kick of the executor with this `thread` cut them short, and
 * the call is to be made again. NULL is no executor's.
 *
 * `file`: the open file to map; NULL for anonymous memory. `code` says whether an image of code may be built, and gets
 * why code was refused; -NW_MEMORY_BUILDS: one has to be built, which it does not allow.
 */
long nw_memory_map(const struct nw_gate_thread *thread, struct nw_memory *memory, const uint64_t args[6],
                   const struct nw_domain_fd *file, struct nw_code_call *code);

/* The checks of nw_memory_map that need no file: 0 or negative errno. */
int nw_memory_may_map(const struct nw_memory *memory, const uint64_t args[6]);
long nw_memory_unmap(const struct nw_gate_thread *thread, struct nw_memory *memory, uint64_t start, uint64_t length);
long nw_memory_protect(const struct nw_gate_thread *thread, struct nw_memory *memory, uint64_t start, uint64_t length,
                       uint64_t prot);
long nw_memory_remap(const struct nw_gate_thread *thread, struct nw_memory *memory, const uint64_t args[6]);
long nw_memory_advise(const struct nw_gate_thread *thread, struct nw_memory *memory, uint64_t start, uint64_t length,
                      uint64_t advice);

#endif
