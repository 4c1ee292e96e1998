/* See vdso.h. */
#include "worker/image/vdso.h"
#include "common/base/log.h"
#include "protect/gate/gate.h"
#include "worker/base/limits.h"
#include <elf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>

#define AGREED    ((16ul << 40) - (1ul << 30)) /* below all ranges of domains */
#define PARTS_MAX 8

/* [vvar], [vvar_vclock] and [vdso], which lie side by side and refer to one another. */
struct part {
    uint64_t start, end;
    int prot;
    bool code;
};

struct vdso {
    struct part parts[PARTS_MAX];
    size_t n;
};

static void find(struct vdso *vdso)
{
    FILE *maps = fopen("/proc/self/maps", "re");
    char line[512], perms[5];
    unsigned long start, end;

    while (maps && fgets(line, sizeof(line), maps) && vdso->n < PARTS_MAX) {
        const bool code = strstr(line, "[vdso]");

        if ((code || strstr(line, "[vvar")) && sscanf(line, "%lx-%lx %4s", &start, &end, perms) == 3)
            vdso->parts[vdso->n++] = (struct part){start, end, PROT_READ | (perms[2] == 'x' ? PROT_EXEC : 0), code};
    }
    if (maps)
        fclose(maps);
}

static int move_part(struct part *part, uint64_t to)
{
    const uint64_t size = part->end - part->start;

    if (mremap((void *)part->start, size, size, MREMAP_MAYMOVE | MREMAP_FIXED, (void *)to) == MAP_FAILED)
        return -errno;
    *part = (struct part){to, to + size, part->prot, part->code};
    return 0;
}

/* libc has looked its functions up already and keeps their addresses among its data that are read-only by now. */
static int rebase(uint64_t start, uint64_t end, const struct part *old, uint64_t by)
{
    void *const page = (void *)(start & -NW_PAGE_SIZE);
    const size_t length = (end & -NW_PAGE_SIZE) - (start & -NW_PAGE_SIZE);

    if (mprotect(page, length, PROT_READ | PROT_WRITE) < 0)
        return -errno;
    for (uint64_t *word = (uint64_t *)((start + 7) & -8ul); word < (uint64_t *)(end & -8ul); word++)
        if (*word >= old->start && *word < old->end)
            *word += by;
    return mprotect(page, length, PROT_READ) < 0 ? -errno : 0;
}

static int rebase_libc(const struct part *old, uint64_t by)
{
    extern const char __executable_start[];
    const uint64_t base = (uint64_t)__executable_start;
    const Elf64_Phdr *ph = (const Elf64_Phdr *)getauxval(AT_PHDR);

    for (size_t i = 0; i < getauxval(AT_PHNUM); i++)
        if (ph[i].p_type == PT_GNU_RELRO)
            return rebase(base + ph[i].p_vaddr, base + ph[i].p_vaddr + ph[i].p_memsz, old, by);
    return -ENOEXEC;
}

/* 0, or negative errno if it stays where it is. */
static int move(struct vdso *vdso)
{
    const struct vdso old = *vdso;
    const uint64_t by = AGREED - old.parts[0].start;
    int error = 0;

    for (size_t i = 0; i < vdso->n && !error; i++) {
        error = move_part(&vdso->parts[i], old.parts[i].start + by);
        if (error && i > 0)
            nw_die_system("cannot move all of the vDSO: %s", strerror(-error));
    }
    for (size_t i = 0; i < vdso->n && !error; i++) {
        error = old.parts[i].code ? rebase_libc(&old.parts[i], by) : 0;
        if (error)
            nw_die_system("cannot tell libc where the vDSO is: %s", strerror(-error));
    }
    return error;
}

uint64_t nw_vdso_share(bool keyed, bool *moved)
{
    struct vdso vdso = {.n = 0};
    uint64_t at = 0;

    find(&vdso);
    *moved = vdso.n > 0 && move(&vdso) == 0;
    for (size_t i = 0; i < vdso.n; i++) {
        const struct part *part = &vdso.parts[i];

        if (keyed && pkey_mprotect((void *)part->start, part->end - part->start, part->prot, NW_KEY_SHARED) < 0)
            return 0;
        at = part->code ? part->start : at;
    }
    return at;
}
