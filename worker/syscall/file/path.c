/* System calls that look at files by name: see resolve.h for where a name leads. Those that change what a name means
 * are in syscall/file/name.c. */
#include "worker/base/limits.h"
#include "worker/domain/domain.h"
#include "worker/executor/blocked.h"
#include "worker/files/disk.h"
#include "worker/files/files.h"
#include "worker/files/opened.h"
#include "worker/path/resolve.h"
#include "worker/syscall/call.h"
#include "worker/syscall/file/entry.h"
#include "worker/syscall/handlers.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define LINK_MAX_BYTES 4096

/* Opens a file that it may have to make, for which there must be room. What it has shortened counts less. */
static int open_counted(struct nw_call *call, const struct nw_resolved *place, uint64_t flags, uint64_t mode)
{
    struct nw_disk *disk = call->domain->files.disk;
    bool makes = flags & O_CREAT, full = makes && nw_disk_name(disk) < 0;
    struct stat st;
    int fd;

    if (full && flags & O_EXCL)
        return -EDQUOT;
    fd = nw_resolved_open(call->domain, place, full ? flags & ~(uint64_t)O_CREAT : flags, mode);
    if (makes && !full)
        nw_disk_named(disk, fd >= 0 && fstat(fd, &st) == 0 && st.st_size == 0 ? fd : -1);
    if (fd >= 0 && flags & O_TRUNC)
        nw_disk_changed(disk, fd);
    return fd == -ENOENT && full ? -EDQUOT : fd;
}

/* Finds the place and opens it: the kernel's fd, or negative errno. The place is left again. */
static int open_place(struct nw_call *call, uint64_t number, uint64_t name, uint64_t flags, uint64_t mode,
                      struct nw_resolved *place)
{
    int fd = nw__resolved_find(call, number, name, place);

    if (fd == -EPERM)
        return (int)nw_call_refuse(call);
    if (fd < 0)
        return fd;
    if (place->granted && place->granted->writable && flags & (O_CREAT | O_TRUNC))
        fd = open_counted(call, place, flags, mode);
    else
        fd = nw_resolved_open(call->domain, place, flags, mode);
    nw_resolved_leave(call->domain, place);
    return fd;
}

static bool is_regular(int fd)
{
    struct stat st;

    return fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
}

static long open_common(struct nw_call *call, uint64_t number, uint64_t name, uint64_t flags, uint64_t mode)
{
    bool changes = flags & (O_CREAT | O_TRUNC); /* which may take long: what a file had is given back */
    struct nw_domain_fd file;
    struct nw_resolved place;
    int fd;

    if (changes && !nw_call_block(call))
        return -EAGAIN;
    fd = open_place(call, number, name, flags, mode, &place);
    if (changes)
        nw_executor_unblock(call->ex);
    if (fd < 0)
        return fd;
    file = (struct nw_domain_fd){.fd = fd, .granted = place.granted};
    file.host = nw_resolved_is_host(&place, fd, &file.trust);
    if (place.granted && is_regular(fd) && !(file.opened = nw_opened_new(&call->domain->files, &file))) {
        close(fd);
        return -ENOMEM;
    }
    return nw_fd_add(&call->domain->files, file, 0);
}

long nw_sys_open(struct nw_call *call)
{
    return open_common(call, (uint64_t)AT_FDCWD, call->args[0], call->args[1], call->args[2]);
}

long nw_sys_openat(struct nw_call *call)
{
    return open_common(call, call->args[0], call->args[1], call->args[2], call->args[3]);
}

/* A directory above the granted ones can be passed, but not read. */
static bool is_above(int fd, const struct nw_resolved *place)
{
    return fd == -EACCES && place->kind == NW_RESOLVED_ABOVE;
}

long nw_sys_creat(struct nw_call *call)
{
    return open_common(call, (uint64_t)AT_FDCWD, call->args[0], O_WRONLY | O_CREAT | O_TRUNC, call->args[1]);
}

