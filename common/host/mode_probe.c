/*
 * Finds out whether this machine can run mode mpk. What the CPU says is read; what the kernel does is tried, in a
 * child process, so that the caller's keys, signals and rights stay as they are.
 *
 * A worker never links this file: it holds a WRPKRU, and a worker has those in its gate alone.
 */
#include "common/base/xstate.h"
#include "common/host/mode.h"
#include <cpuid.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#ifndef PR_SET_SYSCALL_USER_DISPATCH
#define PR_SET_SYSCALL_USER_DISPATCH 59
#define PR_SYS_DISPATCH_OFF          0
#define PR_SYS_DISPATCH_ON           1
#endif

#define CPUID_7_ECX_PKU    (1u << 3)
#define CPUID_7_ECX_OSPKE  (1u << 4)
#define HWCAP2_MAY_FSGS    (1ul << 1)
#define KEYS               15
#define PKRU_ALL_DENIED    0x55555555u
#define CPUID_1_ECX_XSAVE  (1u << 27)
#define FPX_SW_MAGIC_AT    464 /* struct _fpx_sw_bytes in the legacy area: magic1, extended_size, xfeatures */
#define FPX_SW_MAGIC       0x46505853u
#define UD2_LENGTH         2
#define ALTERNATE_STACK    (64ul * 1024)
#define RSEQ_SIGNATURE     0x53053053
#define RSEQ_UNREGISTER    1
#define RSEQ_SMALLEST_SIZE 32

/* How the child ends: the first thing that is missing. */
enum verdict { USABLE, NO_KEYS, NO_DISPATCH, FRAME_LOSES_RIGHTS, NO_MEMORY, VERDICT_COUNT };

extern const ptrdiff_t __rseq_offset __attribute__((weak));
extern const unsigned int __rseq_size __attribute__((weak));

static volatile bool handler_had_key_0;
static volatile bool frame_had_rights;
static uint32_t pkru_in_xsave;

static uint32_t read_pkru(void)
{
    uint32_t eax, edx;
    __asm__ volatile("rdpkru" : "=a"(eax), "=d"(edx) : "c"(0));
    return eax;
}

/* Whether the signal frame holds the rights of the interrupted code, marked as present. */
static bool frame_holds(const unsigned char *xsave, uint32_t pkru)
{
    uint32_t magic, value;
    uint64_t present;
    memcpy(&magic, xsave + FPX_SW_MAGIC_AT, sizeof magic);
    memcpy(&present, xsave + NW_XSAVE_HEADER, sizeof present);
    memcpy(&value, xsave + pkru_in_xsave, sizeof value);
    return magic == FPX_SW_MAGIC && (present & NW_XFEATURE_PKRU) && value == pkru;
}

static void on_ud2(int sig, siginfo_t *info, void *context)
{
    (void)sig, (void)info;
    ucontext_t *uc = context;
    handler_had_key_0 = (read_pkru() & 3) == 0;
    frame_had_rights = frame_holds((const unsigned char *)uc->uc_mcontext.fpregs, PKRU_ALL_DENIED);
    uc->uc_mcontext.gregs[REG_RIP] += UD2_LENGTH;
}

/* Takes a signal while every key, that of the stack too, is denied. Returns PKRU as it was after the signal. */
static uint32_t take_signal_without_rights(void)
{
    uint32_t after;
    __asm__ volatile("xor %%ecx, %%ecx\n"
                     "xor %%edx, %%edx\n"
                     "wrpkru\n"
                     "ud2\n"
                     "xor %%ecx, %%ecx\n"
                     "rdpkru\n"
                     "mov %%eax, %%esi\n"
                     "xor %%eax, %%eax\n"
                     "xor %%edx, %%edx\n"
                     "wrpkru\n"
                     : "=S"(after), "+a"((uint32_t){PKRU_ALL_DENIED})
                     :
                     : "rcx", "rdx", "memory");
    return after;
}

/* The kernel writes the rseq area with the thread's rights, and ends a thread that has none. */
static void leave_rseq(void)
{
    if (!&__rseq_size || !__rseq_size)
        return;
    char *area = (char *)__builtin_thread_pointer() + __rseq_offset;
    unsigned size = __rseq_size < RSEQ_SMALLEST_SIZE ? RSEQ_SMALLEST_SIZE : __rseq_size;
    syscall(SYS_rseq, area, size, RSEQ_UNREGISTER, RSEQ_SIGNATURE);
}

