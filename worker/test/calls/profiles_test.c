/* What functions of each profile may do, and what they may not, in a live worker; in modes mpk and process. */
#include "common/manifest/manifest.h"
#include "common/test/test.h"
#include "worker/test/calls/probe_host.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATIENCE_MS 10000

static int listener;
static char port[8];
/* The folder holds "open", which is granted, and "closed", which is not. */

static void listen_somewhere(void)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t length = sizeof(a);

    listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&a, sizeof(a)), 0);
    assert_int_equal(listen(listener, 16), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&a, &length), 0);
    snprintf(port, sizeof(port), "%d", ntohs(a.sin_port));
}

static int accept_one(void)
{
    struct pollfd p = {.fd = listener, .events = POLLIN};

    assert_int_equal(poll(&p, 1, PATIENCE_MS), 1);
    return accept4(listener, NULL, NULL, SOCK_CLOEXEC);
}

static int start(void **state)
{
    (void)state;
    nw_harness_start(&nw_probe.harness, nw_probe.mode, 2);
    listen_somewhere();
    return 0;
}

static int stop(void **state)
{
    (void)state;
    close(listener);
    nw_harness_stop(&nw_probe.harness);
    return 0;
}

static void put(const char *name, const char *text)
{
    char path[128];
    int fd;

    snprintf(path, sizeof(path), "%s/%s", nw_probe_folder, name);
    fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
}

static void link_to(const char *target, const char *name)
{
    char path[128];

    snprintf(path, sizeof(path), "%s/%s", nw_probe_folder, name);
    assert_int_equal(symlink(target, path), 0);
}

static void make_directory(const char *name)
{
    char path[128];

    snprintf(path, sizeof(path), "%s/%s", nw_probe_folder, name);
    assert_int_equal(mkdir(path, 0700), 0);
}

static int start_with_folder(void **state)
{
    char target[128];

    nw_probe_folder_make();
    make_directory("open");
    make_directory("open/inner");
    make_directory("closed");
    put("open/file", "granted");
    put("open/inner/deep", "deeper");
    put("closed/secret", "secret");
    link_to("file", "open/good-link");
    link_to("../closed/secret", "open/bad-link");
    snprintf(target, sizeof(target), "%s/closed", nw_probe_folder);
    link_to(target, "open/absolute-link");
    snprintf(target, sizeof(target), "%s/open/pipe", nw_probe_folder);
    assert_int_equal(mkfifo(target, 0600), 0);
    return start(state);
}

static int stop_with_folder(void **state)
{
    nw_probe_folder_remove();
    return stop(state);
}

/* ---- compute ---- */

static void compute_opens_no_file_once_loaded(void **state)
{
    (void)state;
    nw_probe.deployment = nw_probe_load("probe", 0, NULL, NULL);
    assert_string_equal(nw_probe_ask("open /usr/lib/os-release"), "EPERM");
    assert_string_equal(nw_probe_ask("open /lib/x86_64-linux-gnu/libm.so.6"), "EPERM");
    assert_string_equal(nw_probe_ask("open /function/probe"), "EPERM");
    assert_string_equal(nw_probe_ask("open /dev/null"), "ok");
    assert_string_equal(nw_probe_ask("open /dev/urandom"), "ok");
    assert_string_equal(nw_probe_ask("open /dev/../dev/null"), "ENOENT");
    assert_string_equal(nw_probe_ask("stat /usr/lib/os-release"), "EPERM");
    assert_string_equal(nw_probe_ask("open /etc/hosts"), "ENOENT");
    assert_string_equal(nw_probe_ask("open /etc/passwd"), "ENOENT");
    assert_string_equal(nw_probe_ask("open %s", nw_probe_folder[0] ? nw_probe_folder : "/tmp"), "ENOENT");
    assert_string_equal(nw_probe_ask("dlopen libutil.so.1"), "refused");
    assert_string_equal(nw_probe_ask("mkdir /tmp/x"), "EPERM");
    assert_string_equal(nw_probe_ask("unlink /tmp/x"), "EPERM");
    assert_string_equal(nw_probe_ask("rename /tmp/x /tmp/y"), "EPERM");
}

