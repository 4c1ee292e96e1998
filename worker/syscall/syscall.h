/*
 * System calls of a domain. A handler gets the call and returns what the system call returns; one that makes its flow
 * wait or end says so in `parked`. Handlers run on the executor, with the monitor's rights, without locks held.
 */
#ifndef NW_WORKER_SYSCALL_SYSCALL_H
#define NW_WORKER_SYSCALL_SYSCALL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct nw_call {
    struct nw_executor *ex;
    struct nw_slot *slot;
    struct nw_domain *domain;
    long number;
    uint64_t args[6];
    struct nw_disk_file *disk; /* what the file that it is about counts, or NULL */
    bool starved;              /* it may take long and cannot yet: unless its result is used, it is made again */
    uint64_t until;            /* with a time limit: when it is over, ns of CLOCK_MONOTONIC; 0: there is none */
    uint64_t turn_until;       /* it has its domain's move_lock, until then; 0: it does not */
    bool interrupted;          /* by a signal, whose handler says whether it is made again */
    bool resumed;              /* the registers are as they shall be: there is no result */
    bool parked;               /* the slot waits, was handed on or is gone: it must not be touched any more */
};

typedef long nw_syscall_handler(struct nw_call *call);

/* policy.c: carries out a call, whoever caught it: ex, slot, domain, number and args are set. Returns what the system
 * call returns; nothing when it says `parked`. */
long nw_syscall(struct nw_call *call);

/* The call is refused: EPERM, counted, and logged once for each number and version of the function. */
long nw_call_refuse(struct nw_call *call);

/* Hands the call to the kernel with the domain's rights, arguments as they are in `call`. */
long nw_call_kernel(struct nw_call *call);

/* Before what may take long: another executor gets this one's token; nw_executor_unblock afterwards. False: the call is
 * starved, and nothing of it may be done that cannot be done again. */
bool nw_call_block(struct nw_call *call);

bool nw_call_is_dying(const struct nw_call *call); /* its domain: what is cut in pieces ends */

/* What is moved in one piece: less than 100 us from the page cache to memory that is there. */
#define NW_MOVE_PIECE (256ul << 10)

/* Hands a call that may take long to the kernel, those that move much from or to a regular file in pieces. */
long nw_call_kernel_blocking(struct nw_call *call);

/* cut.c: a call between nw_executor_block and nw_executor_unblock that a kick cut short is to be made again. False: it
 * was not cut short, or its domain is dying. */
bool nw_call_cut_short(struct nw_call *call, long result);

/* call->number with these arguments, and the monitor's own rights or those of the domain; of the arguments `timeout_at`
 * is a timeout in ms; waits like the above. Where it cannot, it looks once. */
long nw_call_wait(struct nw_call *call, bool own, uint64_t args[6], int timeout_at);

/* Passes a call on that has a file's number as its first argument, with the kernel's number in its place. */
long nw_call_on_file(struct nw_call *call, long (*pass)(struct nw_call *));

/* The domain takes over two files that belong together, and their numbers are stored at `to`; or neither. */
long nw_call_two_files(struct nw_call *call, const int ends[2], uint64_t to);

/* Copies between monitor and domain; -EFAULT unless the domain's side lies wholly inside its range and is mapped. */
int nw_call_read(const struct nw_call *call, void *to, uint64_t from, size_t length);
int nw_call_write(const struct nw_call *call, uint64_t to, const void *from, size_t length);

/* What was copied and checked is used, not what it was copied from. False only where that is left out, and then a race
 * with those who change it is soon won. */
bool nw_call_once(struct nw_call *call);

/* syscall.c */
nw_syscall_handler nw_sys_zero, nw_sys_one, nw_sys_missing, nw_sys_mmap, nw_sys_munmap;
nw_syscall_handler nw_sys_mprotect, nw_sys_mremap, nw_sys_madvise, nw_sys_msync, nw_sys_brk, nw_sys_prlimit,
    nw_sys_affinity;

/* syscall/long.c */
nw_syscall_handler nw_sys_getrandom;

/* syscall/file/file.c */
nw_syscall_handler nw_sys_read, nw_sys_write, nw_sys_file, nw_sys_file_waiting, nw_sys_fstat, nw_sys_close, nw_sys_pipe,
    nw_sys_pipe2;
nw_syscall_handler nw_sys_eventfd, nw_sys_dup, nw_sys_dup2, nw_sys_fcntl, nw_sys_ioctl;

/* syscall/poll.c */
nw_syscall_handler nw_sys_poll, nw_sys_ppoll, nw_sys_select, nw_sys_pselect;

/* syscall/file/path.c */
nw_syscall_handler nw_sys_open, nw_sys_openat, nw_sys_creat, nw_sys_stat, nw_sys_fstatat, nw_sys_access,
    nw_sys_faccessat;
nw_syscall_handler nw_sys_readlink, nw_sys_readlinkat;

/* syscall/file/cwd.c */
nw_syscall_handler nw_sys_getcwd, nw_sys_chdir, nw_sys_fchdir;

/* syscall/file/name.c */
nw_syscall_handler nw_sys_mkdir, nw_sys_mkdirat, nw_sys_unlink, nw_sys_rmdir, nw_sys_unlinkat, nw_sys_rename;
nw_syscall_handler nw_sys_renameat;

/* syscall/file/change.c */
nw_syscall_handler nw_sys_truncate, nw_sys_chmod, nw_sys_fchmodat, nw_sys_fchmod, nw_sys_utimensat, nw_sys_statfs;
nw_syscall_handler nw_sys_fstatfs, nw_sys_symlink, nw_sys_symlinkat, nw_sys_link, nw_sys_linkat, nw_sys_chown;

/* syscall/file/lock.c: what fcntl does with locks */
nw_syscall_handler nw_sys_lock;

/* syscall/file/copy.c */
nw_syscall_handler nw_sys_sendfile, nw_sys_copy_file_range;

/* syscall/socket.c */
nw_syscall_handler nw_sys_socket, nw_sys_socketpair, nw_sys_connect, nw_sys_sendto, nw_sys_sendmsg, nw_sys_sendmmsg,
    nw_sys_receive;

/* syscall/event.c */
nw_syscall_handler nw_sys_epoll_create, nw_sys_epoll_ctl, nw_sys_epoll_wait, nw_sys_timerfd_create;

/* syscall/flow.c */
nw_syscall_handler nw_sys_clone, nw_sys_exit, nw_sys_exit_group, nw_sys_futex, nw_sys_nanosleep;
nw_syscall_handler nw_sys_clock_nanosleep, nw_sys_yield, nw_sys_gettid, nw_sys_set_tid_address, nw_sys_arch_prctl;

/* syscall/signal.c */
nw_syscall_handler nw_sys_sigaction, nw_sys_sigprocmask, nw_sys_sigpending, nw_sys_sigaltstack, nw_sys_kill,
    nw_sys_tkill;
nw_syscall_handler nw_sys_sigreturn, nw_sys_pause, nw_sys_sigsuspend, nw_sys_sigtimedwait;

/* syscall/timer.c */
nw_syscall_handler nw_sys_alarm, nw_sys_setitimer, nw_sys_getitimer, nw_sys_timer_create, nw_sys_timer_settime;
nw_syscall_handler nw_sys_timer_gettime, nw_sys_timer_getoverrun, nw_sys_timer_delete;

#endif
