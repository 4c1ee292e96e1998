/* Which system calls the filter lets a worker make, tried by a stand-in for the worker. */
#include "common/test/test.h"

#include "common/calls/kernel.h"
#include "common/manifest/manifest.h"
#include "launcher/test/host.h"
#include "launcher/test/look.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/membarrier.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define X32_GETPID 0x40000027
#define CALLS      600

/* The headers of the kernel that we build with are older. */
#define NR_URETPROBE 335
#define NR_UPROBE    336

#define MPK     (1U << NW_MODE_MPK)
#define PROCESS (1U << NW_MODE_PROCESS)
#define NONE    (1U << NW_MODE_NONE)

enum { COMPUTE = NW_PROFILE_COMPUTE, NET = NW_PROFILE_NET, FILES = NW_PROFILE_FILES };

/* What a worker may call beside the table, in which modes; some of it with certain arguments only. clone3 is answered.
 * The last two never reach a filter: they are the kernel's own way back from a probe, and end whoever calls them
 * otherwise. */
static const struct {
    long number;
    unsigned modes;
} beside[] = {
    {SYS_set_tid_address, MPK | PROCESS | NONE},
    {SYS_prlimit64, MPK | PROCESS | NONE},
    {SYS_pkey_alloc, MPK},
    {SYS_pkey_mprotect, MPK},
    {SYS_openat2, MPK | NONE},
    {SYS_seccomp, PROCESS},
    {SYS_clone3, MPK | PROCESS | NONE},
    {NR_URETPROBE, MPK | PROCESS | NONE},
    {NR_UPROBE, MPK | PROCESS | NONE},
};

/* A worker, and what its filter goes by. */
struct filtered {
    int socket;
    enum nw_mode mode;
    uint32_t profile, pid;
};

/* Tries the filter of each mode and profile. */
static void with_each_filter(struct host *h, void (*try)(const struct filtered *))
{
    static const uint32_t profiles[] = {COMPUTE, COMPUTE | NET, COMPUTE | FILES, COMPUTE | NET | FILES};
    uint32_t number = 0;
    pid_t pid;

    for (struct filtered w = {.mode = NW_MODE_MPK}; w.mode < NW_MODE_COUNT; w.mode++)
        for (size_t i = 0; i < sizeof profiles / sizeof profiles[0]; i++) {
            w.profile = profiles[i];
            w.socket = start_with(h, ++number, w.mode, w.profile, &pid);
            w.pid = (uint32_t)strtoul(ask(w.socket, "pid"), NULL, 10);
            try(&w);
            assert_string_equal(ask(w.socket, "thread"), "ok\n");
            assert_true(write(w.socket, "exit 0", 6) > 0);
            await_report(h, NW_CONTROL_EXITED, number);
            close(w.socket);
        }
}

/* ---- the table ---- */

static bool is_beside(long number, enum nw_mode mode)
{
    for (size_t i = 0; i < sizeof beside / sizeof beside[0]; i++)
        if (beside[i].number == number)
            return beside[i].modes & 1U << mode;
    return false;
}

static bool is_listed(long number, uint32_t profile)
{
    for (size_t i = 0; i < nw_kernel_n_lines; i++)
        if (nw_kernel_lines[i].number == number && nw_kernel_is_for(&nw_kernel_lines[i], profile))
            return true;
    return false;
}

static void refuse_others(const struct filtered *w)
{
    for (long number = 0; number < CALLS; number++)
        if (!is_listed(number, w->profile) && !is_beside(number, w->mode))
            assert_call(w->socket, number, "", EPERM);
}

static void test_every_other_call_is_refused(void **state)
{
    with_each_filter(*state, refuse_others);
}

/* The errno that the call of a line gives, with this value where the line looks and nonsense otherwise. */
static long try_line(const struct filtered *w, const struct nw_kernel_line *line, uint32_t value)
{
    long a[6] = {-1, -1, -1, -1, -1, -1};
    char question[128];

    if (line->mask != 0)
        a[line->argument] = (long)value;
    snprintf(question, sizeof question, "call %u %ld %ld %ld %ld %ld %ld", line->number, a[0], a[1], a[2], a[3], a[4],
             a[5]);
    return strtol(ask(w->socket, question), NULL, 10);
}

static const uint32_t ends[] = {SYS_exit, SYS_exit_group, SYS_rt_sigreturn};

