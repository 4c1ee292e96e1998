/*
 * The scanner against one that looks at every byte as scan.h describes it and does nothing else: the same hits in the
 * same order, over the whole input, over each way to cut it in two, and after overwriting what was found.
 */
#include "common/test/fuzz.h"
#include "protect/test/scan/naive_scan.h"
#include <stdbool.h>
#include <string.h>

#define HITS_MAX 64
#define CUTS_MAX 512 /* sizes up to which every seam is tried */

static bool same_hit(const struct nw_scan_hit *a, const struct nw_scan_hit *b)
{
    return a->offset == b->offset && a->length == b->length && a->kind == b->kind;
}

static void compare(const uint8_t *code, size_t size)
{
    struct nw_scan_hit expected[HITS_MAX], seen[HITS_MAX];
    size_t n = naive_scan(code, size, expected, HITS_MAX);
    NW_FUZZ_CHECK(nw_scan(code, size, seen, HITS_MAX) == n);
    for (size_t i = 0; i < n && i < HITS_MAX; i++)
        NW_FUZZ_CHECK(same_hit(&expected[i], &seen[i]));
    NW_FUZZ_CHECK(nw_scan(code, size, NULL, 0) == n);
}

/* The first hit over the seam is among the hits of the whole. */
static void compare_seam(const uint8_t *code, size_t size, size_t cut)
{
    struct nw_scan_hit hits[HITS_MAX], seen;
    size_t n = naive_scan(code, size, hits, HITS_MAX), i = 0;
    while (i < n && i < HITS_MAX && (hits[i].offset >= cut || hits[i].offset + hits[i].length <= cut))
        i++;
    bool expected = i < n && i < HITS_MAX;
    if (n > HITS_MAX && !expected)
        return;
    NW_FUZZ_CHECK(nw_scan_seam(code, cut, code + cut, size - cut, &seen) == (cut && cut < size && expected));
    if (cut && cut < size && expected)
        NW_FUZZ_CHECK(same_hit(&hits[i], &seen));
}

/* As scan.h says: of a hit that is overwritten nothing is left to jump to. */
static void overwrite(uint8_t *code, size_t size)
{
    struct nw_scan_hit hits[HITS_MAX];
    for (size_t found; (found = nw_scan(code, size, hits, HITS_MAX));)
        for (size_t i = 0; i < found && i < HITS_MAX; i++) {
            NW_FUZZ_CHECK(hits[i].offset + hits[i].length <= size);
            memset(code + hits[i].offset, 0xcc, hits[i].length);
        }
    NW_FUZZ_CHECK(naive_scan(code, size, NULL, 0) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    compare(data, size);
    for (size_t skip = 1; skip < 16 && skip <= size; skip++)
        compare(data + skip, size - skip);
    for (size_t cut = 0; size <= CUTS_MAX && cut <= size; cut++)
        compare_seam(data, size, cut);
    uint8_t *copy = malloc(size ? size : 1);
    NW_FUZZ_CHECK(copy);
    memcpy(copy, data, size);
    overwrite(copy, size);
    free(copy);
    return 0;
}
