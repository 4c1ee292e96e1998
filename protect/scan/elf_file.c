/* The reader of ELF files of elf_file.h. Nothing is dereferenced in place: alignment is hostile too. */
#include "protect/scan/elf_file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define PAGE             4096u
#define ALIGNMENT_MAX    (16u << 20)
#define USER_ADDRESS_END ((uint64_t)1 << 47)

static bool in_file(const struct nw_elf *elf, uint64_t offset, uint64_t length)
{
    return offset <= elf->size && length <= elf->size - offset;
}

/* Copies out of the file what is known to be in it. */
static void load(const struct nw_elf *elf, void *to, uint64_t offset, size_t length)
{
    memcpy(to, elf->bytes + offset, length);
}

static const char *machine_name(unsigned int machine)
{
    switch (machine) {
    case EM_386:
        return "32-bit x86";
    case EM_ARM:
        return "32-bit Arm";
    case EM_AARCH64:
        return "AArch64";
    case EM_RISCV:
        return "RISC-V";
    case EM_PPC64:
        return "PowerPC";
    case EM_S390:
        return "s390";
    case EM_MIPS:
        return "MIPS";
    case EM_LOONGARCH:
        return "LoongArch";
    case EM_SPARCV9:
        return "SPARC";
    }
    return NULL;
}

static int check_machine(const struct nw_elf *elf, char *why, size_t why_size)
{
    const uint8_t *at = elf->bytes + offsetof(Elf64_Ehdr, e_machine);
    bool big = elf->header.e_ident[EI_DATA] == ELFDATA2MSB;
    unsigned int machine = big ? at[0] * 256u + at[1] : at[1] * 256u + at[0];
    const char *name = machine_name(machine);

    if (machine == EM_X86_64 && elf->header.e_ident[EI_CLASS] == ELFCLASS64 && !big)
        return 0;
    if (machine == EM_X86_64)
        snprintf(why, why_size, "built for x86-64 with 32-bit pointers; this host runs 64-bit x86-64");
    else if (name != NULL)
        snprintf(why, why_size, "built for %s; this host runs x86-64", name);
    else
        snprintf(why, why_size, "built for machine number %u; this host runs x86-64", machine);
    return -ENOEXEC;
}

static int check_type(const struct nw_elf *elf, char *why, size_t why_size)
{
    const char *what = "an unknown kind of ELF file";

    if (elf->header.e_ident[EI_VERSION] == EV_CURRENT && elf->header.e_type == ET_DYN)
        return 0;
    if (elf->header.e_type == ET_EXEC)
        what = "a program";
    else if (elf->header.e_type == ET_REL)
        what = "an object file";
    else if (elf->header.e_type == ET_CORE)
        what = "a core dump";
    snprintf(why, why_size, "%s, not a shared object; build it with -shared -fPIC", what);
    return -ENOEXEC;
}

static int read_header(struct nw_elf *elf, char *why, size_t why_size)
{
    if (elf->size < SELFMAG || memcmp(elf->bytes, ELFMAG, SELFMAG) != 0) {
        snprintf(why, why_size, "not an ELF file");
        return -ENOEXEC;
    }
    if (elf->size < sizeof elf->header) {
        snprintf(why, why_size, "truncated: an ELF file of %zu bytes", elf->size);
        return -ENOEXEC;
    }
    load(elf, &elf->header, 0, sizeof elf->header);
    int error = check_machine(elf, why, why_size);
    return error != 0 ? error : check_type(elf, why, why_size);
}

static const char *segment_fault(const struct nw_elf *elf, const Elf64_Phdr *segment)
{
    if (!in_file(elf, segment->p_offset, segment->p_filesz))
        return "reaches past the end of the file; is it truncated?";
    if (segment->p_type != PT_LOAD)
        return NULL;
    if (segment->p_filesz > segment->p_memsz)
        return "is larger in the file than in memory";
    if (segment->p_vaddr >= USER_ADDRESS_END || segment->p_memsz > USER_ADDRESS_END - segment->p_vaddr)
        return "leaves the address space";
    if (segment->p_align > ALIGNMENT_MAX || (segment->p_align & (segment->p_align - 1)) != 0)
        return "has an impossible alignment";
    if (segment->p_vaddr % PAGE != segment->p_offset % PAGE)
        return "cannot be mapped: offset and address differ within the page";
    return NULL;
}

