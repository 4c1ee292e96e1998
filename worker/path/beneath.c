/* See beneath.h. */
#include "worker/path/beneath.h"
#include "protect/gate/without.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

#define BENEATH (RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV)

int nw__open_in(int directory, const char *path, uint64_t flags, uint64_t mode, uint64_t resolve)
{
    struct open_how how = {.flags = flags | O_CLOEXEC, .mode = mode, .resolve = resolve};
    int fd = (int)syscall(SYS_openat2, directory, path, &how, sizeof(how));

    return fd < 0 ? -errno : fd;
}

int nw__open_beneath(int directory, const char *path, uint64_t flags, uint64_t mode)
{
    int fd = nw__open_in(directory, path, flags, mode, nw_without(NW_DEFENCE_BENEATH) ? 0 : BENEATH);

    return fd == -EXDEV ? -ENOENT : fd;
}