static long stat_path(struct nw_call *call, uint64_t number, uint64_t name, uint64_t to, bool follow)
{
    struct nw_resolved place = {.kind = NW_RESOLVED_LIBRARY};
    struct stat st = {.st_mode = S_IFDIR | 0111, .st_nlink = 2, .st_blksize = (blksize_t)NW_PAGE_SIZE};
    int fd = open_place(call, number, name, O_PATH | (follow ? 0 : O_NOFOLLOW), 0, &place), error;

    if (is_above(fd, &place))
        return nw_call_write(call, to, &st, sizeof(st));
    if (fd < 0)
        return fd;
    error = fstat(fd, &st) < 0 ? -errno : 0;
    close(fd);
    return error ? error : nw_call_write(call, to, &st, sizeof(st));
}

long nw_sys_stat(struct nw_call *call)
{
    return stat_path(call, (uint64_t)AT_FDCWD, call->args[0], call->args[1], call->number == SYS_stat);
}

/* With an empty path this is fstat, which is how libc asks for it. */
long nw_sys_fstatat(struct nw_call *call)
{
    char first;

    if (nw_call_read(call, &first, call->args[1], 1) < 0)
        return -EFAULT;
    if (first || !(call->args[3] & AT_EMPTY_PATH))
        return stat_path(call, call->args[0], call->args[1], call->args[2], !(call->args[3] & AT_SYMLINK_NOFOLLOW));
    call->number = SYS_fstat;
    call->args[1] = call->args[2];
    return nw_sys_fstat(call);
}

static long access_path(struct nw_call *call, uint64_t number, uint64_t name, uint64_t mode)
{
    struct nw_resolved place = {.kind = NW_RESOLVED_LIBRARY};
    int fd = open_place(call, number, name, O_PATH, 0, &place), error = 0;

    if (is_above(fd, &place))
        return mode & ~(uint64_t)X_OK ? -EACCES : 0;
    if (fd < 0)
        return fd;
    if (place.kind != NW_RESOLVED_GRANTED)
        error = mode & W_OK ? -EACCES : 0;
    else if (mode & W_OK && !place.granted->writable)
        error = -EROFS;
    else if (faccessat(fd, "", (int)mode, AT_EMPTY_PATH | AT_EACCESS) < 0)
        error = -errno;
    close(fd);
    return error;
}

long nw_sys_access(struct nw_call *call)
{
    return access_path(call, (uint64_t)AT_FDCWD, call->args[0], call->args[1]);
}

long nw_sys_faccessat(struct nw_call *call)
{
    return access_path(call, call->args[0], call->args[1], call->args[2]);
}

/* Links of the host's libraries are none for a function; those of a granted directory are. */
static long read_link(struct nw_call *call, uint64_t number, uint64_t name, uint64_t to, uint64_t size)
{
    char text[LINK_MAX_BYTES];
    struct nw_resolved place;
    ssize_t n;
    int fd, error = nw__resolved_find(call, number, name, &place);

    if (error)
        return error == -EPERM ? -ENOENT : error;
    fd = place.kind == NW_RESOLVED_GRANTED ? nw_resolved_open(call->domain, &place, O_PATH | O_NOFOLLOW, 0)
         : place.kind == NW_RESOLVED_ABOVE ? -EINVAL /* no link */
                                           : -ENOENT;
    nw_resolved_leave(call->domain, &place);
    if (fd < 0)
        return fd;
    n = readlinkat(fd, "", text, sizeof(text));
    error = n < 0 ? (errno == ENOENT ? -EINVAL : -errno) : 0; /* ENOENT: it is no link */
    close(fd);
    if (error)
        return error;
    n = (uint64_t)n < size ? n : (ssize_t)size;
    return nw_call_write(call, to, text, (size_t)n) < 0 ? -EFAULT : n;
}

long nw_sys_readlink(struct nw_call *call)
{
    return read_link(call, (uint64_t)AT_FDCWD, call->args[0], call->args[1], call->args[2]);
}

long nw_sys_readlinkat(struct nw_call *call)
{
    return read_link(call, call->args[0], call->args[1], call->args[2], call->args[3]);
}
