/*
 * System calls that wait until one of several files is ready: poll, and select as a form of it. The numbers of the
 * domain's files are translated in a copy.
 */
#include "worker/domain/domain.h"
#include "worker/files/files.h"
#include "worker/syscall/call.h"
#include "worker/syscall/handlers.h"
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <time.h>

#define MS_OF_SECOND 1000
#define NS_OF_SECOND 1000000000
#define READABLE     (POLLIN | POLLRDNORM | POLLRDBAND | POLLHUP | POLLERR)
#define WRITABLE     (POLLOUT | POLLWRNORM | POLLWRBAND | POLLERR)
#define SETS         3

/* Fills in what is ready, and says for how many. A number that is none of the domain's reads as POLLNVAL, as the kernel
 * would say. `from`: where the domain has them; 0: not in this form. */
static long wait_for_files(struct nw_call *call, struct pollfd *fds, uint64_t n, uint64_t from, uint64_t timeout)
{
    struct pollfd real[NW_DOMAIN_FDS];
    uint64_t args[6] = {(uint64_t)real, n, timeout};
    long result;

    memcpy(real, fds, n * sizeof(*fds));
    for (uint64_t i = 0; i < n; i++) {
        int fd = fds[i].fd < 0 ? fds[i].fd : nw_fd_use(&call->domain->files, (uint64_t)fds[i].fd);

        real[i].fd = fds[i].fd >= 0 && fd < 0 ? INT_MAX : fd;
    }
    call->number = SYS_poll;
    result = nw_call_wait(call, true, args, 2);
    if (from && !nw_call_once(call) && nw_call_read(call, fds, from, n * sizeof(*fds)) < 0)
        return -EFAULT;
    for (uint64_t i = 0; i < n; i++) {
        fds[i].revents = real[i].revents;
        if (fds[i].fd >= 0 && real[i].fd != INT_MAX)
            nw_fd_done(&call->domain->files, (uint64_t)fds[i].fd);
    }
    return result;
}

/* From a time of a domain, whose fraction has so many parts to the ms, rounded up; without one it has no end. */
static int read_timeout(struct nw_call *call, uint64_t from, long parts, uint64_t *ms)
{
    const long long most = INT_MAX / MS_OF_SECOND - 1;
    struct timespec t; /* a timeval looks the same */

    *ms = UINT64_MAX;
    if (!from)
        return 0;
    if (nw_call_read(call, &t, from, sizeof(t)) < 0)
        return -EFAULT;
    if (t.tv_sec < 0 || t.tv_nsec < 0 || t.tv_nsec >= parts * MS_OF_SECOND)
        return -EINVAL;
    *ms = (uint64_t)((t.tv_sec < most ? t.tv_sec : most) * MS_OF_SECOND + (t.tv_nsec + parts - 1) / parts);
    return 0;
}

static long poll_common(struct nw_call *call, uint64_t timeout)
{
    const uint64_t at = call->args[0];
    struct pollfd fds[NW_DOMAIN_FDS];
    uint64_t n = call->args[1];
    long result;

    if (n > NW_DOMAIN_FDS)
        return -EINVAL;
    n = nw_index(n, NW_DOMAIN_FDS + 1);
    if (nw_call_read(call, fds, at, n * sizeof(*fds)) < 0)
        return -EFAULT;
    result = wait_for_files(call, fds, n, at, timeout);
    return result >= 0 && nw_call_write(call, at, fds, n * sizeof(*fds)) < 0 ? -EFAULT : result;
}

long nw_sys_poll(struct nw_call *call)
{
    return poll_common(call, call->args[2]);
}

long nw_sys_ppoll(struct nw_call *call)
{
    uint64_t timeout;
    int error = read_timeout(call, call->args[2], NS_OF_SECOND / MS_OF_SECOND, &timeout);

    return error ? error : poll_common(call, timeout);
}

/* ---- select ---- */

static const short asked[SETS] = {POLLIN | POLLRDNORM | POLLRDBAND, POLLOUT | POLLWRNORM | POLLWRBAND, POLLPRI};
static const short told[SETS] = {READABLE, WRITABLE, POLLPRI};

/* What is in the sets, as poll has it. How many; a number that no domain has is -EBADF. */
static int from_sets(const fd_set sets[SETS], int n, struct pollfd fds[NW_DOMAIN_FDS])
{
    int found = 0;

    for (int fd = 0; fd < n; fd++) {
        short events = 0;

        for (int k = 0; k < SETS; k++)
            events |= FD_ISSET(fd, &sets[k]) ? asked[k] : 0;
        if (events && fd >= NW_DOMAIN_FDS)
            return -EBADF;
        if (events)
            fds[found++] = (struct pollfd){.fd = fd, .events = events};
    }
    return found;
}

/* The other way: how many bits are set. */
static long to_sets(const struct pollfd *fds, int n, fd_set sets[SETS])
{
    fd_set before[SETS];
    long ready = 0;

    memcpy(before, sets, sizeof(before));
    memset(sets, 0, sizeof(before));
    for (int i = 0; i < n; i++) {
        if (fds[i].revents & POLLNVAL)
            return -EBADF;
        for (int k = 0; k < SETS; k++)
            if (FD_ISSET(fds[i].fd, &before[k]) && fds[i].revents & told[k]) {
                FD_SET(fds[i].fd, &sets[k]);
                ready++;
            }
    }
    return ready;
}

static long select_common(struct nw_call *call, long parts)
{
    const uint64_t at[SETS] = {call->args[1], call->args[2], call->args[3]};
    const int most = (int)call->args[0] < FD_SETSIZE ? (int)call->args[0] : FD_SETSIZE;
    const size_t size = most > 0 ? (size_t)(most + 63) / 64 * sizeof(uint64_t) : 0;
    struct pollfd fds[NW_DOMAIN_FDS];
    fd_set sets[SETS];
    uint64_t timeout;
    long result;
    int n;

    if (most < 0)
        return -EINVAL;
    memset(sets, 0, sizeof(sets));
    for (int k = 0; k < SETS; k++)
        if (at[k] && nw_call_read(call, &sets[k], at[k], size) < 0)
            return -EFAULT;
    n = read_timeout(call, call->args[4], parts, &timeout);
    n = n ? n : from_sets(sets, most, fds);
    result = n < 0 ? n : wait_for_files(call, fds, (uint64_t)n, 0, timeout);
    if (result >= 0)
        result = to_sets(fds, n, sets);
    for (int k = 0; k < SETS && result >= 0; k++)
        if (at[k] && nw_call_write(call, at[k], &sets[k], size) < 0)
            result = -EFAULT;
    return result;
}

long nw_sys_select(struct nw_call *call)
{
    return select_common(call, NS_OF_SECOND / MS_OF_SECOND / MS_OF_SECOND);
}

long nw_sys_pselect(struct nw_call *call)
{
    return select_common(call, NS_OF_SECOND / MS_OF_SECOND);
}
