/* Which system calls the filter lets a worker make, tried by a stand-in for the worker. */
#include "common/test/test.h"

#include "common/manifest/manifest.h"
#include "launcher/test/host.h"
#include "launcher/test/look.h"
#include <errno.h>
#include <fcntl.h>
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

/* What a worker may call; some of it with certain arguments only. The last two never reach a filter: they are the
 * kernel's own way back from a probe, and end whoever calls them otherwise. */
static const long allowed[] = {SYS_read,
                               SYS_readv,
                               SYS_pread64,
                               SYS_preadv,
                               SYS_preadv2,
                               SYS_write,
                               SYS_writev,
                               SYS_pwritev2,
                               SYS_lseek,
                               SYS_fstat,
                               SYS_newfstatat,
                               SYS_getdents64,
                               SYS_close,
                               SYS_dup,
                               SYS_dup3,
                               SYS_fcntl,
                               SYS_ioctl,
                               SYS_poll,
                               SYS_ppoll,
                               SYS_pipe2,
                               SYS_eventfd2,
                               SYS_epoll_create1,
                               SYS_epoll_ctl,
                               SYS_epoll_wait,
                               SYS_epoll_pwait,
                               SYS_timerfd_create,
                               SYS_timerfd_settime,
                               SYS_timerfd_gettime,
                               SYS_sendmsg,
                               SYS_recvmsg,
                               SYS_open,
                               SYS_openat,
                               SYS_openat2,
                               SYS_mmap,
                               SYS_munmap,
                               SYS_mprotect,
                               SYS_mremap,
                               SYS_madvise,
                               SYS_process_madvise,
                               SYS_brk,
                               SYS_pkey_alloc,
                               SYS_pkey_mprotect,
                               SYS_memfd_create,
                               SYS_futex,
                               SYS_clone,
                               SYS_clone3,
                               SYS_set_robust_list,
                               SYS_set_tid_address,
                               SYS_gettid,
                               SYS_getpid,
                               SYS_exit,
                               SYS_exit_group,
                               SYS_rt_sigaction,
                               SYS_rt_sigprocmask,
                               SYS_rt_sigreturn,
                               SYS_sigaltstack,
                               SYS_restart_syscall,
                               SYS_arch_prctl,
                               SYS_sched_yield,
                               SYS_nanosleep,
                               SYS_clock_nanosleep,
                               SYS_clock_gettime,
                               SYS_clock_getres,
                               SYS_gettimeofday,
                               SYS_time,
                               SYS_times,
                               SYS_getrandom,
                               SYS_uname,

                               SYS_sysinfo,
                               SYS_getrusage,
                               SYS_getcpu,
                               SYS_sched_getaffinity,
                               SYS_prlimit64,
                               SYS_prctl,
                               SYS_seccomp,
                               SYS_readlink,
                               SYS_tgkill,
                               NR_URETPROBE,
                               NR_UPROBE};

static bool is_allowed(long nr)
{
    for (size_t i = 0; i < sizeof allowed / sizeof allowed[0]; i++)
        if (allowed[i] == nr)
            return true;
    return false;
}

static void test_every_other_call_is_refused(void **state)
{
    pid_t pid;
    int socket = start_worker(*state, 1, &pid);

    for (long nr = 0; nr < CALLS; nr++)
        if (!is_allowed(nr))
            assert_call(socket, nr, "", EPERM);
    assert_string_equal(ask(socket, "thread"), "ok\n");
    close(socket);
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
    refuse_with(socket, SYS_seccomp, "1 %ld 0", SECCOMP_FILTER_FLAG_NEW_LISTENER, 0, 0);
    refuse_with(socket, SYS_clone, "%ld", SIGCHLD, 0, 0);
    refuse_with(socket, SYS_clone, "%ld", CLONE_THREAD | CLONE_SIGHAND | CLONE_VM | CLONE_NEWNET, 0, 0);
    refuse_with(socket, SYS_prlimit64, "0 0 4096 0", 0, 0, 0);
    refuse_with(socket, SYS_tgkill, "%ld %ld 0", getpid(), getpid(), 0);
    refuse_with(socket, SYS_execveat, "%ld 0 0 0 %ld 0", 3, AT_EMPTY_PATH, 0);
    assert_call(socket, SYS_clone3, "0", ENOSYS);
    assert_call(socket, SYS_mmap, "0 4096 5 34 -1 0", 0);
    assert_string_equal(ask(socket, "thread"), "ok\n");
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

enum { COMPUTE = NW_PROFILE_COMPUTE, NET = NW_PROFILE_NET, FILES = NW_PROFILE_FILES };
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
static void assert_passes(int socket, uint32_t profile)
{
    char question[64];

    for (size_t i = 0; i < sizeof policy / sizeof policy[0]; i++) {
        if (!(policy[i].how & PASSED) || !(policy[i].profiles & profile) || policy[i].number == SYS_fcntl ||
            policy[i].number == SYS_ioctl)
            continue;
        snprintf(question, sizeof question, "call %ld -1 -1 -1 -1 -1 -1", policy[i].number);
        if (strtol(ask(socket, question), NULL, 10) == EPERM)
            fail_msg("the filter refuses %s, which the policy passes on", policy[i].name);
    }
}

static void test_filter_agrees_with_policy(void **state)
{
    static const uint32_t profiles[] = {COMPUTE, COMPUTE | NET, COMPUTE | FILES, COMPUTE | NET | FILES};
    pid_t pid;

    for (uint32_t i = 0; i < sizeof profiles / sizeof profiles[0]; i++) {
        int socket = start_with(*state, i + 1, profiles[i], &pid);

        assert_passes(socket, profiles[i]);
        close(socket);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_every_other_call_is_refused),
        TEST(test_arguments),
        TEST(test_foreign_architectures_kill),
        TEST(test_filter_agrees_with_policy),
    };

    find_fake_worker();
    alarm(120);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
