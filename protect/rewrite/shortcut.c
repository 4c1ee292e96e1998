/* The shortcuts of shortcut.h. All positions are offsets in the code. */
#include "protect/rewrite/shortcut.h"
#include "protect/rewrite/emit.h"
#include "protect/scan/elf_code.h"
#include "protect/scan/scan.h"

#include <stdlib.h>
#include <string.h>

#define SITES_MAX  1024
#define SLACK_MAX  4096u
#define LOAD_SIZE  5 /* mov $nr,%eax; and a jump */
#define NUMBERS    512
#define CALL_SIZE  2 /* syscall */
#define BYTES_LOAD 0xb8
#define RAX        0

/* The most instructions between the load and the SYSCALL. */
#define BETWEEN_MAX 4

/* See shortcut_code.S. */
extern const uint8_t nw__shortcut_code[], nw__shortcut_operation[], nw__shortcut_address[], nw__shortcut_code_end[];

struct site {
    uint32_t at, call_at, number; /* of the load, and of the SYSCALL */
};

struct patch {
    uint8_t *code;
    size_t size;
    uint64_t file_offset;
    const struct nw_elf *elf;
    const Elf64_Phdr *segment;
    size_t slack, free, free_end; /* the room behind the segment */
    size_t common;                /* where nw__shortcut_code went */
    uint32_t stubs[NUMBERS];      /* where that of a number went; 0: nowhere */
    struct site *sites;
    size_t n_sites, taken;
};

/* The room ends before the bytes that a scan across the seam to the next mapping would look at. */
static bool find_room(struct patch *patch, size_t used)
{
    patch->segment = nw_elf_code_segment(patch->elf, patch->file_offset);
    if (patch->segment == NULL)
        return false;
    struct nw_elf_range slack = nw_elf_code_slack(patch->elf, patch->segment);
    if (slack.start < patch->file_offset || slack.end - patch->file_offset > patch->size ||
        slack.end - slack.start < NW_SCAN_CONTEXT || slack.end - slack.start > SLACK_MAX ||
        used > slack.end - slack.start - NW_SCAN_CONTEXT)
        return false;
    patch->slack = slack.start - patch->file_offset;
    patch->free = patch->slack + used;
    patch->free_end = slack.end - patch->file_offset - NW_SCAN_CONTEXT;
    return true;
}

/* Whether a memory operand, or the register in its place, is or uses RAX. */
static bool operand_uses_rax(const uint8_t *code, const struct nw_insn *insn)
{
    uint8_t modrm = code[insn->modrm_at], sib = code[insn->modrm_at + 1];
    bool vector = insn->map == 1 && insn->opcode != 0x6e;

    if (modrm >= 0xc0 && vector)
        return false;
    if (modrm >= 0xc0 || (modrm & 7) != 4)
        return (modrm & 7) == RAX && !(insn->rex & 1);
    return ((sib & 7) == RAX && !(insn->rex & 1)) || ((sib >> 3 & 7) == RAX && !(insn->rex & 2));
}

static bool register_is_rax(const uint8_t *code, const struct nw_insn *insn)
{
    return (code[insn->modrm_at] >> 3 & 7) == RAX && !(insn->rex & 4);
}

/* Whether the instruction is one that compilers put between the two and that does the same before the load: it sets or
 * stores an argument, without RAX. */
static bool may_go_first(const uint8_t *code, const struct nw_insn *insn)
{
    if (insn->encoding != NW_INSN_LEGACY || insn->address_32)
        return false;
    if (insn->map == 0 && (insn->opcode & 0xf8) == BYTES_LOAD)
        return (insn->opcode & 7) != RAX || insn->rex & 1;
    if (insn->modrm_at == 0 || operand_uses_rax(code, insn))
        return false;
    switch (insn->opcode) {
    case 0x31: /* XOR */
    case 0x89: /* MOV */
    case 0x8b:
    case 0x8d: /* LEA */
        return insn->map == 0 && !register_is_rax(code, insn);
    case 0x11: /* MOVUPS and the like, MOVQ, PUNPCKLQDQ: the other operand is a vector register */
    case 0x29:
    case 0x6c:
    case 0x6e:
        return insn->map == 1;
    }
    return false;
}

