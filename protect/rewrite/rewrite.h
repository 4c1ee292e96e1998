/*
 * Takes byte sequences out of code that are forbidden (scan.h) but stand there by accident: in the operands of other
 * instructions or across two of them. The instruction around one goes, changed, to a trampoline in the unused bytes
 * behind the code, with the same effect on registers, flags, memory and the red zone. Security rests on the scan of
 * the result alone; what the file says and how code is taken apart decides only whether the function still works.
 *
 * Left alone, for the caller to refuse: real WRPKRU, XRSTOR, WRFSBASE, WRGSBASE; data between code; code whose function
 * is not known or does not decode; places that something may jump into; what finds no room.
 */
#ifndef NW_PROTECT_REWRITE_REWRITE_H
#define NW_PROTECT_REWRITE_REWRITE_H

#include "protect/scan/elf_file.h"
#include "protect/scan/scan.h"

/* More are not rewritten in one image; the most that was seen in a library is two. */
#define NW_REWRITE_MAX 32

struct nw_rewrite_result {
    size_t rewritten;       /* sequences that were taken out */
    size_t left;            /* hits that are still there; 0 is success */
    struct nw_scan_hit hit; /* the first of them, counted from the start of `code`; only if left != 0 */
};

/*
 * Rewrites `size` writable bytes, which are those of the file from `file_offset` on, whole pages that will be mapped
 * executable side by side; zero behind the end of the file. `elf` is the file they come from; NULL if it is not known,
 * then nothing is rewritten. Stops at the first hit that cannot be rewritten: the bytes are then good for nothing.
 * Trampolines keep away from the last NW_SCAN_CONTEXT bytes of a page. Several threads may rewrite at once.
 */
void nw_rewrite(uint8_t *code, size_t size, uint64_t file_offset, const struct nw_elf *elf,
                struct nw_rewrite_result *result);

#endif
