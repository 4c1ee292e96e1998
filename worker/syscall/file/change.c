/*
 * System calls that change a file of a granted directory, but neither its contents nor its name: length, mode, times.
 * And those that make further names: links. See syscall/file/name.c for the others.
 */
#include "worker/base/fd_name.h"
#include "worker/domain/domain.h"
#include "worker/files/disk.h"
#include "worker/files/files.h"
#include "worker/path/resolve.h"
#include "worker/syscall/call.h"
#include "worker/syscall/file/entry.h"
#include "worker/syscall/handlers.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define MODE_BITS 0777

/* Opens a file, or what its name is, of a directory that may be changed: the kernel's fd, or negative errno. */
static int open_to_change(struct nw_call *call, uint64_t number, uint64_t name, uint64_t flags)
{
    struct nw_resolved place;
    int fd = nw__resolved_find(call, number, name, &place);

    if (fd)
        return fd == -EPERM ? -EROFS : fd;
    fd = place.granted && place.granted->writable ? nw_resolved_open(call->domain, &place, flags, 0) : -EROFS;
    nw_resolved_leave(call->domain, &place);
    return fd;
}

/* An open file of the domain's that may be changed: its fd, then nw_fd_done; or negative errno. */
static int use_to_change(struct nw_call *call, uint64_t number)
{
    struct nw_domain_fd file;
    int fd = nw_fd_use_file(&call->domain->files, number, &file);

    if (fd < 0 || (file.granted && file.granted->writable))
        return fd;
    nw_fd_done(&call->domain->files, number);
    return file.granted ? -EROFS : -EPERM;
}

long nw_sys_truncate(struct nw_call *call)
{
    int fd = open_to_change(call, (uint64_t)AT_FDCWD, call->args[0], O_WRONLY);
    long result;

    if (fd < 0)
        return fd;
    call->number = SYS_ftruncate;
    call->args[0] = (uint64_t)fd;
    call->disk = nw_disk_use(call->domain->files.disk, fd);
    result = call->disk ? nw_call_kernel_blocking(call) : -ENOMEM;
    close(fd);
    if (call->disk)
        nw_disk_done(call->domain->files.disk, call->disk);
    return result;
}

/* The kernel changes the mode of no file that is only a place, but by its name in /proc. */
static long change_mode(struct nw_call *call, uint64_t number, uint64_t name, uint64_t mode)
{
    int fd = open_to_change(call, number, name, O_PATH);
    char link[NW_FD_LINK];
    long result;

    if (fd < 0)
        return fd;
    result = fchmodat(AT_FDCWD, nw_fd_link(fd, link), (mode_t)(mode & MODE_BITS), 0) < 0 ? -errno : 0;
    close(fd);
    return result;
}

long nw_sys_chmod(struct nw_call *call)
{
    return change_mode(call, (uint64_t)AT_FDCWD, call->args[0], call->args[1]);
}

long nw_sys_fchmodat(struct nw_call *call)
{
    return change_mode(call, call->args[0], call->args[1], call->args[2]);
}

long nw_sys_fchmod(struct nw_call *call)
{
    int fd = use_to_change(call, call->args[0]);
    long result;

    if (fd < 0)
        return fd;
    result = fchmod(fd, (mode_t)(call->args[1] & MODE_BITS)) < 0 ? -errno : 0;
    nw_fd_done(&call->domain->files, call->args[0]);
    return result;
}

/* Without a name it is about the open file. */
long nw_sys_utimensat(struct nw_call *call)
{
    const uint64_t number = call->args[0], name = call->args[1];
    uint64_t nofollow = call->args[3] & AT_SYMLINK_NOFOLLOW ? O_NOFOLLOW : 0;
    struct timespec times[2];
    long result;
    int fd;

    if (call->args[2] && nw_call_read(call, times, call->args[2], sizeof(times)) < 0)
        return -EFAULT;
    fd = name ? open_to_change(call, number, name, O_PATH | nofollow) : use_to_change(call, number);
    if (fd < 0)
        return fd;
    result = utimensat(fd, "", call->args[2] ? times : NULL, AT_EMPTY_PATH) < 0 ? -errno : 0;
    if (name)
        close(fd);
    else
        nw_fd_done(&call->domain->files, number);
    return result;
}

/* As statfs, but no more is free than the function may still fill. */
static long tell_file_system(struct nw_call *call, int fd)
{
    struct statfs fs;
    uint64_t left;

    if (fstatfs(fd, &fs) < 0)
        return -errno;
    left = nw_disk_left(call->domain->files.disk) / (uint64_t)(fs.f_bsize ? fs.f_bsize : 1);
    fs.f_bavail = fs.f_bavail < left ? fs.f_bavail : left;
    return nw_call_write(call, call->args[1], &fs, sizeof(fs));
}

