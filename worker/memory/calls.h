/* The memory system calls of a domain: calls.c, remap.c. */
#ifndef NW_WORKER_MEMORY_CALLS_H
#define NW_WORKER_MEMORY_CALLS_H

#include <stdint.h>

struct nw_memory;
struct nw_code_call;
struct nw_domain_fd;
struct nw_gate_thread;

/*
 * They return what the system call would; -NW_CALL_CUT when a kick of the executor with this thread, NULL if there is
 * none, cut them short.
 *
 * `file`: what is mapped, open; NULL for memory of no file. `code` says whether an image of code may be built, and gets
 * why code was refused; -NW_MEMORY_BUILDS when one has to be built first.
 */
long nw_memory_map(const struct nw_gate_thread *thread, struct nw_memory *memory, const uint64_t args[6],
                   const struct nw_domain_fd *file, struct nw_code_call *code);

/* What of that can be said before the file is looked for: 0 or negative errno. */
int nw_memory_may_map(const struct nw_memory *memory, const uint64_t args[6]);
long nw_memory_unmap(const struct nw_gate_thread *thread, struct nw_memory *memory, uint64_t start, uint64_t length);
long nw_memory_protect(const struct nw_gate_thread *thread, struct nw_memory *memory, uint64_t start, uint64_t length,
                       uint64_t prot);
long nw_memory_remap(const struct nw_gate_thread *thread, struct nw_memory *memory, const uint64_t args[6]);
long nw_memory_advise(const struct nw_gate_thread *thread, struct nw_memory *memory, uint64_t start, uint64_t length,
                      uint64_t advice);

#endif