/* Loadable segments come in ascending order and share no page, or one would be mapped over another. */
static const char *order_fault(struct nw_elf *elf, const Elf64_Phdr *segment, uint64_t *first, uint64_t *end)
{
    uint64_t start = segment->p_vaddr & ~(uint64_t)(PAGE - 1);

    if (*end == 0)
        *first = start;
    if (*end != 0 && start < *end)
        return "overlaps the one before";
    *end = (segment->p_vaddr + segment->p_memsz + PAGE - 1) & ~(uint64_t)(PAGE - 1);
    elf->span = *end - *first;
    return NULL;
}

static const char *dynamic_fault(struct nw_elf *elf, const Elf64_Phdr *segment)
{
    if (elf->dynamic_size != 0)
        return "is a second dynamic section";
    elf->dynamic_offset = segment->p_offset;
    elf->dynamic_size = segment->p_filesz;
    return NULL;
}

static int read_segments(struct nw_elf *elf, char *why, size_t why_size)
{
    uint64_t first = 0, end = 0;
    size_t count = elf->header.e_phnum;

    if (count == 0 || count > NW_ELF_SEGMENTS_MAX || elf->header.e_phentsize != sizeof(Elf64_Phdr) ||
        !in_file(elf, elf->header.e_phoff, count * sizeof(Elf64_Phdr))) {
        snprintf(why, why_size, "damaged: %zu program headers at offset %#llx of %zu bytes", count,
                 (unsigned long long)elf->header.e_phoff, elf->size);
        return -ENOEXEC;
    }
    load(elf, elf->segments, elf->header.e_phoff, count * sizeof(Elf64_Phdr));
    for (size_t i = 0; i < count; i++) {
        const Elf64_Phdr *segment = &elf->segments[i];
        const char *fault = segment_fault(elf, segment);
        if (fault == NULL && segment->p_type == PT_LOAD)
            fault = order_fault(elf, segment, &first, &end);
        if (fault == NULL && segment->p_type == PT_DYNAMIC)
            fault = dynamic_fault(elf, segment);
        if (fault != NULL) {
            snprintf(why, why_size, "damaged: segment %zu %s", i, fault);
            return -ENOEXEC;
        }
    }
    if (elf->span == 0) {
        snprintf(why, why_size, "damaged: no segment to load");
        return -ENOEXEC;
    }
    return 0;
}

bool nw_elf_dynamic(const struct nw_elf *elf, int64_t tag, uint64_t *value)
{
    bool found = false;

    for (uint64_t at = 0; elf->dynamic_size - at >= sizeof(Elf64_Dyn); at += sizeof(Elf64_Dyn)) {
        Elf64_Dyn entry;
        load(elf, &entry, elf->dynamic_offset + at, sizeof entry);
        if (entry.d_tag == DT_NULL)
            break;
        if (entry.d_tag != tag)
            continue;
        *value = entry.d_un.d_val;
        found = true;
    }
    return found;
}

/* Where an address of the loaded object lies in the file, in a segment with `flags`, and how much of it follows. */
static bool locate(const struct nw_elf *elf, uint64_t address, uint32_t flags, uint64_t *offset, uint64_t *left)
{
    for (size_t i = 0; i < elf->header.e_phnum; i++) {
        const Elf64_Phdr *segment = &elf->segments[i];
        if (segment->p_type != PT_LOAD || (segment->p_flags & flags) != flags || address < segment->p_vaddr)
            continue;
        uint64_t inside = address - segment->p_vaddr;
        if (inside >= segment->p_filesz)
            continue;
        *offset = segment->p_offset + inside;
        *left = segment->p_filesz - inside;
        return true;
    }
    return false;
}

bool nw_elf_file_offset(const struct nw_elf *elf, uint64_t address, uint64_t length, uint32_t flags, uint64_t *offset)
{
    uint64_t left;

    return locate(elf, address, flags, offset, &left) && length <= left;
}

/* The same for what a dynamic tag points to. */
static bool dynamic_target(const struct nw_elf *elf, int64_t tag, uint64_t *offset, uint64_t *left)
{
    uint64_t address;

    return nw_elf_dynamic(elf, tag, &address) && locate(elf, address, 0, offset, left);
}

