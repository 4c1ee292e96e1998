/* Tells what the audit found, with the names of this program's symbols: `nightward-worker --audit`. */
#include "common/base/log.h"
#include "protect/gate/gate.h"
#include "protect/scan/elf_file.h"
#include "worker/audit/audit.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define PLACE 300 /* bytes of a name of a place */

extern const char __executable_start[], etext[];

/* This program's file, which cannot be written while it runs. When it was stripped, or cannot be read, *elf stays
 * without symbols. */
static void open_self(struct nw_elf *elf)
{
    int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    struct stat st;
    char why[64];
    void *bytes = MAP_FAILED;

    if (fd >= 0 && fstat(fd, &st) == 0)
        bytes = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (fd >= 0)
        close(fd);
    if (bytes != MAP_FAILED)
        nw_elf_open(elf, bytes, (size_t)st.st_size, why, sizeof(why));
}

/* The mapping around an address, as the kernel names it. */
static void name_mapping(uint64_t address, char *name, size_t size)
{
    FILE *maps = fopen("/proc/self/maps", "re");
    unsigned long start, end;
    char line[512];
    int at;

    snprintf(name, size, "memory without a file");
    while (maps && fgets(line, sizeof(line), maps))
        if (sscanf(line, "%lx-%lx %*s %*s %*s %*s %n", &start, &end, &at) == 2 && address >= start && address < end &&
            line[at] != '\0')
            snprintf(name, size, "%.*s", (int)strcspn(line + at, "\n"), line + at);
    if (maps)
        fclose(maps);
}

static bool in_program(const struct nw_scan_hit *hit)
{
    return hit->offset >= (uint64_t)__executable_start && hit->offset < (uint64_t)etext;
}

static void name_place(const struct nw_elf *elf, const struct nw_scan_hit *hit, char *place, size_t size)
{
    uint64_t distance, inside = hit->offset - (uint64_t)__executable_start;
    char name[256];

    if (!in_program(hit)) {
        name_mapping(hit->offset, name, sizeof(name));
        snprintf(place, size, "%#lx in %s", hit->offset, name);
    } else if (nw_elf_name_before(elf, inside, name, sizeof(name), &distance)) {
        snprintf(place, size, "%s+%#lx", name, distance);
    } else {
        snprintf(place, size, "%#lx of this program", inside);
    }
}

static void print_place(const struct nw_elf *elf, const struct nw_scan_hit *hit)
{
    char place[PLACE];

    name_place(elf, hit, place, sizeof(place));
    printf("  %-8s %s", nw_scan_kind_name(hit->kind), place);
    if (hit->offset >= (uint64_t)nw_gate_text_start && hit->offset < (uint64_t)nw_gate_text_end)
        printf(" (protect/gate/gate.S, .nw_gate+%#lx)", hit->offset - (uint64_t)nw_gate_text_start);
    putchar('\n');
}

static size_t print_left(const struct nw_elf *elf, const struct nw_audit *audit, bool in_gate)
{
    size_t n = 0;

    for (size_t i = 0; i < audit->n_left; i++)
        if (nw__audit_in_gate(&audit->left[i]) == in_gate) {
            print_place(elf, &audit->left[i]);
            n++;
        }
    return n;
}

int nw_audit_print(void)
{
    static struct nw_audit audit;
    static struct nw_elf elf;
    int error = nw_audit(&audit);
    size_t inside, outside;

    if (error && error != -EPERM)
        nw_die_system("cannot look at this program's code: %s", strerror(-error));
    open_self(&elf);
    puts("instructions that can write PKRU, FS base or GS base, in the gate:");
    inside = print_left(&elf, &audit, true);
    puts("outside the gate:");
    outside = print_left(&elf, &audit, false);
    puts("overwritten with traps:");
    for (size_t i = 0; i < audit.n_overwritten; i++)
        print_place(&elf, &audit.overwritten[i]);
    printf("%zu in the gate, %zu outside, %zu overwritten\n", inside, outside, audit.n_overwritten);
    return outside == 0 ? 0 : 1;
}

noreturn void nw_audit_refuse(const struct nw_audit *audit)
{
    static struct nw_elf elf;
    const struct nw_scan_hit *hit = audit->left;
    char place[PLACE];

    while (nw__audit_in_gate(hit))
        hit++;
    open_self(&elf);
    name_place(&elf, hit, place, sizeof(place));
    nw_die_system("this program holds an instruction with which a function could change its rights, %s at %s%s; "
                  "nightward-worker --audit shows them all",
                  nw_scan_kind_name(hit->kind), place,
                  in_program(hit) ? "; build nightward-worker again, which keeps such bytes out of its code" : "");
}
