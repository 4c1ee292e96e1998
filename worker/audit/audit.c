/* See audit.h. */
#include "worker/audit/audit.h"
#include "protect/gate/gate.h"
#include "protect/gate/state.h"
#include "protect/scan/self_scan.h"
#include "protect/scan/tiles.h"
#include "worker/base/limits.h"
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#define INT3 0xcc

/* The variant of the gate without keys makes no checks: a domain that jumped there could get any rights. */
static const uint64_t plain_start = (uint64_t)nw_gate_enter_plain, plain_end = (uint64_t)nw_gate_copy;

static bool overlaps(const struct nw_scan_hit *hit, uint64_t start, uint64_t end)
{
    return hit->offset < end && hit->offset + hit->length > start;
}

bool nw__audit_in_gate(const struct nw_scan_hit *hit)
{
    return hit->offset >= (uint64_t)nw_gate_text_start && hit->offset + hit->length <= (uint64_t)nw_gate_text_end &&
           !overlaps(hit, plain_start, plain_end);
}

static bool in_own_text(const struct nw_scan_hit *hit)
{
    extern const char __executable_start[], etext[];

    return hit->offset >= (uint64_t)__executable_start &&
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

/* All that lies outside the gate in the program itself. */
static int clean_own_text(struct nw_audit *audit)
{
    int error = 0;

    for (size_t i = 0; i < audit->n_left && !error; i++) {
        const struct nw_scan_hit *hit = &audit->left[i];

        if (nw__audit_in_gate(hit) || !in_own_text(hit))
            continue;
        audit->overwritten[audit->n_overwritten++] = *hit;
        error = overwrite(hit->offset, hit->length);
    }
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
        error = clean_own_text(audit);
    if (!error)
        error = overwrite(plain_start, plain_end - plain_start);
    if (!error)
        error = look(audit);
    for (size_t i = 0; i < audit->n_left && !error; i++)
        error = nw__audit_in_gate(&audit->left[i]) ? 0 : -EPERM;
    return error ? error : look_for_tiles();
}
