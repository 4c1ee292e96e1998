/*
 * Many functions of one template: the same shared object (build/bench/functions/variant.so) with another number in it,
 * made by writing the number into its bytes rather than by compiling it. Knows nothing of names or of deploying.
 */
#ifndef NW_BENCH_MANY_VARIANT_H
#define NW_BENCH_MANY_VARIANT_H

#include <stddef.h>
#include <stdint.h>

struct nw_variant {
    char *bytes; /* the file with the number written last */
    size_t length, at;
};

/* Reads the template. 0 or negative errno; -EINVAL when it does not hold the mark exactly once. Freed by
 * nw__variant_fini. */
int nw__variant_init(struct nw_variant *variant, const char *path);
void nw__variant_fini(struct nw_variant *variant);

/* From here on `bytes` is function `number`. */
void nw__variant_number(struct nw_variant *variant, uint64_t number);

/* The template that was built beside the program that runs: build/bench/functions/variant.so, when that is
 * build/bench/NAME. */
const char *nw__variant_built(void);

#endif
