/* How workers are confined: looked at from outside and, by a stand-in for the worker, from inside. */
#include "common/test/test.h"

#include "common/host/users.h"
#include "common/manifest/manifest.h"
#include "launcher/confine.h"
#include "launcher/namespaces.h"
#include "launcher/test/host.h"
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
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#define X32_GETPID 0x40000027
#define CALLS      600

static int usable; /* namespaces */

/* ---- looking ---- */

static const char *read_proc(pid_t pid, const char *name)
{
    static char text[8192];
    char path[64];
    size_t n;
    FILE *f;

    snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, name);
    f = fopen(path, "r");
    assert_non_null(f);
    n = fread(text, 1, sizeof text - 1, f);
    text[n] = '\0';
    fclose(f);
    return text;
}

static void assert_call(int socket, long nr, const char *arguments, int expected)
{
    char question[128], answer[16];

    snprintf(question, sizeof question, "call %ld %s", nr, arguments);
    snprintf(answer, sizeof answer, "%d\n", expected);
    if (strcmp(ask(socket, question), answer) != 0)
        fail_msg("%s: %s instead of %s", question, ask(socket, question), answer);
}

static void assert_open(int socket, const char *path, int expected)
{
    char question[128], answer[16];

    snprintf(question, sizeof question, "open %s", path);
    snprintf(answer, sizeof answer, "%d\n", expected);
    if (strcmp(ask(socket, question), answer) != 0)
        fail_msg("%s: %s instead of %s", question, ask(socket, question), answer);
}

/* ---- rights ---- */

static void test_rights(void **state)
{
    pid_t pid;
    int socket = start_worker(*state, 1, &pid);
    const char *status = ask(socket, "status");

    assert_non_null(strstr(status, "NoNewPrivs:\t1\n"));
    assert_non_null(strstr(status, "Seccomp:\t2\n"));
    assert_non_null(strstr(status, "CapPrm:\t0000000000000000\n"));
    assert_non_null(strstr(status, "CapEff:\t0000000000000000\n"));
    assert_non_null(strstr(status, "CapInh:\t0000000000000000\n"));
    assert_non_null(strstr(status, "CapAmb:\t0000000000000000\n"));
    if (geteuid() == 0)
        assert_non_null(strstr(status, "CapBnd:\t0000000000000000\n"));
    assert_non_null(strstr(status, "SigBlk:\t0000000000000000\n"));
    assert_non_null(strstr(status, "SigIgn:\t0000000000000000\n"));
    close(socket);
}

static void assert_limit(const char *limits, const char *name, const char *both)
{
    const char *line = strstr(limits, name);
    char soft[32] = "", hard[32] = "", expected[64];

    assert_non_null(line);
    assert_int_equal(sscanf(line + strlen(name), "%31s %31s", soft, hard), 2);
    snprintf(expected, sizeof expected, "%s %s", soft, hard);
    assert_string_equal(expected, both);
}

static void test_limits(void **state)
{
    pid_t pid;
    int socket = start_worker(*state, 1, &pid);
    const char *limits = read_proc(pid, "limits");
    struct rlimit files;
    char both[64];

    assert_limit(limits, "Max core file size", "0 0");
    assert_limit(limits, "Max locked memory", "0 0");
    assert_limit(limits, "Max realtime priority", "0 0");
    assert_limit(limits, "Max file size", "1073741824 1073741824");
    if (nw_users_usable())
        assert_limit(limits, "Max processes", "2048 2048");
    getrlimit(RLIMIT_NOFILE, &files);
    snprintf(both, sizeof both, "%lu %lu", files.rlim_max < 65536 ? files.rlim_max : 65536,
             files.rlim_max < 65536 ? files.rlim_max : 65536);
    assert_limit(limits, "Max open files", both);
    close(socket);
}

static unsigned user_of(pid_t pid)
{
    unsigned ids[4] = {0, 0, 0, 0}, groups[4] = {0, 0, 0, 0};
    const char *status = read_proc(pid, "status");

    assert_int_equal(sscanf(strstr(status, "\nUid:"), " Uid: %u %u %u %u", &ids[0], &ids[1], &ids[2], &ids[3]), 4);
    assert_int_equal(
        sscanf(strstr(status, "\nGid:"), " Gid: %u %u %u %u", &groups[0], &groups[1], &groups[2], &groups[3]), 4);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(ids[i], ids[0]);
        assert_int_equal(groups[i], groups[0]);
    }
    assert_int_equal(ids[0] == geteuid() ? getegid() : ids[0], groups[0]);
    return ids[0];
}

