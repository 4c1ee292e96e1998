/* Control packets: round trips with text and fds, and packets that are malformed in every way; no fd is ever lost. */
#include "common/test/test.h"

#include "common/manifest/control.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

struct fixture {
    int us, peer;
    int before; /* fds open at the start */
    struct nw_control_message message;
};

static int open_fds(void)
{
    int n = 0;
    for (int fd = 0; fd < 256; fd++)
        n += fcntl(fd, F_GETFD) >= 0;
    return n;
}

static int setup(void **state)
{
    static struct fixture f;
    int pair[2];
    f.before = open_fds();
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair), 0);
    f.us = pair[0];
    f.peer = pair[1];
    *state = &f;
    return 0;
}

static void close_side(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    close_side(&f->us);
    close_side(&f->peer);
    return open_fds() == f->before ? 0 : -1;
}

static void close_received(struct nw_control_message *message)
{
    for (int i = 0; i < message->n_fds; i++)
        close(message->fds[i]);
}

/* Sends raw bytes with `n_fds` fds, as a hostile peer may. */
static void send_raw(struct fixture *f, const void *bytes, size_t size, int n_fds)
{
    union {
        char bytes[CMSG_SPACE(16 * sizeof(int))];
        struct cmsghdr align;
    } space = {0};
    struct iovec iov = {(void *)bytes, size};
    struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
    int fd = eventfd(0, 0);
    if (n_fds) {
        msg.msg_control = &space;
        msg.msg_controllen = CMSG_SPACE((size_t)n_fds * sizeof(int));
        struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);
        *cmsg = (struct cmsghdr){CMSG_LEN((size_t)n_fds * sizeof(int)), SOL_SOCKET, SCM_RIGHTS};
        for (int i = 0; i < n_fds; i++)
            memcpy(CMSG_DATA(cmsg) + (size_t)i * sizeof(int), &fd, sizeof fd);
    }
    assert_int_equal(sendmsg(f->peer, &msg, 0), size);
    close(fd);
}

static void every_field_arrives(void **state)
{
    struct fixture *f = *state;
    struct nw_control head = {.kind = NW_CONTROL_START,
                              .text_len = 12345, /* set by the sender itself, whatever is here */
                              .worker = 2,
                              .deployment = 3,
                              .value = -4,
                              .mode = NW_MODE_MPK,
                              .executors = 5,
                              .slots = 6,
                              .timeout_ms = 7,
                              .memory = 1ull << 40,
                              .geometry = {8, 0, 9}};
    assert_int_equal(nw_control_send(f->peer, &head, "a\0b", 3, NULL, 0), 0);
    assert_int_equal(nw_control_recv(f->us, &f->message), 1);
    head.text_len = 3;
    assert_memory_equal(&f->message.head, &head, sizeof head);
    assert_memory_equal(f->message.text, "a\0b", 4);
    assert_int_equal(f->message.n_fds, 0);
    for (int i = 0; i < NW_CONTROL_FDS_MAX; i++)
        assert_int_equal(f->message.fds[i], -1);
}

static void fds_arrive_in_order_and_close_on_exec(void **state)
{
    struct fixture *f = *state;
    struct nw_control head = {.kind = NW_CONTROL_LOAD};
    for (int n = 1; n <= NW_CONTROL_FDS_MAX; n++) {
        int fds[NW_CONTROL_FDS_MAX];
        for (int i = 0; i < n; i++)
            fds[i] = eventfd((unsigned)(100 + i), 0);
        assert_int_equal(nw_control_send(f->peer, &head, NULL, 0, fds, n), 0);
        for (int i = 0; i < n; i++)
            close(fds[i]);
        assert_int_equal(nw_control_recv(f->us, &f->message), 1);
        assert_int_equal(f->message.n_fds, n);
        for (int i = 0; i < n; i++) {
            uint64_t value;
            assert_int_equal(read(f->message.fds[i], &value, sizeof value), sizeof value);
            assert_int_equal(value, 100 + i);
            assert_int_equal(fcntl(f->message.fds[i], F_GETFD), FD_CLOEXEC);
        }
        close_received(&f->message);
    }
}

