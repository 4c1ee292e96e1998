/* See peek.h. */
#include "worker/snapshot/peek.h"
#include <errno.h>
#include <stddef.h>
#include <sys/mman.h>
#include <unistd.h>

static int file;
static const uint8_t *bytes;

/* The worker's seccomp filter allows ftruncate only in some profiles, so the file grows by a write. */
static int grow(void)
{
    static const uint8_t zeros[NW_PEEK_MOST];

    return write(file, zeros, sizeof(zeros)) == (ssize_t)sizeof(zeros) ? 0 : errno ? -errno : -ENOSPC;
}

int nw__peek_init(void)
{
    void *map;
    int error;

    file = memfd_create("nightward-peek", MFD_CLOEXEC);
    error = file < 0 ? -errno : grow();
    if (error)
        return error;
    map = mmap(NULL, NW_PEEK_MOST, PROT_READ, MAP_SHARED, file, 0);
    bytes = map == MAP_FAILED ? NULL : map;
    return bytes ? 0 : -errno;
}

const uint8_t *nw__peek(uint64_t at, uint64_t size)
{
    return lseek(file, 0, SEEK_SET) == 0 && write(file, (const void *)at, size) == (ssize_t)size ? bytes : NULL;
}
