/* See file_maps.h. */
#include "worker/memory/file_maps.h"
#include "common/base/valid.h"
#include "worker/files/disk.h"
#include "worker/memory/memory.h"
#include "worker/range/region.h"
#include <errno.h>
#include <stdlib.h>

#define ROOM_STEP 16

int nw__file_maps_reserve(struct nw_file_maps *maps)
{
    struct nw_file_map *list;

    if (maps->n < maps->room)
        return 0;
    list = realloc(maps->list, (maps->room + ROOM_STEP) * sizeof(*list));
    if (!list)
        return -ENOMEM;
    maps->list = list;
    maps->room += ROOM_STEP;
    return 0;
}

void nw__file_maps_add(struct nw_memory *memory, struct nw_disk_file *file)
{
    nw_disk_hold(memory->disk, file);
    memory->file_maps.list[memory->file_maps.n++] =
        (struct nw_file_map){.origin = memory->regions.last_id, .file = file};
    nw_check_valid(nw_file_maps, &memory->file_maps);
}

/* Of longer lists only the beginning is checked: to check all at each change would take minutes. */
#define CHECKED_MOST 4096

bool nw_file_maps_is_valid(const struct nw_file_maps *maps)
{
    for (size_t i = 0; i < maps->n && i < CHECKED_MOST; i++)
        if (!maps->list[i].file || !maps->list[i].file->users ||
            (i > 0 && maps->list[i].origin <= maps->list[i - 1].origin))
            return false;
    return maps->n <= maps->room;
}

static struct nw_file_map *find(const struct nw_file_maps *maps, uint64_t origin)
{
    size_t low = 0, high = maps->n;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (maps->list[middle].origin < origin)
            low = middle + 1;
        else
            high = middle;
    }
    return low < maps->n && maps->list[low].origin == origin ? &maps->list[low] : NULL;
}

void nw__file_maps_sweep(struct nw_memory *memory)
{
    struct nw_file_maps *maps = &memory->file_maps;
    size_t kept = 0;

    for (size_t i = 0; i < maps->n; i++)
        maps->list[i].seen = 0;
    for (size_t i = 0; maps->n && i < memory->regions.count; i++) {
        const struct nw_region *r = &memory->regions.regions[i];
        struct nw_file_map *map = r->kind == NW_REGION_GAP ? NULL : find(maps, r->origin.id);

        if (map)
            map->seen++;
    }
    for (size_t i = 0; i < maps->n; i++) {
        if (maps->list[i].seen)
            maps->list[kept++] = maps->list[i];
        else
            nw_disk_done(memory->disk, maps->list[i].file);
    }
    maps->n = kept;
    nw_check_valid(nw_file_maps, maps);
}

void nw__file_maps_fini(struct nw_memory *memory)
{
    for (size_t i = 0; i < memory->file_maps.n; i++)
        nw_disk_done(memory->disk, memory->file_maps.list[i].file);
    free(memory->file_maps.list);
    memory->file_maps = (struct nw_file_maps){0};
}
