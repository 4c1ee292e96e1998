/* System calls by which the kernel copies from one open file to another, in pieces: see syscall_long.c. */
#include "worker/files.h"
#include "worker/syscall.h"
#include <errno.h>
#include <sys/stat.h>
#include <sys/syscall.h>

struct copy {
    int from, to;
    uint64_t from_at, to_at;       /* places in the files ... */
    bool has_from_at, has_to_at;   /* ... unless it is the file's own position */
    uint64_t from_place, to_place; /* where the domain keeps them */
    bool regular;
};

static bool is_regular(int fd)
{
    struct stat st;

    return fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
}

/* Places are the monitor's copies, so the kernel reads them with the monitor's rights. */
static long copy_piece(struct nw_call *call, struct copy *c, uint64_t length)
{
    const uint64_t from_at = c->has_from_at ? (uint64_t)&c->from_at : 0, to_at = c->has_to_at ? (uint64_t)&c->to_at : 0;
    const uint64_t sent[6] = {(uint64_t)c->to, (uint64_t)c->from, from_at, length};
    const uint64_t copied[6] = {(uint64_t)c->from, from_at, (uint64_t)c->to, to_at, length, 0};
    long n;

    if (c->regular)
        pthread_mutex_lock(&call->domain->move_lock);
    do
        n = nw_m.gate->syscall_as(0, call->number, call->number == SYS_sendfile ? sent : copied);
    while (nw_call_cut_short(call, n));
    if (c->regular)
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
    long result = -EBADF;

    c->from = nw_fd_use(call->domain, from);
    c->to = nw_fd_use(call->domain, to);
    if (c->from >= 0 && c->to >= 0)
        result = copy_files(call, c, length);
    if (c->from >= 0)
        nw_fd_done(call->domain, from);
    if (c->to >= 0)
        nw_fd_done(call->domain, to);
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
