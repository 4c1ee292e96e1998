/*
 * Which file code or data of a domain were mapped from, in words that hold beyond this process: so that the same file
 * is found again, and known not to be another one by now. Says nothing of who may read it.
 */
#ifndef NW_WORKER_IMAGE_LIBRARY_H
#define NW_WORKER_IMAGE_LIBRARY_H

#include <stdbool.h>
#include <stdint.h>

#define NW_LIBRARY_PATH 256

enum nw_library_kind {
    NW_LIBRARY_STUB,   /* our program inside domains */
    NW_LIBRARY_LOADER, /* the host's ld.so, as the monitor opened it */
    NW_LIBRARY_OWN,    /* the function's own file */
    NW_LIBRARY_PATH_OF /* any other: the path, as the function could give it */
};

/* PATH_OF: what a file that is changed or replaced does not keep. Zeros for the others, which whoever has them knows.
 */
struct nw_library {
    uint32_t kind;
    uint32_t unused;
    uint64_t device, inode, size;
    int64_t modified, modified_ns, changed, changed_ns;
    char path[NW_LIBRARY_PATH];
};

/* A granted directory, below which a file was found: the open one, and its path as the function knows it. */
struct nw_library_folder {
    int fd;
    const char *path;
};

/* Of an open file; `own` is the function's own. `folder`: NULL unless it lies below a granted directory. 0, or negative
 * errno where it has no path by which it could be found again. */
int nw_library_of(int fd, int own, const struct nw_library_folder *folder, struct nw_library *library);

/* Whether the open file is that one, unchanged. */
bool nw_library_is(const struct nw_library *library, int fd);

/* An open file that is needed for long: it is given away for one that all have who need the same file, or is returned
 * itself. To be dropped. Any thread. */
int nw_library_share(int fd);
void nw_library_drop(int fd);

#endif