static uint32_t word_at(const struct nw_elf *elf, uint64_t offset)
{
    uint32_t word;

    load(elf, &word, offset, sizeof word);
    return word;
}

/* How many symbols DT_HASH says there are. */
static uint64_t count_by_hash(const struct nw_elf *elf)
{
    uint64_t offset, left;

    if (!dynamic_target(elf, DT_HASH, &offset, &left) || left < 8)
        return 0;
    return word_at(elf, offset + 4);
}

/* How many symbols DT_GNU_HASH says there are: the end of the chain that starts at the highest bucket. */
static uint64_t count_by_gnu_hash(const struct nw_elf *elf)
{
    uint64_t offset, left, highest = 0;

    if (!dynamic_target(elf, DT_GNU_HASH, &offset, &left) || left < 16)
        return 0;
    uint64_t buckets = word_at(elf, offset), unhashed = word_at(elf, offset + 4);
    uint64_t table = 16 + 8 * (uint64_t)word_at(elf, offset + 8);
    uint64_t chains = table + 4 * buckets;
    if (chains > left)
        return 0;
    for (uint64_t i = 0; i < buckets; i++) {
        uint32_t first = word_at(elf, offset + table + 4 * i);
        highest = first > highest ? first : highest;
    }
    if (highest < unhashed)
        return unhashed;
    for (uint64_t i = highest - unhashed; chains + 4 * i + 4 <= left; i++) {
        if (word_at(elf, offset + chains + 4 * i) & 1)
            return unhashed + i + 1;
    }
    return 0;
}

static void read_dynsym(struct nw_elf *elf)
{
    uint64_t offset, left, strings, strings_left, strings_size;

    if (!dynamic_target(elf, DT_SYMTAB, &offset, &left) || !dynamic_target(elf, DT_STRTAB, &strings, &strings_left) ||
        !nw_elf_dynamic(elf, DT_STRSZ, &strings_size))
        return;
    uint64_t count = count_by_gnu_hash(elf);
    if (count == 0)
        count = count_by_hash(elf);
    if (count > left / sizeof(Elf64_Sym))
        count = left / sizeof(Elf64_Sym);
    elf->dynsym = (struct nw_elf_symbols){
        .entries = elf->bytes + offset,
        .count = count,
        .strings = (const char *)elf->bytes + strings,
        .strings_size = strings_size < strings_left ? strings_size : strings_left,
    };
}

/* Section `index`, if the section headers are where they say. */
static bool section_at(const struct nw_elf *elf, uint64_t index, Elf64_Shdr *section)
{
    if (elf->header.e_shentsize != sizeof *section || index >= elf->header.e_shnum ||
        !in_file(elf, elf->header.e_shoff, (uint64_t)elf->header.e_shnum * sizeof *section))
        return false;
    load(elf, section, elf->header.e_shoff + index * sizeof *section, sizeof *section);
    return section->sh_type == SHT_NOBITS || in_file(elf, section->sh_offset, section->sh_size);
}

static void read_symtab(struct nw_elf *elf)
{
    Elf64_Shdr section, strings;

    for (uint64_t i = 0; i < elf->header.e_shnum; i++) {
        if (!section_at(elf, i, &section) || section.sh_type != SHT_SYMTAB)
            continue;
        if (!section_at(elf, section.sh_link, &strings) || strings.sh_type != SHT_STRTAB)
            return;
        elf->symtab = (struct nw_elf_symbols){
            .entries = elf->bytes + section.sh_offset,
            .count = section.sh_size / sizeof(Elf64_Sym),
            .strings = (const char *)elf->bytes + strings.sh_offset,
            .strings_size = strings.sh_size,
        };
        return;
    }
}

int nw_elf_open(struct nw_elf *elf, const uint8_t *bytes, size_t size, char *why, size_t why_size)
{
    memset(elf, 0, sizeof *elf);
    elf->bytes = bytes;
    elf->size = size;
    int error = read_header(elf, why, why_size);
    if (error == 0)
        error = read_segments(elf, why, why_size);
    if (error != 0)
        return error;
    read_dynsym(elf);
    read_symtab(elf);
    return 0;
}

static void symbol_at(const struct nw_elf_symbols *symbols, size_t index, Elf64_Sym *symbol)
{
    memcpy(symbol, symbols->entries + index * sizeof *symbol, sizeof *symbol);
}

