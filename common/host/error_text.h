/*
 * Errors for people. Where a limit of the process or of the machine may be the cause, strerror says which error it is
 * but not which limit: this says that too, how high it is, and what raises it.
 */
#ifndef NW_COMMON_HOST_ERROR_TEXT_H
#define NW_COMMON_HOST_ERROR_TEXT_H

#include <stddef.h>
#include <stdint.h>

#define NW_ERROR_TEXT 256

/* Describes a positive errno in `text` and returns that. May read files of /proc. */
const char *nw_error_text(int error, char text[NW_ERROR_TEXT]);

/* Remembers the limits of the process, for one that may not ask for them later. */
void nw_error_text_prepare(void);

#define NW_MAPPINGS_DEFAULT 65530  /* vm.max_map_count of the kernel */
#define NW_WATCHES_DEFAULT  400000 /* fs.epoll.max_user_watches of a machine with 1 GiB of memory */

/* A number in a file of /proc; `otherwise` where it cannot be read, as in a worker, which sees no /proc/sys. */
uint64_t nw_kernel_setting(const char *path, uint64_t otherwise);

#endif