static void compute_has_no_sockets(void **state)
{
    (void)state;
    nw_probe.deployment = nw_probe_load("probe", 0, NULL, NULL);
    assert_string_equal(nw_probe_ask("connect 127.0.0.1 %s", port), "EPERM");
    assert_string_equal(nw_probe_ask("udp 127.0.0.1 %s", port), "EPERM");
    assert_string_equal(nw_probe_ask("pair %d", SOCK_STREAM), "EPERM");
    assert_string_equal(nw_probe_ask("open /etc/ssl/certs"), "ENOENT");
}

/* ---- net ---- */

/* Sends the command, plays the peer of its connection, and returns the answer. */
static const char *converse(const char *command, const char *reply, char heard[256])
{
    static char answer[1024];
    int peer;
    ssize_t n = 0;

    nw_harness_send(&nw_probe.harness, nw_probe.deployment, command, strlen(command));
    peer = accept_one();
    if (heard)
        n = recv(peer, heard, 255, 0);
    assert_true(n >= 0);
    if (heard)
        heard[n] = '\0';
    assert_int_equal(send(peer, reply, strlen(reply), MSG_NOSIGNAL), strlen(reply));
    nw_probe_take(answer, sizeof(answer));
    close(peer);
    return answer;
}

static void net_talks_to_a_peer(void **state)
{
    char command[64], heard[256];

    (void)state;
    nw_probe.deployment = nw_probe_load("probe", NW_PROFILE_NET, NULL, NULL);
    snprintf(command, sizeof(command), "tcp 127.0.0.1 %s hello", port);
    assert_string_equal(converse(command, "world", heard), "world");
    assert_string_equal(heard, "> hello");
    snprintf(command, sizeof(command), "epoll 127.0.0.1 %s", port);
    assert_string_equal(converse(command, "event", NULL), "event");
    assert_string_equal(nw_probe_ask("epoll-timeout"), "ok");
    assert_string_equal(nw_probe_ask("udp 127.0.0.1 9"), "ok");
    assert_string_equal(nw_probe_ask("connect 127.0.0.1 1"), "ECONNREFUSED");
}

static void net_looks_up_names(void **state)
{
    (void)state;
    nw_probe.deployment = nw_probe_load("probe", NW_PROFILE_NET, NULL, NULL);
    assert_string_equal(nw_probe_ask("lookup localhost"), "127.0.0.1");
    assert_string_equal(nw_probe_ask("open /etc/hosts"), "ok");
    assert_string_equal(nw_probe_ask("open /etc/passwd"), "ENOENT");
    assert_string_equal(nw_probe_ask("open /lib/x86_64-linux-gnu/libm.so.6"), "EPERM");
}

static void net_reaches_listed_addresses_only(void **state)
{
    char list[64];

    (void)state;
    snprintf(list, sizeof(list), "127.0.0.1:%s, 127.0.0.0/8:9", port);
    nw_probe.deployment = nw_probe_load("probe", NW_PROFILE_NET, list, NULL);
    assert_string_equal(nw_probe_ask("connect 127.0.0.1 %s", port), "ok");
    assert_string_equal(nw_probe_ask("tcp6 127.0.0.1 %s", port), "ok");
    assert_string_equal(nw_probe_ask("connect 127.0.0.2 %s", port), "EPERM");
    assert_string_equal(nw_probe_ask("tcp6 127.0.0.2 %s", port), "EPERM");
    assert_string_equal(nw_probe_ask("connect 0.0.0.0 %s", port), "EPERM");
    assert_string_equal(nw_probe_ask("connect 127.0.0.1 1"), "EPERM");
    assert_string_equal(nw_probe_ask("udp 127.3.2.1 9"), "ok");
    assert_string_equal(nw_probe_ask("udp-message 127.3.2.1 9"), "ok");
    assert_string_equal(nw_probe_ask("udp 127.3.2.1 10"), "EPERM");
    assert_string_equal(nw_probe_ask("udp-message 127.3.2.1 10"), "EPERM");
    assert_string_equal(nw_probe_ask("udp-unspecified 127.3.2.1 10"), "EAFNOSUPPORT");
    assert_string_equal(nw_probe_ask("udp-message 10.0.0.1 53"), "EPERM");
}

