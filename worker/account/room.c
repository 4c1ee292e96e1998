/* See room.h. From each bound of the process is taken what the monitor needs for itself. */
#include "worker/account/room.h"
#include "worker/account/share.h"
#include "worker/base/limits.h"
#include <sys/resource.h>

#define WORKERS_OF_A_USER 4
#define OWN_MAPPINGS      8192 /* five for each executor, and the heap */
#define OWN_DESCRIPTORS   640  /* images, rings, and functions whose domain has yet to be made */

/* At most a quarter of a small bound is the monitor's. */
static uint64_t without_own(uint64_t bound, uint64_t own)
{
    return bound - (own < bound / 4 ? own : bound / 4);
}

void nw_rooms_measure(uint64_t mappings, uint64_t watches)
{
    struct rlimit files = {.rlim_cur = 1024};

    getrlimit(RLIMIT_NOFILE, &files);
    nw_share_room(NW_RESOURCE_MAPPINGS, without_own(mappings, OWN_MAPPINGS));
    nw_share_room(NW_RESOURCE_DESCRIPTORS, without_own(files.rlim_cur, OWN_DESCRIPTORS));
    nw_share_room(NW_RESOURCE_WATCHES, watches / WORKERS_OF_A_USER);
    nw__share_bound(NW_RESOURCE_MAPPINGS, "vm.max_map_count", mappings, "sysctl");
    nw__share_bound(NW_RESOURCE_DESCRIPTORS, "RLIMIT_NOFILE", files.rlim_cur, "ulimit -n or LimitNOFILE=");
    nw__share_bound(NW_RESOURCE_WATCHES, "fs.epoll.max_user_watches", watches, "sysctl");
    nw_share_room(NW_RESOURCE_BLOCKED, NW_EXECUTORS_MAX - NW_TOKENS_MAX);
}
