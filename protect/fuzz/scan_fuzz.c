/*
 * The scanner against one that looks at every byte as scan.h describes it and does nothing else: the same hits in the
 * same order, over the whole input, over each way to cut it in two, and after overwriting what was found.
 */
#include "common/test/fuzz.h"
#include "protect/scan.h"
#include <string.h>

#define HITS_MAX 64
#define CUTS_MAX 512 /* sizes up to which every seam is tried */

static bool is_prefix(uint8_t byte)
{
    static const uint8_t legacy[] = {0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65, 0x66, 0x67, 0xf0, 0xf2, 0xf3};
    return memchr(legacy, byte, sizeof legacy) || (byte >= 0x40 && byte <= 0x4f);
}

/* Bytes from an F3 to the 0F at `at` with nothing but prefixes between them, the whole being no longer than an
 * instruction may be; the nearest F3 counts. */
static size_t f3_before(const uint8_t *code, size_t at)
{
    for (size_t n = 1; n <= at && n + 3 <= 15; n++)
        if (code[at - n] == 0xf3)
            return n;
        else if (!is_prefix(code[at - n]))
            return 0;
    return 0;
}

static bool naive_hit(const uint8_t *code, size_t size, size_t at, struct nw_scan_hit *hit)
{
    if (size - at < 3 || code[at] != 0x0f)
        return false;
    unsigned mod = code[at + 2] / 64, reg = code[at + 2] / 8 % 8;
    size_t back = f3_before(code, at);
    *hit = (struct nw_scan_hit){.offset = at, .length = 3};
    if (code[at + 1] == 0x01 && code[at + 2] == 0xef) {
        hit->kind = NW_SCAN_WRPKRU;
    } else if (code[at + 1] == 0xae && mod != 3 && reg == 5) {
        hit->kind = NW_SCAN_XRSTOR;
    } else if (code[at + 1] == 0xae && mod == 3 && (reg == 2 || reg == 3) && back) {
        *hit = (struct nw_scan_hit){at - back, 3 + back, reg == 2 ? NW_SCAN_WRFSBASE : NW_SCAN_WRGSBASE};
    } else {
        return false;
    }
    return true;
}

static size_t naive_scan(const uint8_t *code, size_t size, struct nw_scan_hit *hits)
{
    size_t found = 0;
    struct nw_scan_hit hit;
    for (size_t at = 0; at < size; at++)
        if (naive_hit(code, size, at, &hit)) {
            if (found < HITS_MAX)
                hits[found] = hit;
            found++;
        }
    return found;
}

static bool same_hit(const struct nw_scan_hit *a, const struct nw_scan_hit *b)
{
    return a->offset == b->offset && a->length == b->length && a->kind == b->kind;
}

static void compare(const uint8_t *code, size_t size)
{
    struct nw_scan_hit expected[HITS_MAX], seen[HITS_MAX];
    size_t n = naive_scan(code, size, expected);
    NW_FUZZ_CHECK(nw_scan(code, size, seen, HITS_MAX) == n);
    for (size_t i = 0; i < n && i < HITS_MAX; i++)
        NW_FUZZ_CHECK(same_hit(&expected[i], &seen[i]));
    NW_FUZZ_CHECK(nw_scan(code, size, NULL, 0) == n);
}

/* The first hit over the seam is among the hits of the whole. */
static void compare_seam(const uint8_t *code, size_t size, size_t cut)
{
    struct nw_scan_hit hits[HITS_MAX], seen;
    size_t n = naive_scan(code, size, hits), i = 0;
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
    NW_FUZZ_CHECK(naive_scan(code, size, hits) == 0);
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
