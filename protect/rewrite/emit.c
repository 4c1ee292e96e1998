/*
 * The forms of emit.h. Those that need a scratch register save it behind the red zone; only LEA, MOV, NOT, PUSH and POP
 * are added, which leave the flags alone.
 */
#include "protect/rewrite/emit.h"

#include <string.h>

/* Registers by number. No instruction with a memory operand that is accepted below uses the scratch registers without
 * naming them. */
enum { RBX = 3, RSP = 4, RBP = 5, RSI = 6, RDI = 7, NONE = 8 };

#define RED_ZONE    128
#define STACK_SHIFT (RED_ZONE + 8)

/* The register extensions of any encoding, and the register that VEX adds. */
struct extensions {
    bool r, x, b;
    unsigned int v;
};

static void emit(struct nw_emit *out, unsigned int byte)
{
    uint8_t value = (uint8_t)byte;

    nw__emit_bytes(out, &value, 1);
}

void nw__emit_bytes(struct nw_emit *out, const void *bytes, size_t size)
{
    if (size > sizeof out->bytes - out->size) {
        out->failed = true;
        return;
    }
    memcpy(out->bytes + out->size, bytes, size);
    out->size += size;
}

static void emit_dword(struct nw_emit *out, int64_t value)
{
    int32_t word = (int32_t)value;

    out->failed |= word != value;
    nw__emit_bytes(out, &word, sizeof word);
}

void nw__emit_distance(struct nw_emit *out, int64_t target, size_t behind)
{
    emit_dword(out, target - (out->at + (int64_t)(out->size + 4 + behind)));
}

void nw__emit_jump(struct nw_emit *out, int64_t target)
{
    emit(out, 0xe9);
    nw__emit_distance(out, target, 0);
}

static uint8_t modrm(const struct nw_source *source)
{
    return source->code[source->insn->modrm_at];
}

static bool has_memory(const struct nw_source *source)
{
    return source->insn->modrm_at != 0 && modrm(source) < 0xc0;
}

static int64_t displacement(const struct nw_source *source)
{
    return nw_insn_value(source->code + source->insn->disp_at, source->insn->disp_size);
}

static int64_t immediate(const struct nw_source *source)
{
    return nw_insn_value(source->code + source->insn->imm_at, source->insn->imm_size);
}

int64_t nw__source_target(const struct nw_source *source)
{
    bool branch = nw_insn_direct_branch(source->code, source->insn);

    return source->at + source->insn->length + (branch ? immediate(source) : displacement(source));
}

static struct extensions extensions(const struct nw_source *source)
{
    const struct nw_insn *insn = source->insn;
    const uint8_t *prefix = source->code + insn->opcode_at;

    if (insn->encoding == NW_INSN_LEGACY)
        return (struct extensions){.r = insn->rex & 4, .x = insn->rex & 2, .b = insn->rex & 1, .v = NONE};
    if (prefix[0] == 0xc5)
        return (struct extensions){.r = !(prefix[1] & 0x80), .v = (~prefix[1] >> 3) & 7};
    return (struct extensions){
        .r = !(prefix[1] & 0x80), .x = !(prefix[1] & 0x40), .b = !(prefix[1] & 0x20), .v = (~prefix[2] >> 3) & 7};
}

/* The instruction with everything relative adjusted; short jumps become long ones. */
static void emit_plain(struct nw_emit *out, const struct nw_source *source)
{
    const struct nw_insn *insn = source->insn;
    uint8_t opcode = insn->opcode;

    if (nw_insn_direct_branch(source->code, insn)) {
        bool jump = insn->map == 0 && (opcode == 0xe9 || opcode == 0xeb);
        bool conditional = insn->map == 1 || (opcode & 0xf0) == 0x70;
        out->failed |= (!jump && !conditional) || insn->operand_16;
        if (conditional)
            emit(out, 0x0f);
        emit(out, jump ? 0xe9 : 0x80 | (opcode & 0x0f));
        nw__emit_distance(out, nw__source_target(source), 0);
        return;
    }
    if (!nw_insn_rip_relative(source->code, insn)) {
        nw__emit_bytes(out, source->code, insn->length);
        return;
    }
    out->failed |= insn->address_32;
    nw__emit_bytes(out, source->code, insn->disp_at);
    nw__emit_distance(out, nw__source_target(source), insn->imm_size);
    nw__emit_bytes(out, source->code + insn->length - insn->imm_size, insn->imm_size);
}

