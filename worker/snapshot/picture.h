/*
 * The memory of a domain as a snapshot's file tells it: what lies where, and from which files it is mapped. Data come
 * from the snapshot's file and are mapped privately: all domains share its pages until one writes, which then has a
 * copy. Code comes from images, which are scanned when they are made, of files that the domain could open itself; never
 * from the snapshot's file. Not responsible for flows of control (snapshot.h).
 */
#ifndef NW_WORKER_SNAPSHOT_PICTURE_H
#define NW_WORKER_SNAPSHOT_PICTURE_H

#include "worker/base/limits.h"
#include <stdint.h>

struct nw_domain;
struct nw_memory;
struct nw_picture;
struct nw_tables;

/* Opens the files of a domain that is starting; it takes the snapshot's file over, also when it fails. May take long,
 * like loading: where no image of a library is there, it is made. NULL and why, for people. */
struct nw_picture *nw__picture_open(struct nw_domain *domain, int fd, const struct nw_tables *tables,
                                    char why[NW_REASON_MAX]);

/* Nothing may be made from it any more; domains that were made from it keep their memory. Takes long. */
void nw__picture_free(struct nw_picture *picture);

/* The snapshot's file, which stays the picture's. */
int nw__picture_file(const struct nw_picture *picture);

/* Puts all of it into memory that is reserved there and in which nothing is mapped. 0 or negative errno; then the
 * domain cannot be used. */
int nw__picture_put(struct nw_memory *memory, const struct nw_picture *picture);

#endif
