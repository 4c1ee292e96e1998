/*
 * The worker that leaves defences out, for tests (without.h): which ones, it is told in NW_WITHOUT, names with commas
 * between them. Never installed.
 */
#include "protect/gate/without.h"
#include "common/base/log.h"
#include "protect/gate/gate.h"
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef PR_SET_SYSCALL_USER_DISPATCH
#define PR_SET_SYSCALL_USER_DISPATCH 59
#endif

uint8_t nw_left_out[NW_DEFENCE_COUNT];
static bool selector_is_left_out;

/* As the kernel defines it. */
struct action {
    void *handler;
    unsigned long flags;
    void *restorer;
    uint64_t mask;
};

static const char *const names[NW_DEFENCE_COUNT] = {
    [NW_DEFENCE_SCAN] = "scan",
    [NW_DEFENCE_WX] = "wx",
    [NW_DEFENCE_COPIES] = "copies",
    [NW_DEFENCE_ELF] = "elf",
    [NW_DEFENCE_SUD] = "sud",
    [NW_DEFENCE_SELECTOR] = "selector",
    [NW_DEFENCE_EXIT] = "exit",
    [NW_DEFENCE_FRAME] = "frame",
    [NW_DEFENCE_RIGHTS] = "rights",
    [NW_DEFENCE_RANGES] = "ranges",
    [NW_DEFENCE_ONCE] = "once",
    [NW_DEFENCE_FILES] = "files",
    [NW_DEFENCE_PATHS] = "paths",
    [NW_DEFENCE_REKEY] = "rekey",
    [NW_DEFENCE_OUTPUT] = "output",
    [NW_DEFENCE_LOG] = "log",
    [NW_DEFENCE_DEPTH] = "depth",
    [NW_DEFENCE_MEMORY] = "memory",
    [NW_DEFENCE_DEADLINE] = "deadline",
    [NW_DEFENCE_CALL_MEMORY] = "call-memory",
    [NW_DEFENCE_CALL_KEYS] = "call-keys",
    [NW_DEFENCE_CALL_PROCESS] = "call-process",
    [NW_DEFENCE_CALL_DEFERRED] = "call-deferred",
    [NW_DEFENCE_CALL_SIGNALS] = "call-signals",
    [NW_DEFENCE_CALL_THREAD] = "call-thread",
    [NW_DEFENCE_CALL_FILES] = "call-files",
    [NW_DEFENCE_KEYS] = "keys",
    [NW_DEFENCE_STACK] = "stack",
    [NW_DEFENCE_THREADS] = "threads",
    [NW_DEFENCE_SHARES] = "shares",
    [NW_DEFENCE_WAITING] = "waiting",
    [NW_DEFENCE_PIECES] = "pieces",
    [NW_DEFENCE_TURNS] = "turns",
    [NW_DEFENCE_RECALL] = "recall",
    [NW_DEFENCE_DISARM] = "disarm",
    [NW_DEFENCE_ENTER] = "enter",
    [NW_DEFENCE_RESTORE] = "restore",
    [NW_DEFENCE_FLAGS] = "flags",
    [NW_DEFENCE_STATE] = "state",
    [NW_DEFENCE_FENCE] = "fence",
    [NW_DEFENCE_GUESSES] = "guesses",
    [NW_DEFENCE_MASKS] = "masks",
    [NW_DEFENCE_FRESH] = "fresh",
    [NW_DEFENCE_TABLES] = "tables",
    [NW_DEFENCE_SEALS] = "seals",
    [NW_DEFENCE_BENEATH] = "beneath",
    [NW_DEFENCE_SIGNALS] = "signals",
    [NW_DEFENCE_DISK] = "disk",
    [NW_DEFENCE_CALLS] = "calls",
};

