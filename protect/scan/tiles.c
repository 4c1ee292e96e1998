/*
 * LDTILECFG is C4, a byte that ends in the map 0F 38, one that ends in no length and no prefix, 49, and ModRM of an
 * operand in memory. What else those bytes say makes it undefined; it counts all the same.
 */
#include "protect/scan/tiles.h"
#include "protect/scan/scan.h"
#include "protect/scan/self_scan.h"

#include <emmintrin.h>
#include <string.h>

#define LENGTH 5

static bool is_ldtilecfg(const uint8_t *code)
{
    return code[0] == 0xc4 && (code[1] & 0x1f) == 2 && (code[2] & 7) == 0 && code[3] == 0x49 && code[4] >> 6 != 3;
}

/* Bit i is set when code[i] and code[i + 3] are those of the instruction. Reads 19 bytes. */
static unsigned int candidates(const uint8_t *code)
{
    __m128i first = _mm_loadu_si128((const __m128i *)code);
    __m128i fourth = _mm_loadu_si128((const __m128i *)(code + 3));
    __m128i both =
        _mm_and_si128(_mm_cmpeq_epi8(first, _mm_set1_epi8((char)0xc4)), _mm_cmpeq_epi8(fourth, _mm_set1_epi8(0x49)));

    return (unsigned int)_mm_movemask_epi8(both);
}

bool nw_tiles_set_by(const uint8_t *code, size_t size)
{
    size_t at = 0;

    /* 20 bytes: 16 positions, and the last one's four others. */
    for (; size - at >= 20; at += 16)
        for (unsigned int bits = candidates(code + at); bits != 0; bits &= bits - 1)
            if (is_ldtilecfg(code + at + __builtin_ctz(bits)))
                return true;
    for (; size - at >= LENGTH; at++)
        if (is_ldtilecfg(code + at))
            return true;
    return false;
}

bool nw_tiles_set_at_seam(const uint8_t *before, size_t before_size, const uint8_t *after)
{
    uint8_t joined[2 * (LENGTH - 1)];

    memcpy(joined, before + before_size - (LENGTH - 1), LENGTH - 1);
    memcpy(joined + LENGTH - 1, after, LENGTH - 1);
    return nw_tiles_set_by(joined, sizeof joined);
}

static void look(const uint8_t *code, size_t size, void *set)
{
    *(bool *)set = *(bool *)set || nw_tiles_set_by(code, size);
}

int nw_tiles_set_here(bool *set)
{
    *set = false;
    return nw__self_walk(look, set);
}