static bool ends_it(uint32_t number)
{
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++)
        if (ends[i] == number)
            return true;
    return false;
}

static void pass_lines(const struct filtered *w)
{
    for (size_t i = 0; i < nw_kernel_n_lines; i++) {
        const struct nw_kernel_line *line = &nw_kernel_lines[i];

        if (!nw_kernel_is_for(line, w->profile) || ends_it(line->number))
            continue;
        if (try_line(w, line, nw_kernel_value(line, w->pid)) == EPERM)
            fail_msg("mode %s, profile %u: line %zu of kernel.def, system call %u: refused", nw_mode_name(w->mode),
                     w->profile, i + 1, line->number);
    }
}

static void test_every_line_passes(void **state)
{
    with_each_filter(*state, pass_lines);
}

static void test_a_worker_may_end(void **state)
{
    struct host *h = *state;

    for (uint32_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        pid_t pid;
        int socket = start_worker(h, i + 1, &pid);
        char question[32];

        assert_true(is_listed(ends[i], COMPUTE));
        snprintf(question, sizeof question, "call %u", ends[i]);
        assert_true(write(socket, question, strlen(question)) > 0);
        await_report(h, NW_CONTROL_EXITED, i + 1);
        close(socket);
    }
}

static bool passes_with_anything(uint32_t number, uint32_t profile)
{
    for (size_t i = 0; i < nw_kernel_n_lines; i++)
        if (nw_kernel_lines[i].number == number && nw_kernel_lines[i].mask == 0 &&
            nw_kernel_is_for(&nw_kernel_lines[i], profile))
            return true;
    return false;
}

/* All bits of a mask are more than any line allows. */
static void refuse_other_values(const struct filtered *w)
{
    for (size_t i = 0; i < nw_kernel_n_lines; i++) {
        const struct nw_kernel_line *line = &nw_kernel_lines[i];
        uint32_t other = line->mask == UINT32_MAX ? nw_kernel_value(line, w->pid) ^ 1U << 30 : line->mask;

        if (line->mask == 0 || passes_with_anything(line->number, w->profile) || try_line(w, line, other) == EPERM)
            continue;
        fail_msg("mode %s, profile %u: line %zu of kernel.def, system call %u: passes with %#x", nw_mode_name(w->mode),
                 w->profile, i + 1, line->number, other);
    }
}

static void test_other_arguments_are_refused(void **state)
{
    with_each_filter(*state, refuse_other_values);
}

static void test_arguments(void **state)
{
    pid_t pid;
    int socket = start_worker(*state, 1, &pid);
    const long wx = PROT_READ | PROT_WRITE | PROT_EXEC;

    refuse_with(socket, SYS_mmap, "0 4096 %ld %ld -1 0", wx, MAP_PRIVATE | MAP_ANONYMOUS, 0);
    refuse_with(socket, SYS_mprotect, "0 4096 %ld", wx, 0, 0);
    refuse_with(socket, SYS_pkey_mprotect, "0 4096 %ld 0", wx, 0, 0);
    refuse_with(socket, SYS_process_madvise, "3 0 0 %ld 0", MADV_DONTNEED, 0, 0);
    refuse_with(socket, SYS_openat, "%ld 0 %ld", AT_FDCWD, O_WRONLY, 0);
    refuse_with(socket, SYS_openat, "%ld 0 %ld", AT_FDCWD, O_RDONLY | O_CREAT, 0);
    refuse_with(socket, SYS_openat, "%ld 0 %ld", AT_FDCWD, O_RDONLY | O_TRUNC, 0);
    refuse_with(socket, SYS_fcntl, "3 %ld 1", F_SETOWN, 0, 0);
    refuse_with(socket, SYS_fcntl, "3 %ld 1", F_NOTIFY, 0, 0);
    refuse_with(socket, SYS_ioctl, "0 %ld", 0x5412 /* TIOCSTI */, 0, 0);
    refuse_with(socket, SYS_prctl, "%ld 1", PR_SET_DUMPABLE + 1000, 0, 0);
    refuse_with(socket, SYS_prctl, "%ld 0", PR_SET_PDEATHSIG, 0, 0);
    refuse_with(socket, SYS_prctl, "%ld 0", PR_SET_SECCOMP, 0, 0);
    refuse_with(socket, SYS_prctl, "%ld 1", PR_SET_NO_NEW_PRIVS, 0, 0);
    refuse_with(socket, SYS_membarrier, "%ld 0", MEMBARRIER_CMD_GLOBAL, 0, 0);
    refuse_with(socket, SYS_membarrier, "%ld 0", MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ, 0, 0);
    refuse_with(socket, SYS_sendmsg, "0 0 0", 0, 0, 0);
    refuse_with(socket, SYS_recvmsg, "0 0 0", 0, 0, 0);
    refuse_with(socket, SYS_clone, "%ld", SIGCHLD, 0, 0);
    refuse_with(socket, SYS_clone, "%ld", CLONE_THREAD | CLONE_SIGHAND | CLONE_VM | CLONE_NEWNET, 0, 0);
    refuse_with(socket, SYS_prlimit64, "0 0 4096 0", 0, 0, 0);
    refuse_with(socket, SYS_tgkill, "%ld %ld 0", getpid(), getpid(), 0);
    refuse_with(socket, SYS_execveat, "%ld 0 0 0 %ld 0", 3, AT_EMPTY_PATH, 0);
    assert_call(socket, SYS_clone3, "0", ENOSYS);
    assert_call(socket, SYS_mmap, "0 4096 5 34 -1 0", 0);
    assert_call(socket, SYS_membarrier, "16 0", 0); /* MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED */
    assert_call(socket, SYS_membarrier, "8 0", 0);  /* MEMBARRIER_CMD_PRIVATE_EXPEDITED */
    assert_string_equal(ask(socket, "thread"), "ok\n");
    close(socket);
}

