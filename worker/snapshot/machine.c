/* See machine.h. */
#include "worker/snapshot/machine.h"
#include "worker/base/config.h"
#include "worker/base/limits.h"
#include "worker/image/programs.h"
#include "worker/snapshot/format.h"
#include <cpuid.h>
#include <stddef.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/stat.h>

#define VDSO_SIZE 4096 /* its header with the tables of what is where */
#define FNV_BASIS 0xcbf29ce484222325ull
#define FNV_PRIME 0x100000001b3ull

static uint64_t machine = FNV_BASIS;

static void add(const void *bytes, size_t size)
{
    for (const uint8_t *at = bytes; size > 0; at++, size--)
        machine = (machine ^ *at) * FNV_PRIME;
}

static void add_number(uint64_t number)
{
    add(&number, sizeof(number));
}

/* The number of the processor that answers is among what leaf 1 says, and is left out. */
static void add_processor(void)
{
    static const unsigned leaves[][2] = {{0, 0},  {1, 0},  {7, 0},          {7, 1},
                                         {13, 0}, {13, 1}, {0x80000001, 0}, {0x80000008, 0}};
    unsigned r[4];

    for (size_t i = 0; i < sizeof(leaves) / sizeof(leaves[0]); i++) {
        if (!__get_cpuid_count(leaves[i][0], leaves[i][1], &r[0], &r[1], &r[2], &r[3]))
            continue;
        if (leaves[i][0] == 1)
            r[1] = 0;
        add(r, sizeof(r));
    }
    add_number(getauxval(AT_HWCAP));
    add_number(getauxval(AT_HWCAP2));
    add_number(getauxval(AT_MINSIGSTKSZ));
}

static void add_stub(void)
{
    struct stat st;
    void *bytes;

    if (fstat(nw_program_stub(), &st) < 0 || st.st_size <= 0)
        return;
    bytes = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, nw_program_stub(), 0);
    if (bytes == MAP_FAILED)
        return;
    add(bytes, (size_t)st.st_size);
    munmap(bytes, (size_t)st.st_size);
}

void nw__machine_measure(void)
{
    add_number(NW_SNAPSHOT_MAGIC);
    add_number(NW_DOMAIN_RANGE);
    add_number(NW_AREAS_SIZE);
    add_number(nw_config()->mode);
    add_number(nw_config()->xsave_size);
    add_number(nw_config()->vdso);
    add_processor();
    if (nw_config()->vdso)
        add((const void *)nw_config()->vdso, VDSO_SIZE);
    add_stub();
}

uint64_t nw__machine(void)
{
    return machine;
}
