/*
 * The memory of a domain as it was at one moment, from which others at the same addresses are made: what was mapped
 * where, and the contents of what had been written. Data lie in a sealed file that is mapped privately: all domains
 * share its pages until one writes, which then has a copy. Code comes from the images that were scanned when it was
 * mapped, never from the file. Not responsible for flows of control (snapshot.h).
 *
 * A picture never changes. While one is taken nothing runs in the domain, and it is not buried; it may be killed, and
 * its pages may get another key.
 */
#ifndef NW_WORKER_SNAPSHOT_PICTURE_H
#define NW_WORKER_SNAPSHOT_PICTURE_H

#include <stdbool.h>
#include <stdint.h>

struct nw_memory;
struct nw_picture;

/* NULL, and why, for people: it has memory that a picture cannot hold, or memory is out. */
struct nw_picture *nw__picture_take(struct nw_memory *memory, const char **why);

/* Nothing may be made from it any more; domains that were made from it keep their memory. */
void nw__picture_free(struct nw_picture *picture);

/* Bytes in the picture's own file. */
uint64_t nw__picture_size(const struct nw_picture *picture);

/* Puts all of it into memory that is reserved there and in which nothing is mapped. 0 or negative errno; then the
 * domain cannot be used. */
int nw__picture_put(struct nw_memory *memory, const struct nw_picture *picture);

#endif
