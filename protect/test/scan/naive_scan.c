/* See naive_scan.h. */
#include "protect/test/scan/naive_scan.h"

#include <stdbool.h>
#include <string.h>

static bool is_prefix(uint8_t byte)
{
    return byte != 0 && strchr("\x26\x2e\x36\x3e\x64\x65\x66\x67\xf0\xf2\xf3@ABCDEFGHIJKLMNO", byte) != NULL;
}

/* F3 and prefixes that are no F3, up to `size` bytes. */
static bool is_f3_and_prefixes(const uint8_t *code, size_t size)
{
    if (size == 0 || code[0] != 0xf3)
        return false;
    for (size_t i = 1; i < size; i++)
        if (!is_prefix(code[i]) || code[i] == 0xf3)
            return false;
    return true;
}

/* How many of the bytes that end at code[size] and are followed by an opcode select the two-byte map. */
static size_t map_bytes(const uint8_t *code, size_t size)
{
    if (size >= 1 && code[size - 1] == 0x0f)
        return 1;
    return size >= 2 && code[size - 2] == 0xd5 && (code[size - 1] & 0x80) != 0 ? 2 : 0;
}

/* Whether `length` bytes are a sequence from their first to their last byte. */
static bool match(const uint8_t *code, size_t length, enum nw_scan_kind *kind)
{
    size_t map = map_bytes(code, length - 2), before = length - 2 - map;
    uint8_t opcode = code[length - 2], modrm = code[length - 1];

    if (map == 0)
        return false;
    if (before == 0 && opcode == 0x01 && modrm == 0xef) {
        *kind = NW_SCAN_WRPKRU;
        return true;
    }
    if (before == 0 && map == 1 && opcode == 0xae && modrm < 0xc0 && (modrm & 0x38) == 0x28) {
        *kind = NW_SCAN_XRSTOR;
        return true;
    }
    *kind = modrm < 0xd8 ? NW_SCAN_WRFSBASE : NW_SCAN_WRGSBASE;
    return opcode == 0xae && modrm >= 0xd0 && modrm <= 0xdf && is_f3_and_prefixes(code, before);
}

size_t naive_scan(const uint8_t *code, size_t size, struct nw_scan_hit *hits, size_t max)
{
    size_t found = 0;

    for (size_t at = 0; at < size; at++) {
        if (code[at] != 0x0f && code[at] != 0xf3 && code[at] != 0xd5) /* no sequence begins otherwise */
            continue;
        for (size_t length = 3; length <= 15 && at + length <= size; length++) {
            enum nw_scan_kind kind;
            if (!match(code + at, length, &kind))
                continue;
            if (found < max)
                hits[found] = (struct nw_scan_hit){.offset = at, .length = length, .kind = kind};
            found++;
        }
    }
    return found;
}
