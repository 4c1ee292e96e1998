/*
 * Finding the section of call sites in an object file. Nothing of the file is believed: each header is copied, and its
 * numbers are checked against the size of the file before they are used. A file without headers of sections has none.
 */
#include "common/sites/sites.h"
#include <elf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

struct file {
    const char *bytes;
    size_t size;
    Elf64_Ehdr head;
};

static bool holds(const struct file *file, uint64_t at, uint64_t length)
{
    return at <= file->size && length <= file->size - at;
}

/* Whether the file says where headers of sections lie, and they do lie in it. */
static bool open_file(struct file *file, const void *bytes, size_t size)
{
    *file = (struct file){.bytes = bytes, .size = size};
    if (size < sizeof file->head)
        return false;
    memcpy(&file->head, bytes, sizeof file->head);
    const Elf64_Ehdr *head = &file->head;
    return memcmp(head->e_ident, ELFMAG, SELFMAG) == 0 && head->e_ident[EI_CLASS] == ELFCLASS64 &&
           head->e_ident[EI_DATA] == ELFDATA2LSB && head->e_shentsize == sizeof(Elf64_Shdr) &&
           holds(file, head->e_shoff, (uint64_t)head->e_shnum * sizeof(Elf64_Shdr)) && head->e_shstrndx < head->e_shnum;
}

static Elf64_Shdr section_at(const struct file *file, unsigned i)
{
    Elf64_Shdr section;

    memcpy(&section, file->bytes + file->head.e_shoff + i * sizeof section, sizeof section);
    return section;
}

static bool is_ours(const struct file *file, const Elf64_Shdr *names, const Elf64_Shdr *section)
{
    const size_t length = sizeof NW_SITES_SECTION; /* with its NUL */

    return section->sh_name <= names->sh_size && length <= names->sh_size - section->sh_name &&
           memcmp(file->bytes + names->sh_offset + section->sh_name, NW_SITES_SECTION, length) == 0;
}

static int damaged(char *why, size_t why_size, const char *reason)
{
    snprintf(why, why_size, "its section %s is damaged: %s", NW_SITES_SECTION, reason);
    return -EINVAL;
}

static int read_section(const struct file *file, const Elf64_Shdr *section, struct nw_sites *sites, char *why,
                        size_t why_size)
{
    char reason[200];

    if (section->sh_type == SHT_NOBITS || !holds(file, section->sh_offset, section->sh_size))
        return damaged(why, why_size, "it lies outside the file");
    if (section->sh_flags & SHF_COMPRESSED)
        return damaged(why, why_size, "it is compressed");
    int rc = nw_sites_decode(file->bytes + section->sh_offset, section->sh_size, sites, reason, sizeof reason);
    if (rc == -EINVAL)
        return damaged(why, why_size, reason);
    if (rc < 0)
        snprintf(why, why_size, "there is no memory for its call sites");
    return rc < 0 ? rc : 1;
}

int nw_sites_read(const void *bytes, size_t size, struct nw_sites *sites, char *why, size_t why_size)
{
    struct file file;

    if (!open_file(&file, bytes, size))
        return 0;
    const Elf64_Shdr names = section_at(&file, file.head.e_shstrndx);
    if (names.sh_type != SHT_STRTAB || !holds(&file, names.sh_offset, names.sh_size))
        return 0;
    for (unsigned i = 0; i < file.head.e_shnum; i++) {
        const Elf64_Shdr section = section_at(&file, i);
        if (is_ours(&file, &names, &section))
            return read_section(&file, &section, sites, why, why_size);
    }
    return 0;
}
