/* Attacks through other ways into the kernel, threads, and greed (rows 6, 18, 19, 23, 24, 25). */
#include "worker/base/ops.h"
#include "worker/test/attack/attack.h"
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PAGE     4096
#define HEAP_MIB 1024
#define VSYSCALL 0xffffffffff600400ul /* time() */

/* ---- other ways into the kernel ---- */

static const char *negative(struct attacker *a, long result)
{
    errno = (int)-result;
    return attack_outcome(a, result);
}

static const char *try_int80(struct attacker *a)
{
    int result;

    __asm__ volatile("int $0x80" : "=a"(result) : "a"(20), "b"(0), "c"(0), "d"(0) : "memory");
    return negative(a, result);
}

static const char *try_sysenter(struct attacker *a)
{
    long result;

    __asm__ volatile("sysenter" : "=a"(result) : "a"(20) : "memory", "rcx", "rdx", "r11");
    return negative(a, result);
}

/* 32-bit code, in which the same bytes mean other system calls. */
static const char *try_compat(struct attacker *a)
{
    (void)a;
    __asm__ volatile("pushq $0x23; pushq $0x1000; lretq");
    return "in 32-bit code";
}

static const char *try_vsyscall(struct attacker *a)
{
    ((long (*)(uint64_t))VSYSCALL)(a->arg[0]);
    return "written";
}

/* ---- threads ---- */

static uint32_t read_pkru(void)
{
    uint32_t pkru, high;

    __asm__ volatile("rdpkru" : "=a"(pkru), "=d"(high) : "c"(0));
    return pkru;
}

static void *thread_rights(void *pkru)
{
    *(uint32_t *)pkru = read_pkru();
    return NULL;
}

static const char *try_thread_rights(struct attacker *a)
{
    uint32_t pkru = 0;
    pthread_t thread;

    if (pthread_create(&thread, NULL, thread_rights, &pkru))
        return attack_outcome(a, -1);
    pthread_join(thread, NULL);
    return pkru == read_pkru() ? "same rights" : attack_say(a, "PKRU is %#x", pkru);
}

static void *thread_cleared(void *at)
{
    syscall(SYS_set_tid_address, at);
    syscall(SYS_set_robust_list, at, 24);
    syscall(SYS_exit, 0);
    return NULL;
}

/* The kernel would write a zero there when the thread ends. */
static const char *try_clear_tid(struct attacker *a)
{
    pthread_attr_t detached;
    pthread_t thread;

    pthread_attr_init(&detached);
    pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
    if (pthread_create(&thread, &detached, thread_cleared, (void *)a->arg[0]))
        return attack_outcome(a, -1);
    usleep(20000); /* the attacker's own domain ends meanwhile */
    return "answered";
}

/* The other fields in which clone stores the thread's number. */
static const char *try_parent_tid(struct attacker *a)
{
    static uint8_t stack[PAGE] __attribute__((aligned(16)));
    const int flags = CLONE_VM | CLONE_THREAD | CLONE_SIGHAND | CLONE_PARENT_SETTID | CLONE_CHILD_SETTID;

    syscall(SYS_clone, flags, stack + PAGE, a->arg[0], a->arg[0], 0);
    return "answered";
}

static _Noreturn void *wait_for_ever(void *unused)
{
    (void)unused;
    for (;;)
        pause();
}

static const char *try_threads(struct attacker *a)
{
    pthread_t thread;
    int threads = 0;

    while (pthread_create(&thread, NULL, wait_for_ever, NULL) == 0)
        threads++;
    return attack_say(a, "%d threads", threads);
}

/* ---- greed ---- */

static const char *try_heap(struct attacker *a)
{
    void *first = NULL, **p;
    unsigned taken = 0;

    while (taken < HEAP_MIB && (p = malloc(1 << 20))) {
        *p = first;
        first = p;
        taken++;
    }
    if (taken == HEAP_MIB)
        return attack_say(a, "took %u MiB", taken);
    while ((p = first)) {
        first = *p;
        free(p);
    }
    return attack_outcome(a, -1);
}

static const char *try_mappings(struct attacker *a)
{
    for (int i = 0; i < 1000000; i++)
        if (mmap(NULL, PAGE, i & 1 ? PROT_READ : PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) ==
            MAP_FAILED)
            return attack_outcome(a, -1);
    return "a million mappings";
}

static const char *try_files(struct attacker *a)
{
    int ends[2];

    while (pipe(ends) == 0)
        continue;
    return attack_outcome(a, -1);
}

static unsigned recurse(unsigned depth)
{
    volatile char frame[PAGE];

    frame[0] = (char)depth;
    return depth == UINT32_MAX ? 0 : recurse(depth + 1) + (unsigned)frame[0];
}

