/*
 * System calls that name files. A domain may read the host's shared libraries and its own shared object; every other
 * path does not exist for it. A path is copied once and only the copy is looked at.
 */
#include "worker/files.h"
#include "worker/syscall.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define OWN_PREFIX "/function/"

/* Page by page, since a path may end right before unmapped memory. */
static int read_path(struct nw_call *call, uint64_t from, char path[PATH_MAX])
{
    size_t n = 0;

    while (n < PATH_MAX) {
        size_t step = NW_PAGE_SIZE - (from + n) % NW_PAGE_SIZE;

        step = step < PATH_MAX - n ? step : PATH_MAX - n;
        if (nw_call_read(call, path + n, from + n, step) < 0)
            return -EFAULT;
        if (memchr(path + n, '\0', step))
            return 0;
        n += step;
    }
    return -ENAMETOOLONG;
}

/* What every function may read: the host's shared libraries and what they need to be found. */
static bool is_library(const char *path)
{
    static const char *const prefixes[] = {"/lib/",       "/lib64/",         "/usr/lib/",
                                           "/usr/lib64/", "/usr/local/lib/", "/usr/share/zoneinfo/"};
    static const char *const files[] = {"/etc/ld.so.cache", "/etc/localtime", "/dev/null", "/dev/urandom"};

    if (strstr(path, "/.."))
        return false;
    for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++)
        if (strncmp(path, prefixes[i], strlen(prefixes[i])) == 0)
            return true;
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
        if (strcmp(path, files[i]) == 0)
            return true;
    return false;
}

/* The host's libc and ld.so hold known WRPKRU and XRSTOR sites that nothing here calls: they become traps. */
static bool is_trusted(const char *path, int fd)
{
    const char *name = strrchr(path, '/') + 1;
    struct stat st;

    return (strcmp(name, "libc.so.6") == 0 || strcmp(name, "ld-linux-x86-64.so.2") == 0) && fstat(fd, &st) == 0 &&
           st.st_uid == 0 && !(st.st_mode & (S_IWGRP | S_IWOTH));
}

static bool is_own(const struct nw_call *call, const char *path)
{
    return strncmp(path, OWN_PREFIX, strlen(OWN_PREFIX)) == 0 &&
           strcmp(path + strlen(OWN_PREFIX), call->domain->function->name) == 0;
}

/* The function's file anew: a duplicate would share its read position with every other domain of the function. */
static int open_own(const struct nw_call *call)
{
    char path[32];

    snprintf(path, sizeof(path), "/proc/self/fd/%d", call->domain->function->so);
    return open(path, O_RDONLY | O_CLOEXEC);
}

/* The kernel's fd, or negative errno. */
static int open_path(const struct nw_call *call, const char *path)
{
    struct open_how how = {.flags = O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, .resolve = RESOLVE_NO_MAGICLINKS};
    int fd;

    if (is_own(call, path))
        fd = open_own(call);
    else if (is_library(path))
        fd = (int)syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof(how));
    else
        return -ENOENT;
    return fd < 0 ? -errno : fd;
}

static long open_common(struct nw_call *call, uint64_t name, uint64_t flags)
{
    char path[PATH_MAX];
    int fd = read_path(call, name, path);

    if (fd < 0)
        return fd;
    if (flags & (O_CREAT | O_TRUNC | O_PATH) || (flags & O_ACCMODE) != O_RDONLY)
        return is_library(path) ? -EACCES : -ENOENT;
    fd = open_path(call, path);
    if (fd < 0)
        return fd;
    return nw_fd_add(call->domain, fd, 0, is_library(path) && is_trusted(path, fd));
}

long nw_sys_open(struct nw_call *call)
{
    return open_common(call, call->args[0], call->args[1]);
}

long nw_sys_openat(struct nw_call *call)
{
    return open_common(call, call->args[1], call->args[2]);
}

static long stat_path(struct nw_call *call, uint64_t name, uint64_t to)
{
    char path[PATH_MAX];
    struct stat st;
    int fd = read_path(call, name, path), error;

    if (fd == 0)
        fd = open_path(call, path);
    if (fd < 0)
        return fd;
    error = fstat(fd, &st) < 0 ? -errno : 0;
    close(fd);
    return error ? error : nw_call_write(call, to, &st, sizeof(st));
}

long nw_sys_stat(struct nw_call *call)
{
    return stat_path(call, call->args[0], call->args[1]);
}

/* With an empty path this is fstat, which is how libc asks for it. */
long nw_sys_fstatat(struct nw_call *call)
{
    char first;

    if (nw_call_read(call, &first, call->args[1], 1) < 0)
        return -EFAULT;
    if (first || !(call->args[3] & AT_EMPTY_PATH))
        return stat_path(call, call->args[1], call->args[2]);
    call->number = SYS_fstat;
    call->args[1] = call->args[2];
    return nw_sys_fstat(call);
}

static long access_path(struct nw_call *call, uint64_t name, uint64_t mode)
{
    char path[PATH_MAX];
    int fd = read_path(call, name, path);

    if (fd == 0)
        fd = mode & W_OK ? -EACCES : open_path(call, path);
    if (fd < 0)
        return fd;
    close(fd);
    return 0;
}

long nw_sys_access(struct nw_call *call)
{
    return access_path(call, call->args[0], call->args[1]);
}

long nw_sys_faccessat(struct nw_call *call)
{
    return access_path(call, call->args[1], call->args[2]);
}