static void reach(uint8_t last)
{
    const struct nw_address_grant to = {
        .address = {[10] = 0xff, 0xff, 127, 0, 0, last}, .prefix = 128, .port = (uint16_t)atoi(port)};

    nw_harness_reach(&nw_probe.harness, nw_probe.deployment, &to, 1);
}

/* Until the engine has said where a name leads it leads nowhere. */
static void net_reaches_what_names_stand_for(void **state)
{
    char list[64];

    (void)state;
    snprintf(list, sizeof(list), "somewhere.example:%s", port);
    nw_probe.deployment = nw_probe_load("probe", NW_PROFILE_NET, list, NULL);
    assert_string_equal(nw_probe_ask("connect 127.0.0.1 %s", port), "EPERM");
    reach(1);
    assert_string_equal(nw_probe_ask("connect 127.0.0.1 %s", port), "ok");
    assert_string_equal(nw_probe_ask("connect 127.0.0.2 %s", port), "EPERM");
    assert_string_equal(nw_probe_ask("connect 127.0.0.1 1"), "EPERM");
    reach(2);
    assert_string_equal(nw_probe_ask("connect 127.0.0.1 %s", port), "EPERM");
}

static void net_has_no_other_sockets_and_options(void **state)
{
    (void)state;
    nw_probe.deployment = nw_probe_load("probe", NW_PROFILE_NET, NULL, NULL);
    assert_string_equal(nw_probe_ask("socket %d %d 0", AF_UNIX, SOCK_STREAM), "EAFNOSUPPORT");
    assert_string_equal(nw_probe_ask("socket %d %d 0", AF_NETLINK, SOCK_RAW), "EAFNOSUPPORT");
    assert_string_equal(nw_probe_ask("socket %d %d 0", AF_PACKET, SOCK_RAW), "EAFNOSUPPORT");
    assert_string_equal(nw_probe_ask("socket %d %d 0", AF_INET, SOCK_RAW), "EINVAL");
    assert_string_equal(nw_probe_ask("socket %d %d %d", AF_INET, SOCK_DGRAM, IPPROTO_ICMP), "EPROTONOSUPPORT");
    assert_string_equal(nw_probe_ask("option %d %d", SOL_SOCKET, SO_KEEPALIVE), "ok");
    assert_string_equal(nw_probe_ask("option %d %d", SOL_SOCKET, SO_ZEROCOPY), "ENOPROTOOPT");
    assert_string_equal(nw_probe_ask("option %d %d", SOL_SOCKET, SO_LINGER), "ENOPROTOOPT");
    assert_string_equal(nw_probe_ask("send-flags 127.0.0.1 %s 0", port), "ok");
    assert_string_equal(nw_probe_ask("send-flags 127.0.0.1 %s %d", port, MSG_ZEROCOPY), "EPERM");
    assert_string_equal(nw_probe_ask("send-flags 127.0.0.1 %s %d", port, MSG_FASTOPEN), "EPERM");
    assert_string_equal(nw_probe_ask("send-control 127.0.0.1 %s", port), "EPERM");
}

static void net_has_pairs_that_nobody_else_sees(void **state)
{
    (void)state;
    nw_probe.deployment = nw_probe_load("probe", NW_PROFILE_NET, NULL, NULL);
    assert_string_equal(nw_probe_ask("pair %d", SOCK_STREAM | SOCK_CLOEXEC), "ab EPERM");
    assert_string_equal(nw_probe_ask("pair %d", SOCK_DGRAM), "ab EPERM");
    assert_string_equal(nw_probe_ask("pair %d", SOCK_SEQPACKET), "ab EPERM");
    assert_string_equal(nw_probe_ask("pair %d", SOCK_RAW), "EINVAL");
}

