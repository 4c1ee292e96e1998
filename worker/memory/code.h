/*
 * Which images a domain holds of code that it brought along, and how large they are. An image takes memory as long as a
 * page of it is mapped, so it counts whole, however little of it is. Part of a domain; its memory_lock guards it.
 */
#ifndef NW_WORKER_MEMORY_CODE_H
#define NW_WORKER_MEMORY_CODE_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct nw_code_image {
    uint64_t id; /* of the image; as the origin of regions, too */
    uint64_t size;
    bool mapped; /* only while it is looked for */
};

struct nw_code {
    pthread_mutex_t building; /* one image at a time is built for a domain; taken before memory_lock */
    struct nw_code_image *images;
    size_t n, room;
    uint64_t bytes; /* of all of them, and of those that are being built */
};

#endif
