/* What sending and receiving have in common. */
#ifndef NW_WORKER_WIRE_WIRE_H
#define NW_WORKER_WIRE_WIRE_H

#include "common/base/log.h"
#include "worker/base/limits.h"
#include "worker/domain/domain.h"
#include "worker/domain/slot.h"
#include <stdint.h>
#include <stdnoreturn.h>

static inline noreturn void nw__engine_is_wrong(const char *what)
{
    nw_die_system("the engine sent %s; this worker cannot go on", what);
}

/* A call's id names the slot, and by its generation which of the slot's calls. */
static inline uint64_t nw__call_id(const struct nw_slot *slot)
{
    return (uint64_t)slot->call_generation << 32 | (uint64_t)slot->domain->index << 16 |
           (uint64_t)(slot - slot->domain->slots);
}

static inline struct nw_slot *nw__call_of(uint64_t id)
{
    struct nw_domain *domain = nw_domain_at(id >> 16 & 0xffff);
    uint64_t index = id & 0xffff;
    struct nw_slot *slot;

    if (!domain || index >= NW_DOMAIN_SLOTS)
        return NULL;
    slot = &domain->slots[index];
    return slot->state == NW_SLOT_REMOTE && slot->call_generation == id >> 32 ? slot : NULL;
}

#endif
