/* What the benchmarks of single parts share. */
#ifndef NW_BENCH_MICRO_H
#define NW_BENCH_MICRO_H

#include "bench/shim.h"
#include <stdint.h>

/* CLOCK_MONOTONIC in nanoseconds. */
uint64_t nw_bench_now(void);

/* Each registers the benchmarks of its file. */
void nw_bench_register_ring(void);
void nw_bench_register_arena(void);
void nw_bench_register_channel(void);
void nw_bench_register_doorbells(void);
void nw_bench_register_floor(void);
void nw_bench_register_transports(void);
void nw_bench_register_worker(void);

/* Ends the worker processes that benchmarks have started. */
void nw_bench_stop_workers(void);

#endif
