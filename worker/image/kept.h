/*
 * What a domain notes while it is loaded so that a snapshot can be taken of it: which libraries it has mapped, the
 * images of their code, and where its mappings of their data come from. Guarded by whoever has it.
 */
#ifndef NW_WORKER_IMAGE_KEPT_H
#define NW_WORKER_IMAGE_KEPT_H

#include "worker/image/library.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Enough for most functions: stub, ld.so, the function's own file, and a few mappings of each of its libraries. */
#define NW_KEPT_LIBRARIES 24
#define NW_KEPT_IMAGES    24
#define NW_KEPT_DATA      96

struct nw_image;

struct nw_kept_image {
    struct nw_image *image;
    bool trust;       /* it is from the cache of host files */
    uint32_t library; /* in `libraries` */
    uint64_t offset;  /* there */
};

struct nw_kept_data {
    uint64_t id; /* origin.id of regions that come from this mapping */
    uint32_t library;
    uint64_t offset; /* there */
};

struct nw_kept {
    bool too_many; /* some are missing, and no snapshot can be taken */
    size_t n_libraries, n_images, n_data;
    struct nw_library libraries[NW_KEPT_LIBRARIES];
    struct nw_kept_image images[NW_KEPT_IMAGES];
    struct nw_kept_data data[NW_KEPT_DATA];
};

/* Gives back all images; NULL: nothing happens. May take long. */
void nw_kept_free(struct nw_kept *kept);

/* Code was mapped from this image, which is then shared, or data. Of what it has already nothing is added. */
void nw_kept_add_image(struct nw_kept *kept, struct nw_image *image, bool trust, const struct nw_library *library,
                       uint64_t offset);
void nw_kept_add_data(struct nw_kept *kept, uint64_t id, const struct nw_library *library, uint64_t offset);

/* NULL: there is none. */
const struct nw_kept_data *nw_kept_find_data(const struct nw_kept *kept, uint64_t id);

#endif
