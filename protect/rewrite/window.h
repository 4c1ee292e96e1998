/*
 * Code taken apart, so that instructions in it can go to a trampoline in the unused bytes behind it: the functions of
 * a segment, and windows of whole instructions into whose middle nothing jumps. What rewrite.c and cpuid.c share. Not
 * responsible for which instructions go, or for what comes in their place. All positions are offsets in the code.
 */
#ifndef NW_PROTECT_REWRITE_WINDOW_H
#define NW_PROTECT_REWRITE_WINDOW_H

#include "protect/rewrite/emit.h"
#include "protect/scan/elf_file.h"

/* The most instructions that one trampoline takes over. */
#define NW_WINDOW_MAX 4

/* Bytes of the jump that takes the place of a window. */
#define NW_WINDOW_JUMP 5

/* Writable bytes of a file, from file_offset on. */
struct nw__code {
    uint8_t *bytes;
    size_t size;
    uint64_t file_offset;
    const struct nw_elf *elf;
    const Elf64_Phdr *segment; /* NULL until nw__code_enter */
    size_t free, free_end;     /* room for trampolines behind the segment */
    size_t work;               /* bytes that were looked at */
    uint8_t *targets;          /* a bit for each byte to which something may jump from afar; NULL until somebody asks */
};

/* A function taken apart. */
struct nw__function {
    size_t start, end;
    uint32_t *starts; /* of its instructions, from `start` on, and its size at the end */
    size_t count;
    bool jumps_indirectly;
};

struct nw__window {
    size_t first, count; /* instructions */
    size_t start, end;
};

/* enter: finds the segment of a position and the room behind it, unless they are known. The seam to what follows in
 * memory stays as it is. leave: at the end. */
bool nw__code_enter(struct nw__code *code, size_t at);
void nw__code_leave(struct nw__code *code);

/* Takes the function around a position of the segment apart; to be closed afterwards, whatever comes back. */
bool nw__function_open(struct nw__code *code, size_t at, struct nw__function *function);
void nw__function_close(struct nw__function *function);

/* Its instruction `i`. */
bool nw__function_decode(const struct nw__code *code, const struct nw__function *function, size_t i,
                         struct nw_insn *insn, struct nw_source *source);

/* Whether it jumps or calls by a register or memory; `reg` is that field of ModRM. */
bool nw__is_indirect(const struct nw_source *source, unsigned int reg);

/* Whether the instruction can stand elsewhere; `first`: it is the first of its window. */
bool nw__may_move(const struct nw_source *source, bool first);

/* The window of `count` instructions from `first` on; false if there is none. */
bool nw__window_make(const struct nw__function *function, size_t first, size_t count, struct nw__window *window);

/* Whether something may arrive between the window's instructions. */
bool nw__window_is_entered(struct nw__code *code, const struct nw__function *function, const struct nw__window *window);

/* Puts bytes in place of the window and a trampoline into the room behind. Undoes it unless no forbidden sequence
 * touches either then. */
bool nw__window_commit(struct nw__code *code, const struct nw__window *window, const struct nw_emit *site,
                       const struct nw_emit *trampoline);

#endif