/* Where the SYSCALL is that a load at `at` is for; 0 if there is none. */
static size_t find_call(const struct patch *patch, size_t at)
{
    struct nw_insn insn;
    size_t to = at + LOAD_SIZE;

    for (size_t n = 0; to + CALL_SIZE <= patch->slack; n++, to += insn.length) {
        const uint8_t *p = patch->code + to;
        if (p[0] == 0x0f && p[1] == 0x05)
            return to;
        if (n == BETWEEN_MAX || !nw_insn_decode(p, patch->slack - to, &insn) || !may_go_first(p, &insn))
            return 0;
    }
    return 0;
}

/* Whether decoding the function around it from its start comes to the load, and what follows is part of it. */
static bool is_confirmed(const struct patch *patch, size_t at, size_t call_at)
{
    struct nw_elf_range range;
    struct nw_insn insn;

    if (!nw_elf_code_range(patch->elf, patch->segment, patch->file_offset + at, &range) ||
        range.start < patch->file_offset || range.end - patch->file_offset > patch->size)
        return false;
    size_t end = range.end - patch->file_offset;
    for (size_t i = range.start - patch->file_offset; i < end && i <= at; i += insn.length) {
        if (!nw_insn_decode(patch->code + i, end - i, &insn))
            return false;
        if (i == at)
            return end >= call_at + CALL_SIZE && insn.length == LOAD_SIZE;
    }
    return false;
}

static void find_sites(struct patch *patch, bool (*wanted)(uint32_t number))
{
    for (size_t at = 0; at + LOAD_SIZE + CALL_SIZE <= patch->slack && patch->n_sites < SITES_MAX; at++) {
        const uint8_t *p = patch->code + at;
        uint32_t number;
        size_t call_at;
        if (p[0] != BYTES_LOAD)
            continue;
        memcpy(&number, p + 1, sizeof number);
        if (number >= NUMBERS || (call_at = find_call(patch, at)) == 0)
            continue;
        if (wanted(number) && is_confirmed(patch, at, call_at))
            patch->sites[patch->n_sites++] = (struct site){(uint32_t)at, (uint32_t)call_at, number};
    }
}

/* Those first that need least room; of these, wrappers of one number together. */
static int by_room(const void *left, const void *right)
{
    const struct site *a = left, *b = right;
    uint32_t between_a = a->call_at - a->at, between_b = b->call_at - b->at;

    if (between_a != between_b)
        return (between_a > between_b) - (between_a < between_b);
    return a->number != b->number ? (a->number > b->number) - (a->number < b->number)
                                  : (a->at > b->at) - (a->at < b->at);
}

static bool put(struct patch *patch, const struct nw_emit *emit)
{
    if (emit->failed || emit->size > patch->free_end - patch->free)
        return false;
    memcpy(patch->code + emit->at, emit->bytes, emit->size);
    patch->free += emit->size;
    return true;
}

static bool put_common(struct patch *patch, const struct nw_shortcut_gate *gate)
{
    size_t size = (size_t)(nw__shortcut_code_end - nw__shortcut_code);
    uint8_t *to = patch->code + patch->free;

    if (size > patch->free_end - patch->free)
        return false;
    patch->common = patch->free;
    patch->free += size;
    memcpy(to, nw__shortcut_code, size);
    memcpy(to + (nw__shortcut_operation - nw__shortcut_code) - sizeof gate->operation, &gate->operation,
           sizeof gate->operation);
    memcpy(to + (nw__shortcut_address - nw__shortcut_code) - sizeof gate->address, &gate->address,
           sizeof gate->address);
    return true;
}

/* One for all wrappers of a number: mov $nr,%eax; jmp common. */
static bool put_number(struct patch *patch, uint32_t number)
{
    struct nw_emit emit = {.at = (int64_t)patch->free};
    uint8_t load[LOAD_SIZE] = {BYTES_LOAD};

    if (patch->stubs[number] != 0)
        return true;
    patch->stubs[number] = (uint32_t)patch->free;
    memcpy(load + 1, &number, sizeof number);
    nw__emit_bytes(&emit, load, sizeof load);
    nw__emit_jump(&emit, (int64_t)patch->common);
    return put(patch, &emit);
}

