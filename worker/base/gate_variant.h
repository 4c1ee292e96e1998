/* The two variants of gate.S: with keys and without. */
#ifndef NW_WORKER_BASE_GATE_VARIANT_H
#define NW_WORKER_BASE_GATE_VARIANT_H

#include "protect/gate/gate.h"
#include <stdint.h>

struct nw_gate_variant {
    const char *enter, *inside, *signal, *resume, *exit, *exit_end;
    const char *as, *as_syscall, *as_cut, *as_end;
    long (*syscall_as)(uint32_t pkru, long number, const uint64_t args[6]);
    void (*leave)(struct nw_gate_context *context); /* does not return */
};

#endif
