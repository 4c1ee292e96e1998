/* See tunables.h. The others steer what the domain's host depends on: its loader, its threads, what of the processor it
 * uses. */
#include "common/manifest/tunables.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define HARMLESS "glibc.malloc."

static int refuse(const char *name, size_t length, char *why, size_t why_size)
{
    static const char surplus[] = "glibc.rtld.optional_static_tls";

    if (length == strlen(surplus) && !strncmp(name, surplus, length))
        snprintf(why, why_size, "env: GLIBC_TUNABLES: %s is what static-tls sets", surplus);
    else
        snprintf(why, why_size, "env: GLIBC_TUNABLES: \"%.*s\" is none of " HARMLESS "*, like " HARMLESS "arena_max=1",
                 (int)(length < 80 ? length : 80), name);
    return -EINVAL;
}

int nw__tunables_check(const char *value, char *why, size_t why_size)
{
    for (const char *at = value, *end; at; at = *end ? end + 1 : NULL) {
        size_t length = strcspn(at, "=:");
        end = at + strcspn(at, ":");
        if (at + length == end || strncmp(at, HARMLESS, strlen(HARMLESS)) || length == strlen(HARMLESS))
            return refuse(at, length, why, why_size);
    }
    return 0;
}
