/* The limits that one owner has of each shared resource, from resources.def. Who holds how much is counted elsewhere.
 */
#ifndef NW_COMMON_MANIFEST_RESOURCES_H
#define NW_COMMON_MANIFEST_RESOURCES_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum nw_resource {
#define RESOURCE(NAME, ...) NW_RESOURCE_##NAME,
#include "common/manifest/resources.def"
#undef RESOURCE
    NW_RESOURCE_COUNT
};

/* For sizes of arrays: NW_LIMIT_DESCRIPTORS and so on. */
enum nw_resource_limit {
#define RESOURCE(NAME, name, unit, owner, share, limit, ...) NW_LIMIT_##NAME = limit,
#include "common/manifest/resources.def"
#undef RESOURCE
};

/* NW_SHARE_ARENA_BYTES and so on. */
enum nw_resource_share {
#define RESOURCE(NAME, name, unit, owner, share, ...) NW_SHARE_##NAME = share,
#include "common/manifest/resources.def"
#undef RESOURCE
};

/* The rooms that shares and limits of payloads are parts of; where a room is larger, so are they. */
#define NW_ROOM_ARENA_BYTES    (64ul << 20)
#define NW_ROOM_PAYLOAD_MEMORY (256ul << 20)

struct nw_resource_terms {
    const char *name, *unit, *owner;
    uint64_t share, limit;
    int refusal; /* errno, or 0 */
    const char *setting, *room, *words;
};

extern const struct nw_resource_terms nw_resources[NW_RESOURCE_COUNT];

#define NW_RESOURCES_TEXT (NW_RESOURCE_COUNT * 21)

/* Writes what one owner holds of each resource as text, and reads it back; -EINVAL for any other text. */
void nw_resources_format(const uint64_t used[NW_RESOURCE_COUNT], char text[NW_RESOURCES_TEXT]);
int nw_resources_parse(const char *text, uint64_t used[NW_RESOURCE_COUNT]);

/* docs/reference/limits.md */
void nw_resources_document(FILE *to);

#endif
