/* Setting aside as set_aside.h tells. */
#include "engine/store/set_aside.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#define MOST 1000 /* files of one name; each is somebody's accident */

int nw__set_aside_find(int directory, const char *name, char *as, size_t as_size)
{
    snprintf(as, as_size, "%s.damaged", name);
    return faccessat(directory, as, F_OK, AT_SYMLINK_NOFOLLOW) < 0 ? -errno : 0;
}

int nw__set_aside(int directory, const char *name, char *as, size_t as_size)
{
    int rc = nw__set_aside_find(directory, name, as, as_size);
    for (int i = 2; rc == 0 && i <= MOST; i++) {
        snprintf(as, as_size, "%s.damaged.%d", name, i);
        rc = faccessat(directory, as, F_OK, AT_SYMLINK_NOFOLLOW) < 0 ? -errno : 0;
    }
    if (rc != -ENOENT)
        return rc ? rc : -EEXIST;
    return renameat(directory, name, directory, as) < 0 ? -errno : 0;
}
