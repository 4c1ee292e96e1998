/* The table of kernel.h, from kernel.def. */
#include "common/calls/kernel.h"
#include "common/manifest/manifest.h"
#include <fcntl.h>
#include <linux/membarrier.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#ifndef PR_SET_SYSCALL_USER_DISPATCH
#define PR_SET_SYSCALL_USER_DISPATCH 59
#endif
#define OPEN_CHANGES   (O_ACCMODE | O_CREAT | O_TRUNC | (O_TMPFILE & ~O_DIRECTORY))
#define CONTROL_SOCKET 3
#define THIS_PROCESS   0xffffd8f0 /* PIDFD_SELF_THREAD_GROUP, which the headers of Debian 12 do not have */
#define NAMESPACES \
    (CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET)

const struct nw_kernel_line nw_kernel_lines[] = {
#define COMPUTE                                              NW_PROFILE_COMPUTE
#define NET                                                  NW_PROFILE_NET
#define FILES                                                NW_PROFILE_FILES
#define ANY                                                  0
#define ALL                                                  UINT32_MAX
#define OWN_PID                                              NW_KERNEL_OWN_PID
#define KERNEL(name, profiles, mask, argument, value, words) {SYS_##name, profiles, mask, argument, value},
#include "common/calls/kernel.def"
#undef KERNEL
};

const size_t nw_kernel_n_lines = sizeof(nw_kernel_lines) / sizeof(nw_kernel_lines[0]);

bool nw_kernel_is_for(const struct nw_kernel_line *line, uint32_t profile)
{
    return line->profiles & (profile | NW_PROFILE_COMPUTE);
}

uint32_t nw_kernel_value(const struct nw_kernel_line *line, uint32_t pid)
{
    return line->value == NW_KERNEL_OWN_PID ? pid : line->value;
}