/* A register that is neither in the operands nor their second half (BH), so that it may be borrowed. */
static unsigned int scratch_for(const struct nw_source *source)
{
    static const uint8_t candidates[] = {RBX, RBP, RSI, RDI};
    unsigned int used = 1u << extensions(source).v;

    if (source->insn->modrm_at != 0) {
        uint8_t byte = modrm(source);
        used |= 1u << (byte >> 3 & 7) | 1u << (byte & 7);
        if (byte < 0xc0 && (byte & 7) == 4) {
            uint8_t sib = source->code[source->insn->modrm_at + 1];
            used |= 1u << (sib & 7) | 1u << (sib >> 3 & 7);
        }
    }
    if (used & 1u << RDI)
        used |= 1u << RBX;
    for (size_t i = 0; i < sizeof candidates; i++) {
        if (!(used & 1u << candidates[i]))
            return candidates[i];
    }
    return NONE;
}

static void save_scratch(struct nw_emit *out, unsigned int scratch)
{
    nw__emit_bytes(out, "\x48\x8d\x64\x24\x80", 5); /* lea -128(%rsp), %rsp */
    emit(out, 0x50 | scratch);
}

static void restore_scratch(struct nw_emit *out, unsigned int scratch)
{
    emit(out, 0x58 | scratch);
    nw__emit_bytes(out, "\x48\x8d\xa4\x24\x80\0\0\0", 8); /* lea 128(%rsp), %rsp */
}

/* ModRM, SIB and displacement of the same operand with another `reg`, while RSP is STACK_SHIFT lower, and `add` beyond
 * it. No immediate follows. */
static void emit_operand(struct nw_emit *out, const struct nw_source *source, unsigned int reg, int64_t add)
{
    uint8_t byte = modrm(source), sib = source->code[source->insn->modrm_at + 1];
    bool with_sib = byte < 0xc0 && (byte & 7) == 4;

    if (nw_insn_rip_relative(source->code, source->insn)) {
        emit(out, 0x05 | reg << 3);
        nw__emit_distance(out, nw__source_target(source) + add, 0);
        return;
    }
    if (byte >= 0xc0) {
        emit(out, (byte & 0xc7) | reg << 3);
        return;
    }
    if (with_sib && (sib & 7) == RSP && !extensions(source).b)
        add += STACK_SHIFT;
    bool without_base = with_sib && (sib & 7) == 5 && byte < 0x40;
    emit(out, (without_base ? 0 : 0x80) | reg << 3 | (byte & 7));
    if (with_sib)
        emit(out, sib);
    emit_dword(out, displacement(source) + add);
}

/* What stands before the opcode or REX. */
static void emit_prefixes(struct nw_emit *out, const struct nw_insn *insn, const uint8_t *code)
{
    nw__emit_bytes(out, code, insn->opcode_at - (size_t)(insn->rex != 0));
}

/* Complements a register, in the width of the instruction. */
static void emit_not(struct nw_emit *out, bool wide, unsigned int reg)
{
    if (wide || reg >= 8)
        emit(out, 0x40 | (unsigned int)wide << 3 | reg >> 3);
    emit(out, 0xf7);
    emit(out, 0xd0 | (reg & 7));
}

