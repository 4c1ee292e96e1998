/*
 * What the registry says of a version of a function beside its code and settings: its number, what it is told by, and
 * when it was deployed, and in the row of the one that serves who gets its requests (operations/traffic.h). A line of
 * text behind the manifest; rows of earlier versions of Nightward have none.
 */
#ifndef NW_ENGINE_STORE_RELEASE_H
#define NW_ENGINE_STORE_RELEASE_H

#include "common/base/buffer.h"
#include "common/manifest/manifest.h"
#include <stdint.h>

#define NW_RELEASE_HASH 12 /* digits */

struct nw_release {
    uint32_t number;                /* of this version: v1, v2, ... of its name; 0: nothing is known */
    uint32_t last;                  /* the highest that a version of this name ever had */
    int64_t at;                     /* when it was deployed, in seconds since 1970; 0: nobody knows */
    char hash[NW_RELEASE_HASH + 1]; /* of its code and its settings */
};

/* The first one of a name, that is not known better: of a row without a line, or with one that cannot be read. */
void nw__release_init(struct nw_release *release, const char *manifest, const char *sha256);

/* The hash that tells a version with this manifest, in JSON, and code. */
void nw__release_hash(const char *manifest, const char *sha256, char hash[NW_RELEASE_HASH + 1]);

/* The number in "v3"; 0: it is none. */
uint32_t nw_release_number(const char *text);

/* 0, or -EINVAL when the line is none that nw_release_print writes. `*routes` is what it says of routes, within `line`;
 * NULL: nothing. */
int nw_release_parse(struct nw_release *release, const char *line, const char **routes);

/* 0 or -ENOMEM. */
int nw_release_print(const struct nw_release *release, const char *routes, struct nw_buffer *line);

/* How the row is named that keeps a version which does not serve. No function can have such a name. */
#define NW_KEPT_NAME (NW_NAME_MAX + 13)
void nw_release_kept_name(const char *name, uint32_t number, char kept[NW_KEPT_NAME + 1]);

/* The number in a name of that kind; 0: it is none. */
uint32_t nw_release_kept_number(const char *kept);

#endif
