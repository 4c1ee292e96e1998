/*
 * What the processor asks for what a gate must do, one instruction at a time, and a system call that nobody mediates.
 * gate_floor is the bound of a nested call there and back: four changes of rights, two of the thread pointer. Only here
 * are these instructions outside the gate: this program holds no domain.
 */
#include "bench/micro/micro.h"
#include "common/base/clock.h"
#include "common/host/mode.h"

#include <stdio.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <unistd.h>

#define BATCH           64
#define HWCAP2_FSGSBASE 2u

enum what { FLOOR, WRPKRU, RDPKRU, WRFSBASE, GETPPID };

static uint32_t rdpkru(void)
{
    uint32_t rights;

    __asm__ volatile("rdpkru" : "=a"(rights) : "c"(0) : "rdx");
    return rights;
}

static void wrpkru(uint32_t rights)
{
    __asm__ volatile("wrpkru" : : "a"(rights), "c"(0), "d"(0) : "memory");
}

static uint64_t rdfsbase(void)
{
    uint64_t base;

    __asm__ volatile("rdfsbase %0" : "=r"(base));
    return base;
}

static void wrfsbase(uint64_t base)
{
    __asm__ volatile("wrfsbase %0" : : "r"(base) : "memory");
}

static void gate(uint32_t rights, uint64_t base)
{
    wrpkru(rights);
    wrfsbase(base);
    wrpkru(rights);
    wrpkru(rights);
    wrfsbase(base);
    wrpkru(rights);
}

/* A loop for each, so that no choice is made between two instructions under test. */
static uint64_t batch(enum what what, uint32_t rights, uint64_t base)
{
    uint64_t start = nw_clock_ns();

    for (int i = 0; what == FLOOR && i < BATCH; i++)
        gate(rights, base);
    for (int i = 0; what == WRPKRU && i < BATCH; i++)
        wrpkru(rights);
    for (int i = 0; what == RDPKRU && i < BATCH; i++)
        rdpkru();
    for (int i = 0; what == WRFSBASE && i < BATCH; i++)
        wrfsbase(base);
    for (int i = 0; what == GETPPID && i < BATCH; i++)
        getppid();
    return nw_clock_ns() - start;
}

static void measure(struct nw_bench *bench, long what)
{
    const uint32_t rights = what == FLOOR || what == WRPKRU ? rdpkru() : 0;
    const uint64_t base = what == FLOOR || what == WRFSBASE ? rdfsbase() : 0;

    while (nw__bench_next(bench))
        nw__bench_batch(bench, batch((enum what)what, rights, base), BATCH);
}

void nw__bench_register_floor(void)
{
    int key = pkey_alloc(0, 0);

    nw__bench_register("syscall/native", measure, GETPPID);
    if (key < 0 || !(getauxval(AT_HWCAP2) & HWCAP2_FSGSBASE)) {
        fputs("skipped: gate_floor, wrpkru, rdpkru, wrfsbase: no protection keys here\n", stderr);
        return;
    }
    pkey_free(key);
    nw__bench_register("gate_floor", measure, FLOOR);
    nw__bench_register("wrpkru", measure, WRPKRU);
    nw__bench_register("rdpkru", measure, RDPKRU);
    nw__bench_register("wrfsbase", measure, WRFSBASE);
}
