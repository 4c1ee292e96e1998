/*
 * Looks at the code of a linked worker, without running it: build/obj/worker/check-code FILE, run by link.sh. Status 0:
 * what can change rights lies in the gate or in code known to be dead. 1: something does not, and is printed.
 */
#include "protect/scan/elf_file.h"
#include "worker/audit/code.h"
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define HITS_MAX 256

static uint64_t address_of(const struct nw_elf *elf, const char *name)
{
    Elf64_Sym symbol;

    return nw_elf_find_local(elf, name, &symbol) ? symbol.st_value : 0;
}

static struct nw__code_range between(const struct nw_elf *elf, const char *start, const char *end)
{
    return (struct nw__code_range){address_of(elf, start), address_of(elf, end)};
}

static void print_place(const struct nw_elf *elf, const struct nw_scan_hit *hit)
{
    uint64_t distance = hit->offset;
    char name[64];

    if (!nw_elf_name_before(elf, hit->offset, name, sizeof(name), &distance))
        snprintf(name, sizeof(name), "address 0");
    printf("%s at %s+%#lx\n", nw_scan_kind_name(hit->kind), name, distance);
}

/* Returns how many lie where they may not. */
static size_t look_at_segment(const struct nw_elf *elf, const struct nw__code_map *map, const Elf64_Phdr *segment)
{
    static struct nw_scan_hit hits[HITS_MAX];
    size_t n = nw_scan(elf->bytes + segment->p_offset, segment->p_filesz, hits, HITS_MAX), alive = 0;

    for (size_t i = 0; i < n && i < HITS_MAX; i++) {
        hits[i].offset += segment->p_vaddr;
        if (nw__code_part(map, &hits[i]) != NW__CODE_ALIVE)
            continue;
        print_place(elf, &hits[i]);
        alive++;
    }
    return n > HITS_MAX ? n : alive;
}

static size_t look_at(const struct nw_elf *elf)
{
    const struct nw__code_range dead[] = {
#define NW_DEAD_CODE(start, end) between(elf, #start, #end),
#include "worker/audit/dead.def"
#undef NW_DEAD_CODE
    };
    const struct nw__code_map map = {.gate = between(elf, "nw_gate_text_start", "nw_gate_text_end"),
                                     .dead = dead,
                                     .n_dead = sizeof(dead) / sizeof(dead[0])};
    size_t alive = 0;

    for (size_t i = 0; i < elf->header.e_phnum; i++)
        if (elf->segments[i].p_type == PT_LOAD && elf->segments[i].p_flags & PF_X)
            alive += look_at_segment(elf, &map, &elf->segments[i]);
    return alive;
}

/* The file may be mapped, since nobody else writes what is being linked. */
int main(int argc, char **argv)
{
    static struct nw_elf elf;
    const char *path = argc == 2 ? argv[1] : "";
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat st;
    char why[64] = "cannot be read";
    void *bytes = MAP_FAILED;

    if (fd >= 0 && fstat(fd, &st) == 0)
        bytes = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (bytes == MAP_FAILED || nw_elf_open(&elf, bytes, (size_t)st.st_size, why, sizeof(why)) < 0) {
        fprintf(stderr, "check-code: %s: %s\n", path, why);
        return 111;
    }
    return look_at(&elf) == 0 ? 0 : 1;
}
