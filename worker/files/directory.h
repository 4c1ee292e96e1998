/* A directory of the host that a function was granted, below which it may open files. */
#ifndef NW_WORKER_FILES_DIRECTORY_H
#define NW_WORKER_FILES_DIRECTORY_H

#include <stdbool.h>
#include <stddef.h>

struct nw_directory {
    char *path;
    size_t length;
    int fd; /* the directory itself, whatever becomes of the path */
    bool writable;
};

#endif
