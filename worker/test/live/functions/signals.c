/*
 * A function that sends itself signals, has timers and handles its own faults: its input says what. The answer is what
 * it saw.
 */
#include <errno.h>
#include <faas/worker_v1_interface.h>
#include <fenv.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#define TEXT  256
#define VALUE 0x1234567890abcdefull

static faas_append_output_fn_t append_;
static char text[TEXT];
static volatile sig_atomic_t hits, code;
static volatile uintptr_t address;
static sigjmp_buf back;
static volatile int *volatile faulty = (volatile int *)8;

static void count(int signal, siginfo_t *info, void *unused)
{
    (void)unused;
    hits += signal;
    code = info->si_code;
    address = (uintptr_t)info->si_addr;
}

static void handle(int signal, int flags, void (*handler)(int, siginfo_t *, void *))
{
    struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | flags};

    hits = code = 0;
    sigaction(signal, &action, NULL);
}

static void soon(int signal_after_us, int every_us)
{
    struct itimerval t = {{0, every_us}, {0, signal_after_us}};

    setitimer(ITIMER_REAL, &t, NULL);
}

/* ---- sent by itself ---- */

static const char *try_raise(void)
{
    handle(SIGUSR1, 0, count);
    raise(SIGUSR1);
    snprintf(text, TEXT, "%d %s", hits, code == SI_TKILL ? "tkill" : "other");
    return text;
}

static const char *try_kill(void)
{
    handle(SIGUSR1, 0, count);
    kill(getpid(), SIGUSR1);
    snprintf(text, TEXT, "%d %s %s", hits, code == SI_USER ? "user" : "other",
             kill(4711, SIGUSR1) < 0 ? strerrorname_np(errno) : "sent");
    return text;
}

static const char *try_mask(void)
{
    sigset_t set, pending;
    int before;

    handle(SIGUSR2, 0, count);
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    raise(SIGUSR2);
    raise(SIGUSR2);
    before = hits;
    sigpending(&pending);
    pthread_sigmask(SIG_UNBLOCK, &set, NULL);
    snprintf(text, TEXT, "%d %d %d", before, sigismember(&pending, SIGUSR2), hits);
    return text;
}

static const char *try_wait(void)
{
    const struct timespec none = {0}, little = {0, 1000000};
    siginfo_t info;
    sigset_t set;
    int got, late;

    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    raise(SIGUSR1);
    got = sigtimedwait(&set, &info, &none);
    late = sigtimedwait(&set, &info, &little);
    pthread_sigmask(SIG_UNBLOCK, &set, NULL);
    snprintf(text, TEXT, "%d %d %s", got, late, strerrorname_np(errno));
    return text;
}

/* The default action of these is nothing. */
static const char *try_ignored(void)
{
    signal(SIGUSR1, SIG_IGN);
    raise(SIGUSR1);
    raise(SIGCHLD);
    raise(SIGURG);
    return "alive";
}

static const char *try_deadly(void)
{
    signal(SIGUSR1, SIG_DFL);
    raise(SIGUSR1);
    return "alive";
}

/* ---- registers survive ---- */

/* Values in callee-saved and vector registers, and the rounding mode, across a handler that changes them all. */
static void spoil(int signal, siginfo_t *info, void *context)
{
    count(signal, info, context);
    fesetround(FE_UPWARD);
    __asm__ volatile("vpcmpeqb %%xmm7, %%xmm7, %%xmm7\n\txor %%ebx, %%ebx\n\txor %%r12d, %%r12d" ::
                         : "xmm7", "rbx", "r12");
}

static const char *try_registers(void)
{
    uint64_t general = VALUE, vector = VALUE;
    long rax = SYS_tkill;

    handle(SIGUSR1, 0, spoil);
    fesetround(FE_DOWNWARD);
    __asm__ volatile("vmovq %[v], %%xmm7\n\t"
                     "mov %[g], %%r12\n\t"
                     "syscall\n\t"
                     "vmovq %%xmm7, %[v]\n\t"
                     "mov %%r12, %[g]"
                     : [v] "+b"(vector), [g] "+r"(general), "+a"(rax)
                     : "D"(syscall(SYS_gettid)), "S"((long)SIGUSR1)
                     : "r12", "xmm7", "rcx", "r11", "memory");
    snprintf(text, TEXT, "%d %s %s %s %ld", hits, general == VALUE ? "kept" : "lost", vector == VALUE ? "kept" : "lost",
             fegetround() == FE_DOWNWARD ? "kept" : "lost", rax);
    fesetround(FE_TONEAREST);
    return text;
}

/* A computation that is interrupted again and again, and right in the end. */
static const char *try_interrupted(void)
{
    uint64_t sum = 0;
    double x = 0;

    handle(SIGALRM, SA_RESTART, spoil);
    soon(1000, 1000);
    for (uint64_t i = 1; hits < 20 * SIGALRM; i++) {
        sum += i;
        x += (double)i;
        if (sum != i * (i + 1) / 2 || x != (double)(i * (i + 1) / 2)) {
            soon(0, 0);
            return "wrong";
        }
        if (i == 60000000) {
            i = sum = 0;
            x = 0;
        }
    }
    soon(0, 0);
    return "right";
}

