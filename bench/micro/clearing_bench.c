/*
 * gate_floor is the bound of a nested call there and back: four changes of rights, two of the thread pointer. With it
 * is what the gate does beside that, one kind at a time and all together. The instructions are those of gate.S, with
 * nothing between them that takes time: what a nested call takes above gate_floor+all is the code of monitor, stub and
 * functions.
 */
#include "bench/micro/micro.h"
#include "bench/micro/rights.h"
#include "common/base/clock.h"
#include "protect/gate/state.h"

#include <stdint.h>
#include <stdio.h>

#define BATCH 64

enum { LFENCE = 1, X87 = 2, VECTORS = 4, AVX512 = 8, CONTROL = 16, SELECTORS = 32, TILES = 64 };

#define ALL (LFENCE | X87 | VECTORS | AVX512 | CONTROL | SELECTORS)

/* Of the way in: the control words and the flags are looked at. */
static inline __attribute__((always_inline)) void look_at_control(void)
{
    uint64_t flags;
    uint32_t mxcsr;
    uint16_t fcw;

    __asm__ volatile("stmxcsr %0; fnstcw %1; pushfq; popq %2" : "=m"(mxcsr), "=m"(fcw), "=r"(flags) : : "memory");
}

static inline __attribute__((always_inline)) void look_at_selectors(void)
{
    uint32_t ds, es, fs;

    __asm__ volatile("movl %%ds, %0; movl %%es, %1; movl %%fs, %2" : "=r"(ds), "=r"(es), "=r"(fs));
}

static inline __attribute__((always_inline)) void clear_x87(void)
{
    static const float zero = 0;
    uint16_t status;

    __asm__ volatile("fnstsw %0\n\t"
                     "pxor %%mm0, %%mm0; pxor %%mm1, %%mm1; pxor %%mm2, %%mm2; pxor %%mm3, %%mm3\n\t"
                     "pxor %%mm4, %%mm4; pxor %%mm5, %%mm5; pxor %%mm6, %%mm6; pxor %%mm7, %%mm7\n\t"
                     "emms; flds %1; fstp %%st(0)"
                     : "=a"(status)
                     : "m"(zero));
}

static inline __attribute__((always_inline)) void clear_vectors(void)
{
    __asm__ volatile(".irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\n\t"
                     "vpxor %%xmm\\n, %%xmm\\n, %%xmm\\n\n\t"
                     ".endr\n\t"
                     "vzeroupper" ::
                         : "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10",
                           "xmm11", "xmm12", "xmm13", "xmm14", "xmm15");
}

/* This program is compiled for any processor: nothing but this knows these registers. */
static inline __attribute__((always_inline)) void clear_avx512(void)
{
    __asm__ volatile(".irp n, 16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31\n\t"
                     "vpxorq %%zmm\\n, %%zmm\\n, %%zmm\\n\n\t"
                     ".endr\n\t"
                     ".irp n, 0,1,2,3\n\t"
                     "kxorw %%k\\n, %%k\\n, %%k\\n\n\t"
                     ".endr\n\t"
                     ".irp n, 4,5,6,7\n\t"
                     "kmovw %0, %%k\\n\n\t"
                     ".endr" ::"r"(0));
}

/* In and out once: half of a nested call. */
static inline __attribute__((always_inline)) void cross(int what, uint32_t rights, uint64_t base)
{
    nw__wrpkru(rights);
    if (what & CONTROL)
        look_at_control();
    nw__wrfsbase(base);
    if (what & X87)
        clear_x87();
    if (what & VECTORS)
        clear_vectors();
    if (what & SELECTORS)
        look_at_selectors();
    if (what & TILES)
        __asm__ volatile("tilerelease");
    if (what & AVX512)
        clear_avx512();
    nw__wrpkru(rights);
    if (what & LFENCE)
        __asm__ volatile("lfence" ::: "memory");
}

/* A function for each, so that no choice is made between the instructions under test. */
#define MEASURE(NAME, WHAT)                                       \
    static void NAME(struct nw_bench *bench, long here)           \
    {                                                             \
        const uint32_t rights = nw__rdpkru();                     \
        const uint64_t base = nw__rdfsbase();                     \
                                                                  \
        while (nw__bench_next(bench)) {                           \
            uint64_t start = nw_clock_ns();                       \
                                                                  \
            for (int i = 0; i < 2 * BATCH; i++)                   \
                cross(WHAT, rights, base);                        \
            nw__bench_batch(bench, nw_clock_ns() - start, BATCH); \
        }                                                         \
        (void)here;                                               \
    }

MEASURE(floor_alone, 0)
MEASURE(lfence, LFENCE)
MEASURE(x87, X87)
MEASURE(vectors, VECTORS)
MEASURE(avx512, VECTORS | AVX512)
MEASURE(control, CONTROL)
MEASURE(selectors, SELECTORS)
MEASURE(tiles, TILES)
MEASURE(all, ALL & ~AVX512)
MEASURE(all_avx512, ALL)

void nw__bench_register_clearing(void)
{
    const uint32_t state = nw_state_here();

    if (!nw__rights_known()) {
        fputs("skipped: gate_floor, alone and with what the gate clears: no protection keys here\n", stderr);
        return;
    }
    nw__bench_register("gate_floor", floor_alone, 0);
    nw__bench_register("gate_floor+lfence", lfence, 0);
    nw__bench_register("gate_floor+x87", x87, 0);
    nw__bench_register("gate_floor+vectors", vectors, 0);
    nw__bench_register("gate_floor+control", control, 0);
    nw__bench_register("gate_floor+selectors", selectors, 0);
    if (state & NW_STATE_AVX512)
        nw__bench_register("gate_floor+vectors+avx512", avx512, 0);
    if (state & NW_STATE_TILES)
        nw__bench_register("gate_floor+tiles", tiles, 0);
    nw__bench_register("gate_floor+all", state & NW_STATE_AVX512 ? all_avx512 : all, 0);
}
