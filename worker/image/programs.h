/*
 * What every domain is started from: the host's ld.so, our program inside domains (the stub), and the images of code
 * that domains share. Made once, at the start.
 */
#ifndef NW_WORKER_IMAGE_PROGRAMS_H
#define NW_WORKER_IMAGE_PROGRAMS_H

#include "worker/image/image.h"
#include <stdbool.h>
#include <stddef.h>

#define NW_LOADER_PATH "/lib64/ld-linux-x86-64.so.2"

/* 0 or negative errno. The stub is `size` bytes at `stub`. */
int nw_program_open_loader(void);
int nw_program_store_stub(const char *stub, size_t size);

/* Files. */
int nw_program_loader(void);
int nw_program_stub(void);

/* System calls in files of the host take the shortcut. 0 or negative errno. */
int nw_image_caches_make(const struct nw_shortcut_gate *shortcut);

/* Of files that the host vouches for, or of code that functions bring along. */
struct nw_images *nw_image_cache(bool host);

#endif