static bool has_name(const struct nw_elf_symbols *symbols, const Elf64_Sym *symbol, const char *name, size_t length)
{
    return symbol->st_name < symbols->strings_size && symbols->strings_size - symbol->st_name > length &&
           memcmp(symbols->strings + symbol->st_name, name, length + 1) == 0;
}

static bool find(const struct nw_elf_symbols *symbols, const char *name, bool exported, Elf64_Sym *symbol)
{
    size_t length = strlen(name);

    for (size_t i = 0; i < symbols->count; i++) {
        symbol_at(symbols, i, symbol);
        unsigned int visibility = ELF64_ST_VISIBILITY(symbol->st_other);
        bool visible =
            ELF64_ST_BIND(symbol->st_info) != STB_LOCAL && visibility != STV_HIDDEN && visibility != STV_INTERNAL;
        if (symbol->st_shndx == SHN_UNDEF || (exported && !visible))
            continue;
        if (has_name(symbols, symbol, name, length))
            return true;
    }
    return false;
}

bool nw_elf_find_exported(const struct nw_elf *elf, const char *name, Elf64_Sym *symbol)
{
    return find(&elf->dynsym, name, true, symbol);
}

bool nw_elf_find_local(const struct nw_elf *elf, const char *name, Elf64_Sym *symbol)
{
    return find(&elf->symtab, name, false, symbol);
}

/* Copies a name as far as it fits and lies in the table. */
static void copy_name(const struct nw_elf_symbols *symbols, const Elf64_Sym *symbol, char *name, size_t size)
{
    size_t length = 0;

    for (size_t at = symbol->st_name; at < symbols->strings_size && length + 1 < size; at++) {
        char c = symbols->strings[at];
        if (c == '\0')
            break;
        name[length++] = c < ' ' || c > '~' ? '?' : c;
    }
    name[length] = '\0';
}

static bool name_address(const struct nw_elf_symbols *symbols, uint64_t address, char *name, size_t size)
{
    for (size_t i = 0; i < symbols->count; i++) {
        Elf64_Sym symbol;
        symbol_at(symbols, i, &symbol);
        unsigned int type = ELF64_ST_TYPE(symbol.st_info);
        if (symbol.st_shndx == SHN_UNDEF || (type != STT_FUNC && type != STT_GNU_IFUNC))
            continue;
        if (address < symbol.st_value || address - symbol.st_value >= symbol.st_size)
            continue;
        copy_name(symbols, &symbol, name, size);
        if (name[0] != '\0')
            return true;
    }
    return false;
}

bool nw_elf_name_offset(const struct nw_elf *elf, uint64_t file_offset, char *name, size_t size)
{
    name[0] = '\0';
    for (size_t i = 0; i < elf->header.e_phnum; i++) {
        const Elf64_Phdr *segment = &elf->segments[i];
        if (segment->p_type != PT_LOAD || !(segment->p_flags & PF_X) || file_offset < segment->p_offset ||
            file_offset - segment->p_offset >= segment->p_filesz)
            continue;
        uint64_t address = segment->p_vaddr + (file_offset - segment->p_offset);
        if (name_address(&elf->symtab, address, name, size) || name_address(&elf->dynsym, address, name, size))
            return true;
    }
    return false;
}

bool nw_elf_name_before(const struct nw_elf *elf, uint64_t address, char *name, size_t size, uint64_t *distance)
{
    const struct nw_elf_symbols *symbols = &elf->symtab;
    char candidate[64];
    bool found = false;

    name[0] = '\0';
    for (size_t i = 0; i < symbols->count; i++) {
        Elf64_Sym symbol;
        symbol_at(symbols, i, &symbol);
        unsigned int type = ELF64_ST_TYPE(symbol.st_info);
        if (symbol.st_shndx == SHN_UNDEF || (type != STT_FUNC && type != STT_GNU_IFUNC) || symbol.st_value > address)
            continue;
        uint64_t before = address - symbol.st_value;
        if (found && before > *distance)
            continue;
        copy_name(symbols, &symbol, candidate, sizeof candidate);
        if (candidate[0] == '\0' || (found && before == *distance && strcmp(candidate, name) >= 0))
            continue;
        snprintf(name, size, "%s", candidate);
        *distance = before;
        found = true;
    }
    return found;
}
