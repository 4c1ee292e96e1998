/* Opens directories that a manifest grants to a function, for its workers. */
#ifndef NW_ENGINE_STORE_DIRECTORY_H
#define NW_ENGINE_STORE_DIRECTORY_H

#include <stdbool.h>

/*
 * Opens a directory as a mount of its own, read-only unless `writable`. Nothing lies above such a mount, so its ".."
 * leads nowhere, even for somebody who has taken over a worker. Where the kernel does not let this process make
 * mounts, the directory itself is opened. Returns the descriptor, or -1 with errno.
 */
int nw_directory_open(const char *path, bool writable);

#endif
