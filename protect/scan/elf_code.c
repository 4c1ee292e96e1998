/* The code ranges of elf_code.h. */
#include "protect/scan/elf_code.h"

#include <string.h>

#define PAGE 4096u

/* The encodings that linkers write into .eh_frame_hdr: a 32-bit count, 32-bit distances from the header. */
#define EH_UDATA4         0x03
#define EH_DATAREL_SDATA4 0x3b

/* The search table of .eh_frame_hdr. */
struct eh_table {
    uint64_t address; /* of the header, which the table counts from */
    uint64_t offset;  /* of the first entry in the file */
    uint32_t count;
};

/* Reads at an address of the loaded object. */
static bool read_at(const struct nw_elf *elf, uint64_t address, void *to, size_t length)
{
    uint64_t offset;

    if (!nw_elf_file_offset(elf, address, length, PF_R, &offset))
        return false;
    memcpy(to, elf->bytes + offset, length);
    return true;
}

static bool find_eh_table(const struct nw_elf *elf, struct eh_table *table)
{
    uint8_t header[12];

    for (size_t i = 0; i < elf->header.e_phnum; i++) {
        const Elf64_Phdr *segment = &elf->segments[i];
        if (segment->p_type != PT_GNU_EH_FRAME)
            continue;
        if (!read_at(elf, segment->p_vaddr, header, sizeof header) || header[0] != 1 || header[2] != EH_UDATA4 ||
            header[3] != EH_DATAREL_SDATA4)
            return false;
        memcpy(&table->count, header + 8, 4);
        table->address = segment->p_vaddr;
        return nw_elf_file_offset(elf, segment->p_vaddr + sizeof header, (uint64_t)table->count * 8, PF_R,
                                  &table->offset);
    }
    return false;
}

/* Entry i: where code starts, and its FDE. */
static void eh_entry(const struct nw_elf *elf, const struct eh_table *table, uint32_t i, uint64_t *start, uint64_t *fde)
{
    int32_t distances[2];

    memcpy(distances, elf->bytes + table->offset + (uint64_t)i * 8, 8);
    *start = table->address + (uint64_t)(int64_t)distances[0];
    *fde = table->address + (uint64_t)(int64_t)distances[1];
}

/* How much code an FDE covers that starts at `start`; 0 if it does not look like one. Its first words are length, CIE,
 * distance to the start, size. */
static uint64_t fde_size(const struct nw_elf *elf, uint64_t fde, uint64_t start)
{
    uint32_t words[4];

    if (!read_at(elf, fde, words, sizeof words) || words[0] < 12 || words[1] == 0)
        return 0;
    return fde + 8 + (uint64_t)(int64_t)(int32_t)words[2] == start ? words[3] : 0;
}

/* The addresses that the unwind table has around one. */
static bool range_by_unwinding(const struct nw_elf *elf, uint64_t address, struct nw_elf_range *range)
{
    struct eh_table table;
    uint64_t fde;

    if (!find_eh_table(elf, &table) || table.count == 0)
        return false;
    uint32_t low = 0;
    for (uint32_t high = table.count; high - low > 1;) {
        uint32_t middle = low + (high - low) / 2;
        eh_entry(elf, &table, middle, &range->start, &fde);
        *(range->start <= address ? &low : &high) = middle;
    }
    eh_entry(elf, &table, low, &range->start, &fde);
    uint64_t size = fde_size(elf, fde, range->start);
    range->end = range->start + size;
    return address >= range->start && address - range->start < size;
}

static bool range_by_symbols(const struct nw_elf_symbols *symbols, uint64_t address, struct nw_elf_range *range)
{
    for (size_t i = 0; i < symbols->count; i++) {
        Elf64_Sym symbol;
        memcpy(&symbol, symbols->entries + i * sizeof symbol, sizeof symbol);
        unsigned int type = ELF64_ST_TYPE(symbol.st_info);
        if (symbol.st_shndx == SHN_UNDEF || (type != STT_FUNC && type != STT_GNU_IFUNC))
            continue;
        if (address < symbol.st_value || address - symbol.st_value >= symbol.st_size)
            continue;
        *range = (struct nw_elf_range){symbol.st_value, symbol.st_value + symbol.st_size};
        return true;
    }
    return false;
}

const Elf64_Phdr *nw_elf_code_segment(const struct nw_elf *elf, uint64_t file_offset)
{
    for (size_t i = 0; i < elf->header.e_phnum; i++) {
        const Elf64_Phdr *segment = &elf->segments[i];
        if (segment->p_type == PT_LOAD && (segment->p_flags & PF_X) && file_offset >= segment->p_offset &&
            file_offset - segment->p_offset < segment->p_filesz)
            return segment;
    }
    return NULL;
}

bool nw_elf_code_range(const struct nw_elf *elf, const Elf64_Phdr *segment, uint64_t file_offset,
                       struct nw_elf_range *range)
{
    uint64_t address = segment->p_vaddr + (file_offset - segment->p_offset);

    if (!range_by_unwinding(elf, address, range) && !range_by_symbols(&elf->symtab, address, range) &&
        !range_by_symbols(&elf->dynsym, address, range))
        return false;
    uint64_t first = segment->p_vaddr, size = segment->p_filesz;
    if (range->start < first || range->end < range->start || range->end - first > size)
        return false;
    range->start = segment->p_offset + (range->start - first);
    range->end = segment->p_offset + (range->end - first);
    return true;
}

static bool symbol_inside(const struct nw_elf_symbols *symbols, uint64_t start, uint64_t end)
{
    for (size_t i = 0; i < symbols->count; i++) {
        Elf64_Sym symbol;
        memcpy(&symbol, symbols->entries + i * sizeof symbol, sizeof symbol);
        if (symbol.st_shndx != SHN_UNDEF && symbol.st_value > start && symbol.st_value < end)
            return true;
    }
    return false;
}

bool nw_elf_symbol_inside(const struct nw_elf *elf, const Elf64_Phdr *segment, const struct nw_elf_range *range)
{
    uint64_t start = segment->p_vaddr + (range->start - segment->p_offset);
    uint64_t end = segment->p_vaddr + (range->end - segment->p_offset);

    return symbol_inside(&elf->symtab, start, end) || symbol_inside(&elf->dynsym, start, end);
}

struct nw_elf_range nw_elf_code_slack(const struct nw_elf *elf, const Elf64_Phdr *segment)
{
    struct nw_elf_range slack = {.start = segment->p_offset + segment->p_filesz};

    slack.end = (slack.start + PAGE - 1) & ~(uint64_t)(PAGE - 1);
    if (segment->p_memsz != segment->p_filesz)
        slack.end = slack.start;
    for (size_t i = 0; i < elf->header.e_phnum; i++) {
        const Elf64_Phdr *other = &elf->segments[i];
        if (other == segment || other->p_type != PT_LOAD || other->p_offset >= slack.end ||
            other->p_offset + other->p_filesz <= slack.start)
            continue;
        slack.end = other->p_offset > slack.start ? other->p_offset : slack.start;
    }
    return slack;
}
