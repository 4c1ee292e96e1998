/* System calls that wait for events of several files: epoll, and the timers that are files. */
#include "worker/domain/domain.h"
#include "worker/files/files.h"
#include "worker/files/watches.h"
#include "worker/syscall/call.h"
#include "worker/syscall/file/number.h"
#include "worker/syscall/handlers.h"
#include <errno.h>
#include <sys/timerfd.h>

long nw_sys_epoll_create(struct nw_call *call)
{
    int fd = epoll_create1(EPOLL_CLOEXEC);

    return fd < 0 ? -errno : nw_fd_add(&call->domain->files, (struct nw_domain_fd){.fd = fd, .epoll = true}, 0);
}

long nw_sys_epoll_ctl(struct nw_call *call)
{
    struct epoll_event event = {0};

    if (call->args[1] != EPOLL_CTL_DEL && nw_call_read(call, &event, call->args[3], sizeof(event)) < 0)
        return -EFAULT;
    return nw_watch_change(&call->domain->files, (uint32_t)call->args[0], (int)call->args[1], (uint32_t)call->args[2],
                           event);
}

static long epoll_wait_passed(struct nw_call *call)
{
    call->args[4] = 0; /* no mask */
    return nw_call_wait(call, false, call->args, 3);
}

long nw_sys_epoll_wait(struct nw_call *call)
{
    return nw__call_on_file(call, epoll_wait_passed);
}

long nw_sys_timerfd_create(struct nw_call *call)
{
    int fd = timerfd_create((int)call->args[0], (int)call->args[1] | TFD_CLOEXEC);

    return fd < 0 ? -errno : nw_fd_add(&call->domain->files, (struct nw_domain_fd){.fd = fd}, 0);
}