static enum verdict try_signal(void)
{
    uint32_t size, unused;
    __cpuid_count(0xd, NW_XFEATURE_PKRU_BIT, size, pkru_in_xsave, unused, unused);
    stack_t stack = {.ss_size = ALTERNATE_STACK};
    stack.ss_sp = mmap(NULL, ALTERNATE_STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (!size || stack.ss_sp == MAP_FAILED || sigaltstack(&stack, NULL) < 0)
        return NO_MEMORY;
    struct sigaction action = {.sa_sigaction = on_ud2, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    sigaction(SIGILL, &action, NULL);
    leave_rseq();
    uint32_t after = take_signal_without_rights();
    return handler_had_key_0 && frame_had_rights && after == PKRU_ALL_DENIED ? USABLE : FRAME_LOSES_RIGHTS;
}

static enum verdict try_kernel(void)
{
    static char selector;
    for (int i = 0; i < KEYS; i++)
        if (syscall(SYS_pkey_alloc, 0, 0) < 0)
            return NO_KEYS;
    if (prctl(PR_SET_SYSCALL_USER_DISPATCH, PR_SYS_DISPATCH_ON, 0, 0, &selector) < 0)
        return NO_DISPATCH;
    prctl(PR_SET_SYSCALL_USER_DISPATCH, PR_SYS_DISPATCH_OFF, 0, 0, 0);
    return try_signal();
}

/* The child may die of the signal it tries to take: no core file, no inherited handlers in the way. */
static _Noreturn void run_child(void)
{
    struct rlimit no_core = {0, 0};
    sigset_t all;
    setrlimit(RLIMIT_CORE, &no_core);
    signal(SIGSEGV, SIG_DFL);
    sigemptyset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    _exit(try_kernel());
}

static int explain(int wait_status, char *why, size_t size)
{
    struct utsname kernel;
    uname(&kernel);
    if (WIFSIGNALED(wait_status) || WEXITSTATUS(wait_status) == FRAME_LOSES_RIGHTS) {
        const char *fault = WIFSIGNALED(wait_status) ? "writes signal frames with the function's rights"
                                                     : "loses the function's rights over a signal";
        return snprintf(why, size, "Linux %s %s; 6.12.5 or newer is needed", kernel.release, fault);
    }
    static const char *const texts[VERDICT_COUNT] = {
        [NO_KEYS] = "fewer than 15 protection keys are free",
        [NO_DISPATCH] = "this kernel has no Syscall User Dispatch (Linux 5.11 or newer has it)",
        [NO_MEMORY] = "the signal test could not get a stack",
    };
    const char *text = WEXITSTATUS(wait_status) < VERDICT_COUNT ? texts[WEXITSTATUS(wait_status)] : NULL;
    return snprintf(why, size, "%s", text ? text : "the test of the kernel ended in an unknown way");
}

uint64_t nw_mode_uncleared(uint64_t enabled)
{
    return enabled & ~(uint64_t)(NW_XFEATURES_CLEARED | NW_XFEATURE_TILE_DATA | NW_XFEATURE_PKRU);
}

static uint64_t enabled_state(void)
{
    uint32_t eax, ebx, ecx = 0, edx;

    if (!__get_cpuid(1, &eax, &ebx, &ecx, &edx) || !(ecx & CPUID_1_ECX_XSAVE))
        return 0;
    __asm__ volatile("xgetbv" : "=a"(eax), "=d"(edx) : "c"(0));
    return (uint64_t)edx << 32 | eax;
}

static const char *cpu_lacks(void)
{
    uint32_t eax, ebx, ecx = 0, edx;
    if (!__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) || !(ecx & CPUID_7_ECX_PKU))
        return "this CPU has no protection keys";
    if (!(ecx & CPUID_7_ECX_OSPKE))
        return "the kernel keeps this CPU's protection keys switched off";
    if (!(getauxval(AT_HWCAP2) & HWCAP2_MAY_FSGS))
        return "the kernel does not let programs write the FS base (Linux 5.9 or newer does)";
    if (nw_mode_uncleared(enabled_state()))
        return "this CPU has registers that a worker does not clear between functions yet (XCR0 tells, APX is one)";
    return NULL;
}

int nw_mode_mpk_usable(char *why, size_t size)
{
    const char *lacking = cpu_lacks();
    if (lacking) {
        snprintf(why, size, "%s", lacking);
        return 0;
    }
    pid_t pid = fork();
    if (pid == 0)
        run_child();
    int status = 0;
    pid_t ended = pid;
    while (pid > 0 && (ended = waitpid(pid, &status, 0)) < 0 && errno == EINTR)
        ;
    if (ended < 0) {
        snprintf(why, size, "the kernel could not be tested: %s", strerror(errno));
        return 0;
    }
    if (WIFEXITED(status) && WEXITSTATUS(status) == USABLE)
        return 1;
    explain(status, why, size);
    return 0;
}
