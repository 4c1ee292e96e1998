/*
 * Files of a domain. It has a table of its own: its numbers mean nothing to the kernel, and the kernel's nothing to it.
 * It may open the host's libraries and its own shared object, read-only, and make pipes and eventfds. What it writes to
 * standard output and error becomes log lines.
 */
#include "common/log.h"
#include "worker/syscall.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define LOG_LINES_PER_SECOND 50
#define LOG_LINE_MAX         400
#define FIRST_FREE           3 /* 0, 1 and 2 are the standard streams */
#define OWN_PREFIX           "/function/"

static int own_fd(const struct nw_call *call, uint64_t number)
{
    uint32_t fd = (uint32_t)number;

    return fd < NW_DOMAIN_FDS ? call->domain->fds[fd].fd : -1;
}

/* Puts a kernel fd into the lowest free place at or above `from`; on failure it is closed. */
static long fd_add(struct nw_call *call, int fd, uint32_t from, bool trust)
{
    struct nw_domain *d = call->domain;
    long result = -EMFILE;

    if (fd < 0)
        return -errno;
    pthread_mutex_lock(&d->memory_lock);
    for (uint32_t i = from < FIRST_FREE ? FIRST_FREE : from; i < NW_DOMAIN_FDS && result < 0; i++)
        if (d->fds[i].fd < 0) {
            d->fds[i] = (struct nw_domain_fd){fd, trust};
            result = i;
        }
    pthread_mutex_unlock(&d->memory_lock);
    if (result < 0)
        close(fd);
    return result;
}

long nw_sys_file(struct nw_call *call)
{
    int fd = own_fd(call, call->args[0]);

    if (fd < 0)
        return -EBADF;
    call->args[0] = (uint64_t)fd;
    return nw_call_kernel(call);
}

long nw_sys_read(struct nw_call *call)
{
    int fd = own_fd(call, call->args[0]);

    if (fd < 0)
        return (uint32_t)call->args[0] == 0 ? 0 : -EBADF;
    call->args[0] = (uint64_t)fd;
    return nw_call_kernel_blocking(call);
}

/* A flood of lines is cut, so that one function cannot drown the log. */
static void log_text(struct nw_domain *d, char *text)
{
    uint64_t second = nw_now() / 1000000000ull;

    if (second != d->log_second) {
        d->log_second = second;
        d->log_lines = 0;
    }
    for (char *line = strtok_r(text, "\n", &text); line; line = strtok_r(NULL, "\n", &text))
        if (d->log_lines++ < LOG_LINES_PER_SECOND)
            nw_log(NW_LOG_INFO, "function %s: %s", d->function->name, line);
        else if (d->log_lines == LOG_LINES_PER_SECOND + 1)
            nw_log(NW_LOG_WARN, "function %s: more lines this second are dropped", d->function->name);
}

static long log_bytes(struct nw_call *call, uint64_t from, uint64_t length)
{
    char text[LOG_LINE_MAX + 1];
    size_t n = length < LOG_LINE_MAX ? length : LOG_LINE_MAX;

    if (nw_call_read(call, text, from, n) < 0)
        return -EFAULT;
    text[n] = '\0';
    pthread_mutex_lock(&call->domain->memory_lock);
    log_text(call->domain, text);
    pthread_mutex_unlock(&call->domain->memory_lock);
    return (long)n;
}

static long log_vector(struct nw_call *call)
{
    uint64_t pair[2];
    long total = 0, n;

    for (uint64_t i = 0; i < call->args[2] && i < IOV_MAX; i++) {
        if (nw_call_read(call, pair, call->args[1] + i * sizeof(pair), sizeof(pair)) < 0)
            return total ? total : -EFAULT;
        n = pair[1] ? log_bytes(call, pair[0], pair[1]) : 0;
        if (n < 0)
            return total ? total : n;
        total += n;
        if ((uint64_t)n < pair[1])
            break;
    }
    return total;
}

