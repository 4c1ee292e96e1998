/*
 * The instruction scanner of scan.h. Every sequence that matters holds opcode 01 or AE behind 0F, or behind a REX2
 * prefix (D5) whose next byte has bit 7 set, which stands for 0F on processors with APX. Both are rare in code: a
 * vector loop finds them and only they are looked at closely.
 */
#include "protect/scan/scan.h"
#include "protect/gate/without.h"

#include <emmintrin.h>
#include <string.h>

#define REX2 0xd5

/* Of the longest instruction. */
#define LENGTH_MAX 15

const char *nw_scan_kind_name(enum nw_scan_kind kind)
{
    switch (kind) {
    case NW_SCAN_WRPKRU:
        return "WRPKRU";
    case NW_SCAN_XRSTOR:
        return "XRSTOR";
    case NW_SCAN_WRFSBASE:
        return "WRFSBASE";
    case NW_SCAN_WRGSBASE:
        return "WRGSBASE";
    }
    return "unknown";
}

/* REX counts although only the last byte before 0F may be one: processors ignore a misplaced REX. */
static bool is_prefix(uint8_t byte)
{
    switch (byte) {
    case 0x26:
    case 0x2e:
    case 0x36:
    case 0x3e:
    case 0x64:
    case 0x65:
    case 0x66:
    case 0x67:
    case 0xf0:
    case 0xf2:
    case 0xf3:
        return true;
    }
    return (byte & 0xf0) == 0x40;
}

/* How many bytes before code[at], at most `max`, reach back to the nearest F3 with nothing but prefixes between; 0 if
 * there is none. */
static size_t f3_before(const uint8_t *code, size_t at, size_t max)
{
    for (size_t back = 1; back <= max && back <= at; back++) {
        if (code[at - back] == 0xf3)
            return back;
        if (!is_prefix(code[at - back]))
            return 0;
    }
    return 0;
}

/* How many bytes at code[at] say that the next one is an opcode of the two-byte map; 0 if none do. */
static size_t escape_length(const uint8_t *code, size_t at)
{
    if (code[at] == 0x0f)
        return 1;
    return code[at] == REX2 && code[at + 1] >= 0x80 ? 2 : 0;
}

/* Whether the escape of that length at code[at], behind which lie an opcode and ModRM, makes a hit. */
static bool classify(const uint8_t *code, size_t at, size_t escape, struct nw_scan_hit *hit)
{
    uint8_t opcode = code[at + escape], modrm = code[at + escape + 1];
    unsigned int mod = modrm >> 6, reg = (modrm >> 3) & 7;

    *hit = (struct nw_scan_hit){.offset = at, .length = escape + 2, .kind = NW_SCAN_WRPKRU};
    if (opcode == 0x01)
        return modrm == 0xef;
    if (opcode != 0xae)
        return false;
    if (mod != 3) {
        hit->kind = NW_SCAN_XRSTOR;
        return reg == 5 && escape == 1;
    }
    if (reg != 2 && reg != 3)
        return false;
    size_t back = f3_before(code, at, LENGTH_MAX - hit->length);
    hit->kind = reg == 2 ? NW_SCAN_WRFSBASE : NW_SCAN_WRGSBASE;
    hit->offset -= back;
    hit->length += back;
    return back != 0;
}

/* Which bytes are one of the two opcodes. */
static __m128i opcodes(__m128i bytes)
{
    return _mm_or_si128(_mm_cmpeq_epi8(bytes, _mm_set1_epi8(0x01)), _mm_cmpeq_epi8(bytes, _mm_set1_epi8((char)0xae)));
}

/* Bit i is set when an escape at p[i] has one of the opcodes behind it. Reads 18 bytes. */
static unsigned int candidates(const uint8_t *p)
{
    __m128i first = _mm_loadu_si128((const __m128i *)p);
    __m128i second = _mm_loadu_si128((const __m128i *)(p + 1));
    __m128i third = _mm_loadu_si128((const __m128i *)(p + 2));
    __m128i escape = _mm_and_si128(_mm_cmpeq_epi8(first, _mm_set1_epi8(0x0f)), opcodes(second));
    __m128i rex2 = _mm_and_si128(_mm_cmpeq_epi8(first, _mm_set1_epi8((char)REX2)), opcodes(third));

    rex2 = _mm_and_si128(rex2, _mm_cmplt_epi8(second, _mm_setzero_si128()));
    return (unsigned int)_mm_movemask_epi8(_mm_or_si128(escape, rex2));
}

/* A list of hits that counts on when it is full. */
struct hit_list {
    struct nw_scan_hit *hits;
    size_t max;
    size_t found;
};

static void check(const uint8_t *code, size_t at, size_t escape, struct hit_list *list)
{
    struct nw_scan_hit hit;

    if (!classify(code, at, escape, &hit))
        return;
    if (list->found < list->max)
        list->hits[list->found] = hit;
    list->found++;
}

size_t nw_scan(const uint8_t *code, size_t size, struct nw_scan_hit *hits, size_t max)
{
    struct hit_list list = {.hits = hits, .max = max};
    size_t at = 0;

    if (nw_without(NW_DEFENCE_SCAN))
        return 0;
    /* 19 bytes: 16 positions and the three bytes that the check of the last one reads. */
    for (; size - at >= 19; at += 16) {
        for (unsigned int bits = candidates(code + at); bits != 0; bits &= bits - 1) {
            size_t found = at + (size_t)__builtin_ctz(bits);
            check(code, found, escape_length(code, found), &list);
        }
    }
    for (; at + 2 < size; at++) {
        size_t escape = escape_length(code, at);
        if (escape != 0 && escape + 1 < size - at)
            check(code, at, escape, &list);
    }
    return list.found;
}

bool nw_scan_seam(const uint8_t *before, size_t before_size, const uint8_t *after, size_t after_size,
                  struct nw_scan_hit *hit)
{
    uint8_t joined[2 * NW_SCAN_CONTEXT];
    struct nw_scan_hit hits[sizeof joined / 3];
    size_t head = before_size < NW_SCAN_CONTEXT ? before_size : NW_SCAN_CONTEXT;
    size_t tail = after_size < NW_SCAN_CONTEXT ? after_size : NW_SCAN_CONTEXT;

    if (head == 0 || tail == 0)
        return false;
    memcpy(joined, before + before_size - head, head);
    memcpy(joined + head, after, tail);
    size_t found = nw_scan(joined, head + tail, hits, sizeof hits / sizeof hits[0]);
    for (size_t i = 0; i < found; i++) {
        if (hits[i].offset >= head || hits[i].offset + hits[i].length <= head)
            continue;
        if (hit != NULL) {
            *hit = hits[i];
            hit->offset += before_size - head;
        }
        return true;
    }
    return false;
}