long nw_sys_statfs(struct nw_call *call)
{
    struct nw_resolved place;
    int fd = nw__resolved_find(call, (uint64_t)AT_FDCWD, call->args[0], &place);
    long result;

    if (fd)
        return fd == -EPERM ? -ENOENT : fd;
    fd = place.granted ? nw_resolved_open(call->domain, &place, O_PATH, 0) : -EACCES;
    nw_resolved_leave(call->domain, &place);
    if (fd < 0)
        return fd;
    result = tell_file_system(call, fd);
    close(fd);
    return result;
}

long nw_sys_fstatfs(struct nw_call *call)
{
    struct nw_domain_fd file;
    int fd = nw_fd_use_file(&call->domain->files, call->args[0], &file);
    long result;

    if (fd < 0)
        return fd;
    result = file.granted ? tell_file_system(call, fd) : -EACCES;
    nw_fd_done(&call->domain->files, call->args[0]);
    return result;
}

/* Wherever such a link is moved to, it leads to something below the directory that it lies in. */
static bool leads_down(const char *target)
{
    const char *part = target;

    if (*target == '/')
        return false;
    for (size_t n; *part; part += n + strspn(part + n, "/")) {
        n = strcspn(part, "/");
        if (n == 2 && part[0] == '.' && part[1] == '.')
            return false;
    }
    return true;
}

static long make_link(struct nw_call *call, uint64_t target, uint64_t number, uint64_t name)
{
    struct nw__entry entry;
    char text[PATH_MAX];
    int error = nw_call_path(call, target, text);

    if (error || !leads_down(text))
        return error ? error : -EPERM;
    error = nw__entry_find(call, number, name, &entry);
    if (error)
        return error == -EBUSY ? -EEXIST : error;
    error = nw_disk_name(call->domain->files.disk);
    if (!error) {
        error = symlinkat(text, entry.parent, entry.base) < 0 ? -errno : 0;
        nw__entry_made(call, &entry, error);
    }
    nw__entry_leave(&entry);
    return error;
}

long nw_sys_symlink(struct nw_call *call)
{
    return make_link(call, call->args[0], (uint64_t)AT_FDCWD, call->args[1]);
}

long nw_sys_symlinkat(struct nw_call *call)
{
    return make_link(call, call->args[0], call->args[1], call->args[2]);
}

/* Both names lie in directories that may be changed, so that a file that may only be read gets no name where it could
 * be written. The file counts as a whole once it has got another name. */
static int name_file(struct nw_disk *disk, int fd, const struct nw__entry *from, const struct nw__entry *to)
{
    struct nw_disk_file *file = nw_disk_use(disk, fd);
    int error = file ? nw_disk_write(disk, file, fd, 0, false) : -ENOMEM;

    if (!error) {
        error = nw_disk_name(disk);
        if (!error) {
            error = linkat(from->parent, from->base, to->parent, to->base, 0) < 0 ? -errno : 0;
            nw_disk_named(disk, -1);
        }
        nw_disk_wrote(disk, file, fd);
    }
    if (file)
        nw_disk_done(disk, file);
    return error;
}

static int name_entry(struct nw_disk *disk, const struct nw__entry *from, const struct nw__entry *to)
{
    int fd = nw__entry_open(from), error = fd < 0 ? fd : name_file(disk, fd, from, to);

    if (fd >= 0)
        close(fd);
    return error;
}

static long name_again(struct nw_call *call, uint64_t from_number, uint64_t from_name, uint64_t to_number,
                       uint64_t to_name)
{
    struct nw__entry from, to;
    int error = nw__entry_find(call, from_number, from_name, &from);

    if (error)
        return error == -EBUSY ? -EPERM : error;
    error = nw__entry_find(call, to_number, to_name, &to);
    if (!error)
        error = name_entry(call->domain->files.disk, &from, &to);
    nw__entry_leave(&from);
    nw__entry_leave(&to);
    return error == -EBUSY ? -EEXIST : error;
}

long nw_sys_link(struct nw_call *call)
{
    return name_again(call, (uint64_t)AT_FDCWD, call->args[0], (uint64_t)AT_FDCWD, call->args[1]);
}

long nw_sys_linkat(struct nw_call *call)
{
    return name_again(call, call->args[0], call->args[1], call->args[2], call->args[3]);
}

/* The files that a function makes belong to whom its worker belongs to, and nobody else. */
long nw_sys_chown(struct nw_call *call)
{
    (void)call;
    return -EPERM;
}