/* MOV of an immediate to a register and PUSH of one need no scratch register. True if it is one of these. */
static bool emit_direct_load(struct nw_emit *out, const struct nw_source *source)
{
    const struct nw_insn *insn = source->insn;
    bool move = (insn->opcode & 0xf8) == 0xb8 || (insn->opcode == 0xc7 && modrm(source) >= 0xc0);
    uint64_t complement = ~(uint64_t)immediate(source);

    if (!move && insn->opcode != 0x68)
        return false;
    nw__emit_bytes(out, source->code, insn->imm_at);
    nw__emit_bytes(out, &complement, insn->imm_size);
    if (move) {
        uint8_t low = insn->opcode == 0xc7 ? modrm(source) : insn->opcode;
        unsigned int reg = (low & 7) | (insn->rex & 1u) << 3;
        out->failed |= reg == RSP;
        emit_not(out, insn->rex & 8, reg);
    } else {
        nw__emit_bytes(out, "\x48\xf7\x14\x24", 4); /* notq (%rsp) */
    }
    return true;
}

/* The opcode that takes from a register what this one takes from its immediate; 0 if there is none. */
static unsigned int register_opcode(const struct nw_source *source)
{
    uint8_t opcode = source->insn->opcode;

    if (opcode < 0x40)
        return (opcode & 7) == 5 ? opcode - 4 : 0;
    switch (opcode) {
    case 0x81:
        return (modrm(source) & 0x38) | 1;
    case 0xa9:
    case 0xf7:
        return 0x85;
    case 0xc7:
        return (modrm(source) & 0x38) == 0 ? 0x89 : 0;
    case 0x69:
        return 0xaf;
    }
    return 0;
}

static void load_complemented(struct nw_emit *out, bool wide, unsigned int reg, int64_t value)
{
    if (wide)
        nw__emit_bytes(out, (uint8_t[]){0x48, 0xc7, 0xc0 | reg}, 3);
    else
        emit(out, 0xb8 | reg);
    emit_dword(out, ~value);
    emit_not(out, wide, reg);
}

/* The same operation with a register for its immediate. A product goes to that register first. */
static void emit_with_register(struct nw_emit *out, const struct nw_source *source, unsigned int opcode,
                               unsigned int reg)
{
    const struct nw_insn *insn = source->insn;

    emit_prefixes(out, insn, source->code);
    if (insn->modrm_at == 0) { /* on RAX */
        nw__emit_bytes(out, (uint8_t[]){0x40 | (insn->rex & 8), opcode, 0xc0 | reg << 3}, 3);
        return;
    }
    emit(out, 0x40 | (insn->rex & 0x0b));
    if (insn->opcode == 0x69)
        emit(out, 0x0f);
    emit(out, opcode);
    emit_operand(out, source, reg, 0);
    if (insn->opcode == 0x69) {
        uint8_t rex = 0x40 | (insn->rex & 8) | (insn->rex >> 2 & 1);
        nw__emit_bytes(out, (uint8_t[]){rex, 0x89, 0xc0 | reg << 3 | (modrm(source) >> 3 & 7)}, 3);
    }
}

/* Whether a register operand of an instruction with an immediate is RSP. */
static bool works_on_stack_pointer(const struct nw_source *source)
{
    const struct nw_insn *insn = source->insn;

    if (insn->modrm_at == 0)
        return false;
    bool as_operand = (modrm(source) & 0xc7) == (0xc0 | RSP) && !(insn->rex & 1);
    return as_operand || (insn->opcode == 0x69 && (modrm(source) >> 3 & 7) == RSP && !(insn->rex & 4));
}

static void emit_immediate(struct nw_emit *out, const struct nw_source *source)
{
    const struct nw_insn *insn = source->insn;
    bool known = insn->encoding == NW_INSN_LEGACY && insn->map == 0 && !insn->operand_16 && !insn->address_32;

    if (!known || insn->imm_size < 4 || nw_insn_direct_branch(source->code, insn)) {
        out->failed = true;
        return;
    }
    if (emit_direct_load(out, source))
        return;
    unsigned int opcode = register_opcode(source), scratch = scratch_for(source);
    if (opcode == 0 || scratch == NONE || works_on_stack_pointer(source)) {
        out->failed = true;
        return;
    }
    save_scratch(out, scratch);
    load_complemented(out, insn->rex & 8, scratch, immediate(source));
    emit_with_register(out, source, opcode, scratch);
    restore_scratch(out, scratch);
}