static void net_reads_certificates_and_no_keys(void **state)
{
    (void)state;
    nw_probe.deployment = nw_probe_load("probe", NW_PROFILE_NET, NULL, NULL);
    assert_string_equal(nw_probe_ask("open /etc/ssl/certs"), access("/etc/ssl/certs", F_OK) == 0 ? "ok" : "ENOENT");
    assert_string_equal(nw_probe_ask("open /etc/ssl/certs/ca-certificates.crt"),
                        access("/etc/ssl/certs/ca-certificates.crt", F_OK) == 0 ? "ok" : "ENOENT");
    assert_string_equal(nw_probe_ask("open /etc/ssl/certs/../private"), "ENOENT");
    assert_string_equal(nw_probe_ask("open /etc/ssl/private"), "ENOENT");
    assert_string_equal(nw_probe_ask("open /etc/ssl/certsx"), "ENOENT");
}

/* The kernel empties the place before a socket says that it cannot be mapped: a hole in the domain's range, where the
 * next memory of the monitor would lie. */
static void net_maps_no_sockets(void **state)
{
    (void)state;
    nw_probe.deployment = nw_probe_load("probe", NW_PROFILE_NET, NULL, NULL);
    assert_string_equal(nw_probe_ask("map-socket %d", SOCK_DGRAM), "ENODEV");
    assert_string_equal(nw_probe_ask("map-socket %d", SOCK_STREAM), "ENODEV");
}

/* One waits for a peer that says nothing; its domain ends at the deadline, and the other functions serve meanwhile. */
static void net_obeys_its_deadline(void **state)
{
    const struct nw_load l = {
        .name = "mute", .so = nw_probe_built("probe"), .slots = 2, .timeout_ms = 300, .profile = NW_PROFILE_NET};
    uint32_t mute = nw_harness_load(&nw_probe.harness, &l);
    char command[64];
    struct nw_answer a;

    (void)state;
    snprintf(command, sizeof(command), "tcp 127.0.0.1 %s x", port);
    a = nw_harness_invoke(&nw_probe.harness, mute, command, strlen(command));
    assert_int_equal(a.status, NW_STATUS_TIMEOUT);
    free(a.data);
    snprintf(command, sizeof(command), "epoll 127.0.0.1 %s", port);
    a = nw_harness_invoke(&nw_probe.harness, mute, command, strlen(command));
    assert_int_equal(a.status, NW_STATUS_TIMEOUT);
    free(a.data);
    a = nw_harness_invoke(&nw_probe.harness, mute, "epoll-timeout", 13);
    assert_string_equal(a.data, "ok");
    free(a.data);
}

/* The end of one domain interrupts every executor; who waits for a peer in another goes on waiting. */
static void net_is_not_disturbed_by_neighbours(void **state)
{
    const struct nw_load l = {
        .name = "late", .so = nw_probe_built("probe"), .slots = 2, .timeout_ms = 100, .profile = NW_PROFILE_NET};
    char command[64], heard[256];
    uint32_t late;
    uint64_t id;
    int first, second;
    struct nw_answer a;

    (void)state;
    if (nw_probe.mode == NW_MODE_PROCESS) {
        print_message("a worker has one domain in mode process\n");
        skip();
    }
    nw_probe.deployment = nw_probe_load("probe", NW_PROFILE_NET, NULL, NULL);
    late = nw_harness_load(&nw_probe.harness, &l);
    snprintf(command, sizeof(command), "tcp 127.0.0.1 %s patience", port);
    id = nw_harness_send(&nw_probe.harness, nw_probe.deployment, command, strlen(command));
    first = accept_one();
    assert_true(recv(first, heard, sizeof(heard), 0) > 0);
    nw_harness_send(&nw_probe.harness, late, command, strlen(command));
    second = accept_one();
    a = nw_harness_receive(&nw_probe.harness);
    assert_int_equal(a.status, NW_STATUS_TIMEOUT);
    free(a.data);
    a = nw_harness_invoke(&nw_probe.harness, late, "epoll-timeout", 13); /* all executors are interrupted for it */
    assert_string_equal(a.data, "ok");
    free(a.data);
    assert_int_equal(send(first, "late", 4, MSG_NOSIGNAL), 4);
    a = nw_harness_receive(&nw_probe.harness);
    assert_true(a.id == id);
    assert_string_equal(a.data, "late");
    free(a.data);
    close(first);
    close(second);
}