/* What answers a system call. Those that the headers of Debian 12 do not name are numbers. */
static const struct {
    uint16_t number, defence;
} answers[] = {
    {SYS_mmap, NW_DEFENCE_CALL_MEMORY},
    {SYS_munmap, NW_DEFENCE_CALL_MEMORY},
    {SYS_mprotect, NW_DEFENCE_CALL_MEMORY},
    {SYS_mremap, NW_DEFENCE_CALL_MEMORY},
    {SYS_madvise, NW_DEFENCE_CALL_MEMORY},
    {SYS_brk, NW_DEFENCE_CALL_MEMORY},
    {SYS_remap_file_pages, NW_DEFENCE_CALL_MEMORY},
    {SYS_pkey_alloc, NW_DEFENCE_CALL_KEYS},
    {SYS_pkey_free, NW_DEFENCE_CALL_KEYS},
    {SYS_pkey_mprotect, NW_DEFENCE_CALL_KEYS},
    {SYS_process_vm_readv, NW_DEFENCE_CALL_PROCESS},
    {SYS_process_vm_writev, NW_DEFENCE_CALL_PROCESS},
    {SYS_ptrace, NW_DEFENCE_CALL_PROCESS},
    {SYS_fork, NW_DEFENCE_CALL_PROCESS},
    {SYS_vfork, NW_DEFENCE_CALL_PROCESS},
    {SYS_clone, NW_DEFENCE_CALL_PROCESS},
    {SYS_clone3, NW_DEFENCE_CALL_PROCESS},
    {SYS_execve, NW_DEFENCE_CALL_PROCESS},
    {SYS_execveat, NW_DEFENCE_CALL_PROCESS},
    {SYS_exit_group, NW_DEFENCE_CALL_PROCESS},
    {SYS_setns, NW_DEFENCE_CALL_PROCESS},
    {SYS_unshare, NW_DEFENCE_CALL_PROCESS},
    {SYS_chroot, NW_DEFENCE_CALL_PROCESS},
    {SYS_setrlimit, NW_DEFENCE_CALL_PROCESS},
    {SYS_prlimit64, NW_DEFENCE_CALL_PROCESS},
    {SYS_setuid, NW_DEFENCE_CALL_PROCESS},
    {SYS_sched_setscheduler, NW_DEFENCE_CALL_PROCESS},
    {SYS_process_madvise, NW_DEFENCE_CALL_PROCESS},
    {SYS_pidfd_open, NW_DEFENCE_CALL_PROCESS},
    {SYS_pidfd_getfd, NW_DEFENCE_CALL_PROCESS},
    {SYS_userfaultfd, NW_DEFENCE_CALL_DEFERRED},
    {SYS_io_uring_setup, NW_DEFENCE_CALL_DEFERRED},
    {SYS_io_uring_enter, NW_DEFENCE_CALL_DEFERRED},
    {SYS_io_uring_register, NW_DEFENCE_CALL_DEFERRED},
    {SYS_io_setup, NW_DEFENCE_CALL_DEFERRED},
    {SYS_io_submit, NW_DEFENCE_CALL_DEFERRED},
    {SYS_io_getevents, NW_DEFENCE_CALL_DEFERRED},
    {447 /* memfd_secret */, NW_DEFENCE_CALL_DEFERRED},
    {SYS_vmsplice, NW_DEFENCE_CALL_DEFERRED},
    {SYS_splice, NW_DEFENCE_CALL_DEFERRED},
    {SYS_pipe2, NW_DEFENCE_CALL_DEFERRED},
    {SYS_rt_sigreturn, NW_DEFENCE_CALL_SIGNALS},
    {SYS_rt_sigaction, NW_DEFENCE_CALL_SIGNALS},
    {SYS_rt_sigprocmask, NW_DEFENCE_CALL_SIGNALS},
    {SYS_sigaltstack, NW_DEFENCE_CALL_SIGNALS},
    {SYS_kill, NW_DEFENCE_CALL_SIGNALS},
    {SYS_tkill, NW_DEFENCE_CALL_SIGNALS},
    {SYS_tgkill, NW_DEFENCE_CALL_SIGNALS},
    {SYS_rt_tgsigqueueinfo, NW_DEFENCE_CALL_SIGNALS},
    {SYS_setitimer, NW_DEFENCE_CALL_SIGNALS},
    {SYS_rseq, NW_DEFENCE_CALL_THREAD},
    {SYS_set_robust_list, NW_DEFENCE_CALL_THREAD},
    {SYS_set_tid_address, NW_DEFENCE_CALL_THREAD},
    {SYS_personality, NW_DEFENCE_CALL_THREAD},
    {SYS_prctl, NW_DEFENCE_CALL_THREAD},
    {SYS_arch_prctl, NW_DEFENCE_CALL_THREAD},
    {SYS_modify_ldt, NW_DEFENCE_CALL_THREAD},
    {SYS_seccomp, NW_DEFENCE_CALL_THREAD},
    {SYS_open, NW_DEFENCE_CALL_FILES},
    {SYS_openat, NW_DEFENCE_CALL_FILES},
    {SYS_memfd_create, NW_DEFENCE_CALL_FILES},
    {SYS_symlink, NW_DEFENCE_CALL_FILES},
    {SYS_link, NW_DEFENCE_CALL_FILES},
    {SYS_rename, NW_DEFENCE_CALL_FILES},
    {SYS_mount, NW_DEFENCE_CALL_FILES},
    {SYS_socket, NW_DEFENCE_CALL_FILES},
    {SYS_epoll_create1, NW_DEFENCE_CALL_FILES},
    {SYS_epoll_ctl, NW_DEFENCE_CALL_FILES},
    {SYS_sendmsg, NW_DEFENCE_CALL_FILES},
    {SYS_recvmsg, NW_DEFENCE_CALL_FILES},
    {SYS_close_range, NW_DEFENCE_CALL_FILES},
    {SYS_sendfile, NW_DEFENCE_CALL_FILES},
};

