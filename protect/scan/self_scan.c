/* The walk of self_scan.h. */
#include "protect/scan/self_scan.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/* Executable memory without a gap, as far as it is known, and what was found before it. */
struct walk {
    uintptr_t start, end;
    struct nw_scan_hit *hits;
    size_t max, found;
};

static void scan_joined(struct walk *walk)
{
    size_t known = walk->found < walk->max ? walk->found : walk->max, room = walk->max - known;
    struct nw_scan_hit *hits = room != 0 ? walk->hits + known : NULL;
    size_t found = nw_scan((const uint8_t *)walk->start, walk->end - walk->start, hits, room);

    for (size_t i = 0; i < found && i < room; i++)
        hits[i].offset += walk->start;
    walk->found += found;
}

/* Takes one line of the maps. The kernel's half holds the vsyscall page at most, whose calls are emulated: no
 * instruction of it is ever run. */
static int take_mapping(struct walk *walk, const char *line)
{
    unsigned long start, end;
    char rights[5];

    if (sscanf(line, "%lx-%lx %4s", &start, &end, rights) != 3)
        return -EIO;
    if (rights[2] != 'x' || start >> 63)
        return 0;
    if (rights[0] != 'r')
        return -EACCES;
    if (start != walk->end) {
        scan_joined(walk);
        walk->start = start;
    }
    walk->end = end;
    return 0;
}

ssize_t nw_self_scan(struct nw_scan_hit *hits, size_t max)
{
    struct walk walk = {.hits = hits, .max = max};
    FILE *maps = fopen("/proc/self/maps", "re");
    char *line = NULL;
    size_t size = 0;
    int error = 0;

    if (maps == NULL)
        return -errno;
    while (error == 0 && getline(&line, &size, maps) > 0)
        error = take_mapping(&walk, line);
    if (error == 0 && ferror(maps))
        error = -EIO;
    free(line);
    fclose(maps);
    if (error != 0)
        return error;
    scan_joined(&walk);
    return (ssize_t)walk.found;
}
