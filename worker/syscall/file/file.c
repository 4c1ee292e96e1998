/*
 * System calls on open files of a domain. Its numbers are translated and nothing else is: the kernel sees the domain's
 * pointers with the domain's rights. What it writes to standard output and error becomes log lines.
 */
#include "common/base/log.h"
#include "worker/base/limits.h"
#include "worker/domain/domain.h"
#include "worker/domain/slot.h"
#include "worker/files/files.h"
#include "worker/files/opened.h"
#include "worker/lines/lines.h"
#include "worker/syscall/call.h"
#include "worker/syscall/file/number.h"
#include "worker/syscall/handlers.h"
#include "worker/wire/link.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define LOG_WRITE_MAX (64ul << 10) /* a longer write is a short one */
#define LOG_PIECE     1024         /* so that lines of others wait for no more */

static bool is_stream(uint64_t number)
{
    return (uint32_t)number < NW_FD_FIRST;
}

long nw_sys_file_waiting(struct nw_call *call)
{
    return nw__call_on_file(call, nw_call_kernel_blocking);
}

long nw_sys_file(struct nw_call *call)
{
    return nw__call_on_file(call, nw_call_kernel);
}

long nw_sys_read(struct nw_call *call)
{
    bool input = (uint32_t)call->args[0] == STDIN_FILENO;
    long result = nw__call_on_file(call, nw_call_kernel_blocking);

    return result == -EBADF && input ? 0 : result;
}

/* Callers wait as long as their callee runs, so that nobody ends them meanwhile. */
static struct nw_line_writer writer_of(const struct nw_slot *slot)
{
    const struct nw_slot *first = slot;
    struct nw_line_writer writer = {
        .thread = slot, .sequence = slot->sequence, .slot = (uint16_t)(slot - slot->domain->slots)};

    while (first->caller)
        first = first->caller;
    if (first->from_ring) {
        writer.invocation = first->invocation.id;
        writer.channel = (uint8_t)nw_link_number(first->invocation.link);
    }
    return writer;
}

static long log_bytes(struct nw_call *call, uint64_t from, uint64_t length)
{
    const struct nw_line_writer writer = writer_of(call->slot);
    char text[LOG_PIECE];
    size_t n = length < LOG_WRITE_MAX ? length : LOG_WRITE_MAX;

    for (size_t done = 0, piece; done < n; done += piece) {
        piece = nw_least(n - done, sizeof(text));
        if (nw_call_read(call, text, from + done, piece) < 0)
            return done ? (long)done : -EFAULT;
        nw_lines_add(&call->domain->lines, writer, (int)(uint32_t)call->args[0], text, piece);
    }
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
    long result = nw__call_on_file(call, nw_call_kernel_blocking);

    if (result != -EBADF || (number != STDOUT_FILENO && number != STDERR_FILENO))
        return result;
    return call->number == SYS_writev ? log_vector(call) : log_bytes(call, call->args[1], call->args[2]);
}

long nw_sys_close(struct nw_call *call)
{
    long result = nw_fd_close(&call->domain->files, call->args[0]);

    return result < 0 && is_stream(call->args[0]) ? 0 : result;
}

/* The standard streams look like a device that is always there. */
long nw_sys_fstat(struct nw_call *call)
{
    struct stat st = {.st_mode = S_IFCHR | 0620, .st_nlink = 1, .st_blksize = (blksize_t)NW_PAGE_SIZE};
    bool stream = is_stream(call->args[0]);
    long result = nw__call_on_file(call, nw_call_kernel);

    return result == -EBADF && stream ? nw_call_write(call, call->args[1], &st, sizeof(st)) : result;
}

static long pipe_common(struct nw_call *call, uint64_t to, int flags)
{
    int ends[2];

    if (pipe2(ends, (flags & O_NONBLOCK) | O_CLOEXEC) < 0)
        return -errno;
    return nw__call_two_files(call, ends, to);
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

    return nw__call_adopt(call, eventfd((unsigned)call->args[0], flags | EFD_CLOEXEC), 0);
}

/* A second kernel fd for the same open file. 0 or negative errno. */
static int duplicate(struct nw_call *call, struct nw_domain_fd *copy)
{
    struct nw_domain_fd file;
    int fd = nw_fd_use_file(&call->domain->files, call->args[0], &file);

    if (fd < 0)
        return fd;
    fd = file.epoll ? -EINVAL : nw_fd_duplicate(&call->domain->files, &file, copy);
    nw_fd_done(&call->domain->files, call->args[0]);
    return fd;
}

static long duplicate_from(struct nw_call *call, uint64_t from)
{
    struct nw_domain_fd copy;
    int error = duplicate(call, &copy);

    return error ? error : nw_fd_add(&call->domain->files, copy, from);
}

long nw_sys_dup(struct nw_call *call)
{
    return duplicate_from(call, 0);
}

long nw_sys_dup2(struct nw_call *call)
{
    uint32_t to = (uint32_t)call->args[1];
    struct nw_domain_fd copy;
    int error;

    if (to == (uint32_t)call->args[0])
        return call->number == SYS_dup3 ? -EINVAL : (long)to;
    error = duplicate(call, &copy);
    return error ? error : nw_fd_put(&call->domain->files, to, copy);
}

long nw_sys_fcntl(struct nw_call *call)
{
    bool stream = is_stream(call->args[0]);
    long result;

    switch (call->args[1]) {
    case F_DUPFD:
    case F_DUPFD_CLOEXEC:
        return duplicate_from(call, call->args[2]);
    case F_GETFD:
    case F_SETFD:
        return 0;
    case F_GETLK:
    case F_SETLK:
    case F_SETLKW:
    case F_OFD_GETLK:
    case F_OFD_SETLK:
    case F_OFD_SETLKW:
        return nw__sys_lock(call);
    case F_SETFL:
        call->args[2] &= O_NONBLOCK | O_APPEND;
        break;
    default: /* F_GETFL */
        break;
    }
    result = nw__call_on_file(call, nw_call_kernel);
    return result == -EBADF && stream ? 0 : result;
}

long nw_sys_ioctl(struct nw_call *call)
{
    return nw__call_on_file(call, nw_call_kernel);
}
