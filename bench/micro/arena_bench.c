/* A block of an arena taken and given back, with other blocks of many sizes alive around it. */
#include "bench/micro/micro.h"
#include "common/base/clock.h"
#include "common/shm/arena.h"

#include <stdlib.h>

#define ARENA_SIZE (64u << 20)
#define LIVE       512
#define BATCH      256

/* Fills part of the arena and frees every other block, so that there are holes to look through. */
static int fragment(struct nw_arena *arena)
{
    uint64_t offsets[LIVE];

    for (int i = 0; i < LIVE; i++)
        if (nw_arena_alloc(arena, (size_t)64 << (i % 11), &offsets[i]))
            return -1;
    for (int i = 0; i < LIVE; i += 2)
        if (nw_arena_release(arena, offsets[i]))
            return -1;
    return 0;
}

static void measure(struct nw_bench *bench, struct nw_arena *arena, size_t size)
{
    uint64_t offset;

    while (nw__bench_next(bench)) {
        uint64_t start = nw_clock_ns();
        for (int i = 0; i < BATCH; i++)
            if (nw_arena_alloc(arena, size, &offset) || nw_arena_release(arena, offset))
                nw__bench_fail(bench, "the arena refused a block");
        nw__bench_batch(bench, nw_clock_ns() - start, BATCH);
    }
}

static void alloc_release(struct nw_bench *bench, long size)
{
    void *memory = aligned_alloc(4096, ARENA_SIZE);
    struct nw_arena *arena = memory ? nw_arena_new(memory, ARENA_SIZE) : NULL;

    if (arena && !fragment(arena))
        measure(bench, arena, (size_t)size);
    else
        nw__bench_fail(bench, "out of memory");
    if (arena)
        nw_arena_free(arena);
    free(memory);
}

void nw__bench_register_arena(void)
{
    nw__bench_register("arena/alloc_release/64", alloc_release, 64);
    nw__bench_register("arena/alloc_release/4096", alloc_release, 4096);
    nw__bench_register("arena/alloc_release/1048576", alloc_release, 1048576);
}
