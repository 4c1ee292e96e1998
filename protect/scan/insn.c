/* The decoder of insn.h: a letter for each opcode tells what follows it. */
#include "protect/scan/insn.h"

#include <string.h>

/*
 * . nothing            M ModRM              1 imm8               2 imm16     3 imm16 and imm8 (ENTER)
 * x no instruction     B ModRM and imm8     z imm16 or imm32     v imm16, imm32 or imm64
 * p prefix or escape   Z ModRM and z        r rel32              a address
 *                      R ModRM, always of registers              F, G ModRM, and imm8 or z for TEST
 */
static const char one_byte[] = "MMMM1zxxMMMM1zxp"  /* 00 */
                               "MMMM1zxxMMMM1zxx"  /* 10 */
                               "MMMM1zpxMMMM1zpx"  /* 20 */
                               "MMMM1zpxMMMM1zpx"  /* 30 */
                               "pppppppppppppppp"  /* 40 */
                               "................"  /* 50 */
                               "xxpMppppzZ1B...."  /* 60 */
                               "1111111111111111"  /* 70 */
                               "BZxBMMMMMMMMMMMM"  /* 80 */
                               "..........x....."  /* 90 */
                               "aaaa....1z......"  /* a0 */
                               "11111111vvvvvvvv"  /* b0 */
                               "BB2.ppBZ3.2..1x."  /* c0 */
                               "MMMMxxx.MMMMMMMM"  /* d0 */
                               "11111111rrx1...."  /* e0 */
                               "p.pp..FG......MM"; /* f0 */

/* Behind 0F. VIA's A6 and A7 have the length of an instruction with ModRM. */
static const char two_byte[] = "MMMMx.....x.xM.B"  /* 00 */
                               "MMMMMMMMMMMMMMMM"  /* 10 */
                               "RRRRxxxxMMMMMMMM"  /* 20 */
                               "......x.pxpxxxxx"  /* 30 */
                               "MMMMMMMMMMMMMMMM"  /* 40 */
                               "MMMMMMMMMMMMMMMM"  /* 50 */
                               "MMMMMMMMMMMMMMMM"  /* 60 */
                               "BBBBMMM.MMxxMMMM"  /* 70 */
                               "rrrrrrrrrrrrrrrr"  /* 80 */
                               "MMMMMMMMMMMMMMMM"  /* 90 */
                               "...MBMMM...MBMMM"  /* a0 */
                               "MMMMMMMMMMBMMMMM"  /* b0 */
                               "MMBMBBBM........"  /* c0 */
                               "MMMMMMMMMMMMMMMM"  /* d0 */
                               "MMMMMMMMMMMMMMMM"  /* e0 */
                               "MMMMMMMMMMMMMMMM"; /* f0 */

/* What is left of the bytes while one instruction is taken from them. */
struct reader {
    const uint8_t *code;
    size_t size; /* at most NW_INSN_MAX */
    size_t at;
};

static bool peek(const struct reader *reader, uint8_t *byte)
{
    if (reader->at >= reader->size)
        return false;
    *byte = reader->code[reader->at];
    return true;
}

static bool take(struct reader *reader, uint8_t *byte)
{
    bool there = peek(reader, byte);

    reader->at++;
    return there;
}

/* Any number of legacy prefixes and REX; a REX counts only right before the opcode. False: nothing follows them. */
static bool take_prefixes(struct reader *reader, struct nw_insn *insn)
{
    uint8_t byte;

    for (; peek(reader, &byte); reader->at++) {
        bool rex = (byte & 0xf0) == 0x40;
        if (!rex && strchr("\x26\x2e\x36\x3e\x64\x65\x66\x67\xf0\xf2\xf3", byte) == NULL)
            return true;
        if (byte == 0)
            return true;
        insn->rex = rex ? byte : 0;
        insn->operand_16 |= byte == 0x66;
        insn->address_32 |= byte == 0x67;
    }
    return false;
}

/* What follows an opcode of VEX or EVEX: they have the maps of legacy instructions without their exceptions. */
static char vector_shape(const struct nw_insn *insn)
{
    if (insn->map == 3)
        return 'B';
    if (insn->map != 1)
        return 'M';
    if (insn->opcode == 0x77)
        return '.';
    return strchr("\x70\x71\x72\x73\xc2\xc4\xc5\xc6", insn->opcode) != NULL && insn->opcode != 0 ? 'B' : 'M';
}

static bool take_vex(struct reader *reader, struct nw_insn *insn, uint8_t first, char *shape)
{
    uint8_t bytes[3] = {0};
    size_t count = first == 0xc5 ? 1 : first == 0xc4 ? 2 : 3;

    for (size_t i = 0; i < count; i++)
        take(reader, &bytes[i]);
    insn->encoding = first == 0x62 ? NW_INSN_EVEX : NW_INSN_VEX;
    insn->map = first == 0xc5 ? 1 : first == 0xc4 ? bytes[0] & 0x1f : bytes[0] & 0x0f;
    bool known = insn->map >= 1 && (insn->map <= 3 || (first == 0x62 && (insn->map == 5 || insn->map == 6)));
    bool prefixed = insn->rex != 0 || insn->operand_16;
    if (!known || prefixed || (first == 0x62 && !(bytes[1] & 0x04)) || !take(reader, &insn->opcode))
        return false;
    *shape = vector_shape(insn);
    return true;
}

