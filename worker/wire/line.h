/* What joins this worker and one thread of the engine: a channel, and what waits for room in it. The monitor's lock
 * guards it. */
#ifndef NW_WORKER_WIRE_LINE_H
#define NW_WORKER_WIRE_LINE_H

#include "common/shm/channel.h"
#include <stddef.h>
#include <stdint.h>

struct nw_domain;

/* Who answers for a block of an arena. */
struct nw_owner {
    struct nw_domain *domain;
    uint64_t serial;
};

/* What joins us and one thread of the engine. */
struct nw_line {
    struct nw_owner *owners; /* of blocks in our arena, by where they begin: see payload.c */
    struct nw_channel channel;
    struct nw_desc *outbox; /* descriptors that found the ring full */
    size_t n_outbox, outbox_size;
};

#endif
