/*
 * Which images (image.h) a domain holds of code that it brought along, and how large they are. An image takes memory
 * while any page of it is mapped, so the domain is charged with all of it. Guarded by the lock of the memory.
 */
#ifndef NW_WORKER_MEMORY_CODE_H
#define NW_WORKER_MEMORY_CODE_H

#include "worker/base/limits.h"
#include "worker/image/where.h"
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct nw_code_image {
    uint64_t id; /* of the image, and origin.id of its regions */
    uint64_t size;
    bool mapped; /* or kept for a snapshot; used only within drop_unmapped of code.c */
};

struct nw_kept;

struct nw_held_code {
    pthread_mutex_t building; /* one image at a time is built for a domain; taken before the lock */
    struct nw_code_image *images;
    size_t n, room;
    uint64_t bytes; /* of all of them, and of those that are being built */
    struct nw_kept
        *kept; /* for a snapshot, while the domain is loaded: its images stay charged; NULL: none is wanted */
};

struct nw_memory;

/* What a mapping of code needs besides. To build an image takes long, so `may_build` is set only by a caller that keeps
 * no executor's token meanwhile. `why`, for people, is left alone unless the code holds a forbidden instruction. */
struct nw_code_call {
    bool may_build;
    char why[NW_REASON_MAX];
};
#define NW_MEMORY_BUILDS 513 /* no errno: an image has to be built, and `may_build` was not set */

struct nw_image;

/* Whether no forbidden instruction begins in an image, before `end`, and goes on in another, from `start` on. */
bool nw_code_seam_is_clean(const struct nw_image *before, uint64_t end, const struct nw_image *after, uint64_t start);

/* files: a copy of what is known of where code lies, to look up several addresses. where: a text about one address, for
 * messages (where.h). Both take the lock. */
void nw_code_files(struct nw_memory *memory, struct nw_where_files *files);
void nw_code_where(struct nw_memory *memory, uint64_t address, char text[NW_WHERE_MAX]);

#endif