long nw_sys_write(struct nw_call *call)
{
    uint32_t number = (uint32_t)call->args[0];
    int fd = own_fd(call, number);

    if (fd < 0 && (number == STDOUT_FILENO || number == STDERR_FILENO))
        return call->number == SYS_writev ? log_vector(call) : log_bytes(call, call->args[1], call->args[2]);
    if (fd < 0)
        return -EBADF;
    call->args[0] = (uint64_t)fd;
    return nw_call_kernel_blocking(call);
}

/* A copy of a path in the domain's memory; page by page, since it may end right before unmapped memory. */
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

/* The fd, or negative errno. */
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
    if (path[0] != '/' || flags & (O_CREAT | O_TRUNC | O_PATH) || (flags & O_ACCMODE) != O_RDONLY)
        return path[0] == '/' && !is_library(path) ? -ENOENT : -EACCES;
    fd = open_path(call, path);
    if (fd < 0)
        return fd;
    return fd_add(call, fd, 0, is_library(path) && is_trusted(path, fd));
}

long nw_sys_open(struct nw_call *call)
{
    return open_common(call, call->args[0], call->args[1]);
}

long nw_sys_openat(struct nw_call *call)
{
    return open_common(call, call->args[1], call->args[2]);
}

long nw_sys_close(struct nw_call *call)
{
    struct nw_domain *d = call->domain;
    uint32_t number = (uint32_t)call->args[0];
    int fd = -1;

    pthread_mutex_lock(&d->memory_lock);
    if (number < NW_DOMAIN_FDS) {
        fd = d->fds[number].fd;
        d->fds[number].fd = -1;
    }
    pthread_mutex_unlock(&d->memory_lock);
    if (fd < 0)
        return number < FIRST_FREE ? 0 : -EBADF;
    close(fd);
    return 0;
}

static long stat_path(struct nw_call *call, uint64_t name, uint64_t to)
{
    char path[PATH_MAX];
    struct stat st;
    int fd = read_path(call, name, path);

    if (fd == 0)
        fd = open_path(call, path);
    if (fd < 0)
        return fd;
    int error = fstat(fd, &st) < 0 ? -errno : 0;
    close(fd);
    return error ? error : nw_call_write(call, to, &st, sizeof(st));
}

long nw_sys_stat(struct nw_call *call)
{
    return stat_path(call, call->args[0], call->args[1]);
}

/* The standard streams look like a device that is always there. */
static long stat_stream(struct nw_call *call, uint64_t to)
{
    struct stat st = {.st_mode = S_IFCHR | 0620, .st_nlink = 1, .st_blksize = (blksize_t)NW_PAGE_SIZE};

    return nw_call_write(call, to, &st, sizeof(st));
}

