/* System calls of domains as they come to the monitor. */
#ifndef NW_WORKER_GATE_SYSCALL_H
#define NW_WORKER_GATE_SYSCALL_H

#include <stdbool.h>
#include <stdint.h>

struct nw_call;
struct nw_executor;
struct nw_gate_context;
struct nw_shortcut_call;
struct nw_slot;

/* A domain's system call was caught. */
struct nw_gate_context *nw__syscall_trapped(struct nw_executor *ex, struct nw_slot *slot);

/* The same for NW_OP_SYSCALL. Entered with the domain's FS base. */
struct nw_gate_context *nw__syscall_direct(struct nw_executor *ex, struct nw_slot *slot,
                                           const struct nw_shortcut_call *asked);
bool nw_syscall_is_direct(uint32_t number); /* may come as NW_OP_SYSCALL */

/* Carries out a call, whoever caught it. Returns what the system call returns; nothing when it says `parked`. A
 * function that attacks can find, with the jump to the handler in it. */
long nw__syscall(struct nw_call *call);

#endif
