/* See audit.h. */
#include "worker/audit/audit.h"
#include "protect/gate/gate.h"
#include "protect/gate/state.h"
#include "protect/scan/self_scan.h"
#include "protect/scan/tiles.h"
#include "worker/audit/code.h"
#include "worker/base/limits.h"
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#define INT3 0xcc

/* Names of our own for its symbols, whatever they are elsewhere. Weak, as another C library may not have them: a range
 * without its symbols is empty. */
#define DEAD_SYMBOL(name)        extern const char dead_##name[] __asm__(#name) __attribute__((weak));
#define NW_DEAD_CODE(start, end) DEAD_SYMBOL(start) DEAD_SYMBOL(end)
#include "worker/audit/dead.def"
#undef NW_DEAD_CODE

extern const char etext[];

static const struct nw__code_range dead[] = {
#define NW_DEAD_CODE(start, end) {(uint64_t)dead_##start, (uint64_t)dead_##end},
#include "worker/audit/dead.def"
#undef NW_DEAD_CODE
};

#define N_DEAD (sizeof(dead) / sizeof(dead[0]))

static enum nw__code_part part_of(const struct nw_scan_hit *hit)
{
    const struct nw__code_map map = {
        .gate = {(uint64_t)nw_gate_text_start, (uint64_t)nw_gate_text_end}, .dead = dead, .n_dead = N_DEAD};

    return nw__code_part(&map, hit);
}

bool nw__audit_in_gate(const struct nw_scan_hit *hit)
{
    return part_of(hit) == NW__CODE_GATE;
}

/* The rest of the code's last page, which is mapped with it and belongs to nothing. */
static bool behind_code(const struct nw_scan_hit *hit)
{
    return hit->offset >= (uint64_t)etext &&
           hit->offset + hit->length <= (((uint64_t)etext + NW_PAGE_SIZE - 1) & -NW_PAGE_SIZE);
}

static int overwrite(uint64_t start, size_t length)
{
    uint8_t *page = (uint8_t *)(start & -NW_PAGE_SIZE), *at = (uint8_t *)start;
    size_t span = (size_t)(at - page) + length;

    if (mprotect(page, span, PROT_READ | PROT_WRITE) < 0)
        return -errno;
    memset(at, INT3, length);
    return mprotect(page, span, PROT_READ | PROT_EXEC) < 0 ? -errno : 0;
}

/* What lies where nobody runs it. Bytes anywhere else may be part of an instruction that means something else: nothing
 * may overwrite them. */
static int overwrite_hits(struct nw_audit *audit)
{
    int error = 0;

    for (size_t i = 0; i < audit->n_left && !error; i++) {
        const struct nw_scan_hit *hit = &audit->left[i];

        if (part_of(hit) != NW__CODE_DEAD && !behind_code(hit))
            continue;
        audit->overwritten[audit->n_overwritten++] = *hit;
        error = overwrite(hit->offset, hit->length);
    }
    return error;
}

/* All dead code: a domain may find other uses for what stands around those instructions. */
static int overwrite_dead(void)
{
    int error = 0;

    for (size_t i = 0; i < N_DEAD && !error; i++)
        if (dead[i].start < dead[i].end)
            error = overwrite(dead[i].start, dead[i].end - dead[i].start);
    return error;
}

static int look(struct nw_audit *audit)
{
    ssize_t n = nw_self_scan(audit->left, NW_AUDIT_MAX);

    audit->n_left = n < 0 || n > NW_AUDIT_MAX ? 0 : (size_t)n;
    return n < 0 ? (int)n : n > NW_AUDIT_MAX ? -E2BIG : 0;
}

static int look_for_tiles(void)
{
    bool set;
    int error = nw_tiles_set_here(&set);

    if (!error && set)
        nw_gate_state_tiles();
    return error;
}

int nw_audit(struct nw_audit *audit)
{
    int error;

    audit->n_overwritten = 0;
    error = look(audit);
    if (!error)
        error = overwrite_hits(audit);
    if (!error)
        error = overwrite_dead();
    if (!error)
        error = look(audit);
    for (size_t i = 0; i < audit->n_left && !error; i++)
        error = nw__audit_in_gate(&audit->left[i]) ? 0 : -EPERM;
    return error ? error : look_for_tiles();
}
