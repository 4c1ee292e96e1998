/*
 * What the processor asks for what a gate must do, one instruction at a time, and a system call that nobody mediates.
 */
#include "bench/micro/micro.h"
#include "bench/micro/rights.h"
#include "common/base/clock.h"

#include <stdio.h>
#include <unistd.h>

#define BATCH 64

enum what { WRPKRU, RDPKRU, WRFSBASE, GETPPID };

/* A loop for each, so that no choice is made between two instructions under test. */
static uint64_t batch(enum what what, uint32_t rights, uint64_t base)
{
    uint64_t start = nw_clock_ns();

    for (int i = 0; what == WRPKRU && i < BATCH; i++)
        nw__wrpkru(rights);
    for (int i = 0; what == RDPKRU && i < BATCH; i++)
        nw__rdpkru();
    for (int i = 0; what == WRFSBASE && i < BATCH; i++)
        nw__wrfsbase(base);
    for (int i = 0; what == GETPPID && i < BATCH; i++)
        getppid();
    return nw_clock_ns() - start;
}

static void measure(struct nw_bench *bench, long what)
{
    const uint32_t rights = what == WRPKRU ? nw__rdpkru() : 0;
    const uint64_t base = what == WRFSBASE ? nw__rdfsbase() : 0;

    while (nw__bench_next(bench))
        nw__bench_batch(bench, batch((enum what)what, rights, base), BATCH);
}

void nw__bench_register_floor(void)
{
    nw__bench_register("syscall/native", measure, GETPPID);
    if (!nw__rights_known()) {
        fputs("skipped: wrpkru, rdpkru, wrfsbase: no protection keys here\n", stderr);
        return;
    }
    nw__bench_register("wrpkru", measure, WRPKRU);
    nw__bench_register("rdpkru", measure, RDPKRU);
    nw__bench_register("wrfsbase", measure, WRFSBASE);
}
