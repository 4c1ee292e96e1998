/* See payload.h. */
#include "worker/wire/payload.h"
#include "common/base/log.h"
#include "common/manifest/resources.h"
#include "common/shm/arena.h"
#include "common/shm/ring.h"
#include "protect/gate/without.h"
#include "worker/domain/domain.h"
#include "worker/wire/link.h"
#include <errno.h>
#include <stdlib.h>

#define BLOCK_UNIT 64 /* blocks begin at multiples of it */

/* Parts of an arena: a domain holds at most the first, and may have the second although only the last quarter is free.
 */
#define HOLDS_MOST   (NW_ROOM_ARENA_BYTES / NW_LIMIT_ARENA_BYTES)
#define HOLDS_LITTLE (NW_ROOM_ARENA_BYTES / NW_SHARE_ARENA_BYTES)
#define FOR_LITTLE   4

int nw__payload_init(struct nw_link *link)
{
    link->owners = calloc(link->arena_size / BLOCK_UNIT, sizeof(*link->owners));
    return link->owners ? 0 : -ENOMEM;
}

/* A record may have become another domain's meanwhile; then nobody answers for the block any more. */
static struct nw_domain *owner_of(const struct nw_link *link, uint64_t offset)
{
    const struct nw_owner *owner = &link->owners[offset / BLOCK_UNIT];
    struct nw_domain *domain = owner->domain;

    return domain && domain->serial == owner->serial ? domain : NULL;
}

static bool within_share(const struct nw_link *link, const struct nw_domain *domain, uint64_t length)
{
    uint64_t size = link->arena_size, held = domain->arena_bytes + length;

    if (nw_without(NW_DEFENCE_SHARES) || held <= size / HOLDS_LITTLE || nw_arena_used(link->channel.arena) == 0)
        return true;
    if (domain->arena_bytes && held > size / HOLDS_MOST)
        return false;
    return nw_arena_used(link->channel.arena) + length <= size - size / FOR_LITTLE;
}

int nw__payload_place(struct nw_link *link, struct nw_domain *domain, struct nw_desc *desc, unsigned char **at)
{
    int error;

    desc->offset = NW_OFFSET_INLINE;
    *at = desc->data;
    if (desc->length <= NW_INLINE_MAX)
        return 0;
    if (desc->length > link->arena_size)
        return -E2BIG;
    if (domain && !within_share(link, domain, desc->length))
        return -ENOMEM;
    error = nw_arena_alloc(link->channel.arena, desc->length, &desc->offset);
    if (error)
        return error;
    *at = nw_arena_at(link->channel.arena, desc->offset);
    link->owners[desc->offset / BLOCK_UNIT] = (struct nw_owner){domain, domain ? domain->serial : 0};
    if (domain)
        domain->arena_bytes += nw_arena_block_size(link->channel.arena, desc->offset);
    return 0;
}

int nw__payload_release(struct nw_link *link, uint64_t offset)
{
    size_t size = nw_arena_block_size(link->channel.arena, offset);
    struct nw_domain *domain = size ? owner_of(link, offset) : NULL;

    if (domain)
        domain->arena_bytes -= size;
    return nw_arena_release(link->channel.arena, offset);
}