static const char *try_stack(struct attacker *a)
{
    return attack_say(a, "the stack did not end: %u", recurse(0));
}

static const char *try_output(struct attacker *a)
{
    static char piece[9 << 20];

    for (int i = 0; i < 8; i++)
        a->append(a->context, piece, sizeof piece);
    return "sent";
}

/* The same by the gate itself: the runtime that every function is linked to would stop it earlier. */
static const char *try_long_output(struct attacker *a)
{
    static char inbox[PAGE];
    long length;
    char *output = mmap(NULL, 17 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    memset(output, 'x', 17 << 20);
    length = attack_gate_call(NW_OP_WAIT, (uint64_t)inbox, sizeof inbox, (uint64_t)output, 17 << 20);
    munmap(output, 17 << 20);
    if (length < 0)
        return "refused";
    faas_func_call(a, inbox, (size_t)length); /* what came next */
    return NULL;
}

static const char *try_log(struct attacker *a)
{
    static const char line[] = "a line of a flood\n";

    (void)a;
    for (int i = 0; i < 2000; i++)
        if (write(2, line, sizeof line - 1) < 0)
            break;
    return "done";
}

/* How often this function was called, one call within the other. */
static unsigned depth;

/* Calls `name` with the same input; the innermost is refused, and all others answer what it answered. */
static const char *call_again(struct attacker *a, const char *name, const char *input)
{
    const char *output;
    size_t length;
    int failed = 1;

    /* Right after it was loaded the function may not be known yet to others. */
    for (int i = 0; failed && i < (depth == 1 ? 100 : 1); i++) {
        failed = a->invoke(a->context, name, input, strlen(input), &output, &length);
        if (failed)
            usleep(1000);
    }
    if (failed)
        return attack_say(a, "bounded at %u", depth);
    return attack_say(a, "%.*s", (int)length, output);
}

static const char *try_recursion(struct attacker *a)
{
    depth = a->arg[1] ? 1 : depth + 1;
    return call_again(a, "flow", "recursion");
}

static const char *try_ping(struct attacker *a)
{
    depth = a->arg[1] ? 1 : depth + 1;
    return call_again(a, "flow2", "pong");
}

static const char *try_pong(struct attacker *a)
{
    depth++;
    return call_again(a, "flow", "ping");
}

static const char *try_fan_out(struct attacker *a)
{
    const char *answer = call_again(a, "flow2", "fan-out");

    for (int i = 0; i < 7; i++)
        answer = call_again(a, "flow2", "fan-out");
    return answer;
}

/* ---- past the deadline ---- */

static void spin(void)
{
    for (;;)
        __asm__ volatile("");
}

static const char *try_loop(struct attacker *a)
{
    (void)a;
    spin();
    return "ended";
}

/* With every signal blocked and ignored, as far as the function can tell. */
static const char *try_deaf_loop(struct attacker *a)
{
    sigset_t all;

    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    for (int i = 1; i < 65; i++)
        signal(i, SIG_IGN);
    return try_loop(a);
}

static const char *try_sleep(struct attacker *a)
{
    (void)a;
    sleep(3600);
    return "ended";
}

static const char *try_deadlock(struct attacker *a)
{
    pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

    (void)a;
    pthread_mutex_lock(&lock);
    pthread_mutex_lock(&lock);
    return "ended";
}

static const char *try_blocked_read(struct attacker *a)
{
    int ends[2];
    char byte;

    if (pipe(ends) < 0)
        return attack_outcome(a, -1);
    return attack_outcome(a, read(ends[0], &byte, 1));
}

static const char *try_syscall_storm(struct attacker *a)
{
    (void)a;
    while (syscall(SYS_getpid) >= 0)
        continue;
    return "ended";
}

const struct attack attacks[] = {
    {"int80", try_int80},
    {"sysenter", try_sysenter},
    {"compat", try_compat},
    {"vsyscall", try_vsyscall},
    {"thread-rights", try_thread_rights},
    {"clear-tid", try_clear_tid},
    {"parent-tid", try_parent_tid},
    {"threads", try_threads},
    {"heap", try_heap},
    {"mappings", try_mappings},
    {"files", try_files},
    {"stack", try_stack},
    {"output", try_output},
    {"long-output", try_long_output},
    {"log", try_log},
    {"recursion", try_recursion},
    {"ping", try_ping},
    {"pong", try_pong},
    {"fan-out", try_fan_out},
    {"loop", try_loop},
    {"deaf-loop", try_deaf_loop},
    {"sleep", try_sleep},
    {"deadlock", try_deadlock},
    {"blocked-read", try_blocked_read},
    {"syscall-storm", try_syscall_storm},
    {0},
};
