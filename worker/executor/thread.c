/* See thread.h. Each has a page that GS points at, an alternate stack for signals, and Syscall User Dispatch armed with
 * an empty allowed range. */
#include "worker/executor/thread.h"
#include "common/base/atomic.h"
#include "common/base/log.h"
#include "common/host/error_text.h"
#include "protect/gate/state.h"
#include "worker/base/config.h"
#include "worker/base/limits.h"
#include "worker/base/lock.h"
#include "worker/domain/domain.h"
#include "worker/domain/executor.h"
#include "worker/domain/free.h"
#include <asm/prctl.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <stdnoreturn.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef PR_SET_SYSCALL_USER_DISPATCH
#define PR_SET_SYSCALL_USER_DISPATCH 59
#endif
#ifndef SS_AUTODISARM
#define SS_AUTODISARM (1u << 31)
#endif
#define SA_RESTORER_FLAG 0x04000000ul
#define EXECUTOR_STACK   (256ul << 10)
#define HIDE_FROM        (1ull << 36)
#define HIDE_SPAN        (1ull << 46)
#define HIDE_TRIES       64

uint64_t nw_gate_alt_base, nw_gate_alt_bytes;
static uint64_t frame_offset; /* where in an alternate stack the kernel puts a frame */

/* Taken before the monitor's lock by who starts an executor; n_executors changes only with both held. */
static pthread_mutex_t starting = PTHREAD_MUTEX_INITIALIZER;

struct kernel_sigaction {
    const void *handler;
    unsigned long flags;
    const void *restorer;
    uint64_t mask;
};

static struct nw_executor *executors[NW_EXECUTORS_MAX];
static uint32_t n_executors;
static uint32_t n_tokens; /* so many run at once */

static nw_executor_next_fn *next;

static void calibrate(int signal, siginfo_t *info, void *ucontext)
{
    (void)signal;
    (void)info;
    frame_offset = ((uint64_t)ucontext - offsetof(struct nw_gate_frame, ucontext)) % NW_ALT_SIZE;
}

static void alt_stack(void *base)
{
    stack_t alt = {.ss_sp = base, .ss_size = NW_ALT_SIZE, .ss_flags = (int)SS_AUTODISARM};

    if (sigaltstack(&alt, NULL) < 0)
        nw_die_system("cannot set the alternate signal stack: %s", strerror(errno));
}