/* Each its own, used again only when it is free; with all of them taken there are no more workers. */
static void test_users(void **state)
{
    enum { USERS = HOST_LAST_USER - HOST_FIRST_USER + 1 };
    struct host *h = *state;
    unsigned users[USERS];
    int sockets[USERS];
    pid_t pid;

    if (!nw_users_usable()) {
        print_message("only root can start other users' processes\n");
        skip();
    }
    for (unsigned i = 0; i < USERS; i++) {
        sockets[i] = start_worker(h, i + 1, &pid);
        users[i] = user_of(pid);
        assert_non_null(strstr(read_proc(pid, "status"), "\nGroups:\t \n"));
        assert_in_range(users[i], HOST_FIRST_USER, HOST_LAST_USER);
        for (unsigned k = 0; k < i; k++)
            assert_int_not_equal(users[i], users[k]);
    }
    const struct nw_control one_more = start_message(USERS + 1);
    close(send_start(h, &one_more));
    await_report(h, NW_CONTROL_EXITED, USERS + 1);
    assert_non_null(strstr(h->message.text, "--worker-users 61000-61009"));
    assert_true(write(sockets[3], "exit 0", 6) == 6);
    await_report(h, NW_CONTROL_EXITED, 4);
    close(start_worker(h, USERS + 2, &pid));
    assert_int_equal(user_of(pid), users[3]);
    for (unsigned i = 0; i < USERS; i++)
        close(sockets[i]);
}

static void test_user_ranges(void **state)
{
    static const char *const wrong[] = {"", "5", "5-", "-5", "0-5", "6-5", "5-4294967295", "5-6x", " 5-6", "5--6"};
    struct nw_users users;

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_int_equal(nw_users_parse(wrong[i], &users), -EINVAL);
    assert_int_equal(nw_users_parse("5-4294967294", &users), 0);
    assert_int_equal(users.first, 5);
    assert_int_equal(users.last, 4294967294U);
    assert_int_equal(nw_users_parse("7-7", &users), 0);
}

/* ---- system calls ---- */

/* What a worker may call; some of it with certain arguments only. The last two never reach a filter: they are the
 * kernel's own way back from a probe, and end whoever calls them otherwise. */
