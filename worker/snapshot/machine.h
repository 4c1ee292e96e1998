/* What a domain's memory depends on besides its files: the processor, for which libc has chosen functions, the vDSO,
 * and this program. A snapshot is used only where that is the same. */
#ifndef NW_WORKER_SNAPSHOT_MACHINE_H
#define NW_WORKER_SNAPSHOT_MACHINE_H

#include <stdint.h>

/* A number that differs where one of these does; not proof against whoever wants it to be the same. */
void nw__machine_measure(void);
uint64_t nw__machine(void);

#endif
