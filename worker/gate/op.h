/* The operations of the gate other than the nested call. Takes the lock. */
#ifndef NW_WORKER_GATE_OP_H
#define NW_WORKER_GATE_OP_H

#include <stdint.h>

struct nw_executor;
struct nw_gate_context;
struct nw_slot;

struct nw_gate_context *nw__slow_op(struct nw_executor *ex, struct nw_slot *slot, uint64_t op, uint64_t a1, uint64_t a2,
                                    uint64_t a3, uint64_t a4);

#endif
