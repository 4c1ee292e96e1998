/*
 * Where the parts of an x86-64 instruction lie: prefixes, opcode, ModRM, displacement, immediate. Not responsible for
 * what the instruction does or whether a processor knows it, and never what security rests on: code is judged by
 * scan.h, at every byte offset.
 */
#ifndef NW_PROTECT_SCAN_INSN_H
#define NW_PROTECT_SCAN_INSN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NW_INSN_MAX 15

enum nw_insn_encoding { NW_INSN_LEGACY, NW_INSN_VEX, NW_INSN_EVEX };

/* Positions count from the instruction's first byte; 0 where there is no such part. */
struct nw_insn {
    uint8_t length;
    uint8_t opcode_at; /* first byte behind legacy prefixes and REX: 0F of an escape, C4, C5 or 62 of VEX and EVEX */
    uint8_t map;       /* 0: one byte, 1: 0F, 2: 0F 38, 3: 0F 3A, 5 and 6: of EVEX */
    uint8_t opcode;    /* in its map */
    uint8_t rex;       /* the byte that counts, or 0 */
    uint8_t modrm_at;
    uint8_t disp_at, disp_size;
    uint8_t imm_at, imm_size; /* relative branches: their displacement; ENTER, EXTRQ, INSERTQ: both immediates */
    bool operand_16;          /* 66 is among the prefixes */
    bool address_32;          /* 67 is */
    enum nw_insn_encoding encoding;
};

/* Takes the instruction apart that starts at code[0]. False when it is none of 64-bit mode, or does not end within
 * `size` bytes. XOP instructions are not known. */
bool nw_insn_decode(const uint8_t *code, size_t size, struct nw_insn *insn);

/* Whether the memory operand is relative to the instruction's end. */
bool nw_insn_rip_relative(const uint8_t *code, const struct nw_insn *insn);

/* Whether it is a direct jump, call, conditional jump, LOOP or XBEGIN, whose target is relative to its end. */
bool nw_insn_direct_branch(const uint8_t *code, const struct nw_insn *insn);

/* The value of a part of up to 8 bytes, with its sign; 0 of none. */
int64_t nw_insn_value(const uint8_t *at, size_t size);

#endif
