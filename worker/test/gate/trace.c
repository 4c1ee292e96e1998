/* See trace.h. */
#include "worker/test/gate/trace.h"
#include "common/test/test.h"
#include "protect/scan/elf_file.h"
#include <cpuid.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define XSTATE_BV_AT   512
#define XSTATE_BV_PKRU 9
#define TICK_NS        5000000
#define PATIENCE_TICKS 4000
#define RUN_TICKS      2
#define FLAG_TF        0x100

static struct nw_elf elf; /* of the worker's file */

static void open_elf(void)
{
    static uint8_t bytes[16 << 20];
    const char *build = getenv("NW_BUILD");
    char path[512], why[64];
    ssize_t size;
    int fd;

    if (elf.bytes)
        return;
    snprintf(path, sizeof(path), "%s/bin/nightward-worker", build ? build : "build");
    fd = open(path, O_RDONLY | O_CLOEXEC);
    size = read(fd, bytes, sizeof(bytes));
    close(fd);
    if (size <= 0 || nw_elf_open(&elf, bytes, (size_t)size, why, sizeof(why)) < 0)
        fail_msg("cannot read %s", path);
}

uint64_t nw_trace_symbol(const struct nw_trace *t, const char *name)
{
    Elf64_Sym symbol;

    if (!nw_elf_find_local(&elf, name, &symbol))
        fail_msg("the worker has no symbol %s", name);
    return t->base + symbol.st_value;
}

/* The system call in which a thread sleeps; -1 while it runs. */
static int sleeps_in(pid_t worker, pid_t tid)
{
    char path[64], text[16] = "";
    ssize_t got;
    int fd;

    snprintf(path, sizeof(path), "/proc/%d/task/%d/syscall", worker, tid);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    got = read(fd, text, sizeof(text) - 1);
    close(fd);
    return got > 0 && text[0] >= '0' && text[0] <= '9' ? atoi(text) : -1;
}

/* Sorts the threads into the executor that waits on the doorbell and the others. False: one is not asleep. */
static bool find_threads(struct nw_trace *t)
{
    char path[64];
    struct dirent *entry;
    bool asleep = true;
    DIR *dir;

    t->tid = 0;
    t->n_others = 0;
    snprintf(path, sizeof(path), "/proc/%d/task", t->pid);
    dir = opendir(path);
    while (dir && (entry = readdir(dir))) {
        pid_t tid = atoi(entry->d_name);
        int call;

        if (tid == 0)
            continue;
        call = sleeps_in(t->pid, tid);
        asleep &= call >= 0;
        if (call >= 0 && call != SYS_futex && tid != t->pid)
            t->tid = tid;
        else if (t->n_others < NW_TRACE_OTHERS)
            t->others[t->n_others++] = tid;
    }
    if (dir)
        closedir(dir);
    return asleep && t->tid;
}

static void await_rest(struct nw_trace *t)
{
    const struct timespec pause = {.tv_nsec = 1000000};

    for (int i = 0; i < 10000; i++) {
        if (find_threads(t))
            return;
        nanosleep(&pause, NULL);
    }
    fail_msg("the worker does not come to rest");
}

static void read_maps(struct nw_trace *t)
{
    char path[64], line[512];
    uint64_t start, end;
    FILE *maps;

    snprintf(path, sizeof(path), "/proc/%d/maps", t->pid);
    maps = fopen(path, "re");
    while (maps && fgets(line, sizeof(line), maps)) {
        if (sscanf(line, "%lx-%lx", &start, &end) != 2)
            continue;
        if (strstr(line, "/nightward-worker")) {
            t->base = t->base ? t->base : start;
            t->end = end;
        }
        if (strstr(line, "[vdso]")) {
            t->vdso = start;
            t->vdso_end = end;
        }
    }
    if (maps)
        fclose(maps);
}

static void on_alarm(int signal)
{
    (void)signal; /* waitpid comes back */
}

