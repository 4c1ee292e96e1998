/*
 * The instructions of the gate that change rights and the thread pointer, for benchmarks of what they cost. Only here
 * are they outside the gate: this program holds no domain.
 */
#ifndef NW_BENCH_MICRO_RIGHTS_H
#define NW_BENCH_MICRO_RIGHTS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/auxv.h>
#include <sys/mman.h>

#define NW__HWCAP2_FSGSBASE 2u

static inline uint32_t nw__rdpkru(void)
{
    uint32_t rights;

    __asm__ volatile("rdpkru" : "=a"(rights) : "c"(0) : "rdx");
    return rights;
}

static inline void nw__wrpkru(uint32_t rights)
{
    __asm__ volatile("wrpkru" : : "a"(rights), "c"(0), "d"(0) : "memory");
}

static inline uint64_t nw__rdfsbase(void)
{
    uint64_t base;

    __asm__ volatile("rdfsbase %0" : "=r"(base));
    return base;
}

static inline void nw__wrfsbase(uint64_t base)
{
    __asm__ volatile("wrfsbase %0" : : "r"(base) : "memory");
}

/* Whether this machine knows all four. */
static inline bool nw__rights_known(void)
{
    int key = pkey_alloc(0, 0);

    if (key < 0)
        return false;
    pkey_free(key);
    return (getauxval(AT_HWCAP2) & NW__HWCAP2_FSGSBASE) != 0;
}

#endif
