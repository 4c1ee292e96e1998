/* What the kernel says of this process. */
#ifndef NW_ENGINE_METRICS_PROCESS_H
#define NW_ENGINE_METRICS_PROCESS_H

#include <stdint.h>

struct nw__process {
    uint64_t cpu_ns, resident, virtual, open_fds, max_fds;
    uint64_t started_ns; /* since the epoch */
};

/* What cannot be found out is 0. */
void nw__process_look(struct nw__process *process);

#endif