static void test_arguments_in_mode_process(void **state)
{
    pid_t pid;
    int socket = start_with(*state, 1, NW_MODE_PROCESS, COMPUTE, &pid);

    refuse_with(socket, SYS_seccomp, "1 %ld 0", SECCOMP_FILTER_FLAG_NEW_LISTENER, 0, 0);
    assert_call(socket, SYS_prctl, "38 1 0 0 0", 0); /* PR_SET_NO_NEW_PRIVS */
    assert_call(socket, SYS_seccomp, "1 1 0", EFAULT);
    close(socket);
}

static void kills(struct host *h, const char *question)
{
    pid_t pid;
    int socket = start_worker(h, 1, &pid);

    assert_true(write(socket, question, strlen(question)) > 0);
    await_report(h, NW_CONTROL_EXITED, 1);
    assert_string_equal(h->message.text, "killed by signal 31 (Bad system call)");
    close(socket);
}

static void test_foreign_architectures_kill(void **state)
{
    char x32[32];

    kills(*state, "int80");
    snprintf(x32, sizeof x32, "call %d", X32_GETPID);
    kills(*state, x32);
}

/* ---- the monitor's policy ---- */

enum { PASSED = 1, DONE = 2, ANSWERED = 4, WAITS = 8, APART = 24 };

static const struct {
    const char *name;
    long number;
    uint32_t profiles;
    int how;
} policy[] = {
#define CALL(class, name, profiles, how, handler, rules, words) {#name, SYS_##name, profiles, how},
#include "worker/policy/policy.def"
#undef CALL
};

/* What the monitor passes on to the kernel for a function, the process may call. Filtered by their arguments: fcntl and
 * ioctl. */
static void pass_what_the_policy_does(const struct filtered *w)
{
    char question[64];

    for (size_t i = 0; i < sizeof policy / sizeof policy[0]; i++) {
        if (!(policy[i].how & PASSED) || !(policy[i].profiles & w->profile) || policy[i].number == SYS_fcntl ||
            policy[i].number == SYS_ioctl)
            continue;
        snprintf(question, sizeof question, "call %ld -1 -1 -1 -1 -1 -1", policy[i].number);
        if (strtol(ask(w->socket, question), NULL, 10) == EPERM)
            fail_msg("the filter refuses %s, which the policy passes on", policy[i].name);
    }
}

static void test_filter_agrees_with_policy(void **state)
{
    with_each_filter(*state, pass_what_the_policy_does);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_every_other_call_is_refused),
        TEST(test_every_line_passes),
        TEST(test_a_worker_may_end),
        TEST(test_other_arguments_are_refused),
        TEST(test_arguments),
        TEST(test_arguments_in_mode_process),
        TEST(test_foreign_architectures_kill),
        TEST(test_filter_agrees_with_policy),
    };

    find_fake_worker();
    alarm(120);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
