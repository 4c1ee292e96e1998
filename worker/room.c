/* See room.h. From each bound of the process is taken what the monitor needs for itself. */
#include "worker/room.h"
#include "worker/monitor.h"
#include <stdio.h>
#include <sys/resource.h>

#define MAPPINGS_DEFAULT  65530  /* of the kernel; where /proc does not tell */
#define WATCHES_DEFAULT   400000 /* ... of a user, in 1 GiB of memory */
#define WORKERS_OF_A_USER 4
#define OWN_MAPPINGS      8192 /* five for each executor, and the heap */
#define OWN_DESCRIPTORS   640  /* images, rings, and functions whose domain has yet to be made */

/* At most a quarter of a small bound is the monitor's. */
static uint64_t without_own(uint64_t bound, uint64_t own)
{
    return bound - (own < bound / 4 ? own : bound / 4);
}

static uint64_t setting(const char *path, unsigned long otherwise)
{
    FILE *from = fopen(path, "re");
    unsigned long n = 0;

    if (!from || fscanf(from, "%lu", &n) != 1)
        n = otherwise;
    if (from)
        fclose(from);
    return n;
}

void nw_rooms_measure(void)
{
    struct rlimit files = {.rlim_cur = 1024};

    getrlimit(RLIMIT_NOFILE, &files);
    nw_share_room(NW_RESOURCE_MAPPINGS,
                  without_own(setting("/proc/sys/vm/max_map_count", MAPPINGS_DEFAULT), OWN_MAPPINGS));
    nw_share_room(NW_RESOURCE_DESCRIPTORS, without_own(files.rlim_cur, OWN_DESCRIPTORS));
    nw_share_room(NW_RESOURCE_WATCHES,
                  setting("/proc/sys/fs/epoll/max_user_watches", WATCHES_DEFAULT) / WORKERS_OF_A_USER);
    nw_share_room(NW_RESOURCE_BLOCKED, NW_EXECUTORS_MAX - NW_TOKENS_MAX);
}
