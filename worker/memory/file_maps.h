/* Which files that count (disk.h) a domain has as memory: such a file takes its space until the last of it is unmapped,
 * also when it is closed and has no name. Guarded by the lock of the memory. */
#ifndef NW_WORKER_MEMORY_FILE_MAPS_H
#define NW_WORKER_MEMORY_FILE_MAPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct nw_disk_file;
struct nw_memory;

/* Part of a domain's memory. */
struct nw_file_maps {
    struct nw_file_map {
        uint64_t origin; /* of its regions, ascending */
        struct nw_disk_file *file;
        size_t seen;
    } * list;
    size_t n, room;
};

/* Makes sure that one more will find room. 0 or -ENOMEM. */
int nw__file_maps_reserve(struct nw_file_maps *maps);

/* The newest regions are of this file. There must be room. */
void nw__file_maps_add(struct nw_memory *memory, struct nw_disk_file *file);

/* Something was unmapped. */
void nw__file_maps_sweep(struct nw_memory *memory);

/* All is unmapped. */
void nw__file_maps_fini(struct nw_memory *memory);

/* Each is a file in use, and once in the list: for tests and debug builds. */
bool nw_file_maps_is_valid(const struct nw_file_maps *maps);

#endif