/* Instructions that use their memory operand in another way than by its address, use the stack, or name registers by
 * other means than ModRM and VEX. */
static bool address_matters(const struct nw_source *source)
{
    const struct nw_insn *insn = source->insn;
    uint8_t opcode = insn->opcode, reg = modrm(source) >> 3 & 7;
    bool vector = insn->encoding != NW_INSN_LEGACY;

    if (insn->map == 0)
        return opcode == 0x8f || (opcode == 0xff && reg >= 2);
    if (insn->map == 1 && !vector)
        return opcode <= 0x01 || opcode == 0x1a || opcode == 0x1b || opcode == 0xae || opcode == 0xc7;
    if (insn->map == 2)
        return opcode >= 0xf0 || opcode == 0x49 || opcode == 0x4b ||
               (vector && ((opcode & 0xfc) == 0x90 || (opcode & 0xfc) == 0xa0 || (opcode & 0xfe) == 0xc6));
    return insn->map == 3 && vector && opcode >= 0xf0;
}

/* Whether ModRM names RSP as a register; vector register 4 counts too. */
static bool names_stack_pointer(const struct nw_source *source)
{
    static const uint8_t groups[] = {0x80, 0x81, 0x83, 0xc0, 0xc1, 0xc6, 0xc7, 0xd0,
                                     0xd1, 0xd2, 0xd3, 0xf6, 0xf7, 0xfe, 0xff};
    const struct nw_insn *insn = source->insn;

    if ((modrm(source) >> 3 & 7) != RSP || extensions(source).r || insn->encoding != NW_INSN_LEGACY)
        return false;
    return insn->map != 0 || memchr(groups, insn->opcode, sizeof groups) == NULL;
}

/* Prefixes and opcode without the extensions of the memory operand, for a base register below 8. */
static void emit_head_without_base(struct nw_emit *out, const struct nw_source *source)
{
    const struct nw_insn *insn = source->insn;
    uint8_t head[NW_INSN_MAX];

    memcpy(head, source->code, insn->modrm_at);
    if (insn->encoding == NW_INSN_LEGACY && insn->rex != 0)
        head[insn->opcode_at - 1] &= 0xfc;
    else if (insn->encoding != NW_INSN_LEGACY && head[insn->opcode_at] != 0xc5)
        head[insn->opcode_at + 1] |= 0x60;
    nw__emit_bytes(out, head, insn->modrm_at);
}

static void emit_memory(struct nw_emit *out, const struct nw_source *source)
{
    const int64_t step = 0x01010101; /* changes every byte of the displacement */
    const struct nw_insn *insn = source->insn;

    if (!has_memory(source) || insn->address_32 || address_matters(source) || names_stack_pointer(source) ||
        (insn->encoding == NW_INSN_EVEX && insn->disp_size == 1)) {
        out->failed = true;
        return;
    }
    unsigned int scratch = scratch_for(source), reg = modrm(source) >> 3 & 7;
    struct extensions extended = extensions(source);
    if (scratch == NONE) {
        out->failed = true;
        return;
    }
    save_scratch(out, scratch);
    emit(out, 0x48 | (unsigned int)extended.x << 1 | extended.b);
    emit(out, 0x8d);
    emit_operand(out, source, scratch, -step);
    emit_head_without_base(out, source);
    emit(out, 0x80 | reg << 3 | scratch);
    emit_dword(out, step);
    nw__emit_bytes(out, source->code + insn->length - insn->imm_size, insn->imm_size);
    restore_scratch(out, scratch);
}

void nw__emit_insn(struct nw_emit *out, const struct nw_source *source, enum nw_form form)
{
    static void (*const forms[NW_FORMS])(struct nw_emit *, const struct nw_source *) = {
        [NW_FORM_PLAIN] = emit_plain, [NW_FORM_IMMEDIATE] = emit_immediate, [NW_FORM_MEMORY] = emit_memory};

    forms[form](out, source);
}