/* ---- what waits is interrupted ---- */

static const char *try_sleep(void)
{
    struct timespec t = {60, 0}, left = {0};
    int result;

    handle(SIGALRM, SA_RESTART, count);
    soon(5000, 0);
    result = nanosleep(&t, &left) < 0 ? errno : 0;
    snprintf(text, TEXT, "%s %s", result ? strerrorname_np(result) : "slept", left.tv_sec == 59 ? "59" : "other");
    return text;
}

static const char *read_from_nobody(int flags)
{
    int ends[2];
    ssize_t n;
    char c;

    handle(SIGALRM, flags, count);
    if (pipe(ends) < 0)
        return strerrorname_np(errno);
    soon(5000, 0);
    n = read(ends[0], &c, 1);
    close(ends[0]);
    close(ends[1]);
    return n < 0 ? strerrorname_np(errno) : "read";
}

static const char *try_read(void)
{
    return read_from_nobody(0);
}

static int filled[2];

static void fill(int signal, siginfo_t *info, void *context)
{
    count(signal, info, context);
    hits += (int)write(filled[1], "x", 1) - 1;
}

static const char *try_restart(void)
{
    ssize_t n;
    char c;

    if (pipe(filled) < 0)
        return strerrorname_np(errno);
    handle(SIGALRM, SA_RESTART, fill);
    soon(5000, 0);
    n = read(filled[0], &c, 1);
    snprintf(text, TEXT, "%zd %d", n, hits);
    close(filled[0]);
    close(filled[1]);
    return text;
}

static const char *try_epoll(void)
{
    struct epoll_event event;
    int epoll = epoll_create1(0), n;

    handle(SIGALRM, SA_RESTART, count);
    soon(5000, 0);
    n = epoll_wait(epoll, &event, 1, -1);
    close(epoll);
    return n < 0 ? strerrorname_np(errno) : "event";
}

static const char *try_pause(void)
{
    handle(SIGALRM, 0, count);
    alarm(1);
    pause();
    snprintf(text, TEXT, "%s %d", strerrorname_np(errno), hits);
    return text;
}

static const char *try_suspend(void)
{
    sigset_t set, none, now;

    handle(SIGALRM, 0, count);
    sigemptyset(&none);
    sigemptyset(&set);
    sigaddset(&set, SIGALRM);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    soon(1000, 0);
    sigsuspend(&none);
    pthread_sigmask(SIG_BLOCK, NULL, &now);
    snprintf(text, TEXT, "%s %d %d", strerrorname_np(errno), hits, sigismember(&now, SIGALRM));
    pthread_sigmask(SIG_UNBLOCK, &set, NULL);
    return text;
}

/* ---- timers ---- */

static void tick(union sigval value)
{
    __atomic_fetch_add((int *)value.sival_ptr, 1, __ATOMIC_RELAXED);
}

static const char *try_timers(void)
{
    struct sigevent in_thread = {.sigev_notify = SIGEV_THREAD, .sigev_notify_function = tick};
    struct itimerspec every = {{0, 1000000}, {0, 1000000}};
    static int ticks;
    timer_t timers[64];
    int made = 0, error;

    in_thread.sigev_value.sival_ptr = &ticks;
    ticks = 0;
    while (made < 64 && timer_create(CLOCK_MONOTONIC, &in_thread, &timers[made]) == 0)
        made++;
    error = errno;
    timer_settime(timers[0], 0, &every, NULL);
    timer_settime(timers[1], 0, &every, NULL);
    while (__atomic_load_n(&ticks, __ATOMIC_RELAXED) < 20)
        usleep(1000);
    for (int i = 0; i < made; i++)
        timer_delete(timers[i]);
    snprintf(text, TEXT, "%d %s", made, strerrorname_np(error));
    return text;
}

static const char *try_old_timer(void)
{
    struct itimerval old;
    unsigned left;

    handle(SIGALRM, 0, count);
    alarm(100);
    left = alarm(0);
    getitimer(ITIMER_REAL, &old);
    snprintf(text, TEXT, "%u %ld %s", left, old.it_value.tv_sec,
             setitimer(ITIMER_PROF, &old, NULL) < 0 ? strerrorname_np(errno) : "ok");
    return text;
}

/* ---- faults ---- */

static void escape(int signal, siginfo_t *info, void *context)
{
    count(signal, info, context);
    siglongjmp(back, 1);
}

static const char *try_fault(void)
{
    handle(SIGSEGV, 0, escape);
    if (sigsetjmp(back, 1) == 0)
        return *faulty ? "read" : "read 0";
    snprintf(text, TEXT, "%d %#lx %s", hits, (unsigned long)address, code == SEGV_MAPERR ? "unmapped" : "other");
    signal(SIGSEGV, SIG_DFL);
    return text;
}

