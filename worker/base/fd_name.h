/* The names of open files, as the kernel tells them. */
#ifndef NW_WORKER_BASE_FD_NAME_H
#define NW_WORKER_BASE_FD_NAME_H

#include <stddef.h>

#define NW_FD_LINK 32

/* By what path a file that is open can be opened once more, whatever has become of its name. Returns `link`. */
const char *nw_fd_link(int fd, char link[NW_FD_LINK]);

/* Where the kernel sees the file, which may be relative to the root of a mount; cut to the room there is. 0 or negative
 * errno, and an empty name. */
int nw_fd_name(int fd, char *name, size_t size);

#endif
