/*
 * Control messages from a peer that sends any packet with any number of descriptors: what is accepted has the shape
 * that control.h promises, and no descriptor is lost or closed twice.
 */
#include "common/manifest/control.h"
#include "common/test/fuzz.h"
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PACKETS   16
#define SENT_MOST 8 /* descriptors in one packet */

static struct nw_control_message message;

/* A length in two bytes, a number of descriptors, and so many bytes of packet; then the next. */
static int send_packet(int socket, struct nw_fuzz_input *input)
{
    size_t size, wanted = nw_fuzz_take(input, 2);
    size_t n_fds = nw_fuzz_take(input, 1) % (SENT_MOST + 1);
    const uint8_t *bytes = nw_fuzz_bytes(input, wanted, &size);
    union {
        char bytes[CMSG_SPACE(SENT_MOST * sizeof(int))];
        struct cmsghdr align;
    } space = {.bytes = {0}};
    struct iovec iov = {(void *)bytes, size};
    struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
    if (n_fds) {
        msg.msg_control = &space;
        msg.msg_controllen = CMSG_SPACE(n_fds * sizeof(int));
        struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);
        *cmsg = (struct cmsghdr){
            .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(n_fds * sizeof(int))};
        for (size_t i = 0; i < n_fds; i++)
            memcpy(CMSG_DATA(cmsg) + i * sizeof(int), &socket, sizeof(int));
    }
    return sendmsg(socket, &msg, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 ? -errno : 0;
}

static void check_accepted(void)
{
    NW_FUZZ_CHECK(message.head.kind >= NW_CONTROL_LAUNCHER && message.head.kind <= NW_CONTROL_EDGES);
    NW_FUZZ_CHECK(message.head.text_len <= NW_CONTROL_TEXT_MAX && !message.text[message.head.text_len]);
    NW_FUZZ_CHECK(message.n_fds >= 0 && message.n_fds <= NW_CONTROL_FDS_MAX);
    for (int i = 0; i < NW_CONTROL_FDS_MAX; i++)
        NW_FUZZ_CHECK((message.fds[i] >= 0) == (i < message.n_fds));
    for (int i = 0; i < message.n_fds; i++)
        NW_FUZZ_CHECK(close(message.fds[i]) == 0);
}

static int lowest_free_fd(void)
{
    int fd = dup(0);
    NW_FUZZ_CHECK(fd >= 0 && close(fd) == 0);
    return fd;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct nw_fuzz_input input = {data, size};
    int pair[2], before = lowest_free_fd(), rc;
    NW_FUZZ_CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) == 0);
    for (int i = 0; i < PACKETS && input.left; i++)
        if (send_packet(pair[0], &input) < 0)
            break;
    while ((rc = nw_control_recv(pair[1], &message)) == 1 || rc == -EPROTO)
        if (rc == 1)
            check_accepted();
    NW_FUZZ_CHECK(rc == 0 || rc == -EAGAIN);
    close(pair[0]);
    close(pair[1]);
    NW_FUZZ_CHECK(lowest_free_fd() == before);
    return 0;
}
