/*
 * System calls that may take long. Those that sleep, or that move much, keep a kernel thread meanwhile, which each
 * domain has only so many of; a call that finds none left has not begun, and its flow makes it again (blocked.c). What
 * the kernel does not let a signal interrupt is cut in pieces, between which the end of the domain is noticed.
 */
#include "common/base/atomic.h"
#include "worker/base/config.h"
#include "worker/base/limits.h"
#include "worker/base/now.h"
#include "worker/domain/domain.h"
#include "worker/executor/blocked.h"
#include "worker/files/disk.h"
#include "worker/syscall/call.h"
#include "worker/syscall/handlers.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define LIST_MAX 16                        /* that are moved without waiting */
#define MOST     (INT_MAX & -NW_PAGE_SIZE) /* what the kernel moves at a time */
#define PIECE    NW_MOVE_PIECE
#define TURN_NS  2000000ull

static long kernel_waiting(struct nw_call *call)
{
    long result;

    do
        result = nw_call_kernel(call);
    while (nw_call_cut_short(call, result));
    return result;
}

/* Up to where it may write, as far as can be told before; afterwards the file is looked at. 0 where the kernel refuses.
 */
static uint64_t end_of_write(const struct nw_call *call)
{
    const uint64_t *args = call->args;
    int fd = (int)args[0];
    uint64_t at, length = args[2] < MOST ? args[2] : MOST;
    struct stat st;

    if (call->number == SYS_ftruncate)
        return args[1] > INT64_MAX ? 0 : args[1];
    if (call->number == SYS_fallocate) {
        at = args[2];
        length = args[3];
    } else if (fcntl(fd, F_GETFL) & O_APPEND) {
        at = fstat(fd, &st) < 0 ? 0 : (uint64_t)st.st_size;
    } else {
        at = call->number == SYS_pwrite64 ? args[3] : (uint64_t)lseek(fd, 0, SEEK_CUR);
    }
    return at > INT64_MAX || length > INT64_MAX ? 0 : at + length > INT64_MAX ? INT64_MAX : at + length;
}

static bool may_lengthen(const struct nw_call *call)
{
    return call->number == SYS_write || call->number == SYS_pwrite64 || call->number == SYS_ftruncate ||
           (call->number == SYS_fallocate && !(call->args[1] & FALLOC_FL_KEEP_SIZE));
}

/* What makes a file longer is counted. */
static long counted(struct nw_call *call)
{
    struct nw_disk *disk = call->domain->files.disk;
    bool sets_length = call->number == SYS_ftruncate;
    int fd = (int)call->args[0];
    long result;

    if (!call->disk || !may_lengthen(call))
        return kernel_waiting(call);
    result = nw_disk_write(disk, call->disk, fd, end_of_write(call), sets_length);
    if (result)
        return result;
    result = kernel_waiting(call);
    nw_disk_wrote(disk, call->disk, fd);
    return result;
}

/*
 * What comes from memory keeps a processor: one flow of a domain at a time, for a turn of several pieces. Were it one
 * piece, each would wake the next in line, and all of them keep a processor busy with nothing but taking turns.
 */
static void turn_begin(struct nw_call *call)
{
    if (call->turn_until)
        return;
    pthread_mutex_lock(&call->domain->move_lock);
    call->turn_until = nw_now() + TURN_NS;
}

static void turn_end(struct nw_call *call)
{
    if (!call->turn_until)
        return;
    call->turn_until = 0;
    pthread_mutex_unlock(&call->domain->move_lock);
}

static long piece(struct nw_call *call)
{
    long n;

    turn_begin(call);
    n = nw_call_is_dying(call) ? -EINTR : counted(call);
    if (nw_now() >= call->turn_until)
        turn_end(call);
    return n;
}

long nw__call_move(struct nw_call *call, int at, int offset, uint64_t most)
{
    const uint64_t start = call->args[at], length = call->args[at + 1], from = call->args[offset];
    uint64_t done = 0, step;
    long n;

    do {
        step = length - done < most ? length - done : most;
        call->args[at] = start + done;
        call->args[at + 1] = step;
        if (offset)
            call->args[offset] = from + done;
        n = piece(call);
        done += n > 0 ? (uint64_t)n : 0;
    } while (n == (long)step && done < length && !nw_call_is_dying(call));
    turn_end(call);
    return done ? (long)done : n;
}

/* The call for one buffer that does what this one does for many; 0: it is none of these. */
static long single(long number)
{
    switch (number) {
    case SYS_readv:
        return SYS_read;
    case SYS_writev:
        return SYS_write;
    case SYS_preadv:
        return SYS_pread64;
    case SYS_pwritev:
        return SYS_pwrite64;
    default:
        return 0;
    }
}