/* While a thread is traced, waiting for it is interrupted again and again. */
static void tick(long ns)
{
    const struct sigaction action = {.sa_handler = on_alarm};
    const struct itimerval span = {{0, ns / 1000}, {0, ns / 1000}};

    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &span, NULL);
}

/* On the CPU of the tracer, so that a step costs two context switches and no interrupt of another CPU. */
static void share_cpu(pid_t tid)
{
    cpu_set_t one;

    CPU_ZERO(&one);
    CPU_SET(sched_getcpu(), &one);
    sched_setaffinity(0, sizeof(one), &one);
    sched_setaffinity(tid, sizeof(one), &one);
}

static int seize(pid_t tid)
{
    int status;

    if (ptrace(PTRACE_SEIZE, tid, 0, 0) < 0 || ptrace(PTRACE_INTERRUPT, tid, 0, 0) < 0)
        return -errno;
    return waitpid(tid, &status, __WALL) == tid ? 0 : -ECHILD;
}

int nw_trace_attach(struct nw_trace *t, pid_t worker)
{
    unsigned a, b, c, d;
    struct nw_trace_state state;
    char path[64];
    int error;

    open_elf();
    *t = (struct nw_trace){.pid = worker};
    snprintf(path, sizeof(path), "/proc/%d/mem", worker);
    t->memory = open(path, O_RDWR | O_CLOEXEC);
    if (t->memory < 0) /* a worker is closed to all but root */
        return -errno;
    await_rest(t);
    error = seize(t->tid);
    for (size_t i = 0; i < t->n_others && !error; i++)
        error = seize(t->others[i]);
    if (error)
        return error;
    read_maps(t);
    t->gate = nw_trace_symbol(t, "nw_gate_text_start");
    t->gate_end = nw_trace_symbol(t, "nw_gate_text_end");
    t->pkru_at = __get_cpuid_count(0xd, 9, &a, &b, &c, &d) ? b : 0;
    share_cpu(t->tid);
    tick(TICK_NS);
    nw_trace_get(t, &state);
    t->page = state.regs.gs_base;
    t->thread = (uint64_t)nw_trace_page(t).thread;
    return 0;
}

/* After a step over an instruction that loads the flags, the kernel takes the trap flag for the thread's own and leaves
 * it set when it lets go. */
static void clear_trap_flag(const struct nw_trace *t)
{
    struct nw_trace_state s;

    nw_trace_get(t, &s);
    s.regs.eflags &= ~(unsigned long long)FLAG_TF;
    assert_int_equal(ptrace(PTRACE_SETREGS, t->tid, 0, &s.regs), 0);
}

void nw_trace_detach(struct nw_trace *t, int signal)
{
    tick(0);
    clear_trap_flag(t);
    ptrace(PTRACE_DETACH, t->tid, 0, (long)signal);
    for (size_t i = 0; i < t->n_others; i++)
        ptrace(PTRACE_DETACH, t->others[i], 0, 0);
    close(t->memory);
}

void nw_trace_kill(struct nw_trace *t)
{
    int status;
    pid_t ended;

    tick(0);
    kill(t->pid, SIGKILL);
    do
        ended = waitpid(-1, &status, __WALL); /* a process ends after the last of its threads that are traced */
    while (ended > 0 && (ended != t->pid || WIFSTOPPED(status)));
    assert_int_equal(ended, t->pid);
    close(t->memory);
}

/* 0: it did not stop by itself. */
static int await(struct nw_trace *t, unsigned ticks)
{
    int status;

    while (waitpid(t->tid, &status, __WALL) < 0) {
        assert_int_equal(errno, EINTR);
        if (ticks-- == 0) {
            ptrace(PTRACE_INTERRUPT, t->tid, 0, 0);
            ticks = 1;
        }
    }
    if (!WIFSTOPPED(status))
        fail_msg("the worker ended: status %#x", (unsigned)status);
    return status >> 16 == PTRACE_EVENT_STOP ? 0 : WSTOPSIG(status);
}

