/* Record locks by fcntl: see opened.h for whose they are. */
#include "worker/base/config.h"
#include "worker/domain/domain.h"
#include "worker/executor/blocked.h"
#include "worker/files/files.h"
#include "worker/files/locks.h"
#include "worker/files/opened.h"
#include "worker/files/ranges.h"
#include "worker/syscall/call.h"
#include "worker/syscall/handlers.h"
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* What the range is counted from, or negative errno. */
static int64_t base_of(int fd, short whence)
{
    struct stat st;
    off_t at;

    switch (whence) {
    case SEEK_SET:
        return 0;
    case SEEK_CUR:
        at = lseek(fd, 0, SEEK_CUR);
        return at < 0 ? -errno : at;
    case SEEK_END:
        return fstat(fd, &st) < 0 ? -errno : st.st_size;
    default:
        return -EINVAL;
    }
}

static int range_of(int fd, const struct flock *lock, struct nw_range *range)
{
    int64_t start = base_of(fd, lock->l_whence), last = INT64_MAX;

    if (start < 0)
        return (int)start;
    if (__builtin_add_overflow(start, lock->l_start, &start))
        return -EOVERFLOW;
    if (lock->l_len > 0 && __builtin_add_overflow(start, lock->l_len - 1, &last))
        return -EOVERFLOW;
    if (lock->l_len < 0) {
        last = start - 1;
        if (__builtin_add_overflow(start, lock->l_len, &start))
            return -EINVAL;
    }
    *range = (struct nw_range){(uint64_t)start, (uint64_t)last, lock->l_type};
    return start < 0 || last < 0 ? -EINVAL : 0;
}

/* A file that is open for reading only can be locked for reading only, and the other way round. */
static int check_rights(int fd, short type)
{
    int rights = fcntl(fd, F_GETFL) & O_ACCMODE;

    if (type != F_RDLCK && type != F_WRLCK && type != F_UNLCK)
        return -EINVAL;
    return (type == F_RDLCK && rights == O_WRONLY) || (type == F_WRLCK && rights == O_RDONLY) ? -EBADF : 0;
}

/* Who is in the way is told without a process: none of them is one that the domain could know. */
static long ask(struct nw_call *call, int fd, const struct nw_range *range)
{
    struct flock lock = {
        .l_type = range->type,
        .l_whence = SEEK_SET,
        .l_start = (off_t)range->start,
        .l_len = range->last == INT64_MAX ? 0 : (off_t)(range->last - range->start + 1),
    };

    if (range->type == F_UNLCK)
        return -EINVAL;
    if (fcntl(fd, F_OFD_GETLK, &lock) < 0)
        return -errno;
    lock.l_pid = lock.l_type == F_UNLCK ? 0 : -1;
    return nw_call_write(call, call->args[2], &lock, sizeof(lock)) < 0 ? -EFAULT : 0;
}

/* A kernel thread waits meanwhile. */
static long wait_in_kernel(void *who, int fd, struct flock *record)
{
    const uint64_t args[6] = {(uint64_t)fd, F_OFD_SETLKW, (uint64_t)record};
    struct nw_call *call = who;
    long result;

    do
        result = nw_config()->gate->syscall_as(0, SYS_fcntl, args);
    while (nw_call_cut_short(call, result));
    return result;
}

static long carry_out(struct nw_call *call, const struct nw_domain_fd *file, const struct nw_range *range)
{
    const uint64_t command = call->args[1];
    bool own = command == F_OFD_GETLK || command == F_OFD_SETLK || command == F_OFD_SETLKW;
    struct nw_lock_owner *owner = NULL;
    int error = 0;

    if (!own)
        owner = nw_lock_owner_of(&call->domain->files, file, &error);
    if (error)
        return error;
    if (command == F_GETLK || command == F_OFD_GETLK)
        return ask(call, own ? file->fd : owner->fd, range);
    return nw_locks_set(&call->domain->account, own ? &file->opened->locks : &owner->locks, own ? file->fd : owner->fd,
                        range, command == F_SETLKW || command == F_OFD_SETLKW ? wait_in_kernel : NULL, call);
}

static long lock_file(struct nw_call *call, const struct nw_domain_fd *file)
{
    struct nw_range range;
    struct flock lock;
    long result;

    if (!file->opened)
        return -EINVAL;
    if (nw_call_read(call, &lock, call->args[2], sizeof(lock)) < 0)
        return -EFAULT;
    result = check_rights(file->fd, lock.l_type);
    if (!result)
        result = range_of(file->fd, &lock, &range);
    if (result)
        return result;
    if (!nw_call_block(call)) /* a file system of the network asks elsewhere */
        return -EAGAIN;
    result = carry_out(call, file, &range);
    nw_executor_unblock(call->ex);
    return result;
}

long nw__sys_lock(struct nw_call *call)
{
    struct nw_domain_fd file;
    int fd = nw_fd_use_file(&call->domain->files, call->args[0], &file);
    long result;

    if (fd < 0)
        return fd;
    result = lock_file(call, &file);
    nw_fd_done(&call->domain->files, call->args[0]);
    return result;
}
