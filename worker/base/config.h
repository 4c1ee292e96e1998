/* What this worker is: set once at its start, before there is another thread, and constant from then on. */
#ifndef NW_WORKER_BASE_CONFIG_H
#define NW_WORKER_BASE_CONFIG_H

#include "common/host/mode.h"
#include "common/host/policy.h"
#include "protect/gate/gate.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The two variants of gate.S: with keys and without. */
struct nw_gate_variant {
    const char *enter, *inside, *signal, *resume, *exit, *exit_end;
    const char *as, *as_syscall, *as_cut, *as_end;
    long (*syscall_as)(uint32_t pkru, long number, const uint64_t args[6]);
    void (*leave)(struct nw_gate_context *context); /* does not return */
};

struct nw_config {
    enum nw_mode mode;
    bool keyed; /* domains have keys: mode mpk */
    enum nw_policy policy;
    const struct nw_gate_variant *gate;
    uint64_t vdso;  /* readable in every domain */
    bool same_vdso; /* it lies at the same address in every worker; if not, snapshots are for this one alone */
    size_t xsave_size;
    uint32_t xsave_pkru_offset;
    uint64_t xsave_features; /* what the gate gives back, as far as this processor has it */
};

extern struct nw_config nw__config; /* for nw_config and nw_config_set alone */

static inline const struct nw_config *nw_config(void)
{
    return &nw__config;
}

void nw_config_set(const struct nw_config *config);

#endif
