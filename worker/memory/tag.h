/*
 * Gives all memory of a domain to a key. Few calls of the kernel: neighbours that have the same rights go together,
 * whatever they are, and what is public (region.h) stays in the key that all domains may read with.
 */
#ifndef NW_WORKER_MEMORY_TAG_H
#define NW_WORKER_MEMORY_TAG_H

struct nw_memory;

/* Also what is mapped from now on. 0 or negative errno, then some of it is in either key. Takes the lock. */
int nw_memory_tag(struct nw_memory *memory, int key);

#endif
