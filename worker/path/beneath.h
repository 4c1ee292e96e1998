/* Opening a file below a directory, and nowhere else. Both return the kernel's fd, or negative errno. */
#ifndef NW_WORKER_PATH_BENEATH_H
#define NW_WORKER_PATH_BENEATH_H

#include <stdint.h>

/* openat2, with RESOLVE_* flags. */
int nw__open_in(int directory, const char *path, uint64_t flags, uint64_t mode, uint64_t resolve);

/* What leads out of the directory, by "..", a link, a mount or a magic link of the kernel, does not exist. */
int nw__open_beneath(int directory, const char *path, uint64_t flags, uint64_t mode);

#endif