/* ---- files ---- */

static void load_files(const char *kind)
{
    char list[96];

    snprintf(list, sizeof(list), "%s/open:%s", nw_probe_folder, kind);
    nw_probe.deployment = nw_probe_load("probe", NW_PROFILE_FILES, NULL, list);
}

static void files_reads_what_is_granted(void **state)
{
    (void)state;
    load_files("ro");
    assert_string_equal(nw_probe_ask("read %s/open/file", nw_probe_folder), "granted");
    assert_string_equal(nw_probe_ask("read %s/open//inner/../file", nw_probe_folder), "granted");
    assert_string_equal(nw_probe_ask("read %s/open/good-link", nw_probe_folder), "granted");
    assert_string_equal(nw_probe_ask("readlink %s/open/good-link", nw_probe_folder), "file");
    assert_string_equal(nw_probe_ask("readlink %s/open/file", nw_probe_folder), "EINVAL");
    assert_string_equal(nw_probe_ask("read-at %s/open inner/deep", nw_probe_folder), "deeper");
    assert_string_equal(nw_probe_ask("list %s/open", nw_probe_folder), "8");
    assert_string_equal(nw_probe_ask("stat %s/open/file", nw_probe_folder), "100600 7");
    assert_string_equal(nw_probe_ask("open /lib/x86_64-linux-gnu/libm.so.6"), "ok");
    assert_string_equal(nw_probe_ask("dlopen libutil.so.1"), "ok");
}

static void files_changes_nothing_that_is_granted_ro(void **state)
{
    (void)state;
    load_files("ro");
    assert_string_equal(nw_probe_ask("write %s/open/file x", nw_probe_folder), "EROFS");
    assert_string_equal(nw_probe_ask("open %s/open/file 1000", nw_probe_folder), "EROFS");
    assert_string_equal(nw_probe_ask("access %s/open/file", nw_probe_folder), "EROFS");
    assert_string_equal(nw_probe_ask("mkdir %s/open/x", nw_probe_folder), "EROFS");
    assert_string_equal(nw_probe_ask("unlink %s/open/file", nw_probe_folder), "EROFS");
    assert_string_equal(nw_probe_ask("rename %s/open/file %s/open/x", nw_probe_folder, nw_probe_folder), "EROFS");
    assert_string_equal(nw_probe_ask("read %s/open/file", nw_probe_folder), "granted");
}

static void files_changes_what_is_granted_rw(void **state)
{
    (void)state;
    load_files("rw");
    assert_string_equal(nw_probe_ask("write %s/open/new text", nw_probe_folder), "ok");
    assert_string_equal(nw_probe_ask("read %s/open/new", nw_probe_folder), "text");
    assert_string_equal(nw_probe_ask("stat %s/open/new", nw_probe_folder), "100755 4");
    assert_string_equal(nw_probe_ask("access %s/open/new", nw_probe_folder), "ok");
    assert_string_equal(nw_probe_ask("mkdir %s/open/d", nw_probe_folder), "ok");
    assert_string_equal(nw_probe_ask("rename %s/open/new %s/open/d/moved", nw_probe_folder, nw_probe_folder), "ok");
    assert_string_equal(nw_probe_ask("read %s/open/d/moved", nw_probe_folder), "text");
    assert_string_equal(nw_probe_ask("rmdir %s/open/d", nw_probe_folder), "ENOTEMPTY");
    assert_string_equal(nw_probe_ask("unlink %s/open/d/moved", nw_probe_folder), "ok");
    assert_string_equal(nw_probe_ask("rmdir %s/open/d/", nw_probe_folder), "ok");
    assert_string_equal(nw_probe_ask("share %s/open/file", nw_probe_folder), "ok");
    assert_string_equal(nw_probe_ask("open %s/open/file 40000", nw_probe_folder), "EINVAL"); /* O_DIRECT */
}

