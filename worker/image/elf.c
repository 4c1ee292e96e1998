/* See image/elf.h. */
#include "worker/image/elf.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FILE_MAX ((off_t)256 << 20)

/* Reads what the file has of the range; what is missing stays as it is. 0 or negative errno. */
int nw__image_read(int fd, uint64_t offset, uint8_t *bytes, size_t size)
{
    for (size_t done = 0; done < size;) {
        ssize_t n = pread(fd, bytes + done, size - done, (off_t)(offset + done));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (n == 0)
            break;
        done += (size_t)n;
    }
    return 0;
}

/* A file that is read piece by piece into bytes that are zero. */
struct parts {
    int fd;
    uint8_t *bytes;
    uint64_t size, left; /* left: of what may be read */
};

static bool take(struct parts *p, uint64_t offset, uint64_t size)
{
    if (size > p->left || nw__image_read(p->fd, offset, p->bytes + offset, size) != 0)
        return false;
    p->left -= size;
    return true;
}

static bool has(const struct parts *p, uint64_t offset, uint64_t size)
{
    return offset <= p->size && size <= p->size - offset;
}

static bool take_segments(struct parts *p, const Elf64_Ehdr *header)
{
    for (size_t i = 0; i < header->e_phnum; i++) {
        Elf64_Phdr segment;
        memcpy(&segment, p->bytes + header->e_phoff + i * sizeof segment, sizeof segment);
        if (segment.p_type == PT_LOAD && has(p, segment.p_offset, segment.p_filesz) &&
            !take(p, segment.p_offset, segment.p_filesz))
            return false;
    }
    return true;
}

static bool take_section(struct parts *p, const Elf64_Ehdr *header, uint32_t index, Elf64_Shdr *section)
{
    if (index >= header->e_shnum)
        return true;
    memcpy(section, p->bytes + header->e_shoff + index * sizeof *section, sizeof *section);
    return !has(p, section->sh_offset, section->sh_size) || take(p, section->sh_offset, section->sh_size);
}

/* The first table of symbols; a second one is nothing to elf_file.h. */
static bool take_symbols(struct parts *p, const Elf64_Ehdr *header)
{
    if (header->e_shentsize != sizeof(Elf64_Shdr) || !has(p, header->e_shoff, header->e_shnum * sizeof(Elf64_Shdr)))
        return true;
    if (!take(p, header->e_shoff, header->e_shnum * sizeof(Elf64_Shdr)))
        return false;
    for (uint32_t i = 0; i < header->e_shnum; i++) {
        Elf64_Shdr section;
        memcpy(&section, p->bytes + header->e_shoff + i * sizeof section, sizeof section);
        if (section.sh_type == SHT_SYMTAB)
            return take_section(p, header, i, &section) && take_section(p, header, section.sh_link, &section);
    }
    return true;
}

static bool take_parts(struct parts *p)
{
    Elf64_Ehdr header;

    if (!has(p, 0, sizeof header) || !take(p, 0, sizeof header))
        return false;
    memcpy(&header, p->bytes, sizeof header);
    if (memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 || header.e_phentsize != sizeof(Elf64_Phdr) ||
        header.e_phnum > NW_ELF_SEGMENTS_MAX || !has(p, header.e_phoff, header.e_phnum * sizeof(Elf64_Phdr)))
        return false;
    return take(p, header.e_phoff, header.e_phnum * sizeof(Elf64_Phdr)) && take_segments(p, &header) &&
           take_symbols(p, &header);
}

uint8_t *nw__image_elf_read(int fd, off_t file_size, struct nw_elf *elf)
{
    struct parts p = {.fd = fd, .size = (uint64_t)file_size, .left = NW_IMAGE_ELF_MOST};
    char why[8];

    p.bytes = file_size > 0 && file_size <= FILE_MAX ? calloc(1, (size_t)file_size) : NULL;
    if (p.bytes != NULL && take_parts(&p) && nw_elf_open(elf, p.bytes, (size_t)file_size, why, sizeof why) == 0)
        return p.bytes;
    free(p.bytes);
    return NULL;
}
