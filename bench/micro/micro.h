/* What the benchmarks of single parts share. */
#ifndef NW_BENCH_MICRO_MICRO_H
#define NW_BENCH_MICRO_MICRO_H

#include "bench/micro/shim.h"
#include <stdint.h>

/* Each registers the benchmarks of its file. */
void nw__bench_register_ring(void);
void nw__bench_register_arena(void);
void nw__bench_register_channel(void);
void nw__bench_register_doorbells(void);
void nw__bench_register_clearing(void);
void nw__bench_register_floor(void);
void nw__bench_register_transports(void);
void nw__bench_register_worker(void);

/* Ends the worker processes that benchmarks have started. */
void nw__bench_stop_workers(void);

#endif
