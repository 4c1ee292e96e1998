/* Granted directories as workers get them. */
#ifndef NW_ENGINE_STORE_DIRECTORY_H
#define NW_ENGINE_STORE_DIRECTORY_H

#include <stdbool.h>

/*
 * Opens a directory as a mount of its own, read-only unless it is writable, with nothing above it: who has taken a
 * worker over would climb out of any other by its "..". Where the kernel lets this process make no mount, it is the
 * directory as it is. The fd, or -1 with errno.
 */
int nw_directory_open(const char *path, bool writable);

#endif