static void longest_text_arrives_and_longer_is_refused(void **state)
{
    struct fixture *f = *state;
    static char text[NW_CONTROL_TEXT_MAX + 1];
    struct nw_control head = {.kind = NW_CONTROL_REFUSED};
    memset(text, 'x', sizeof text);
    assert_int_equal(nw_control_send(f->peer, &head, text, NW_CONTROL_TEXT_MAX, NULL, 0), 0);
    assert_int_equal(nw_control_recv(f->us, &f->message), 1);
    assert_int_equal(strlen(f->message.text), NW_CONTROL_TEXT_MAX);
    assert_int_equal(nw_control_send(f->peer, &head, text, NW_CONTROL_TEXT_MAX + 1, NULL, 0), -EINVAL);
    int fd = 0;
    assert_int_equal(nw_control_send(f->peer, &head, text, 1, &fd, NW_CONTROL_FDS_MAX + 1), -EINVAL);
    assert_int_equal(nw_control_recv(f->us, &f->message), -EAGAIN);
}

static void malformed_packets_are_refused_and_their_fds_closed(void **state)
{
    struct fixture *f = *state;
    static unsigned char packet[sizeof(struct nw_control) + NW_CONTROL_TEXT_MAX + 100];
    const struct {
        uint32_t kind, text_len;
        size_t size;
    } rows[] = {
        {NW_CONTROL_HELLO, 0, 1},
        {NW_CONTROL_HELLO, 0, sizeof(struct nw_control) - 1},
        {NW_CONTROL_HELLO, 0, sizeof(struct nw_control) + 1},
        {NW_CONTROL_HELLO, 1, sizeof(struct nw_control)},
        {NW_CONTROL_HELLO, UINT32_MAX, sizeof(struct nw_control)},
        {NW_CONTROL_HELLO, UINT32_MAX - 7, sizeof(struct nw_control) - 8},
        {NW_CONTROL_HELLO, NW_CONTROL_TEXT_MAX + 1, sizeof(struct nw_control) + NW_CONTROL_TEXT_MAX + 1},
        {NW_CONTROL_HELLO, NW_CONTROL_TEXT_MAX, sizeof(struct nw_control) + NW_CONTROL_TEXT_MAX + 1},
        {0, 0, sizeof(struct nw_control)},
        {NW_CONTROL_EDGES + 1, 0, sizeof(struct nw_control)},
        {UINT32_MAX, 0, sizeof(struct nw_control)},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        for (int n_fds = 0; n_fds <= 2; n_fds++) {
            struct nw_control head = {.kind = rows[i].kind, .text_len = rows[i].text_len};
            memcpy(packet, &head, sizeof head);
            send_raw(f, packet, rows[i].size, n_fds);
            assert_int_equal(nw_control_recv(f->us, &f->message), -EPROTO);
            assert_int_equal(f->message.n_fds, 0);
            assert_int_equal(open_fds(), f->before + 2);
        }
    }
}

static void too_many_fds_are_refused_and_closed(void **state)
{
    struct fixture *f = *state;
    struct nw_control head = {.kind = NW_CONTROL_HELLO};
    for (int n = NW_CONTROL_FDS_MAX + 1; n <= 16; n++) {
        send_raw(f, &head, sizeof head, n);
        assert_int_equal(nw_control_recv(f->us, &f->message), -EPROTO);
        assert_int_equal(open_fds(), f->before + 2);
    }
}

