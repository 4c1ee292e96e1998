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
#define SYSCALL_AT LOAD_SIZE
#define SITE_SIZE  (LOAD_SIZE + 2)
#define BYTES_LOAD 0xb8

/* See shortcut_code.S. */
extern const uint8_t nw__shortcut_code[], nw__shortcut_operation[], nw__shortcut_address[], nw__shortcut_code_end[];

struct site {
    uint32_t at, number;
};

struct patch {
    uint8_t *code;
    size_t size;
    uint64_t file_offset;
    const struct nw_elf *elf;
    const Elf64_Phdr *segment;
    size_t slack, free, free_end; /* the room behind the segment */
    size_t common;                /* where nw__shortcut_code went */
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

/* Whether decoding the function around it from its start comes to the two instructions. */
static bool is_confirmed(const struct patch *patch, size_t at)
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
            return end - at >= SITE_SIZE && insn.length == LOAD_SIZE;
    }
    return false;
}

static void find_sites(struct patch *patch, bool (*wanted)(uint32_t number))
{
    for (size_t at = 0; at + SITE_SIZE <= patch->slack && patch->n_sites < SITES_MAX; at++) {
        const uint8_t *p = patch->code + at;
        uint32_t number;
        if (p[0] != BYTES_LOAD || p[SYSCALL_AT] != 0x0f || p[SYSCALL_AT + 1] != 0x05)
            continue;
        memcpy(&number, p + 1, sizeof number);
        if (number < NUMBERS && wanted(number) && is_confirmed(patch, at))
            patch->sites[patch->n_sites++] = (struct site){(uint32_t)at, number};
    }
}

static int by_number(const void *left, const void *right)
{
    const struct site *a = left, *b = right;

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
static bool put_number(struct patch *patch, uint32_t number, size_t *at)
{
    struct nw_emit emit = {.at = (int64_t)patch->free};
    uint8_t load[LOAD_SIZE] = {BYTES_LOAD};

    *at = patch->free;
    memcpy(load + 1, &number, sizeof number);
    nw__emit_bytes(&emit, load, sizeof load);
    nw__emit_jump(&emit, (int64_t)patch->common);
    return put(patch, &emit);
}

/* One for each wrapper: lea syscall(%rip),%rcx; jmp to the stub of its number. */
static bool put_site(struct patch *patch, const struct site *site, size_t number_stub)
{
    struct nw_emit stub = {.at = (int64_t)patch->free}, jump = {.at = site->at};

    nw__emit_bytes(&stub, "\x48\x8d\x0d", 3);
    nw__emit_distance(&stub, (int64_t)site->at + SYSCALL_AT, 0);
    nw__emit_jump(&stub, (int64_t)number_stub);
    nw__emit_jump(&jump, (int64_t)patch->free);
    if (jump.failed || !put(patch, &stub))
        return false;
    memcpy(patch->code + site->at, jump.bytes, jump.size);
    return true;
}

static void put_stubs(struct patch *patch)
{
    size_t number_stub = 0;

    for (size_t i = 0; i < patch->n_sites; i++, patch->taken++) {
        const struct site *site = &patch->sites[i];
        bool first = i == 0 || site->number != patch->sites[i - 1].number;
        if (first && !put_number(patch, site->number, &number_stub))
            return;
        if (!put_site(patch, site, number_stub))
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
    qsort(patch.sites, patch.n_sites, sizeof *patch.sites, by_number);
    if (patch.n_sites > 0 && put_common(&patch, gate))
        put_stubs(&patch);
    if (all_clean(&patch))
        *used = patch.free - patch.slack;
    else
        undo(&patch, slack);
    free(patch.sites);
    return patch.taken;
}
