/*
 * Finds the instructions that may write PKRU or the FS or GS base, at every byte offset of a range of code, since a
 * jump may land between the instructions that a compiler meant. Not responsible for reading files or for deciding
 * what happens to a hit.
 */
#ifndef NW_PROTECT_SCAN_SCAN_H
#define NW_PROTECT_SCAN_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum nw_scan_kind {
    NW_SCAN_WRPKRU,   /* 0F 01 EF */
    NW_SCAN_XRSTOR,   /* 0F AE /5 with a memory operand, whatever stands before it */
    NW_SCAN_WRFSBASE, /* F3, other prefixes in any order, 0F AE /2 with a register */
    NW_SCAN_WRGSBASE, /* the same with /3 */
};

/*
 * Each of them but XRSTOR may have the prefix REX2 in place of 0F, which processors with APX know. Not looked for are
 * instructions that fault in user mode (XRSTORS, WRMSR, LKGS, SWAPGS), that are undefined (VEX and EVEX know none of
 * these; XRSTOR takes no REX2), and loads of a segment register, which can only set a base to 0.
 *
 * A hit ends with its ModRM byte: overwriting offset..offset+length with INT3 leaves nothing of it to jump to. An
 * operand that follows ModRM is not part of it.
 */
struct nw_scan_hit {
    size_t offset;
    size_t length;
    enum nw_scan_kind kind;
};

/* An instruction has at most 15 bytes. A hit that begins in one range and ends in the next lies wholly within this
 * many bytes of each. */
#define NW_SCAN_CONTEXT 14

/* Scans `size` bytes; only sequences wholly inside are hits. Stores the first `max` in ascending order and returns
 * how many there are, which may be more than `max`. `hits` may be NULL when `max` is 0. Reads nothing outside. */
size_t nw_scan(const uint8_t *code, size_t size, struct nw_scan_hit *hits, size_t max);

/*
 * Looks for a hit that begins in `before` and ends in `after`, where `after` follows `before` directly in memory. Of
 * the two, at most the last and the first NW_SCAN_CONTEXT bytes are read; each may be shorter only if nothing
 * executable lies beyond it. True: *hit (may be NULL) tells it, with the offset counted from the start of `before`.
 */
bool nw_scan_seam(const uint8_t *before, size_t before_size, const uint8_t *after, size_t after_size,
                  struct nw_scan_hit *hit);

/* "WRPKRU", "XRSTOR", "WRFSBASE", "WRGSBASE". */
const char *nw_scan_kind_name(enum nw_scan_kind kind);

#endif
