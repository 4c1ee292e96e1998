/*
 * The convention of fuzz targets. PART/fuzz/NAME_fuzz.c holds one: the function below, and what must hold of every
 * input as NW_FUZZ_CHECK. With libFuzzer around it (`make fuzz-smoke`) it looks for inputs; with fuzz_replay.c around
 * it (`make check`) it goes through those that are kept in PART/fuzz/corpus/NAME, among them one for each bug found.
 */
#ifndef NW_COMMON_TEST_FUZZ_H
#define NW_COMMON_TEST_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* Returns 0. Keeps nothing from one input to the next. */
__attribute__((visibility("default"))) int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define NW_FUZZ_CHECK(condition)                                                           \
    do {                                                                                   \
        if (!(condition)) {                                                                \
            fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #condition); \
            abort();                                                                       \
        }                                                                                  \
    } while (0)

/* Input taken piece by piece; behind its end there are zeros. */
struct nw_fuzz_input {
    const uint8_t *data;
    size_t left;
};

static inline uint64_t nw_fuzz_take(struct nw_fuzz_input *input, size_t bytes)
{
    uint64_t value = 0;
    for (size_t i = 0; i < bytes && input->left; i++, input->left--)
        value |= (uint64_t)*input->data++ << 8 * i;
    return value;
}

/* At most `most` bytes; *size says how many there are. */
static inline const uint8_t *nw_fuzz_bytes(struct nw_fuzz_input *input, size_t most, size_t *size)
{
    const uint8_t *at = input->data;
    *size = most < input->left ? most : input->left;
    input->data += *size;
    input->left -= *size;
    return at;
}

#endif
