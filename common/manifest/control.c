/*
 * Sending and receiving the packets of control.h. Checks the shape of a packet (sizes, kind, number of fds); what its
 * fields mean is checked by whoever acts on it.
 */
#include "common/manifest/control.h"
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

union fd_space {
    char bytes[CMSG_SPACE(NW_CONTROL_FDS_MAX * sizeof(int))];
    struct cmsghdr align;
};

/* With an odd number CMSG_SPACE pads the buffer by as much as one more descriptor takes, and a packet with one too many
 * would be accepted. */
_Static_assert(NW_CONTROL_FDS_MAX % 2 == 0, "an even number");

int nw_control_send(int socket, const struct nw_control *head, const char *text, size_t text_len, const int *fds,
                    int n_fds)
{
    if (text_len > NW_CONTROL_TEXT_MAX || n_fds < 0 || n_fds > NW_CONTROL_FDS_MAX)
        return -EINVAL;
    struct nw_control packet = *head;
    packet.text_len = (uint32_t)text_len;
    struct iovec iov[] = {{&packet, sizeof packet}, {(void *)text, text_len}};
    struct msghdr msg = {.msg_iov = iov, .msg_iovlen = text_len ? 2 : 1};
    union fd_space space;
    if (n_fds) {
        memset(&space, 0, sizeof space);
        msg.msg_control = &space;
        msg.msg_controllen = CMSG_SPACE((size_t)n_fds * sizeof(int));
        struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);
        cmsg->cmsg_level = SOL_SOCKET;
        cmsg->cmsg_type = SCM_RIGHTS;
        cmsg->cmsg_len = CMSG_LEN((size_t)n_fds * sizeof(int));
        memcpy(CMSG_DATA(cmsg), fds, (size_t)n_fds * sizeof(int));
    }
    ssize_t sent;
    do
        sent = sendmsg(socket, &msg, MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    return sent < 0 ? -errno : 0;
}

static void take_fds(struct msghdr *msg, struct nw_control_message *message)
{
    for (struct cmsghdr *cmsg = CMSG_FIRSTHDR(msg); cmsg; cmsg = CMSG_NXTHDR(msg, cmsg)) {
        if (cmsg->cmsg_level != SOL_SOCKET || cmsg->cmsg_type != SCM_RIGHTS)
            continue;
        size_t n = (cmsg->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < n && message->n_fds < NW_CONTROL_FDS_MAX; i++)
            memcpy(&message->fds[message->n_fds++], CMSG_DATA(cmsg) + i * sizeof(int), sizeof(int));
    }
}

static int well_formed(const struct nw_control_message *message, size_t size, int flags)
{
    const struct nw_control *head = &message->head;
    return !(flags & (MSG_TRUNC | MSG_CTRUNC)) && size >= sizeof *head && head->text_len == size - sizeof *head &&
           head->kind >= NW_CONTROL_LAUNCHER && head->kind <= NW_CONTROL_EDGES;
}

static void drop_fds(struct nw_control_message *message)
{
    for (int i = 0; i < message->n_fds; i++) {
        close(message->fds[i]);
        message->fds[i] = -1;
    }
    message->n_fds = 0;
}

int nw_control_recv(int socket, struct nw_control_message *message)
{
    struct iovec iov[] = {{&message->head, sizeof message->head}, {message->text, NW_CONTROL_TEXT_MAX}};
    union fd_space space;
    struct msghdr msg;
    ssize_t size;

    message->n_fds = 0;
    for (int i = 0; i < NW_CONTROL_FDS_MAX; i++)
        message->fds[i] = -1;
    /* A peer that closed with our messages unread gives ECONNRESET once, before what it had sent itself. */
    do {
        msg = (struct msghdr){.msg_iov = iov, .msg_iovlen = 2, .msg_control = &space, .msg_controllen = sizeof space};
        size = recvmsg(socket, &msg, MSG_CMSG_CLOEXEC);
    } while (size < 0 && (errno == EINTR || errno == ECONNRESET));
    if (size < 0)
        return -errno;
    take_fds(&msg, message);
    if (size == 0 && message->n_fds == 0)
        return 0;
    if (!well_formed(message, (size_t)size, msg.msg_flags)) {
        /* The kernel installs as many fds as the limit allows, and says of the others only that there were some. */
        int error = msg.msg_flags & MSG_CTRUNC && message->n_fds < NW_CONTROL_FDS_MAX ? -EMFILE : -EPROTO;
        drop_fds(message);
        return error;
    }
    message->text[message->head.text_len] = '\0';
    return 1;
}
