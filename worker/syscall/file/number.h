/* From the numbers of a domain's files to those of the kernel and back. */
#ifndef NW_WORKER_SYSCALL_FILE_NUMBER_H
#define NW_WORKER_SYSCALL_FILE_NUMBER_H

#include "worker/syscall/call.h"

/* Passes a call on that has a file's number as its first argument, with the kernel's number in its place. */
long nw__call_on_file(struct nw_call *call, long (*pass)(struct nw_call *));

/* The domain takes over an fd that was just made, as its number at or above `from`; -errno where none was (fd < 0). */
long nw__call_adopt(struct nw_call *call, int fd, uint64_t from);

/* The domain takes over two files that belong together, and their numbers are stored at `to`; or neither. */
long nw__call_two_files(struct nw_call *call, const int ends[2], uint64_t to);

#endif