long nw_sys_fstatat(struct nw_call *call)
{
    char first;
    int fd = own_fd(call, call->args[0]);

    if (nw_call_read(call, &first, call->args[1], 1) < 0)
        return -EFAULT;
    if (first || !(call->args[3] & AT_EMPTY_PATH))
        return stat_path(call, call->args[1], call->args[2]);
    if (fd < 0)
        return (uint32_t)call->args[0] < FIRST_FREE ? stat_stream(call, call->args[2]) : -EBADF;
    call->number = SYS_fstat;
    call->args[0] = (uint64_t)fd;
    call->args[1] = call->args[2];
    return nw_call_kernel(call);
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

static long pipe_common(struct nw_call *call, uint64_t to, int flags)
{
    int ends[2];
    int32_t numbers[2];
    long first, second;

    if (pipe2(ends, (flags & O_NONBLOCK) | O_CLOEXEC) < 0)
        return -errno;
    first = fd_add(call, ends[0], 0, false);
    second = fd_add(call, ends[1], 0, false);
    if (first < 0 || second < 0)
        return -EMFILE;
    numbers[0] = (int32_t)first;
    numbers[1] = (int32_t)second;
    return nw_call_write(call, to, numbers, sizeof(numbers));
}

long nw_sys_pipe(struct nw_call *call)
{
    return pipe_common(call, call->args[0], 0);
}

long nw_sys_pipe2(struct nw_call *call)
{
    return pipe_common(call, call->args[0], (int)call->args[1]);
}

long nw_sys_eventfd(struct nw_call *call)
{
    int flags = (int)call->args[1] & (EFD_NONBLOCK | EFD_SEMAPHORE);

    return fd_add(call, eventfd((unsigned)call->args[0], flags | EFD_CLOEXEC), 0, false);
}

static long duplicate(struct nw_call *call, int fd, uint32_t from)
{
    return fd_add(call, fcntl(fd, F_DUPFD_CLOEXEC, 0), from, false);
}

long nw_sys_dup(struct nw_call *call)
{
    int fd = own_fd(call, call->args[0]);

    return fd < 0 ? -EBADF : duplicate(call, fd, 0);
}

long nw_sys_dup2(struct nw_call *call)
{
    struct nw_domain *d = call->domain;
    uint32_t to = (uint32_t)call->args[1];
    int fd = own_fd(call, call->args[0]), copy, old;

    if (fd < 0 || to >= NW_DOMAIN_FDS)
        return -EBADF;
    if (to == (uint32_t)call->args[0])
        return call->number == SYS_dup3 ? -EINVAL : (long)to;
    copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (copy < 0)
        return -errno;
    pthread_mutex_lock(&d->memory_lock);
    old = d->fds[to].fd;
    d->fds[to] = (struct nw_domain_fd){copy, false};
    pthread_mutex_unlock(&d->memory_lock);
    if (old >= 0)
        close(old);
    return to;
}

long nw_sys_fcntl(struct nw_call *call)
{
    int fd = own_fd(call, call->args[0]);

    if (fd < 0)
        return (uint32_t)call->args[0] < FIRST_FREE ? 0 : -EBADF;
    switch (call->args[1]) {
    case F_DUPFD:
    case F_DUPFD_CLOEXEC:
        return duplicate(call, fd, (uint32_t)call->args[2]);
    case F_GETFD:
    case F_SETFD:
        return 0;
    case F_SETFL:
        call->args[2] &= O_NONBLOCK;
        break;
    case F_GETFL:
        break;
    default:
        return -EINVAL;
    }
    call->args[0] = (uint64_t)fd;
    return nw_call_kernel(call);
}

long nw_sys_ioctl(struct nw_call *call)
{
    int fd = own_fd(call, call->args[0]);

    if (fd < 0 && (uint32_t)call->args[0] >= FIRST_FREE)
        return -EBADF;
    if (fd < 0 || call->args[1] != FIONREAD)
        return -ENOTTY;
    call->args[0] = (uint64_t)fd;
    return nw_call_kernel(call);
}

/* The numbers of the domain's files are translated in a copy; a bad one reads as POLLNVAL, as the kernel would say. */
long nw_sys_poll(struct nw_call *call)
{
    struct pollfd fds[NW_DOMAIN_FDS], real[NW_DOMAIN_FDS];
    uint64_t n = call->args[1];
    long result;

    if (n > NW_DOMAIN_FDS || nw_call_read(call, fds, call->args[0], n * sizeof(*fds)) < 0)
        return n > NW_DOMAIN_FDS ? -EINVAL : -EFAULT;
    memcpy(real, fds, n * sizeof(*fds));
    for (uint64_t i = 0; i < n; i++)
        if (fds[i].fd >= 0) {
            int fd = own_fd(call, (uint64_t)fds[i].fd);
            real[i].fd = fd < 0 ? INT_MAX : fd;
        }
    const uint64_t args[6] = {(uint64_t)real, n, call->args[2]};
    nw_executor_block(call->ex);
    result = nw_m.gate->syscall_as(0, SYS_poll, args);
    nw_executor_unblock(call->ex);
    for (uint64_t i = 0; i < n; i++)
        fds[i].revents = real[i].revents;
    return result >= 0 && nw_call_write(call, call->args[0], fds, n * sizeof(*fds)) < 0 ? -EFAULT : result;
}
