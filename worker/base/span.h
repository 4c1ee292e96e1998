/*
 * Memory of a domain as the monitor knows it: somewhere that may be read, or somewhere that may be written, which lay
 * inside the domain's range when it was audited. What is mapped there is the domain's business and may change at any
 * time, so such memory is touched by these functions alone, once, and never looked at in place.
 */
#ifndef NW_WORKER_BASE_SPAN_H
#define NW_WORKER_BASE_SPAN_H

#include "common/base/bound.h"
#include "protect/gate/gate.h"
#include <errno.h>
#include <stdint.h>

/* An input in the engine's arena is one too. */
struct nw_source {
    uint64_t at, length;
};

struct nw_sink {
    uint64_t at, size;
};

/* They return 0, or -EFAULT when one side cannot be accessed or is too small. */
static inline int nw_source_read(void *to, struct nw_source from)
{
    return nw_gate_copy(to, (const void *)from.at, from.length);
}

static inline int nw_sink_write(struct nw_sink to, const void *from, uint64_t length)
{
    return length > to.size ? -EFAULT : nw_gate_copy((void *)to.at, from, nw_index(length, to.size + 1));
}

static inline int nw_sink_copy(struct nw_sink to, struct nw_source from)
{
    return nw_sink_write(to, (const void *)from.at, from.length);
}

#endif
