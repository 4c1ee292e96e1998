/* Attacks with signals of the domain's own: its frames, its handlers, its timers (rows 14, 15, 22 and 25). */
#include "worker/test/attack/attack.h"
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#define PAGE    4096
#define MANY    100000
#define SPOILED 0x247900 /* ID, AC, NT, OF, TF */
#define NEAR    16       /* threads of its own have numbers so near */
#define TIMERS  64
#define NOWHERE 0x100000000000ull /* an address at which nothing is */

static struct attacker *attacker;
static volatile int handled;
static volatile int code;
static sigjmp_buf back;

static void handle(int signal, int flags, void (*handler)(int, siginfo_t *, void *))
{
    struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | flags};

    sigaction(signal, &action, NULL);
}

static void nothing(int signal, siginfo_t *info, void *context)
{
    (void)signal;
    (void)info;
    (void)context;
    handled++;
}

/* Sends itself SIGUSR1 with this stack pointer. What XMM0 holds then. */
static uint64_t raise_on(uint64_t stack)
{
    long rax = SYS_tkill;
    uint64_t seen, saved;

    __asm__ volatile("mov %%rsp, %[saved]\n\t"
                     "test %[stack], %[stack]\n\t"
                     "cmovne %[stack], %%rsp\n\t"
                     "syscall\n\t"
                     "mov %[saved], %%rsp\n\t"
                     "movq %%xmm0, %[seen]"
                     : [saved] "=&r"(saved), [seen] "=&r"(seen), "+a"(rax)
                     : [stack] "r"(stack), "D"(syscall(SYS_gettid)), "S"((long)SIGUSR1)
                     : "rcx", "r11", "memory", "xmm0", "cc");
    return seen;
}

/* ---- frames ---- */

static const char *try_frame_there(struct attacker *a)
{
    handle(SIGUSR1, 0, nothing);
    raise_on(a->arg[0] + PAGE);
    return "handled";
}

static const char *try_stack_there(struct attacker *a)
{
    stack_t stack = {.ss_sp = (void *)a->arg[0], .ss_size = PAGE};

    if (sigaltstack(&stack, NULL) < 0)
        return attack_outcome(a, -1);
    handle(SIGUSR1, SA_ONSTACK, nothing);
    raise_on(0);
    return "handled";
}

/* Registers are taken from wherever the frame says that they are. */
static void name_the_secret(int signal, siginfo_t *info, void *context)
{
    (void)signal;
    (void)info;
    ((ucontext_t *)context)->uc_mcontext.fpregs = (void *)attacker->arg[0];
}

static const char *try_state_there(struct attacker *a)
{
    uint64_t seen;

    attacker = a;
    handle(SIGUSR1, 0, name_the_secret);
    seen = raise_on(0);
    return attack_say(a, "read %#x", (unsigned)(seen & 0xff));
}

/* All that a frame can say of flags, segments and extended state, also what the processor faults on. */
static void spoil(int signal, siginfo_t *info, void *context)
{
    ucontext_t *uc = context;
    uint8_t *state = (uint8_t *)uc->uc_mcontext.fpregs;

    (void)signal;
    (void)info;
    uc->uc_mcontext.gregs[REG_EFL] |= SPOILED;
    uc->uc_mcontext.gregs[REG_CSGSFS] = 0x10;
    memset(state + 24, 0xff, 4);   /* MXCSR */
    memset(state + 512, 0xff, 64); /* which parts there are */
    memset(state + 576, 0xff, 1024);
}

static const char *try_spoiled(struct attacker *a)
{
    uint64_t flags, segment;

    handle(SIGUSR1, 0, spoil);
    raise_on(0);
    __asm__ volatile("pushfq; pop %0; mov %%cs, %1" : "=r"(flags), "=r"(segment));
    return attack_say(a, "flags %#lx, segment %#lx", flags & SPOILED, segment);
}

static void go_to_the_gate(int signal, siginfo_t *info, void *context)
{
    (void)signal;
    (void)info;
    ((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP] = (greg_t)(attack_gate + attacker->arg[1]);
}

static const char *try_resume_in_gate(struct attacker *a)
{
    attacker = a;
    handle(SIGUSR1, 0, go_to_the_gate);
    raise_on(0);
    return "returned";
}

/* ---- faults ---- */

static void escape(int signal, siginfo_t *info, void *context)
{
    (void)signal;
    (void)context;
    code = info->si_code;
    siglongjmp(back, 1);
}

static int code_of(uint64_t address)
{
    if (sigsetjmp(back, 1) == 0)
        return 1000 + *(volatile uint8_t *)address;
    return code;
}

/* By its handlers of faults it would find out where the monitor's secret places are, without ever being torn down. */
static const char *try_probe(struct attacker *a)
{
    int there, nowhere;

    handle(SIGSEGV, 0, escape);
    there = code_of(a->arg[0]);
    nowhere = code_of(NOWHERE);
    return there == nowhere ? "the same" : "told apart";
}

/* The gate notices, and the function tries again. */
static const char *try_gate_again(struct attacker *a)
{
    handle(SIGILL, 0, escape);
    handle(SIGSEGV, 0, escape);
    if (sigsetjmp(back, 1) == 0)
        ((void (*)(void))(attack_gate + a->arg[1]))();
    return "handled";
}

/* ---- others, and greed ---- */

static const char *try_strangers(struct attacker *a)
{
    long own = syscall(SYS_gettid);

    for (long tid = 0; tid < MANY; tid++)
        if (labs(tid - own) > NEAR && syscall(SYS_tkill, tid, 0) == 0)
            return attack_say(a, "thread %ld is there", tid);
    return kill((pid_t)a->arg[1], SIGKILL) < 0 ? strerrorname_np(errno) : "sent";
}

static void for_ever(int signal, siginfo_t *info, void *context)
{
    (void)signal;
    (void)info;
    (void)context;
    while (handled >= 0)
        handled = 1;
}

static const char *try_handler_for_ever(struct attacker *a)
{
    (void)a;
    handle(SIGUSR1, 0, for_ever);
    raise_on(0);
    return "returned";
}

static const char *try_fault_for_ever(struct attacker *a)
{
    (void)a;
    handle(SIGSEGV, 0, nothing);
    return *(volatile uint8_t *)NOWHERE ? "read" : "read 0";
}

static void *flood(void *thread)
{
    while (handled >= 0)
        pthread_kill(*(pthread_t *)thread, SIGUSR1);
    return NULL;
}

/* Threads that send one another signals as fast as they can, while timers do the same. */
static const char *try_flood(struct attacker *a)
{
    struct itimerspec often = {{0, 1}, {0, 1}};
    pthread_t self = pthread_self(), threads[4];
    timer_t timer;

    (void)a;
    handle(SIGUSR1, 0, nothing);
    handle(SIGALRM, 0, nothing);
    for (int i = 0; i < TIMERS; i++)
        if (timer_create(CLOCK_MONOTONIC, NULL, &timer) == 0)
            timer_settime(timer, 0, &often, NULL);
    for (int i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, flood, &self);
    while (handled >= 0)
        pause();
    return "ended";
}

const struct attack attacks[] = {
    {"frame-there", try_frame_there},
    {"stack-there", try_stack_there},
    {"state-there", try_state_there},
    {"spoiled", try_spoiled},
    {"resume-in-gate", try_resume_in_gate},
    {"probe", try_probe},
    {"gate-again", try_gate_again},
    {"strangers", try_strangers},
    {"handler-for-ever", try_handler_for_ever},
    {"fault-for-ever", try_fault_for_ever},
    {"flood", try_flood},
    {0},
};