static bool take_escaped(struct reader *reader, struct nw_insn *insn, char *shape)
{
    if (!take(reader, &insn->opcode))
        return false;
    insn->map = 1;
    *shape = two_byte[insn->opcode];
    if (*shape != 'p')
        return *shape != 'x';
    insn->map = insn->opcode == 0x38 ? 2 : 3;
    *shape = insn->map == 2 ? 'M' : 'B';
    return take(reader, &insn->opcode);
}

static bool take_opcode(struct reader *reader, struct nw_insn *insn, char *shape)
{
    insn->opcode_at = (uint8_t)reader->at;
    if (!take(reader, &insn->opcode))
        return false;
    *shape = one_byte[insn->opcode];
    if (insn->opcode == 0x0f)
        return take_escaped(reader, insn, shape);
    return *shape == 'p' ? take_vex(reader, insn, insn->opcode, shape) : *shape != 'x';
}

static bool take_modrm(struct reader *reader, struct nw_insn *insn, bool registers_only)
{
    uint8_t modrm, sib = 0;

    insn->modrm_at = (uint8_t)reader->at;
    if (!take(reader, &modrm))
        return false;
    unsigned int mod = registers_only ? 3 : modrm >> 6, rm = modrm & 7;
    if (mod == 3)
        return true;
    if (rm == 4 && !take(reader, &sib))
        return false;
    if (mod == 2 || (mod == 0 && (rm == 5 || (rm == 4 && (sib & 7) == 5))))
        insn->disp_size = 4;
    else if (mod == 1)
        insn->disp_size = 1;
    insn->disp_at = insn->disp_size != 0 ? (uint8_t)reader->at : 0;
    reader->at += insn->disp_size;
    return true;
}

static size_t immediate_size(const struct nw_insn *insn, const uint8_t *code, char shape)
{
    size_t z = insn->operand_16 && !(insn->rex & 8) ? 2 : 4;
    bool test = (shape == 'F' || shape == 'G') && (code[insn->modrm_at] & 0x30) == 0;

    switch (shape) {
    case 'B':
    case '1':
        return 1;
    case '2':
        return 2;
    case '3':
        return 3;
    case 'r':
        return 4;
    case 'z':
    case 'Z':
        return z;
    case 'v':
        return insn->rex & 8 ? 8 : z;
    case 'a':
        return insn->address_32 ? 4 : 8;
    case 'F':
        return test ? 1 : 0;
    case 'G':
        return test ? z : 0;
    }
    return 0;
}

bool nw_insn_decode(const uint8_t *code, size_t size, struct nw_insn *insn)
{
    struct reader reader = {.code = code, .size = size < NW_INSN_MAX ? size : NW_INSN_MAX};
    char shape;

    *insn = (struct nw_insn){0};
    if (!take_prefixes(&reader, insn) || !take_opcode(&reader, insn, &shape))
        return false;
    if (strchr("MBZRFG", shape) != NULL && !take_modrm(&reader, insn, shape == 'R'))
        return false;
    if (reader.at > reader.size)
        return false;
    bool xop = insn->encoding == NW_INSN_LEGACY && insn->map == 0 && insn->opcode == 0x8f;
    if (xop && (code[insn->modrm_at] & 0x38) != 0)
        return false;
    insn->imm_size = (uint8_t)immediate_size(insn, code, shape);
    insn->imm_at = insn->imm_size != 0 ? (uint8_t)reader.at : 0;
    insn->length = (uint8_t)(reader.at + insn->imm_size);
    return insn->length <= reader.size;
}

bool nw_insn_rip_relative(const uint8_t *code, const struct nw_insn *insn)
{
    return insn->disp_size == 4 && (code[insn->modrm_at] & 0xc7) == 0x05;
}

bool nw_insn_direct_branch(const uint8_t *code, const struct nw_insn *insn)
{
    uint8_t opcode = insn->opcode;

    if (insn->encoding != NW_INSN_LEGACY)
        return false;
    if (insn->map == 1)
        return (opcode & 0xf0) == 0x80;
    if (insn->map != 0)
        return false;
    return (opcode & 0xf0) == 0x70 || (opcode & 0xfc) == 0xe0 || opcode == 0xe8 || opcode == 0xe9 || opcode == 0xeb ||
           (opcode == 0xc7 && code[insn->modrm_at] == 0xf8);
}

int64_t nw_insn_value(const uint8_t *at, size_t size)
{
    uint64_t value = 0;

    if (size == 0)
        return 0;
    memcpy(&value, at, size);
    unsigned int unused = 64 - 8 * (unsigned int)size;
    return (int64_t)(value << unused) >> unused;
}
