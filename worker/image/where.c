/* See where.h. */
#include "worker/image/where.h"
#include "protect/scan/elf_code.h"
#include "protect/scan/elf_file.h"
#include "worker/base/fd_name.h"
#include "worker/image/programs.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define OWN_FILE_MAX (16l << 20) /* a larger one is not searched for symbols */

static bool same_file(int a, int b)
{
    struct stat one, other;

    return fstat(a, &one) == 0 && fstat(b, &other) == 0 && one.st_dev == other.st_dev && one.st_ino == other.st_ino;
}

/* The last part of its path. */
static void name_file(const char *path, char *name, size_t size)
{
    const char *base = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;

    snprintf(name, size, "%.*s", (int)size - 1, base);
    for (; *name; name++)
        if (*name <= ' ' || *name > '~')
            *name = '?';
}

enum nw_where_kind nw_where_kind_of(int fd, bool trust, int own)
{
    if (trust)
        return NW_WHERE_HOST;
    if (same_file(fd, own))
        return NW_WHERE_OWN;
    return same_file(fd, nw_program_stub()) ? NW_WHERE_HOST : NW_WHERE_LIBRARY;
}

void nw_where_note(struct nw_where_files *w, enum nw_where_kind kind, uint64_t start, uint64_t size, int fd,
                   uint64_t offset)
{
    char path[512];

    nw_fd_name(fd, path, sizeof(path));
    nw_where_note_path(w, kind, start, size, path, offset);
}

void nw_where_note_path(struct nw_where_files *w, enum nw_where_kind kind, uint64_t start, uint64_t size,
                        const char *path, uint64_t offset)
{
    size_t i = w->n++ % NW_WHERE_FILES;

    w->files[i].start = start;
    w->files[i].size = size;
    w->files[i].offset = offset;
    w->files[i].kind = kind;
    name_file(path, w->files[i].name, sizeof(w->files[i].name));
}

/* The place of the latest mapping there, or NW_WHERE_FILES. */
static size_t find(const struct nw_where_files *w, uint64_t address)
{
    size_t found = NW_WHERE_FILES;

    for (size_t i = 0; i < NW_WHERE_FILES && i < w->n; i++)
        if (address >= w->files[i].start && address - w->files[i].start < w->files[i].size)
            found = i;
    return found;
}

enum nw_where_kind nw_where_kind(const struct nw_where_files *w, uint64_t address)
{
    size_t i = find(w, address);

    return i < NW_WHERE_FILES ? w->files[i].kind : NW_WHERE_UNKNOWN;
}

/* The function around an offset of a file, and how far into it. */
static bool name_symbol(int fd, uint64_t offset, char *name, size_t size, uint64_t *distance)
{
    struct nw_elf elf;
    struct stat st;
    uint8_t *bytes;
    char why[8];
    bool found = false;

    if (fstat(fd, &st) < 0 || st.st_size <= 0 || st.st_size > OWN_FILE_MAX || !(bytes = malloc((size_t)st.st_size)))
        return false;
    if (pread(fd, bytes, (size_t)st.st_size, 0) == st.st_size &&
        nw_elf_open(&elf, bytes, (size_t)st.st_size, why, sizeof(why)) == 0) {
        const Elf64_Phdr *segment = nw_elf_code_segment(&elf, offset);

        found =
            segment && nw_elf_name_before(&elf, segment->p_vaddr + (offset - segment->p_offset), name, size, distance);
    }
    free(bytes);
    return found;
}

void nw_where(const struct nw_where_files *w, int own, const char *name, uint64_t address, char text[NW_WHERE_MAX])
{
    char symbol[64];
    uint64_t offset, distance;
    size_t i = find(w, address);

    text[0] = '\0';
    if (i == NW_WHERE_FILES)
        return;
    offset = w->files[i].offset + (address - w->files[i].start);
    if (w->files[i].kind != NW_WHERE_OWN)
        snprintf(text, NW_WHERE_MAX, ", in %s+%#lx", w->files[i].name, offset);
    else if (name_symbol(own, offset, symbol, sizeof(symbol), &distance))
        snprintf(text, NW_WHERE_MAX, ", in %s+%#lx", symbol, distance);
    else
        snprintf(text, NW_WHERE_MAX, ", in %s+%#lx", name, offset);
}
