/*
 * See count.h: stops of threads at system calls, by ptrace. A domain's own system calls never get as far as such a
 * stop: they show as SIGSYS.
 */
#include "bench/count/count.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define THREADS_MAX 512
#define OPTIONS     (PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE)

enum group { ENGINE, EXECUTOR, CLOCK };

static struct thread {
    pid_t tid;
    enum group group;
    bool inside; /* a system call, which is ... */
    uint64_t call;
} threads[THREADS_MAX];
static int n_threads;

static struct thread *find(pid_t tid)
{
    for (int i = 0; i < n_threads; i++)
        if (threads[i].tid == tid)
            return &threads[i];
    return NULL;
}

static int add(pid_t tid, enum group group)
{
    if (n_threads == THREADS_MAX)
        return -E2BIG;
    threads[n_threads++] = (struct thread){.tid = tid, .group = group};
    return 0;
}

static int seize(pid_t tid, enum group group)
{
    if (ptrace(PTRACE_SEIZE, tid, NULL, OPTIONS) || ptrace(PTRACE_INTERRUPT, tid, NULL, NULL))
        return -errno;
    return add(tid, group);
}

static int seize_engine(pid_t tid, void *target)
{
    (void)target;
    return seize(tid, ENGINE);
}

static int seize_worker(pid_t tid, void *target)
{
    return seize(tid, tid == ((const struct nw_count_target *)target)->worker ? CLOCK : EXECUTOR);
}

int nw__trace_begin(const struct nw_count_target *target)
{
    int error = nw__each_thread(target->engine, seize_engine, NULL);

    return error ? error : nw__each_thread(target->worker, seize_worker, (void *)target);
}

static bool moves_bytes(uint64_t call)
{
    static const uint64_t calls[] = {SYS_read,  SYS_readv,  SYS_recvfrom, SYS_recvmsg,
                                     SYS_write, SYS_writev, SYS_sendto,   SYS_sendmsg};

    for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
        if (calls[i] == call)
            return true;
    return false;
}

static void at_syscall(struct thread *thread, struct nw_syscalls *sum)
{
    struct __ptrace_syscall_info info;

    if (ptrace(PTRACE_GET_SYSCALL_INFO, thread->tid, sizeof(info), &info) < 0)
        return;
    if (info.op == PTRACE_SYSCALL_INFO_ENTRY) {
        thread->call = info.entry.nr;
        thread->inside = true;
        sum->engine += thread->group == ENGINE;
        sum->executors += thread->group == EXECUTOR;
    } else {
        thread->inside = false;
        if (thread->group == ENGINE && moves_bytes(thread->call) && info.exit.rval > 0)
            sum->moved += (uint64_t)info.exit.rval;
    }
}

/* Looks at why a thread stopped and returns the signal to go on with. */
static int at_stop(pid_t tid, int status, struct nw_syscalls *sum)
{
    struct thread *thread = find(tid);
    unsigned long born;

    if (!thread && add(tid, EXECUTOR)) /* its first stop may come before its parent's */
        return 0;
    thread = find(tid);
    if (WSTOPSIG(status) == (SIGTRAP | 0x80)) {
        at_syscall(thread, sum);
        return 0;
    }
    if (status >> 16 == PTRACE_EVENT_CLONE && !ptrace(PTRACE_GETEVENTMSG, tid, NULL, &born)) {
        if (find((pid_t)born))
            find((pid_t)born)->group = thread->group;
        else
            add((pid_t)born, thread->group);
    }
    if (status >> 16)
        return 0;
    sum->mediated += WSTOPSIG(status) == SIGSYS;
    return WSTOPSIG(status);
}

/* Asleep, or just about to be. What an executor reads is its doorbell. */
static bool sleeps(const struct thread *thread)
{
    bool doorbell = thread->group == EXECUTOR && thread->call == SYS_read;

    return thread->inside && (doorbell || !moves_bytes(thread->call));
}

static bool quiet(void)
{
    for (int i = 0; i < n_threads; i++)
        if (threads[i].group != CLOCK && !sleeps(&threads[i]))
            return false;
    return true;
}

int nw__trace_until_exit(pid_t client, struct nw_syscalls *sum)
{
    bool waiting = false;
    int status;

    for (;;) {
        pid_t tid = waitpid(-1, &status, __WALL | WUNTRACED);

        if (tid < 0)
            return -errno;
        if (tid == client && !WIFSTOPPED(status))
            return status;
        if (tid == client)
            waiting = true;
        else if (WIFSTOPPED(status))
            ptrace(PTRACE_SYSCALL, tid, NULL, at_stop(tid, status, sum));
        if (waiting && quiet()) {
            waiting = false;
            kill(client, SIGCONT);
        }
    }
}