/* What stands between the load and the SYSCALL. It stays there for whoever jumps to it. */
static void emit_between(const struct patch *patch, const struct site *site, struct nw_emit *out)
{
    struct nw_insn insn;

    for (size_t at = site->at + LOAD_SIZE; at < site->call_at && !out->failed; at += insn.length) {
        const struct nw_source source = {.code = patch->code + at, .insn = &insn, .at = (int64_t)at};
        if (!nw_insn_decode(source.code, site->call_at - at, &insn)) {
            out->failed = true;
            return;
        }
        nw__emit_insn(out, &source, NW_FORM_PLAIN);
    }
}

/* One for each wrapper: what stands between; lea syscall(%rip),%rcx; jmp to the stub of its number. */
static bool put_site(struct patch *patch, const struct site *site)
{
    struct nw_emit stub = {.at = (int64_t)patch->free}, jump = {.at = site->at};

    emit_between(patch, site, &stub);
    nw__emit_bytes(&stub, "\x48\x8d\x0d", 3);
    nw__emit_distance(&stub, site->call_at, 0);
    nw__emit_jump(&stub, (int64_t)patch->stubs[site->number]);
    nw__emit_jump(&jump, (int64_t)patch->free);
    if (jump.failed || !put(patch, &stub))
        return false;
    memcpy(patch->code + site->at, jump.bytes, jump.size);
    return true;
}

static void put_stubs(struct patch *patch)
{
    for (; patch->taken < patch->n_sites; patch->taken++) {
        const struct site *site = &patch->sites[patch->taken];
        if (!put_number(patch, site->number) || !put_site(patch, site))
            return;
    }
}

static bool is_clean(const struct patch *patch, size_t start, size_t end)
{
    size_t from = start < NW_SCAN_CONTEXT ? 0 : start - NW_SCAN_CONTEXT;
    size_t to = patch->size - end < NW_SCAN_CONTEXT ? patch->size : end + NW_SCAN_CONTEXT;

    return nw_scan(patch->code + from, to - from, NULL, 0) == 0;
}

static bool all_clean(const struct patch *patch)
{
    bool clean = is_clean(patch, patch->slack, patch->free);

    for (size_t i = 0; i < patch->taken && clean; i++)
        clean = is_clean(patch, patch->sites[i].at, patch->sites[i].at + LOAD_SIZE);
    return clean;
}

static void undo(struct patch *patch, const uint8_t *slack)
{
    memcpy(patch->code + patch->slack, slack, patch->free - patch->slack);
    for (size_t i = 0; i < patch->taken; i++) {
        patch->code[patch->sites[i].at] = BYTES_LOAD;
        memcpy(patch->code + patch->sites[i].at + 1, &patch->sites[i].number, sizeof patch->sites[i].number);
    }
    patch->taken = 0;
}

size_t nw_shortcut(uint8_t *code, size_t size, uint64_t file_offset, const struct nw_elf *elf,
                   const struct nw_shortcut_gate *gate, size_t *used)
{
    struct patch patch = {.code = code, .size = size, .file_offset = file_offset, .elf = elf};
    uint8_t slack[SLACK_MAX];

    if (!find_room(&patch, *used) || (patch.sites = calloc(SITES_MAX, sizeof *patch.sites)) == NULL)
        return 0;
    memcpy(slack, code + patch.slack, patch.free_end - patch.slack);
    find_sites(&patch, gate->wanted);
    qsort(patch.sites, patch.n_sites, sizeof *patch.sites, by_room);
    if (patch.n_sites > 0 && put_common(&patch, gate))
        put_stubs(&patch);
    if (all_clean(&patch))
        *used = patch.free - patch.slack;
    else
        undo(&patch, slack);
    free(patch.sites);
    return patch.taken;
}
