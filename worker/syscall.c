/*
 * The policy: every system call a domain may make, in one table, and what becomes of it. A number that is not in the
 * table is refused with EPERM, counted, and logged once per domain. Nothing here looks at what a call does; see
 * syscall_file.c, syscall_path.c, syscall_flow.c and memory.c.
 */
#include "worker/syscall.h"
#include "common/atomic.h"
#include "common/log.h"
#include "protect/shortcut.h"
#include <errno.h>
#include <linux/audit.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#define THREAD_STACK (1ul << 20) /* what a function's own threads get when they do not say */

int nw_call_read(const struct nw_call *call, void *to, uint64_t from, size_t length)
{
    if (!nw_domain_holds(call->domain, from, length))
        return -EFAULT;
    return nw_gate_copy(to, (const void *)from, length);
}

int nw_call_write(const struct nw_call *call, uint64_t to, const void *from, size_t length)
{
    if (!nw_domain_holds(call->domain, to, length))
        return -EFAULT;
    return nw_gate_copy((void *)to, from, length);
}

long nw_call_kernel(struct nw_call *call)
{
    return nw_m.gate->syscall_as(call->slot->gate.pkru, call->number, call->args);
}

long nw_call_kernel_blocking(struct nw_call *call)
{
    struct stat st;
    long result;

    if (nw_executor_block(call->ex) < 0) /* a regular file is always ready */
        return fstat((int)call->args[0], &st) == 0 && S_ISREG(st.st_mode) ? nw_call_kernel(call) : -EAGAIN;
    result = nw_call_kernel(call);
    nw_executor_unblock(call->ex);
    return result;
}

static long sys_zero(struct nw_call *call)
{
    (void)call;
    return 0;
}

static long sys_one(struct nw_call *call)
{
    (void)call;
    return 1;
}

static long sys_missing(struct nw_call *call)
{
    (void)call;
    return -ENOSYS;
}

static long sys_absent(struct nw_call *call)
{
    (void)call;
    return -ENOENT;
}

static long sys_refuse(struct nw_call *call)
{
    struct nw_domain *d = call->domain;
    unsigned bit = (unsigned)call->number & 511;

    if (!(nw_fetch_or(&d->refused[bit / 64], 1ull << bit % 64) & 1ull << bit % 64)) /* once; pairs with itself */
        nw_log(NW_LOG_WARN, "function %s: system call %ld refused at %#lx", d->function->name, call->number,
               call->slot->gate.regs.rip);
    return -EPERM;
}

/* The previous handler or mask reads as empty: there is none, since no signal ever reaches a domain. */
static long sys_signals(struct nw_call *call)
{
    static const uint8_t none[32];
    size_t size = call->number == SYS_rt_sigaction ? sizeof(none) : 8;

    if (call->args[2] == 0)
        return 0;
    return nw_call_write(call, call->args[2], none, size);
}

static long sys_mmap(struct nw_call *call)
{
    return nw_memory_map(call->domain, call->args);
}

static long sys_munmap(struct nw_call *call)
{
    return nw_memory_unmap(call->domain, call->args[0], call->args[1]);
}

static long sys_mprotect(struct nw_call *call)
{
    return nw_memory_protect(call->domain, call->args[0], call->args[1], call->args[2]);
}

static long sys_mremap(struct nw_call *call)
{
    return nw_memory_remap(call->domain, call->args);
}

static long sys_madvise(struct nw_call *call)
{
    return nw_memory_advise(call->domain, call->args[0], call->args[1], call->args[2]);
}

/* There is no heap segment: malloc takes its memory from mmap. */
static long sys_brk(struct nw_call *call)
{
    return (long)call->domain->base;
}

static long sys_prlimit(struct nw_call *call)
{
    const struct rlimit stack = {THREAD_STACK, THREAD_STACK}, none = {RLIM_INFINITY, RLIM_INFINITY};

    if (call->args[2])
        return -EPERM;
    return call->args[3]
               ? nw_call_write(call, call->args[3], call->args[1] == RLIMIT_STACK ? &stack : &none, sizeof(stack))
               : 0;
}

static long sys_affinity(struct nw_call *call)
{
    call->args[0] = 0;
    return nw_call_kernel(call);
}

/* Naming a thread is the one thing that does no harm and that programs expect to work. */
static long sys_prctl(struct nw_call *call)
{
    enum { SET_NAME = 15 };

    return call->args[0] == SET_NAME ? 0 : sys_refuse(call);
}

