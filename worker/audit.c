/* See audit.h. */
#include "worker/audit.h"
#include "common/log.h"
#include "protect/scan.h"
#include "worker/monitor.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#define HITS_MAX 256
#define INT3     0xcc

static bool in_gate(const uint8_t *at)
{
    return at >= (const uint8_t *)nw_gate_text_start && at < (const uint8_t *)nw_gate_text_end;
}

static int overwrite(uint8_t *at, size_t length)
{
    uint8_t *page = (uint8_t *)((uint64_t)at & -NW_PAGE_SIZE);
    size_t span = (size_t)(at - page) + length;

    if (mprotect(page, span, PROT_READ | PROT_WRITE) < 0)
        return -errno;
    memset(at, INT3, length);
    return mprotect(page, span, PROT_READ | PROT_EXEC) < 0 ? -errno : 0;
}

static int clean_text(uint8_t *start, size_t size)
{
    static struct nw_scan_hit hits[HITS_MAX];
    size_t n = nw_scan(start, size, hits, HITS_MAX);
    int error = n > HITS_MAX ? -E2BIG : 0;

    for (size_t i = 0; i < n && !error; i++)
        if (!in_gate(start + hits[i].offset))
            error = overwrite(start + hits[i].offset, hits[i].length);
    return error;
}

static int check_foreign(const char *name, const uint8_t *start, size_t size)
{
    struct nw_scan_hit hit;

    if (nw_scan(start, size, &hit, 1) == 0)
        return 0;
    nw_log(NW_LOG_ERROR, "%s holds %s at offset %#zx: functions could use it to change their rights", name,
           nw_scan_kind_name(hit.kind), hit.offset);
    return -EPERM;
}

/* The gate for where there are no keys checks none: what it holds would give a domain that jumps there any rights. */
static int drop_plain_gate(void)
{
    uint8_t *start = (uint8_t *)(uint64_t)nw_gate_enter_plain;

    return overwrite(start, (size_t)((uint8_t *)(uint64_t)nw_gate_copy - start));
}

int nw_audit(void)
{
    extern const char __executable_start[], etext[];
    FILE *maps = fopen("/proc/self/maps", "re");
    char line[512], perms[5];
    unsigned long start, end;
    int error = drop_plain_gate();

    if (!maps)
        return -errno;
    while (!error && fgets(line, sizeof(line), maps)) {
        if (sscanf(line, "%lx-%lx %4s", &start, &end, perms) != 3 || perms[2] != 'x' || strstr(line, "[vsyscall]"))
            continue;
        if (start < (unsigned long)etext && end > (unsigned long)__executable_start)
            error = clean_text((uint8_t *)start, end - start);
        else
            error =
                check_foreign(strstr(line, "[vdso]") ? "the vDSO" : "a mapping", (const uint8_t *)start, end - start);
    }
    fclose(maps);
    return error;
}
