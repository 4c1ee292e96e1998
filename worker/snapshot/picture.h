/*
 * The memory of a domain as a snapshot's file tells it: what lies where, and from which files it is mapped. Data come
 * from the snapshot's file and are mapped privately: all domains share its pages until one writes, which then has a
 * copy. Code comes from images, which are scanned when they are made, of files that the domain could open itself; never
 * from the snapshot's file. Not responsible for flows of control (snapshot.h).
 */
#ifndef NW_WORKER_SNAPSHOT_PICTURE_H
#define NW_WORKER_SNAPSHOT_PICTURE_H

#include "worker/base/limits.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct nw_domain;
struct nw_memory;
struct nw_picture;
struct nw_region;
struct nw_renewal;
struct nw_tables;

/* Opens the files of a domain that is starting; it takes the snapshot's file over, also when it fails. May take long,
 * like loading: where no image of a library is there, it is made. NULL and why, for people. */
struct nw_picture *nw__picture_open(struct nw_domain *domain, int fd, const struct nw_tables *tables,
                                    char why[NW_REASON_MAX]);

/* Nothing may be made from it any more; domains that were made from it keep their memory. Takes long. */
void nw__picture_free(struct nw_picture *picture);

/* The snapshot's file, which stays the picture's. */
int nw__picture_file(const struct nw_picture *picture);

/* Its size in bytes. */
uint64_t nw__picture_size(const struct nw_picture *picture);

/* What was mapped where, gaps included, in ascending order: the list of a domain that was made from it, until that
 * changes something. */
size_t nw__picture_parts(const struct nw_picture *picture, const struct nw_region **parts);

/* Whether a domain that was made from it has mapped code or files since that the picture does not have. Lock of the
 * memory held, here and below. */
bool nw__picture_lacks(const struct nw_memory *memory, const struct nw_picture *picture);

/* Maps part i, which is none of the range's own memory, once more: 0 or negative errno. Recording it is up to the
 * caller. */
int nw__picture_put_again(struct nw_memory *memory, const struct nw_picture *picture, size_t i);

/* The next step to make the memory of a domain that was made from it what it was, in which nothing runs: what was
 * written is thrown away, so that the picture's contents and zeros are there again, and mappings that were changed are
 * put back. 1: there is more to do; 0; negative errno: the domain has to be replaced. Lock NOT held. */
int nw__picture_renew(struct nw_memory *memory, const struct nw_picture *picture, struct nw_renewal *renewal);

/* Puts all of it into memory that is reserved there and in which nothing is mapped. 0 or negative errno; then the
 * domain cannot be used. */
int nw__picture_put(struct nw_memory *memory, const struct nw_picture *picture);

#endif
