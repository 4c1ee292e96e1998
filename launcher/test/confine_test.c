/* How workers are confined: looked at from outside and, by a stand-in for the worker, from inside. */
#include "common/test/test.h"

#include "common/host/users.h"
#include "common/manifest/manifest.h"
#include "launcher/confine.h"
#include "launcher/namespaces.h"
#include "launcher/test/host.h"
#include "launcher/test/look.h"
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

static int usable; /* namespaces */

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
    if (nw__users_usable())
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

    if (!nw__users_usable()) {
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
    int socket = start_with(h, 1, NW_MODE_MPK, NW_PROFILE_COMPUTE | NW_PROFILE_NET, &pid);

    assert_null(strstr(h->message.text, nw__layer_name(NW_LAYER_NETWORK)));
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
    int socket = start_with(h, 1, NW_MODE_MPK, NW_PROFILE_COMPUTE | NW_PROFILE_FILES, &pid);

    assert_null(strstr(h->message.text, nw__layer_name(NW_LAYER_USER)));
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

/* ---- what is said of it ---- */

static void assert_layer(const char *said, enum nw_layer layer, bool there)
{
    char line[256];

    snprintf(line, sizeof line, "%c%s%s%s\n", there ? '+' : '-', nw__layer_name(layer), there ? "" : ": ",
             there ? "" : nw__layer_obstacle(layer));
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
    assert_layer(said, NW_LAYER_USER, nw__users_usable());
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
        TEST(test_namespaces),
        TEST(test_files),
        TEST(test_network),
        TEST(test_host_name),
        TEST(test_profile_net),
        TEST(test_profile_files),
        TEST(test_layers_are_reported),
    };

    find_fake_worker();
    usable = nw__namespaces_usable();
    alarm(120);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
