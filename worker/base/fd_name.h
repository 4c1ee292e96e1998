/* The names of open files, from the kernel. */
#ifndef NW_WORKER_BASE_FD_NAME_H
#define NW_WORKER_BASE_FD_NAME_H

#include <stddef.h>

#define NW_FD_LINK 32

/* Writes to `link` a path by which an open file can be opened again, even if its name is gone. Returns `link`. */
const char *nw_fd_link(int fd, char link[NW_FD_LINK]);

/* The path of the file as the kernel knows it, which may be relative to the root of a mount; cut to the room there is.
 * 0, or negative errno and an empty name. */
int nw_fd_name(int fd, char *name, size_t size);

#endif