/* clang-format off */
static nw_syscall_handler *const policy[512] = {
    /* memory: its own range, its own key, within its limit */
    [SYS_mmap] = sys_mmap, [SYS_munmap] = sys_munmap, [SYS_mprotect] = sys_mprotect, [SYS_mremap] = sys_mremap,
    [SYS_madvise] = sys_madvise, [SYS_brk] = sys_brk,
    /* its own files */
    [SYS_read] = nw_sys_read, [SYS_readv] = nw_sys_read, [SYS_pread64] = nw_sys_file, [SYS_preadv] = nw_sys_file,
    [SYS_write] = nw_sys_write, [SYS_writev] = nw_sys_write, [SYS_lseek] = nw_sys_file, [SYS_fstat] = nw_sys_fstat,
    [SYS_getdents64] = nw_sys_file, [SYS_close] = nw_sys_close, [SYS_dup] = nw_sys_dup, [SYS_dup2] = nw_sys_dup2,
    [SYS_dup3] = nw_sys_dup2, [SYS_fcntl] = nw_sys_fcntl, [SYS_ioctl] = nw_sys_ioctl, [SYS_poll] = nw_sys_poll,
    [SYS_pipe] = nw_sys_pipe, [SYS_pipe2] = nw_sys_pipe2, [SYS_eventfd2] = nw_sys_eventfd,
    [SYS_open] = nw_sys_open, [SYS_openat] = nw_sys_openat, [SYS_stat] = nw_sys_stat, [SYS_lstat] = nw_sys_stat,
    [SYS_newfstatat] = nw_sys_fstatat, [SYS_access] = nw_sys_access, [SYS_faccessat] = nw_sys_faccessat,
    [SYS_faccessat2] = nw_sys_faccessat, [SYS_readlink] = sys_absent, [SYS_readlinkat] = sys_absent,
    [SYS_getcwd] = sys_absent,
    /* its own flows */
    [SYS_clone] = nw_sys_clone, [SYS_exit] = nw_sys_exit, [SYS_exit_group] = nw_sys_exit_group,
    [SYS_kill] = nw_sys_kill, [SYS_tkill] = nw_sys_kill, [SYS_tgkill] = nw_sys_kill, [SYS_futex] = nw_sys_futex,
    [SYS_nanosleep] = nw_sys_nanosleep, [SYS_clock_nanosleep] = nw_sys_clock_nanosleep,
    [SYS_pause] = nw_sys_pause, [SYS_sched_yield] = nw_sys_yield, [SYS_gettid] = nw_sys_gettid,
    [SYS_set_tid_address] = nw_sys_set_tid_address, [SYS_arch_prctl] = nw_sys_arch_prctl,
    /* time and randomness, with the domain's rights */
    [SYS_clock_gettime] = nw_call_kernel, [SYS_clock_getres] = nw_call_kernel, [SYS_gettimeofday] = nw_call_kernel,
    [SYS_time] = nw_call_kernel, [SYS_getrandom] = nw_call_kernel, [SYS_uname] = nw_call_kernel,
    [SYS_sysinfo] = nw_call_kernel, [SYS_getrusage] = nw_call_kernel, [SYS_times] = nw_call_kernel,
    [SYS_sched_getaffinity] = sys_affinity, [SYS_getcpu] = nw_call_kernel,
    /* who it is: nobody in particular, and alone */
    [SYS_getpid] = sys_one, [SYS_getppid] = sys_zero, [SYS_getuid] = sys_zero, [SYS_geteuid] = sys_zero,
    [SYS_getgid] = sys_zero, [SYS_getegid] = sys_zero, [SYS_umask] = sys_zero,
    [SYS_getrlimit] = sys_missing, [SYS_prlimit64] = sys_prlimit,
    /* answered, never passed on */
    [SYS_rt_sigaction] = sys_signals, [SYS_rt_sigprocmask] = sys_signals, [SYS_sigaltstack] = sys_zero,
    [SYS_set_robust_list] = sys_zero, [SYS_mlock] = sys_zero, [SYS_munlock] = sys_zero, [SYS_prctl] = sys_prctl,
    [SYS_rseq] = sys_missing, [SYS_clone3] = sys_missing, [SYS_membarrier] = sys_missing, [SYS_statx] = sys_missing,
    [SYS_sched_setaffinity] = sys_zero,
};
/* clang-format on */

static struct nw_gate_context *carry_out(struct nw_call *call, nw_syscall_handler *handler)
{
    long result = handler(call);

    if (call->parked)
        return nw_executor_next(call->ex);
    nw_slot_result(call->slot, result);
    return &call->slot->gate;
}

struct nw_gate_context *nw_syscall(struct nw_executor *ex, struct nw_slot *slot)
{
    const struct nw_gate_regs *r = &slot->gate.regs;
    struct nw_call call = {
        .ex = ex,
        .slot = slot,
        .domain = slot->domain,
        .number = ex->trap.syscall,
        .args = {r->rdi, r->rsi, r->rdx, r->r10, r->r8, r->r9},
    };
    nw_syscall_handler *handler = sys_refuse;

    if (ex->trap.arch == AUDIT_ARCH_X86_64 && call.number >= 0 && call.number < 512 && policy[call.number])
        handler = policy[call.number];
    return carry_out(&call, handler);
}

/* A flow that is made is a copy of its maker's registers, which only a trap has saved; one that ends has no use for
 * speed; and a refusal says where it was. */
bool nw_syscall_is_direct(uint32_t number)
{
    return number < 512 && policy[number] && number != SYS_clone && number != SYS_exit && number != SYS_exit_group;
}

struct nw_gate_context *nw_syscall_direct(struct nw_executor *ex, struct nw_slot *slot, uint64_t at)
{
    struct nw_call call = {.ex = ex, .slot = slot, .domain = slot->domain};
    struct nw_shortcut_call asked;

    nw_set_fs(ex->monitor_fs);
    if (nw_call_read(&call, &asked, at, sizeof(asked)) < 0 || asked.number > UINT32_MAX ||
        !nw_syscall_is_direct((uint32_t)asked.number)) {
        slot->gate.result2 = NW_SHORTCUT_MISS;
        return &slot->gate;
    }
    slot->gate.regs.rip = asked.at; /* only messages tell it */
    call.number = (long)asked.number;
    memcpy(call.args, asked.args, sizeof(call.args));
    return carry_out(&call, policy[call.number]);
}
