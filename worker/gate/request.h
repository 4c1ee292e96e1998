/* What a func worker sees of the request that it answers, and what it says of its answer. Lock held. */
#ifndef NW_WORKER_GATE_REQUEST_H
#define NW_WORKER_GATE_REQUEST_H

#include "worker/base/span.h"
#include <stdint.h>

struct nw_slot;

/* The operations REQUEST and ANSWER of worker/base/ops.h. */
long nw__request_read(struct nw_slot *slot, uint32_t from, struct nw_sink to);
long nw__answer_take(struct nw_slot *slot, struct nw_source record);

#endif