static void files_changes_no_library(void **state)
{
    static const char *const paths[] = {"/lib/x86_64-linux-gnu/libm.so.6", "/usr/lib/none", "/function/probe"};

    (void)state;
    load_files("rw");
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        assert_string_equal(nw_probe_ask("unlink-after-poll %s", paths[i]), "EROFS");
        assert_string_equal(nw_probe_ask("mkdir %s", paths[i]), "EROFS");
        assert_string_equal(nw_probe_ask("rmdir %s", paths[i]), "EROFS");
        assert_string_equal(nw_probe_ask("rename %s %s/open/x", paths[i], nw_probe_folder), "EROFS");
        assert_string_equal(nw_probe_ask("rename %s/open/file %s", nw_probe_folder, paths[i]), "EROFS");
    }
}

/* The most memory that the worker has had, in MiB. */
static long peak(void)
{
    char path[64], line[128];
    long size = 0;
    FILE *status;

    snprintf(path, sizeof(path), "/proc/%d/status", nw_probe.harness.pid);
    status = fopen(path, "re");
    assert_non_null(status);
    while (fgets(line, sizeof(line), status))
        sscanf(line, "VmHWM: %ld", &size);
    fclose(status);
    return size >> 10;
}

/* Code that the function could never map is not even read. */
static void files_maps_no_more_code_than_memory(void **state)
{
    char list[96];
    struct nw_load l = {.name = "probe",
                        .so = nw_probe_built("probe"),
                        .slots = 2,
                        .memory = 64ull << 20,
                        .profile = NW_PROFILE_FILES,
                        .directories = list};

    (void)state;
    snprintf(list, sizeof(list), "%s/open:rw", nw_probe_folder);
    nw_probe.deployment = nw_harness_load(&nw_probe.harness, &l);
    assert_string_equal(nw_probe_ask("map-hole %s/open/hole 8", nw_probe_folder), "ok");
    assert_string_equal(nw_probe_ask("map-hole %s/open/hole 256", nw_probe_folder), "ENOMEM");
    assert_in_range(peak(), 1, 200);
}

static void files_does_not_leave_its_directories(void **state)
{
    (void)state;
    load_files("rw");
    assert_string_equal(nw_probe_ask("read %s/closed/secret", nw_probe_folder), "ENOENT");
    assert_string_equal(nw_probe_ask("read %s/open/../closed/secret", nw_probe_folder), "ENOENT");
    assert_string_equal(nw_probe_ask("read %s/openx", nw_probe_folder), "ENOENT");
    assert_string_equal(nw_probe_ask("read %s/open/bad-link", nw_probe_folder), "ENOENT");
    assert_string_equal(nw_probe_ask("read %s/open/absolute-link/secret", nw_probe_folder), "ENOENT");
    assert_string_equal(nw_probe_ask("read-at %s/open ../closed/secret", nw_probe_folder), "ENOENT");
    assert_string_equal(nw_probe_ask("read-at %s/open/inner ../file", nw_probe_folder), "ENOENT");
    assert_string_equal(nw_probe_ask("read-at %s/open /etc/passwd", nw_probe_folder), "ENOENT");
    assert_string_equal(nw_probe_ask("read /proc/self/mem"), "ENOENT");
    assert_string_equal(nw_probe_ask("write %s/open/absolute-link/x y", nw_probe_folder), "ENOENT");
    assert_string_equal(nw_probe_ask("unlink %s/open/../closed/secret", nw_probe_folder), "ENOENT");
    assert_string_equal(nw_probe_ask("unlink %s/open/absolute-link/secret", nw_probe_folder), "ENOENT");
    assert_string_equal(nw_probe_ask("rename %s/open/file %s/open/../closed/file", nw_probe_folder, nw_probe_folder),
                        "ENOENT");
    assert_string_equal(nw_probe_ask("mkdir %s/open/../new", nw_probe_folder), "ENOENT");
    assert_string_equal(nw_probe_ask("symlink / %s/open/root", nw_probe_folder), "EPERM");
    assert_string_equal(nw_probe_ask("open %s/open/pipe", nw_probe_folder), "EACCES");
    assert_string_equal(nw_probe_ask("connect 127.0.0.1 %s", port), "EPERM");
}

