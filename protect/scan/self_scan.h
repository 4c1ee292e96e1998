/*
 * Finds the instructions of scan.h in all executable memory of the calling process, whatever mapped it: every line of
 * /proc/self/maps, at every byte offset, mappings that adjoin taken as one. Not responsible for what becomes of a hit.
 */
#ifndef NW_PROTECT_SCAN_SELF_SCAN_H
#define NW_PROTECT_SCAN_SELF_SCAN_H

#include "protect/scan/scan.h"

#include <sys/types.h>

/*
 * Stores the first `max` hits in ascending order, their offset an address, and returns how many there are, which may
 * be more than `max`. No other thread may map, unmap or write code meanwhile. -EACCES when executable memory cannot be
 * read; what opening or reading /proc/self/maps says.
 */
ssize_t nw_self_scan(struct nw_scan_hit *hits, size_t max);

/* Shows `each` all that memory, mappings that adjoin as one. 0 or negative errno as above. */
int nw__self_walk(void (*each)(const uint8_t *code, size_t size, void *arg), void *arg);

#endif