static long move_many(struct nw_call *call, int offset_at)
{
    const uint64_t list = call->args[1], count = call->args[2], offset = call->args[3];
    struct iovec one = {0};
    uint64_t done = 0;
    long n = 0;

    if (count > IOV_MAX)
        return -EINVAL;
    call->number = single(call->number);
    for (uint64_t i = 0; i < count && n == (long)one.iov_len && !nw_call_is_dying(call); i++) {
        if (nw_call_read(call, &one, list + i * sizeof(one), sizeof(one)) < 0)
            return done ? (long)done : -EFAULT;
        call->args[1] = (uint64_t)one.iov_base;
        call->args[2] = one.iov_len;
        if (offset_at)
            call->args[offset_at] = offset + done;
        n = nw__call_move(call, 1, offset_at, PIECE);
        done += n > 0 ? (uint64_t)n : 0;
    }
    return done ? (long)done : n;
}

/* Whether it moves more than a piece, as far as can be told without the kernel. */
static bool moves_much(struct nw_call *call)
{
    const uint64_t list = call->args[1], count = call->args[2];
    struct iovec piece;
    uint64_t sum = 0;

    if (!single(call->number))
        return count > PIECE && count <= MOST;
    for (uint64_t i = 0; i < count && i < IOV_MAX && sum <= PIECE; i++) {
        if (nw_call_read(call, &piece, list + i * sizeof(piece), sizeof(piece)) < 0)
            return false; /* the kernel says so */
        sum += piece.iov_len < PIECE ? piece.iov_len : PIECE + 1;
    }
    return sum > PIECE;
}

static bool is_regular(const struct nw_call *call)
{
    struct stat st;

    return fstat((int)call->args[0], &st) == 0 && S_ISREG(st.st_mode);
}

/* A list of pieces could be another one when the kernel reads it: what is counted is written piece by piece. */
static bool goes_singly(struct nw_call *call)
{
    bool writes = call->number == SYS_writev || call->number == SYS_pwritev;

    return (moves_much(call) || (call->disk && writes)) && is_regular(call);
}

static long carry_out(struct nw_call *call)
{
    switch (call->number) {
    case SYS_read:
    case SYS_write:
        return moves_much(call) && is_regular(call) ? nw__call_move(call, 1, 0, PIECE) : counted(call);
    case SYS_pread64:
    case SYS_pwrite64:
        return moves_much(call) && is_regular(call) ? nw__call_move(call, 1, 3, PIECE) : counted(call);
    case SYS_readv:
    case SYS_writev:
        return goes_singly(call) ? move_many(call, 0) : kernel_waiting(call);
    case SYS_preadv:
    case SYS_pwritev:
        return goes_singly(call) ? move_many(call, 3) : kernel_waiting(call);
    default:
        return counted(call);
    }
}

/* The memory of a call that reads or writes, as pieces that lie in the domain: how many, or negative errno. */
static int pieces_of(struct nw_call *call, struct iovec pieces[LIST_MAX])
{
    uint64_t n = single(call->number) ? call->args[2] : 1;

    n = nw_least(n, LIST_MAX); /* the function will call again for the rest */
    if (!single(call->number))
        pieces[0] = (struct iovec){(void *)call->args[1], call->args[2]};
    else if (nw_call_read(call, pieces, call->args[1], n * sizeof(*pieces)) < 0)
        return -EFAULT;
    for (uint64_t i = 0; i < n; i++)
        if (!nw_domain_holds(call->domain, (uint64_t)pieces[i].iov_base, pieces[i].iov_len))
            return -EFAULT;
    return (int)n;
}

/*
 * What can be done without waiting, of a pipe or a socket: -EAGAIN when that is nothing. The list of pieces is the
 * monitor's, so the kernel reads it with the monitor's rights; what it names lies in the domain.
 */
static long at_once(struct nw_call *call)
{
    bool writes = call->number == SYS_write || call->number == SYS_writev;
    struct iovec pieces[LIST_MAX];
    int n = pieces_of(call, pieces);
    const uint64_t args[6] = {call->args[0], (uint64_t)pieces, (uint64_t)n, UINT64_MAX, UINT64_MAX, RWF_NOWAIT};
    long result = n < 0 ? n : nw_config()->gate->syscall_as(0, writes ? SYS_pwritev2 : SYS_preadv2, args);

    return result == -EOPNOTSUPP ? -EAGAIN : result;
}

static bool reads_or_writes(long number)
{
    return number == SYS_read || number == SYS_write || number == SYS_readv || number == SYS_writev;
}

/* No kernel thread can be spared. What can be done at once is, for somebody may wait for it who keeps one. */
static long starved(struct nw_call *call)
{
    bool regular = is_regular(call), sleeps = !(fcntl((int)call->args[0], F_GETFL) & O_NONBLOCK);
    long result = -EAGAIN;

    if (nw_without(NW_DEFENCE_WAITING))
        return nw_call_kernel(call);
    if (reads_or_writes(call->number) && !regular)
        result = at_once(call);
    call->starved = result == -EAGAIN && (sleeps || regular);
    return result;
}

long nw_call_kernel_blocking(struct nw_call *call)
{
    long result;

    if (!nw_call_block(call))
        return starved(call);
    result = carry_out(call);
    nw_executor_unblock(call->ex);
    return result;
}
