/* The walk of self_scan.h. */
#include "protect/scan/self_scan.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/* Executable memory without a gap, as far as it is known. */
struct walk {
    uintptr_t start, end;
    void (*each)(const uint8_t *code, size_t size, void *arg);
    void *arg;
};

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
        walk->each((const uint8_t *)walk->start, walk->end - walk->start, walk->arg);
        walk->start = start;
    }
    walk->end = end;
    return 0;
}

int nw__self_walk(void (*each)(const uint8_t *code, size_t size, void *arg), void *arg)
{
    struct walk walk = {.each = each, .arg = arg};
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
    if (error == 0)
        each((const uint8_t *)walk.start, walk.end - walk.start, arg);
    return error;
}

/* What was found so far. */
struct found {
    struct nw_scan_hit *hits;
    size_t max, n;
};

static void scan(const uint8_t *code, size_t size, void *arg)
{
    struct found *found = arg;
    size_t known = found->n < found->max ? found->n : found->max, room = found->max - known;
    struct nw_scan_hit *hits = room != 0 ? found->hits + known : NULL;
    size_t n = nw_scan(code, size, hits, room);

    for (size_t i = 0; i < n && i < room; i++)
        hits[i].offset += (uintptr_t)code;
    found->n += n;
}

ssize_t nw_self_scan(struct nw_scan_hit *hits, size_t max)
{
    struct found found = {.hits = hits, .max = max};
    int error = nw__self_walk(scan, &found);

    return error != 0 ? error : (ssize_t)found.n;
}
