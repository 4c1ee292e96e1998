/*
 * The benchmarks of single parts, and of a worker process: build/bench/micro RESULTS_FILE [flags of Google Benchmark].
 * NW_BUILD says where the programs and functions are.
 */
#include "bench/micro.h"

#include <stdio.h>
#include <time.h>

uint64_t nw_bench_now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

int main(int argc, char **argv)
{
    const char *results = argc > 1 ? argv[1] : NULL;
    int status;

    if (!results || results[0] == '-') {
        fputs("usage: micro RESULTS_FILE [--benchmark_filter=REGEX] [--benchmark_min_time=SECONDS]\n", stderr);
        return 2;
    }
    argv[1] = argv[0];
    nw_bench_register_floor();
    nw_bench_register_worker();
    nw_bench_register_ring();
    nw_bench_register_arena();
    nw_bench_register_channel();
    nw_bench_register_doorbells();
    nw_bench_register_transports();
    status = nw_bench_run(argc - 1, argv + 1, results);
    nw_bench_stop_workers();
    return status;
}