static bool is_allowed(long nr)
{
    static const long allowed[] = {
        SYS_read,
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
        335 /* uretprobe */,
        336 /* uprobe */,
    };

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

static void refuse_with(int socket, long nr, const char *format, long a, long b, long c)
{
    char arguments[96];

    snprintf(arguments, sizeof arguments, format, a, b, c);
    assert_call(socket, nr, arguments, EPERM);
}

static void test_arguments(void **state)
{
    pid_t pid;
    int socket = start_worker(*state, 1, &pid);
    const long wx = PROT_READ | PROT_WRITE | PROT_EXEC;

    refuse_with(socket, SYS_mmap, "0 4096 %ld %ld -1 0", wx, MAP_PRIVATE | MAP_ANONYMOUS, 0);
    refuse_with(socket, SYS_mprotect, "0 4096 %ld", wx, 0, 0);
    refuse_with(socket, SYS_pkey_mprotect, "0 4096 %ld 0", wx, 0, 0);
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

/* ---- namespaces ---- */

static void test_namespaces(void **state)
{
    static const struct {
        int flag;
        const char *name;
    } all[] = {{CLONE_NEWNS, "mnt"},  {CLONE_NEWNET, "net"}, {CLONE_NEWPID, "pid"},
               {CLONE_NEWIPC, "ipc"}, {CLONE_NEWUTS, "uts"}, {CLONE_NEWUSER, "user"}};
    pid_t pid;
    int socket = start_worker(*state, 1, &pid);

    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        char path[64], own[64] = "", theirs[64] = "";

        snprintf(path, sizeof path, "/proc/self/ns/%s", all[i].name);
        assert_true(readlink(path, own, sizeof own - 1) > 0);
        snprintf(path, sizeof path, "/proc/%d/ns/%s", (int)pid, all[i].name);
        assert_true(readlink(path, theirs, sizeof theirs - 1) > 0);
        assert_int_equal(strcmp(own, theirs) != 0, (usable & all[i].flag) != 0);
    }
    close(socket);
}

static void need(int flag, const char *what)
{
    if (usable & flag)
        return;
    print_message("%s cannot be had here\n", what);
    skip();
}

static void test_files(void **state)
{
    static char mounts[8192];
    pid_t pid;
    char path[32];
    int socket;

    need(CLONE_NEWNS, "mount namespaces");
    socket = start_worker(*state, 1, &pid);
    assert_open(socket, "/lib64/ld-linux-x86-64.so.2", 0);
    assert_open(socket, "/dev/null", 0);
    assert_open(socket, "/proc/self/maps", 0);
    assert_open(socket, "/etc/passwd", ENOENT);
    assert_open(socket, "/etc/shadow", ENOENT);
    assert_open(socket, "/tmp", ENOENT);
    assert_open(socket, "/home", ENOENT);
    assert_open(socket, "/bin/sh", ENOENT);
    assert_open(socket, "/sys", ENOENT);
    assert_open(socket, "/dev/mem", ENOENT);
    assert_open(socket, "/..", 0);
    assert_open(socket, "/../etc/passwd", ENOENT);
    if (usable & CLONE_NEWPID) {
        assert_open(socket, "/proc/1/maps", 0);
        snprintf(path, sizeof path, "/proc/%d", (int)getpid());
        assert_open(socket, path, ENOENT);
    }
    strcpy(mounts, read_proc(pid, "mountinfo"));
    for (char *line = strtok(mounts, "\n"); line; line = strtok(NULL, "\n"))
        assert_true(strstr(line, " ro,") || strstr(line, " /proc ") || strstr(line, " /dev/"));
    close(socket);
}

static void test_network(void **state)
{
    const char *devices;
    pid_t pid;
    int socket;

    need(CLONE_NEWNET, "network namespaces");
    socket = start_worker(*state, 1, &pid);
    devices = read_proc(pid, "net/dev"); /* two lines of headings, and the one that every network has */
    assert_non_null(strstr(devices, "lo:"));
    assert_ptr_equal(strchr(devices, ':'), strrchr(devices, ':'));
    assert_string_equal(strrchr(devices, '\n'), "\n");
    close(socket);
}

static void test_host_name(void **state)
{
    pid_t pid;
    int socket;

    need(CLONE_NEWUTS, "UTS namespaces");
    socket = start_worker(*state, 1, &pid);
    assert_string_equal(ask(socket, "host name"), "worker\n");
    close(socket);
}

/* ---- profiles ---- */

static int start_with(struct host *h, uint32_t number, uint32_t profile, pid_t *pid)
{
    struct nw_control head = start_message(number);
    int socket;

    head.profile = profile;
    socket = send_start(h, &head);
    await_report(h, NW_CONTROL_STARTED, number);
    *pid = (pid_t)h->message.head.value;
    return socket;
}

static bool shares_network(pid_t pid)
{
    char path[64], own[64] = "", theirs[64] = "";

    snprintf(path, sizeof path, "/proc/%d/ns/net", (int)pid);
    assert_true(readlink("/proc/self/ns/net", own, sizeof own - 1) > 0);
    assert_true(readlink(path, theirs, sizeof theirs - 1) > 0);
    return strcmp(own, theirs) == 0;
}

static void test_profile_net(void **state)
{
    struct host *h = *state;
    pid_t pid;
    int socket = start_with(h, 1, NW_PROFILE_COMPUTE | NW_PROFILE_NET, &pid);

    assert_null(strstr(h->message.text, nw_layer_name(NW_LAYER_NETWORK)));
    assert_true(shares_network(pid));
    refuse_with(socket, SYS_socket, "%ld %ld 0", AF_UNIX, SOCK_STREAM, 0);
    refuse_with(socket, SYS_socket, "%ld %ld 0", AF_NETLINK, SOCK_RAW, 0);
    refuse_with(socket, SYS_mkdirat, "%ld 0 0", AT_FDCWD, 0, 0);
    refuse_with(socket, SYS_bind, "0 0 0", 0, 0, 0);
    refuse_with(socket, SYS_listen, "0 0", 0, 0, 0);
    assert_call(socket, SYS_socket, "2 1 0", 0);
    assert_call(socket, SYS_socket, "10 2 0", 0);
    assert_call(socket, SYS_connect, "-1 0 0", EBADF);
    refuse_with(socket, SYS_socketpair, "%ld %ld 0 0", AF_INET, SOCK_STREAM, 0);
    assert_call(socket, SYS_socketpair, "1 1 0 0", EFAULT);
    assert_open(socket, "/etc/ssl/certs", access("/etc/ssl/certs", F_OK) == 0 ? 0 : ENOENT);
    if (usable & CLONE_NEWNS)
        assert_open(socket, "/etc/ssl/private", ENOENT);
    assert_open(socket, "/etc/hosts", access("/etc/hosts", F_OK) == 0 ? 0 : ENOENT);
    if (usable & CLONE_NEWNS)
        assert_open(socket, "/etc/passwd", ENOENT);
    close(socket);
}

/* What it makes in a granted directory must be there for the next worker, too. */
static void test_profile_files(void **state)
{
    struct host *h = *state;
    pid_t pid;
    int socket = start_with(h, 1, NW_PROFILE_COMPUTE | NW_PROFILE_FILES, &pid);

    assert_null(strstr(h->message.text, nw_layer_name(NW_LAYER_USER)));
    assert_int_equal(user_of(pid), geteuid());
    assert_int_equal(shares_network(pid), !(usable & CLONE_NEWNET));
    assert_call(socket, SYS_mkdirat, "-1 0 0", EFAULT);
    assert_call(socket, SYS_fsync, "-1", EBADF);
    refuse_with(socket, SYS_socket, "%ld %ld 0", AF_INET, SOCK_STREAM, 0);
    refuse_with(socket, SYS_chmod, "0 0", 0, 0, 0);
    assert_call(socket, SYS_linkat, "-1 0 -1 0", EFAULT);
    refuse_with(socket, SYS_mknodat, "0 0 0 0", 0, 0, 0);
    close(socket);
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

/* ---- what is said of it ---- */

static void assert_layer(const char *said, enum nw_layer layer, bool there)
{
    char line[256];

    snprintf(line, sizeof line, "%c%s%s%s\n", there ? '+' : '-', nw_layer_name(layer), there ? "" : ": ",
             there ? "" : nw_layer_obstacle(layer));
    if (!strstr(said, line))
        fail_msg("not said: %sbut: %s", line, said);
}

static void test_layers_are_reported(void **state)
{
    struct host *h = *state;
    pid_t pid;
    int socket = start_worker(h, 1, &pid);
    const char *said = h->message.text;

    assert_layer(said, NW_LAYER_SECCOMP, true);
    assert_layer(said, NW_LAYER_LIMITS, true);
    assert_layer(said, NW_LAYER_USER, nw_users_usable());
    assert_layer(said, NW_LAYER_NETWORK, usable & CLONE_NEWNET);
    assert_layer(said, NW_LAYER_FILES, usable & CLONE_NEWNS);
    assert_layer(said, NW_LAYER_PROCESSES, usable & CLONE_NEWPID);
    assert_layer(said, NW_LAYER_IPC, usable & CLONE_NEWIPC);
    assert_layer(said, NW_LAYER_HOST_NAME, usable & CLONE_NEWUTS);
    close(socket);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_rights),
        TEST(test_limits),
        TEST(test_users),
        cmocka_unit_test(test_user_ranges),
        TEST(test_every_other_call_is_refused),
        TEST(test_arguments),
        TEST(test_foreign_architectures_kill),
        TEST(test_namespaces),
        TEST(test_files),
        TEST(test_network),
        TEST(test_host_name),
        TEST(test_profile_net),
        TEST(test_profile_files),
        TEST(test_filter_agrees_with_policy),
        TEST(test_layers_are_reported),
    };

    find_fake_worker();
    usable = nw_namespaces_usable();
    alarm(120);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
