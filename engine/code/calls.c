/* See calls.h. */
#include "engine/code/calls.h"
#include "common/sites/sites.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define UNKNOWN_TEXT 600

static int refuse_unread(const struct nw_manifest *manifest, char *why, size_t why_size)
{
    if (*manifest->found == '!')
        snprintf(why, why_size, "calls: scan: %s. Build it anew, or name the functions that it may call",
                 manifest->found + 1);
    else
        snprintf(why, why_size,
                 "calls: scan: the file has no section %s. Build it with clang-14 "
                 "-fpass-plugin=nightward-callsites.so, or name the functions that it may call",
                 NW_SITES_SECTION);
    return -EINVAL;
}

static int check_scan(const struct nw_manifest *manifest, const struct nw_sites *sites, char *why, size_t why_size)
{
    char resolved[NW_CALLS_TEXT], unknown[UNKNOWN_TEXT];
    bool names_others = strcmp(manifest->calls, NW_CALLS_SCAN) != 0;

    if (nw_calls_resolve(manifest->calls, manifest->found, resolved) < 0) {
        snprintf(why, why_size, "calls: scan: its names and those that are given have more than %d characters",
                 NW_CALLS_TEXT - 1);
        return -EINVAL;
    }
    if (names_others || !nw_calls_have(manifest->found, "*"))
        return 0;
    nw_sites_list_unknown(sites, unknown, sizeof unknown);
    snprintf(
        why, why_size,
        "calls: scan: not all that it calls is known: %s. Name what it may call there, too, like --calls scan,NAME",
        unknown);
    return -EINVAL;
}

int nw_code_calls(const void *code, size_t length, struct nw_manifest *manifest, char *why, size_t why_size)
{
    const bool scan = nw_calls_have(manifest->calls, NW_CALLS_SCAN);
    struct nw_sites sites;
    char reason[256];
    int found = nw_sites_read(code, length, &sites, reason, sizeof reason), rc = 0;

    *manifest->found = '\0';
    if (found < 0)
        snprintf(manifest->found, sizeof manifest->found, "!%s", reason);
    else if (found)
        nw_sites_found(&sites, manifest->found);
    if (scan)
        rc = found == 1 ? check_scan(manifest, &sites, why, why_size) : refuse_unread(manifest, why, why_size);
    if (found == 1)
        nw_sites_fini(&sites);
    return rc;
}
