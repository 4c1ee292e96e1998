/* See resources.h. */
#include "common/manifest/resources.h"
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#define DOMAIN     "domain"
#define FUNCTION   "function"
#define CONNECTION "connection"
#define TENANT     "tenant"
#define WORKER     "worker"

const struct nw_resource_terms nw_resources[NW_RESOURCE_COUNT] = {
#define RESOURCE(NAME, ...) [NW_RESOURCE_##NAME] = {__VA_ARGS__},
#include "common/manifest/resources.def"
#undef RESOURCE
};

void nw_resources_format(const uint64_t used[NW_RESOURCE_COUNT], char text[NW_RESOURCES_TEXT])
{
    size_t n = 0;

    for (int i = 0; i < NW_RESOURCE_COUNT; i++)
        n += (size_t)snprintf(text + n, NW_RESOURCES_TEXT - n, "%s%" PRIu64, i ? " " : "", used[i]);
}

int nw_resources_parse(const char *text, uint64_t used[NW_RESOURCE_COUNT])
{
    char *end;

    for (int i = 0; i < NW_RESOURCE_COUNT; i++) {
        text += i && *text == ' ';
        if (*text < '0' || *text > '9')
            return -EINVAL;
        used[i] = strtoull(text, &end, 10);
        text = end;
    }
    return *text ? -EINVAL : 0;
}
