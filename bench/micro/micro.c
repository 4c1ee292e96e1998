/*
 * The benchmarks of single parts, and of a worker process: build/bench/micro RESULTS_FILE [flags of Google Benchmark].
 * NW_BUILD says where the programs and functions are.
 */
#include "bench/micro/micro.h"

#include <stdio.h>

int main(int argc, char **argv)
{
    const char *results = argc > 1 ? argv[1] : NULL;
    int status;

    if (!results || results[0] == '-') {
        fputs("usage: micro RESULTS_FILE [--benchmark_filter=REGEX] [--benchmark_min_time=SECONDS]\n", stderr);
        return 2;
    }
    argv[1] = argv[0];
    nw__bench_register_floor();
    nw__bench_register_clearing();
    nw__bench_register_worker();
    nw__bench_register_ring();
    nw__bench_register_arena();
    nw__bench_register_channel();
    nw__bench_register_doorbells();
    nw__bench_register_transports();
    status = nw__bench_run(argc - 1, argv + 1, results);
    nw__bench_stop_workers();
    return status;
}