static void limit_files(rlim_t most)
{
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = most;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

/* The packet is good, but there is no room for its fds: that is another error, and the next packet arrives. */
static void fds_that_find_no_room_are_told_from_a_malformed_packet(void **state)
{
    struct fixture *f = *state;
    struct nw_control head = {.kind = NW_CONTROL_HELLO};
    rlim_t first = 0;
    while (fcntl((int)first, F_GETFD) >= 0)
        first++;
    for (unsigned room = 0; room < 3; room++) {
        send_raw(f, &head, sizeof head, 3);
        limit_files(first + room);
        int rc = nw_control_recv(f->us, &f->message);
        limit_files(256);
        assert_int_equal(rc, -EMFILE);
        assert_int_equal(open_fds(), f->before + 2);
    }
    send_raw(f, &head, sizeof head, 3);
    assert_int_equal(nw_control_recv(f->us, &f->message), 1);
    assert_int_equal(f->message.n_fds, 3);
    for (int i = 0; i < 3; i++)
        close(f->message.fds[i]);
}

static void random_packets_never_break_the_receiver(void **state)
{
    struct fixture *f = *state;
    uint64_t seed = 1181783497276652981u;
    int accepted = 0;
    for (int i = 0; i < 20000; i++) {
        unsigned char packet[2 * sizeof(struct nw_control)];
        for (size_t b = 0; b < sizeof packet; b++)
            packet[b] = (unsigned char)test_random(&seed);
        struct nw_control head = {.kind = (uint32_t)(test_random(&seed) % 20)};
        size_t size = 1 + test_random(&seed) % sizeof packet;
        head.text_len = (uint32_t)(size - sizeof head + test_random(&seed) % 2);
        if (test_random(&seed) % 4)
            memcpy(packet, &head, sizeof head);
        send_raw(f, packet, size, (int)(test_random(&seed) % 7));
        int rc = nw_control_recv(f->us, &f->message);
        assert_true(rc == 1 || rc == -EPROTO);
        if (rc == 1) {
            assert_int_equal(f->message.head.text_len + sizeof head, size);
            assert_int_equal(f->message.text[f->message.head.text_len], 0);
            close_received(&f->message);
            accepted++;
        }
        assert_int_equal(open_fds(), f->before + 2);
    }
    assert_true(accepted > 100);
}

static void end_of_file(void **state)
{
    struct fixture *f = *state;
    struct nw_control head = {.kind = NW_CONTROL_HELLO};
    assert_int_equal(nw_control_recv(f->us, &f->message), -EAGAIN);
    close_side(&f->peer);
    assert_int_equal(nw_control_recv(f->us, &f->message), 0);
    assert_int_equal(nw_control_send(f->us, &head, NULL, 0, NULL, 0), -EPIPE);
}

/* What a peer sent before it died still arrives, although it left messages of ours unread. */
static void last_words_outlive_a_reset(void **state)
{
    struct fixture *f = *state;
    struct nw_control head = {.kind = NW_CONTROL_TORN_DOWN, .deployment = 9};
    assert_int_equal(nw_control_send(f->us, &head, NULL, 0, NULL, 0), 0);
    assert_int_equal(nw_control_send(f->peer, &head, "why", 3, NULL, 0), 0);
    close_side(&f->peer);
    assert_int_equal(nw_control_recv(f->us, &f->message), 1);
    assert_string_equal(f->message.text, "why");
    assert_int_equal(nw_control_recv(f->us, &f->message), 0);
}

static void full_socket_says_so(void **state)
{
    struct fixture *f = *state;
    static char text[NW_CONTROL_TEXT_MAX];
    struct nw_control head = {.kind = NW_CONTROL_HELLO};
    int rc = 0, sent = -1;
    for (; rc == 0; sent++)
        rc = nw_control_send(f->peer, &head, text, sizeof text, NULL, 0);
    assert_int_equal(rc, -EAGAIN);
    while (sent--)
        assert_int_equal(nw_control_recv(f->us, &f->message), 1);
    assert_int_equal(nw_control_recv(f->us, &f->message), -EAGAIN);
}

#define control_test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        control_test(every_field_arrives),
        control_test(fds_arrive_in_order_and_close_on_exec),
        control_test(longest_text_arrives_and_longer_is_refused),
        control_test(malformed_packets_are_refused_and_their_fds_closed),
        control_test(too_many_fds_are_refused_and_closed),
        control_test(fds_that_find_no_room_are_told_from_a_malformed_packet),
        control_test(random_packets_never_break_the_receiver),
        control_test(end_of_file),
        control_test(last_words_outlive_a_reset),
        control_test(full_socket_says_so),
    };
    return cmocka_run_group_tests_name("control", tests, NULL, NULL);
}
