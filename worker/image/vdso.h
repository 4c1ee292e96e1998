/*
 * The vDSO, which every domain may read and run, so that clock_gettime stays a plain call there. A domain keeps its
 * addresses; so it is moved to the same ones in every worker, where the kernel puts nothing by itself.
 */
#ifndef NW_WORKER_IMAGE_VDSO_H
#define NW_WORKER_IMAGE_VDSO_H

#include <stdbool.h>
#include <stdint.h>

/* While the process has one thread. Its address; 0: it has none, or none that could be given the key. Where the kernel
 * does not let it be moved it stays where it is; `*moved` says whether it was. */
uint64_t nw_vdso_share(bool keyed, bool *moved);

#endif
