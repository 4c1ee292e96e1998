/*
 * Writes an instruction anew for another place, so that it does there exactly what it did: registers, flags, memory
 * and the red zone below the stack pointer. Some forms avoid the bytes of its operand. Not responsible for which
 * instruction may move, nor for whether the result is clean.
 */
#ifndef NW_PROTECT_REWRITE_EMIT_H
#define NW_PROTECT_REWRITE_EMIT_H

#include "protect/scan/insn.h"

#define NW_EMIT_MAX 256

/* An instruction where it stands. Positions count from anywhere, but all from the same place. */
struct nw_source {
    const uint8_t *code;
    const struct nw_insn *insn;
    int64_t at;
};

/* Bytes that shall stand at position `at`. */
struct nw_emit {
    uint8_t bytes[NW_EMIT_MAX];
    size_t size;
    int64_t at;
    bool failed; /* something could not be written; stays set */
};

enum nw_form {
    NW_FORM_PLAIN,     /* as it is, with relative operands adjusted */
    NW_FORM_IMMEDIATE, /* the complement of a 32- or 64-bit immediate is loaded and complemented */
    NW_FORM_MEMORY,    /* the address of the memory operand is computed in two steps */
};
#define NW_FORMS 3

/* Sets failed when the instruction has no such form. Calls have none. */
void nw__emit_insn(struct nw_emit *out, const struct nw_source *source, enum nw_form form);

/* JMP to a position. */
void nw__emit_jump(struct nw_emit *out, int64_t target);

void nw__emit_bytes(struct nw_emit *out, const void *bytes, size_t size);

/* The distance to a position from the end of these four bytes and `behind` more. */
void nw__emit_distance(struct nw_emit *out, int64_t target, size_t behind);

/* Where a direct branch goes, or what a RIP-relative operand points to. */
int64_t nw__source_target(const struct nw_source *source);

#endif
