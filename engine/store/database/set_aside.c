/* See set_aside.h. */
#include "engine/store/database/set_aside.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#define MOST 1000 /* files set aside of one name: a guard against a loop without end */

int nw_set_aside_find(int directory, const char *name, char *as, size_t as_size)
{
    snprintf(as, as_size, "%s.damaged", name);
    return faccessat(directory, as, F_OK, AT_SYMLINK_NOFOLLOW) < 0 ? -errno : 0;
}

/* Finds a free name to set a file aside under. */
static int free_name(int directory, const char *name, char *as, size_t as_size)
{
    int rc = nw_set_aside_find(directory, name, as, as_size);
    for (int i = 2; rc == 0 && i <= MOST; i++) {
        snprintf(as, as_size, "%s.damaged.%d", name, i);
        rc = faccessat(directory, as, F_OK, AT_SYMLINK_NOFOLLOW) < 0 ? -errno : 0;
    }
    return rc == -ENOENT ? 0 : rc ? rc : -EEXIST;
}

int nw_set_aside(int directory, const char *name, char *as, size_t as_size)
{
    int rc = free_name(directory, name, as, as_size);
    return rc ? rc : renameat(directory, name, directory, as) < 0 ? -errno : 0;
}

/* Where there are no hard links, to rename it is the next best. */
int nw__set_aside_keep(int directory, const char *name, char *as, size_t as_size)
{
    int rc = free_name(directory, name, as, as_size);
    if (rc || linkat(directory, name, directory, as, 0) == 0)
        return rc;
    return renameat(directory, name, directory, as) < 0 ? -errno : 0;
}