static void the_kernel_is_never_granted(void **state)
{
    static const char *const lists[] = {"/proc:ro", "/proc/self:rw", "/sys:ro"};

    (void)state;
    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
        const struct nw_load l = {
            .name = "probe", .so = nw_probe_built("probe"), .profile = NW_PROFILE_FILES, .directories = lists[i]};

        assert_int_equal(nw_harness_load(&nw_probe.harness, &l), 0);
        assert_non_null(strstr(nw_probe.harness.message.text, "belongs to the kernel"));
    }
}

/* ---- threads ---- */

static void threads_are_counted(void **state)
{
    const struct nw_load none = {.name = "none", .so = nw_probe_built("probe"), .slots = 2, .threads = NW_NO_THREADS};
    struct nw_load few = {.name = "few", .so = nw_probe_built("probe"), .slots = 2, .threads = 5};

    (void)state;
    nw_probe.deployment = nw_harness_load(&nw_probe.harness, &few);
    assert_string_equal(nw_probe_ask("threads-in-turn"), "100");
    assert_string_equal(nw_probe_ask("threads"), "5 EAGAIN");
    assert_string_equal(nw_probe_ask("threads"), "0 EAGAIN");
    nw_probe.deployment = nw_harness_load(&nw_probe.harness, &none);
    assert_string_equal(nw_probe_ask("threads"), "0 EAGAIN");
}

/* A new domain has all of its threads again. */
static void threads_end_with_their_domain(void **state)
{
    const struct nw_load few = {.name = "few", .so = nw_probe_built("probe"), .slots = 2, .threads = 5};

    (void)state;
    nw_probe.deployment = nw_harness_load(&nw_probe.harness, &few);
    for (int i = 0; i < 3; i++) {
        assert_string_equal(nw_probe_ask("threads"), "5 EAGAIN");
        assert_non_null(strstr(nw_probe_ask("abort"), "failed: "));
    }
}

#define TEST(name)        cmocka_unit_test_setup_teardown(name, start, stop)
#define FOLDER_TEST(name) cmocka_unit_test_setup_teardown(name, start_with_folder, stop_with_folder)

static int run_mode(enum nw_mode in)
{
    const struct CMUnitTest tests[] = {
        TEST(compute_opens_no_file_once_loaded),
        TEST(compute_has_no_sockets),
        TEST(net_talks_to_a_peer),
        TEST(net_looks_up_names),
        TEST(net_reaches_listed_addresses_only),
        TEST(net_reaches_what_names_stand_for),
        TEST(net_has_no_other_sockets_and_options),
        TEST(net_has_pairs_that_nobody_else_sees),
        TEST(net_reads_certificates_and_no_keys),
        TEST(net_maps_no_sockets),
        TEST(net_obeys_its_deadline),
        TEST(net_is_not_disturbed_by_neighbours),
        FOLDER_TEST(files_reads_what_is_granted),
        FOLDER_TEST(files_changes_nothing_that_is_granted_ro),
        FOLDER_TEST(files_changes_what_is_granted_rw),
        FOLDER_TEST(files_changes_no_library),
        FOLDER_TEST(files_maps_no_more_code_than_memory),
        FOLDER_TEST(files_does_not_leave_its_directories),
        TEST(the_kernel_is_never_granted),
        TEST(threads_are_counted),
        TEST(threads_end_with_their_domain),
    };

    nw_probe.mode = in;
    return _cmocka_run_group_tests(nw_mode_name(in), tests, sizeof(tests) / sizeof(tests[0]), NULL, NULL);
}

int main(void)
{
    return nw_harness_run_modes(run_mode);
}