static bool is_of_timer(const struct nw_trace *t)
{
    siginfo_t info;

    return ptrace(PTRACE_GETSIGINFO, t->tid, 0, &info) == 0 && info.si_code == SI_TIMER;
}

/* The timer that ends quanta goes on, however slow the steps are: what it sends is not delivered, or nothing else would
 * be. */
int nw_trace_step(struct nw_trace *t, int signal)
{
    int stopped;

    do {
        assert_int_equal(ptrace(PTRACE_SINGLESTEP, t->tid, 0, (long)signal), 0);
        stopped = await(t, PATIENCE_TICKS);
        signal = 0;
    } while (stopped > 0 && stopped != SIGTRAP && is_of_timer(t));
    return stopped;
}

int nw_trace_run(struct nw_trace *t, int signal)
{
    assert_int_equal(ptrace(PTRACE_CONT, t->tid, 0, (long)signal), 0);
    return await(t, RUN_TICKS);
}

uint64_t nw_trace_rip(const struct nw_trace *t)
{
    return (uint64_t)ptrace(PTRACE_PEEKUSER, t->tid, offsetof(struct user_regs_struct, rip), 0);
}

void nw_trace_get(const struct nw_trace *t, struct nw_trace_state *state)
{
    struct iovec v = {state->xsave, sizeof(state->xsave)};

    assert_int_equal(ptrace(PTRACE_GETREGS, t->tid, 0, &state->regs), 0);
    assert_int_equal(ptrace(PTRACE_GETREGSET, t->tid, 0x202 /* NT_X86_XSTATE */, &v), 0);
    ((struct nw_trace *)(uintptr_t)t)->xsave_size = v.iov_len;
}

void nw_trace_set(const struct nw_trace *t, struct nw_trace_state *state)
{
    struct iovec v = {state->xsave, t->xsave_size};

    assert_int_equal(ptrace(PTRACE_SETREGSET, t->tid, 0x202 /* NT_X86_XSTATE */, &v), 0);
    assert_int_equal(ptrace(PTRACE_SETREGS, t->tid, 0, &state->regs), 0);
}

uint32_t nw_trace_pkru(const struct nw_trace *t, const struct nw_trace_state *state)
{
    uint32_t pkru = 0;
    uint64_t bv;

    memcpy(&bv, state->xsave + XSTATE_BV_AT, sizeof(bv));
    if (t->pkru_at && t->pkru_at + sizeof(pkru) <= t->xsave_size && bv >> XSTATE_BV_PKRU & 1)
        memcpy(&pkru, state->xsave + t->pkru_at, sizeof(pkru));
    return pkru;
}

void nw_trace_read(const struct nw_trace *t, uint64_t at, void *to, size_t size)
{
    assert_int_equal(pread(t->memory, to, size, (off_t)at), size);
}

void nw_trace_write(const struct nw_trace *t, uint64_t at, const void *from, size_t size)
{
    assert_int_equal(pwrite(t->memory, from, size, (off_t)at), size);
}

struct nw_gate_page nw_trace_page(const struct nw_trace *t)
{
    struct nw_gate_page page;

    nw_trace_read(t, t->page, &page, sizeof(page));
    return page;
}

struct nw_gate_thread nw_trace_thread(const struct nw_trace *t)
{
    struct nw_gate_thread thread;

    nw_trace_read(t, t->thread, &thread, sizeof(thread));
    return thread;
}

struct nw_gate_context nw_trace_context(const struct nw_trace *t)
{
    struct nw_gate_context context;

    nw_trace_read(t, (uint64_t)nw_trace_thread(t).current, &context, sizeof(context));
    return context;
}

bool nw_trace_in_gate(const struct nw_trace *t, uint64_t rip)
{
    return rip >= t->gate && rip < t->gate_end;
}

bool nw_trace_in_worker(const struct nw_trace *t, uint64_t rip)
{
    return (rip >= t->base && rip < t->end) || (rip >= t->vdso && rip < t->vdso_end);
}
