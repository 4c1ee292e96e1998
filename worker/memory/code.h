/*
 * Which images a domain holds of code that it brought along, and how large they are. An image takes memory as long as a
 * page of it is mapped, so it counts whole, however little of it is. Part of a domain's memory, whose lock guards it.
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
    uint64_t id; /* of the image; as the origin of regions, too */
    uint64_t size;
    bool mapped; /* or kept; only while it is looked for */
};

#define NW_CODE_KEPT \
    24 /* mappings of code that a domain has when it is loaded, mostly: three and one for each library */

/* Images that a snapshot of the domain will need, while it is being loaded. They stay charged until then. */
struct nw_kept_images {
    bool wanted;
    bool too_many; /* not all are here */
    size_t n;
    struct {
        struct nw_image *image;
        bool host;
    } list[NW_CODE_KEPT];
};

struct nw_held_code {
    pthread_mutex_t building; /* one image at a time is built for a domain; taken before the lock */
    struct nw_code_image *images;
    size_t n, room;
    uint64_t bytes; /* of all of them, and of those that are being built */
    struct nw_kept_images kept;
};

struct nw_memory;

/* What a mapping of code needs besides. To build an image takes long: `may_build` is set when the caller has given its
 * token away. `why`, for people, is empty unless the code holds what no function may. */
struct nw_code_call {
    bool may_build;
    char why[NW_REASON_MAX];
};
#define NW_MEMORY_BUILDS 513 /* no errno: an image has to be built, and `may_build` was not set */

/* Which code lies where, to look at several addresses; and what is to be said of one of them (where.h). Take the lock.
 */
void nw_code_files(struct nw_memory *memory, struct nw_where_files *files);
void nw_code_where(struct nw_memory *memory, uint64_t address, char text[NW_WHERE_MAX]);

#endif
