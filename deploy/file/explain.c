/* See explain.h. */
#include "deploy/file/explain.h"
#include <Zydis/Zydis.h>
#include <gelf.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* Where a byte of the file lies, as far as it says. */
struct place {
    const char *section, *symbol; /* "" when there is none */
    uint64_t symbol_start;        /* in the file */
};

static Elf_Scn *find_section(Elf *elf, uint64_t offset, GElf_Shdr *header)
{
    Elf_Scn *section = NULL;

    while ((section = elf_nextscn(elf, section)) != NULL)
        if (gelf_getshdr(section, header) && header->sh_type != SHT_NOBITS && (header->sh_flags & SHF_ALLOC) &&
            offset >= header->sh_offset && offset - header->sh_offset < header->sh_size)
            break;
    return section;
}

/* Whether a symbol is a function that holds the address: one without a size does up to the next. */
static bool holds(const GElf_Sym *symbol, size_t section, uint64_t address)
{
    return symbol->st_shndx == section && GELF_ST_TYPE(symbol->st_info) == STT_FUNC && address >= symbol->st_value &&
           (symbol->st_size == 0 || address - symbol->st_value < symbol->st_size);
}

/* The last function of a symbol table to start before an address, and where that is. */
static void find_in_table(Elf *elf, Elf_Scn *table, size_t section, uint64_t address, const char **name,
                          uint64_t *start)
{
    Elf_Data *data = elf_getdata(table, NULL);
    GElf_Shdr header;
    GElf_Sym symbol;

    if (!data || !gelf_getshdr(table, &header))
        return;
    for (int i = 0; gelf_getsym(data, i, &symbol); i++) {
        const char *text = elf_strptr(elf, header.sh_link, symbol.st_name);

        if (!holds(&symbol, section, address) || !text || !*text || (**name && symbol.st_value <= *start))
            continue;
        *name = text;
        *start = symbol.st_value;
    }
}

static void find_symbol(Elf *elf, uint64_t offset, Elf_Scn *around, const GElf_Shdr *header, struct place *place)
{
    uint64_t address = header->sh_addr + (offset - header->sh_offset), start = 0;
    Elf_Scn *table = NULL;
    GElf_Shdr kind;

    while ((table = elf_nextscn(elf, table)) != NULL)
        if (gelf_getshdr(table, &kind) && (kind.sh_type == SHT_SYMTAB || kind.sh_type == SHT_DYNSYM))
            find_in_table(elf, table, elf_ndxscn(around), address, &place->symbol, &start);
    if (*place->symbol)
        place->symbol_start = offset - (address - start);
}

static void find_place(Elf *elf, uint64_t offset, struct place *place)
{
    Elf_Scn *section;
    GElf_Shdr header;
    size_t names;
    const char *name;

    *place = (struct place){"", "", offset};
    section = elf ? find_section(elf, offset, &header) : NULL;
    if (!section || elf_getshdrstrndx(elf, &names) < 0)
        return;
    name = elf_strptr(elf, names, header.sh_name);
    place->section = name ? name : "";
    find_symbol(elf, offset, section, &header, place);
}

/* Decodes from the start of the function up to the instruction that holds the first byte of the hit. False when the
 * code does not decode so far. */
static bool find_instruction(const uint8_t *bytes, size_t size, const struct place *place, uint64_t offset,
                             uint64_t *start, char *text, size_t text_size)
{
    ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];
    ZydisDecodedInstruction instruction;
    ZydisFormatter formatter;
    ZydisDecoder decoder;

    if (!ZYAN_SUCCESS(ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64)) ||
        !ZYAN_SUCCESS(ZydisFormatterInit(&formatter, ZYDIS_FORMATTER_STYLE_ATT)))
        return false;
    for (*start = place->symbol_start; *start < size; *start += instruction.length) {
        if (!ZYAN_SUCCESS(ZydisDecoderDecodeFull(&decoder, bytes + *start, size - *start, &instruction, operands)))
            return false;
        if (offset - *start < instruction.length)
            return ZYAN_SUCCESS(ZydisFormatterFormatInstruction(&formatter, &instruction, operands,
                                                                instruction.operand_count_visible, text, text_size,
                                                                ZYDIS_RUNTIME_ADDRESS_NONE, NULL));
    }
    return false;
}

/* Whether what Zydis names is the hit itself, prefixes before it included, rather than something that holds it. */
static bool is_itself(const char *instruction, enum nw_scan_kind kind)
{
    const char *name = nw_scan_kind_name(kind);

    return strncasecmp(instruction, name, strlen(name)) == 0;
}

void nw__explain(const uint8_t *bytes, size_t size, const struct nw_scan_hit *hit, char *text, size_t text_size)
{
    char where[300] = "", instruction[128];
    struct place place;
    uint64_t start;
    Elf *elf;

    elf_version(EV_CURRENT);
    elf = elf_memory((char *)bytes, size); /* which it only reads */
    find_place(elf, hit->offset, &place);
    if (*place.symbol)
        snprintf(where, sizeof where, "%.200s+%#" PRIx64 ", ", place.symbol, hit->offset - place.symbol_start);
    snprintf(where + strlen(where), sizeof where - strlen(where), "%s%.64s", *place.section ? "section " : "no section",
             place.section);
    if (!find_instruction(bytes, size, &place, hit->offset, &start, instruction, sizeof instruction))
        snprintf(text, text_size, "file offset %#zx lies in %s, which does not decode up to there", hit->offset, where);
    else if (is_itself(instruction, hit->kind))
        snprintf(text, text_size, "file offset %#zx lies in %s: \"%s\"", hit->offset, where, instruction);
    else
        snprintf(text, text_size, "file offset %#zx lies in %s: %s begins within \"%s\" at %#" PRIx64, hit->offset,
                 where, nw_scan_kind_name(hit->kind), instruction, start);
    elf_end(elf);
}
