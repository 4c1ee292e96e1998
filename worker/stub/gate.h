/* How the stub calls the gate: see worker/base/ops.h for what it may ask. */
#ifndef NW_WORKER_STUB_GATE_H
#define NW_WORKER_STUB_GATE_H

#include <stdint.h>

extern const void *nw__gate; /* where it lies in this process */

static inline long nw__gate_call(uint32_t op, uint32_t scalar, const void *a1, uint64_t a2, const void *a3, uint64_t a4,
                                 uint64_t *second)
{
    uint64_t rdi = (uint64_t)scalar << 32 | op, rdx;
    register uint64_t r10 __asm__("r10") = a2;
    register uint64_t r8 __asm__("r8") = (uint64_t)a3;
    register uint64_t r9 __asm__("r9") = a4;
    long result;

    /* No call: the gate does not return to whom the processor predicts. Built without a red zone. */
    __asm__ volatile("leaq 1f(%%rip), %%rax\n\tpushq %%rax\n\tjmp *%[gate]\n1:"
                     : "=&a"(result), "=d"(rdx), "+D"(rdi), "+S"(a1), "+r"(r10), "+r"(r8), "+r"(r9)
                     : [gate] "r"(nw__gate)
                     : "rcx", "r11", "memory", "cc", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7",
                       "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15");
    if (second)
        *second = rdx;
    return result;
}

#endif
