/*
 * Google Benchmark for C: register functions, then run them. One iteration is one batch of operations; the batches'
 * times become percentiles of one operation, as a mean would hide the tail. Not thread-safe.
 */
#ifndef NW_BENCH_MICRO_SHIM_H
#define NW_BENCH_MICRO_SHIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct nw_bench; /* one running benchmark */

/* `run` is called with the argument it was registered for. `name` is copied. */
void nw__bench_register(const char *name, void (*run)(struct nw_bench *bench, long argument), long argument);

/* True while another batch is wanted: while (nw__bench_next(bench)) { ... } */
bool nw__bench_next(struct nw_bench *bench);

/* Says how long the batch just made took, and of how many operations it was. */
void nw__bench_batch(struct nw_bench *bench, uint64_t nanoseconds, uint64_t operations);

/* The same for a batch whose samples were taken elsewhere, in nanoseconds of one operation: `means` over several
 * operations, which give the median, and `singles`, which give the tail. Where there is none of one, the other serves
 * for both. */
void nw__bench_samples(struct nw_bench *bench, uint64_t nanoseconds, const float *means, size_t n_means,
                       const float *singles, size_t n_singles);

/* Ends this benchmark with an error that is printed. */
void nw__bench_fail(struct nw_bench *bench, const char *why);

/* Runs what was registered, as the flags of Google Benchmark say, and appends "NAME\tns\tP50\tP99\tP999\tN" to the
 * file `results` for each repetition of each benchmark. 0, or 1 when a benchmark failed or the file cannot be written.
 */
int nw__bench_run(int argc, char **argv, const char *results);

#ifdef __cplusplus
}
#endif

#endif