/* NAME of the first `length` bytes at `from`; ends the program when there is none. */
static void leave_out(const char *from, size_t length)
{
    for (size_t i = 0; i < NW_DEFENCE_COUNT; i++)
        if (strlen(names[i]) == length && memcmp(names[i], from, length) == 0) {
            nw_left_out[i] = 1;
            return;
        }
    nw_die_usage("NW_WITHOUT knows no defence \"%.*s\"", (int)length, from);
}

/* The gate asks nothing where a domain's rights hold, and a branch around LFENCE could be mispredicted, too: those of a
 * gate that is to run without become NOPs. */
static void leave_out_fences(void)
{
    static const uint8_t lfence[] = {0x0f, 0xae, 0xe8}, nop[] = {0x0f, 0x1f, 0x00};
    uint8_t *at = (uint8_t *)(uintptr_t)nw_gate_text_start, *end = (uint8_t *)(uintptr_t)nw_gate_text_end;
    uint8_t *page = at - (uintptr_t)at % 4096;

    if (mprotect(page, (size_t)(end - page), PROT_READ | PROT_WRITE))
        nw_die_system("cannot write the gate");
    while ((at = memmem(at, (size_t)(end - at), lfence, sizeof(lfence))))
        memcpy(at, nop, sizeof(nop));
    mprotect(page, (size_t)(end - page), PROT_READ | PROT_EXEC);
}

/* Without the selector a domain could not even start: it is closed until a function asks who it is. */
__attribute__((constructor)) static void choose(void)
{
    const char *from = getenv("NW_WITHOUT");

    for (size_t length; from && *from; from += length + (from[length] == ',')) {
        length = strcspn(from, ",");
        leave_out(from, length);
    }
    selector_is_left_out = nw_left_out[NW_DEFENCE_SELECTOR];
    nw_left_out[NW_DEFENCE_SELECTOR] = 0;
    if (nw_left_out[NW_DEFENCE_FENCE])
        leave_out_fences();
}

static void leave_alternate_stack(void)
{
    struct action action;

    for (int signal = 1; signal < 32; signal++)
        if (syscall(SYS_rt_sigaction, signal, NULL, &action, 8) == 0 && action.flags & SA_ONSTACK) {
            action.flags &= ~(unsigned long)SA_ONSTACK;
            syscall(SYS_rt_sigaction, signal, &action, NULL, 8);
        }
}

/* A frame goes wherever RSP is, if that is in the thread's alternate stack already. */
static void keep_armed(void)
{
    stack_t alt;

    if (sigaltstack(NULL, &alt) == 0) {
        alt.ss_flags = 0;
        sigaltstack(&alt, NULL);
    }
}

/* What holds for the selector holds for the dispatch of system calls and for the alternate stack, too. */
bool nw_without_answer(long number)
{
    if (number == SYS_getpid) {
        nw_left_out[NW_DEFENCE_SELECTOR] = selector_is_left_out;
        if (nw_left_out[NW_DEFENCE_SUD])
            prctl(PR_SET_SYSCALL_USER_DISPATCH, 0, 0, 0, 0);
        if (nw_left_out[NW_DEFENCE_STACK])
            leave_alternate_stack();
        if (nw_left_out[NW_DEFENCE_DISARM])
            keep_armed();
    }
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++)
        if (answers[i].number == number)
            return nw_left_out[answers[i].defence];
    return false;
}
