/*
 * Registers that only some CPUs have, as NW_STATE_* of gate.h: what the way out of the gate is to clear here. The shape
 * of tiles is cleared only when some code of the process may have set it (tiles.h): that takes 5 ns of a nested call.
 */
#ifndef NW_PROTECT_GATE_STATE_H
#define NW_PROTECT_GATE_STATE_H

#include "common/base/xstate.h"
#include "protect/gate/gate.h"
#include <cpuid.h>
#include <stdint.h>

#define NW_CPUID_1_ECX_OSXSAVE (1u << 27)

/* What this CPU has. */
static inline uint32_t nw_state_here(void)
{
    uint32_t eax, ebx, ecx, edx;

    if (!__get_cpuid(1, &eax, &ebx, &ecx, &edx) || !(ecx & NW_CPUID_1_ECX_OSXSAVE))
        return 0;
    __asm__ volatile("xgetbv" : "=a"(eax), "=d"(edx) : "c"(0));
    return (eax & NW_XFEATURE_OPMASK ? NW_STATE_AVX512 : 0) | (eax & NW_XFEATURE_TILE_CFG ? NW_STATE_TILES : 0);
}

/* Before any domain is entered. */
void nw_gate_state_init(void);

/* Code that may set the shape of tiles is about to be mapped: from the next way out on all threads clear it, for good.
 * Any thread. */
void nw_gate_state_tiles(void);

#endif
