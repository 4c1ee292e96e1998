/*
 * Moves all memory of a domain to another key. To call the kernel seldom, neighbours with the same access rights go
 * together, whatever they are. What is public (region.h) stays in the key that all domains may read with.
 */
#ifndef NW_WORKER_MEMORY_TAG_H
#define NW_WORKER_MEMORY_TAG_H

struct nw_memory;

/* What is mapped from now on gets the key, too. 0, or negative errno: some is in the old key, some in the new one.
 * Takes the lock, and holds it all the time. */
int nw_memory_tag(struct nw_memory *memory, int key);

#endif
