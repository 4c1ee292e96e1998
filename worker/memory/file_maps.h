/* Which files that count against a disk limit (disk.h) a domain has mapped: such a file takes space until the last of
 * it is unmapped, even if it was closed and deleted. Guarded by the lock of the memory. */
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
        uint64_t origin; /* origin.id of its regions; the list is sorted by it */
        struct nw_disk_file *file;
        size_t seen; /* used only within nw__file_maps_sweep */
    } * list;
    size_t n, room;
};

/* Makes room for one more. 0 or -ENOMEM. */
int nw__file_maps_reserve(struct nw_file_maps *maps);

/* The mapping with the newest origin is of this file. There must be room. */
void nw__file_maps_add(struct nw_memory *memory, struct nw_disk_file *file);

/* To be called after something was unmapped: lets go of files that are not mapped any more. */
void nw__file_maps_sweep(struct nw_memory *memory);

/* Lets go of all files; everything is unmapped. */
void nw__file_maps_fini(struct nw_memory *memory);

/* The list is sorted, without duplicates, and each file is in use: for tests and debug builds. */
bool nw_file_maps_is_valid(const struct nw_file_maps *maps);

#endif
