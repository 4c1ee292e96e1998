/* See fd_name.h. */
#include "worker/base/fd_name.h"
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

const char *nw_fd_link(int fd, char link[NW_FD_LINK])
{
    snprintf(link, NW_FD_LINK, "/proc/self/fd/%d", fd);
    return link;
}

int nw_fd_name(int fd, char *name, size_t size)
{
    char link[NW_FD_LINK];
    ssize_t n = readlink(nw_fd_link(fd, link), name, size - 1);

    name[n > 0 ? n : 0] = '\0';
    return n < 0 ? -errno : 0;
}
