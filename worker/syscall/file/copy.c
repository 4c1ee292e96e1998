/* System calls by which the kernel copies from one open file to another, in pieces: see syscall/move.c. */
#include "worker/base/config.h"
#include "worker/domain/domain.h"
#include "worker/executor/blocked.h"
#include "worker/files/disk.h"
#include "worker/files/files.h"
#include "worker/files/opened.h"
#include "worker/syscall/call.h"
#include "worker/syscall/handlers.h"
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

struct copy {
    int from, to;
    uint64_t from_at, to_at;       /* places in the files ... */
    bool has_from_at, has_to_at;   /* ... unless it is the file's own position */
    uint64_t from_place, to_place; /* where the domain keeps them */
    bool regular;
    struct nw_disk_file *disk; /* what the file that is written counts, or NULL */
};

static bool is_regular(int fd)
{
    struct stat st;

    return fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
}

/* Up to where it may write, as far as can be told before. */
static uint64_t end_of(const struct copy *c, uint64_t length)
{
    uint64_t at = c->has_to_at ? c->to_at : (uint64_t)lseek(c->to, 0, SEEK_CUR);
    struct stat st;

    if (fcntl(c->to, F_GETFL) & O_APPEND && fstat(c->to, &st) == 0)
        at = (uint64_t)st.st_size;
    return at > INT64_MAX ? 0 : at + length; /* 0: the kernel refuses it */
}

/* Places are the monitor's copies, so the kernel reads them with the monitor's rights. */
static long copy_now(struct nw_call *call, struct copy *c, uint64_t length)
{
    const uint64_t from_at = c->has_from_at ? (uint64_t)&c->from_at : 0, to_at = c->has_to_at ? (uint64_t)&c->to_at : 0;
    const uint64_t sent[6] = {(uint64_t)c->to, (uint64_t)c->from, from_at, length};
    const uint64_t copied[6] = {(uint64_t)c->from, from_at, (uint64_t)c->to, to_at, length, 0};
    long n;

    do
        n = nw_config()->gate->syscall_as(0, call->number, call->number == SYS_sendfile ? sent : copied);
    while (nw_call_cut_short(call, n));
    return n;
}

static long copy_counted(struct nw_call *call, struct copy *c, uint64_t length)
{
    struct nw_disk *disk = call->domain->files.disk;
    long n;

    if (!c->disk)
        return copy_now(call, c, length);
    n = nw_disk_write(disk, c->disk, c->to, end_of(c, length), false);
    if (n)
        return n;
    n = copy_now(call, c, length);
    nw_disk_wrote(disk, c->disk, c->to);
    return n;
}

static long copy_piece(struct nw_call *call, struct copy *c, uint64_t length)
{
    long n;

    if (!c->regular)
        return copy_counted(call, c, length);
    pthread_mutex_lock(&call->domain->move_lock);
    n = copy_counted(call, c, length);
    pthread_mutex_unlock(&call->domain->move_lock);
    return n;
}

static long copy_all(struct nw_call *call, struct copy *c, uint64_t length)
{
    uint64_t done = 0, piece;
    long n;

    do {
        piece = length - done < NW_MOVE_PIECE ? length - done : NW_MOVE_PIECE;
        n = nw_call_is_dying(call) ? -EINTR : copy_piece(call, c, piece);
        done += n > 0 ? (uint64_t)n : 0;
    } while (n == (long)piece && done < length);
    return done ? (long)done : n;
}

static int read_places(struct nw_call *call, struct copy *c)
{
    c->has_from_at = c->from_place != 0;
    c->has_to_at = c->to_place != 0;
    if (c->has_from_at && nw_call_read(call, &c->from_at, c->from_place, sizeof(c->from_at)) < 0)
        return -EFAULT;
    if (c->has_to_at && nw_call_read(call, &c->to_at, c->to_place, sizeof(c->to_at)) < 0)
        return -EFAULT;
    return 0;
}

static long write_places(struct nw_call *call, const struct copy *c, long result)
{
    if (c->has_from_at && nw_call_write(call, c->from_place, &c->from_at, sizeof(c->from_at)) < 0)
        return -EFAULT;
    if (c->has_to_at && nw_call_write(call, c->to_place, &c->to_at, sizeof(c->to_at)) < 0)
        return -EFAULT;
    return result;
}

/* From a regular file; a wait for any other to become ready would keep the whole of a piece waiting. */
static long copy_files(struct nw_call *call, struct copy *c, uint64_t length)
{
    int error = is_regular(c->from) ? read_places(call, c) : -EINVAL;
    long result;

    if (error)
        return error;
    c->regular = is_regular(c->to);
    if (!nw_call_block(call))
        return -EAGAIN;
    result = copy_all(call, c, length);
    nw_executor_unblock(call->ex);
    return write_places(call, c, result);
}

static long copy(struct nw_call *call, uint64_t from, uint64_t to, struct copy *c, uint64_t length)
{
    struct nw_domain_fd target = {.fd = -1};
    long result = -EBADF;

    c->from = nw_fd_use(&call->domain->files, from);
    c->to = nw_fd_use_file(&call->domain->files, to, &target);
    c->disk = target.opened && target.granted->writable ? target.opened->disk : NULL;
    if (c->from >= 0 && c->to >= 0)
        result = copy_files(call, c, length);
    if (c->from >= 0)
        nw_fd_done(&call->domain->files, from);
    if (c->to >= 0)
        nw_fd_done(&call->domain->files, to);
    return result;
}

long nw_sys_sendfile(struct nw_call *call)
{
    struct copy c = {.from_place = call->args[2]};

    return copy(call, call->args[1], call->args[0], &c, call->args[3]);
}

long nw_sys_copy_file_range(struct nw_call *call)
{
    struct copy c = {.from_place = call->args[1], .to_place = call->args[3]};

    return copy(call, call->args[0], call->args[2], &c, call->args[4]);
}
