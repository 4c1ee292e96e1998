/* See resources.h. */
#include "common/resources.h"
#include <errno.h>

#define DOMAIN     "domain"
#define FUNCTION   "function"
#define CONNECTION "connection"
#define TENANT     "tenant"
#define WORKER     "worker"

const struct nw_resource_terms nw_resources[NW_RESOURCE_COUNT] = {
#define RESOURCE(NAME, ...) [NW_RESOURCE_##NAME] = {__VA_ARGS__},
#include "common/resources.def"
#undef RESOURCE
};