/* One signal to this thread, on the first alternate stack, shows where the kernel places its frames. */
static void measure_frame(void)
{
    struct sigaction action = {.sa_sigaction = calibrate, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    stack_t off = {.ss_flags = SS_DISABLE};

    alt_stack((void *)nw_gate_alt_base);
    sigaction(NW_PREEMPT_SIGNAL, &action, NULL);
    syscall(SYS_tgkill, getpid(), gettid(), NW_PREEMPT_SIGNAL);
    sigaltstack(&off, NULL);
}

static void catch (int signal)
{
    struct kernel_sigaction action = {
        .handler = nw_config()->gate->signal,
        .flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART | SA_RESTORER_FLAG,
        .restorer = nw_gate_restorer,
        .mask = ~0ull,
    };

    if (syscall(SYS_rt_sigaction, signal, &action, NULL, sizeof(uint64_t)) < 0)
        nw_die_system("cannot install the handler of signal %d: %s", signal, strerror(errno));
}

/* NULL when there is no memory, or no mapping, to be had. */
static void *map(size_t size)
{
    void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    return p == MAP_FAILED ? NULL : p;
}

/*
 * The alternate stacks lie where no domain can guess: one that jumps to the handler with RSP at a neighbour's new frame
 * would use it up before that neighbour does.
 */
static uint64_t map_alternate_stacks(size_t size)
{
    for (int i = 0; i < HIDE_TRIES; i++) {
        uint64_t at;
        void *p;

        if (getrandom(&at, sizeof(at), 0) != sizeof(at))
            break;
        at = (at % HIDE_SPAN + HIDE_FROM) & -NW_ALT_SIZE;
        p = mmap((void *)at, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
        if (p != MAP_FAILED)
            return at;
    }
    nw_die_system("cannot map the alternate stacks: %s", strerror(errno));
}

static void prepare_signals(void)
{
    static const int caught[] = {SIGSYS, SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, NW_PREEMPT_SIGNAL};

    nw_gate_state_init();
    nw_gate_alt_bytes = NW_ALT_SIZE * NW_EXECUTORS_MAX;
    nw_gate_alt_base = map_alternate_stacks(nw_gate_alt_bytes);
    measure_frame();
    for (size_t i = 0; i < sizeof(caught) / sizeof(caught[0]); i++)
        catch (caught[i]);
}

/* Of one that has no thread. */
static void executor_free(struct nw_executor *ex)
{
    if (ex->gate.stack)
        munmap((void *)(ex->gate.stack - EXECUTOR_STACK), EXECUTOR_STACK);
    if (ex->gate.page)
        munmap(ex->gate.page, NW_PAGE_SIZE);
    free(ex);
}

static int map_stack(struct nw_executor *ex)
{
    char *stack = map(EXECUTOR_STACK);

    if (!stack)
        return -ENOMEM;
    ex->gate.stack = (uint64_t)stack + EXECUTOR_STACK;
    return mprotect(stack, NW_PAGE_SIZE, PROT_NONE) < 0 ? -errno : 0;
}

static int map_page(struct nw_executor *ex)
{
    ex->gate.page = map(NW_PAGE_SIZE);
    if (!ex->gate.page)
        return -ENOMEM;
    ex->gate.page->thread = &ex->gate;
    if (nw_config()->keyed && pkey_mprotect(ex->gate.page, NW_PAGE_SIZE, PROT_READ | PROT_WRITE, NW_KEY_SHARED) < 0)
        return -errno;
    return 0;
}

/* Everything that needs no running thread, so that a half-made executor is never visible. */
static struct nw_executor *executor_new(uint32_t id)
{
    struct nw_executor *ex = calloc(1, sizeof(*ex));
    uint64_t alt = nw_gate_alt_base + id * NW_ALT_SIZE;

    if (ex && (map_page(ex) < 0 || map_stack(ex) < 0)) {
        executor_free(ex);
        ex = NULL;
    }
    if (!ex)
        return NULL;
    ex->id = id;
    ex->away = true;
    ex->gate.frame = alt + frame_offset;
    *(struct nw_gate_thread **)alt = &ex->gate;
    return ex;
}

static noreturn void *executor_main(void *argument)
{
    struct nw_executor *ex = argument;
    struct nw_gate_context *first;

    pthread_mutex_lock(&starting); /* until it is among the monitor's executors: who kills a domain kicks only those */
    pthread_mutex_unlock(&starting);
    syscall(SYS_arch_prctl, ARCH_GET_FS, &ex->monitor_fs);
    syscall(SYS_arch_prctl, ARCH_SET_GS, ex->gate.page);
    alt_stack((void *)(nw_gate_alt_base + ex->id * NW_ALT_SIZE));
    /* The handler of this signal leaves the thread with the monitor's rights; nothing else can give them. */
    ex->starting = true;
    nw_store_release(&ex->gate.tid, (uint32_t)gettid()); /* from now on it can be kicked: loaded by nw_executors_kick */
    syscall(SYS_tgkill, getpid(), ex->gate.tid, NW_PREEMPT_SIGNAL);
    if (syscall(SYS_prctl, PR_SET_SYSCALL_USER_DISPATCH, 1, 0, 0, &ex->gate.page->selector) < 0)
        nw_die_system("cannot arm Syscall User Dispatch: %s", strerror(errno));
    first = next(ex);
    nw_config()->gate->leave(first);
    __builtin_unreachable();
}

/* `starting` held until it is published, the monitor's lock not. */
static int start(struct nw_executor **out)
{
    struct nw_executor *ex = executor_new(n_executors);
    int error = ex ? pthread_create(&ex->thread, NULL, executor_main, ex) : ENOMEM;

    if (error && ex)
        executor_free(ex);
    *out = ex;
    return -error;
}

/* Once; `starting` held. */
static void tell_failure(int error)
{
    static bool told;
    char text[NW_ERROR_TEXT];

    if (!told)
        nw_log(NW_LOG_WARN,
               "cannot start another executor: %s; system calls that take long wait for those that there are",
               nw_error_text(-error, text));
    told = true;
}

int nw__executor_start(void)
{
    struct nw_executor *ex;
    int error = -EAGAIN;

    pthread_mutex_unlock(&nw_monitor_lock);
    pthread_mutex_lock(&starting);
    if (n_executors < NW_EXECUTORS_MAX) {
        error = start(&ex);
        if (error)
            tell_failure(error);
    }
    pthread_mutex_lock(&nw_monitor_lock);
    if (!error)
        executors[n_executors++] = ex;
    pthread_mutex_unlock(&starting);
    return error;
}

int nw_executors_init(uint32_t tokens, nw_executor_next_fn *how)
{
    int error = 0;

    next = how;
    n_tokens = tokens;
    prepare_signals();
    pthread_mutex_lock(&nw_monitor_lock);
    for (uint32_t i = 0; i < tokens && !error; i++)
        error = nw__executor_start();
    pthread_mutex_unlock(&nw_monitor_lock);
    return error;
}

void nw_executor_kick(const struct nw_executor *ex)
{
    const uint32_t tid = nw_load_acquire(&ex->gate.tid); /* stored by executor_main; 0 until it has its stack */

    if (tid)
        syscall(SYS_tgkill, getpid(), tid, NW_PREEMPT_SIGNAL);
}

/* One that is blocked runs nothing but its slot, and is done with it when the call returns. */
static bool must_look(struct nw_executor *ex)
{
    return !ex->idle && (!ex->blocked || nw_running(ex)->domain->state == NW_DOMAIN_DYING);
}

void nw_executors_kick(void)
{
    for (struct nw_executor *ex = nw_executor_after(NULL); ex; ex = nw_executor_after(ex))
        if (must_look(ex))
            nw_executor_kick(ex);
}

struct nw_executor *nw_executor_after(const struct nw_executor *ex)
{
    const uint32_t id = ex ? ex->id + 1 : 0;

    return id < n_executors ? executors[id] : NULL;
}

uint32_t nw_executors_at_once(void)
{
    return n_tokens;
}

uint32_t nw__executors_count(void)
{
    return n_executors;
}
