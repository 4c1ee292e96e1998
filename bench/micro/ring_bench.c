/* One descriptor through a ring and out again on one thread: what the ring itself costs, without a second core. */
#include "bench/micro/micro.h"
#include "common/base/clock.h"
#include "common/shm/ring.h"

#include <stdlib.h>
#include <string.h>

#define CAPACITY 1024
#define BATCH    256

static void push_pop(struct nw_bench *bench, long unused)
{
    struct nw_ring_shared *shared = aligned_alloc(64, (nw_ring_size(CAPACITY) + 63) / 64 * 64);
    struct nw_ring producer, consumer;
    struct nw_desc desc = {.kind = NW_DESC_INVOKE};

    (void)unused;
    if (!shared) {
        nw__bench_fail(bench, "out of memory");
        return;
    }
    memset(shared, 0, nw_ring_size(CAPACITY));
    nw_ring_init(&producer, shared, CAPACITY);
    nw_ring_init(&consumer, shared, CAPACITY);
    while (nw__bench_next(bench)) {
        uint64_t start = nw_clock_ns();
        for (int i = 0; i < BATCH; i++)
            if (nw_ring_push(&producer, &desc) || nw_ring_pop(&consumer, &desc) != 1)
                nw__bench_fail(bench, "the ring lost a descriptor");
        nw__bench_batch(bench, nw_clock_ns() - start, BATCH);
    }
    free(shared);
}

void nw__bench_register_ring(void)
{
    nw__bench_register("ring/push_pop", push_pop, 0);
}