static void skip(int signal, siginfo_t *info, void *context)
{
    ucontext_t *uc = context;

    count(signal, info, context);
    uc->uc_mcontext.gregs[REG_RIP] += 2; /* of UD2 */
    uc->uc_mcontext.gregs[REG_RAX] = 42;
}

/* As the runtimes of other languages do: it goes on elsewhere, with other registers. */
static const char *try_skip(void)
{
    long rax = 1;

    handle(SIGILL, 0, skip);
    __asm__ volatile("ud2" : "+a"(rax));
    snprintf(text, TEXT, "%d %ld", hits, rax);
    signal(SIGILL, SIG_DFL);
    return text;
}

static volatile int zero, seven = 7;

static const char *try_divide(void)
{
    handle(SIGFPE, 0, escape);
    if (sigsetjmp(back, 1) == 0)
        hits = seven / zero;
    snprintf(text, TEXT, "%d %s", hits, code == FPE_INTDIV ? "division" : "other");
    signal(SIGFPE, SIG_DFL);
    return text;
}

static int deep(int n)
{
    volatile char frame[4096];

    frame[0] = (char)n;
    return n == 0 ? 0 : deep(n + 1) + frame[0];
}

/* The handler of an overflow needs a stack of its own. */
static const char *try_overflow(void)
{
    static char alternate[32768];
    stack_t stack = {.ss_sp = alternate, .ss_size = sizeof(alternate)}, off = {.ss_flags = SS_DISABLE}, now;

    sigaltstack(&stack, NULL);
    handle(SIGSEGV, SA_ONSTACK, escape);
    if (sigsetjmp(back, 1) == 0)
        deep(1);
    sigaltstack(&off, &now);
    signal(SIGSEGV, SIG_DFL);
    snprintf(text, TEXT, "%d %d", hits, now.ss_flags);
    return text;
}

static const char *try_overflow_without(void)
{
    handle(SIGSEGV, 0, escape);
    if (sigsetjmp(back, 1) == 0)
        deep(1);
    return "survived";
}

/* A fault in the handler of that fault. */
static void fault_again(int signal, siginfo_t *info, void *context)
{
    count(signal, info, context);
    hits += *faulty;
}

static const char *try_fault_twice(void)
{
    handle(SIGSEGV, 0, fault_again);
    return *faulty ? "read" : "read 0";
}

/* ---- threads ---- */

static volatile int spinning;

static void *spin(void *unused)
{
    (void)unused;
    spinning = 1;
    while (hits < SIGURG)
        ;
    return NULL;
}

static void *sleep_long(void *result)
{
    spinning = 1;
    *(int *)result = usleep(60000000) < 0 ? errno : 0;
    return NULL;
}

/* As Go preempts: at a thread that computes and makes no system call; and at one that sleeps. */
static const char *try_threads(void)
{
    pthread_t thread;
    int result = 0;

    handle(SIGURG, 0, count);
    spinning = 0;
    pthread_create(&thread, NULL, spin, NULL);
    while (!spinning)
        sched_yield();
    pthread_kill(thread, SIGURG);
    pthread_join(thread, NULL);
    spinning = 0;
    pthread_create(&thread, NULL, sleep_long, &result);
    while (!spinning)
        sched_yield();
    do
        pthread_kill(thread, SIGURG);
    while (usleep(1000) == 0 && !result);
    pthread_join(thread, NULL);
    return strerrorname_np(result);
}

static const char *try_forever(void)
{
    handle(SIGUSR1, 0, count);
    while (hits >= 0)
        raise(SIGUSR1);
    return "ended";
}

static const struct {
    const char *name;
    const char *(*run)(void);
} commands[] = {
    {"raise", try_raise},
    {"kill", try_kill},
    {"mask", try_mask},
    {"wait", try_wait},
    {"ignored", try_ignored},
    {"deadly", try_deadly},
    {"registers", try_registers},
    {"interrupted", try_interrupted},
    {"sleep", try_sleep},
    {"read", try_read},
    {"restart", try_restart},
    {"epoll", try_epoll},
    {"pause", try_pause},
    {"suspend", try_suspend},
    {"timers", try_timers},
    {"old-timer", try_old_timer},
    {"fault", try_fault},
    {"skip", try_skip},
    {"divide", try_divide},
    {"overflow", try_overflow},
    {"overflow-without", try_overflow_without},
    {"fault-twice", try_fault_twice},
    {"threads", try_threads},
    {"forever", try_forever},
};

int faas_init(void)
{
    return 0;
}

int faas_create_func_worker(void *context, faas_invoke_func_fn_t invoke, faas_append_output_fn_t append, void **handle)
{
    (void)invoke;
    *handle = context;
    append_ = append;
    return 0;
}

int faas_func_call(void *handle, const char *input, size_t length)
{
    const char *answer = "no such command";

    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
        if (strlen(commands[i].name) == length && memcmp(commands[i].name, input, length) == 0)
            answer = commands[i].run();
    append_(handle, answer, strlen(answer));
    return 0;
}

int faas_destroy_func_worker(void *handle)
{
    (void)handle;
    return 0;
}
