/*
 * System calls of sockets, for functions of profile net. What names an address is copied, checked against what the
 * function may reach, and given to the kernel as the copy, with the monitor's rights; the data that goes along is
 * checked to lie in the domain. Everything else is passed on with the domain's rights. Which families, types, flags and
 * options there are is in policy/rules.c.
 */
#include "worker/base/config.h"
#include "worker/domain/domain.h"
#include "worker/executor/blocked.h"
#include "worker/files/files.h"
#include "worker/reach/grants.h"
#include "worker/syscall/call.h"
#include "worker/syscall/file/number.h"
#include "worker/syscall/handlers.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PIECES_MAX   256
#define MESSAGES_MAX 64

struct address {
    struct sockaddr_storage at;
    uint64_t length; /* 0: none was given */
};

long nw_sys_socket(struct nw_call *call)
{
    int fd = socket((int)call->args[0], (int)call->args[1] | SOCK_CLOEXEC, (int)call->args[2]);

    return fd < 0 ? -errno : nw_fd_add(&call->domain->files, (struct nw_domain_fd){.fd = fd}, 0);
}

/* Both ends are of the domain. There is no name by which anybody could connect to one. */
long nw_sys_socketpair(struct nw_call *call)
{
    int ends[2];

    if (socketpair(AF_UNIX, (int)call->args[1] | SOCK_CLOEXEC, 0, ends) < 0)
        return -errno;
    return nw__call_two_files(call, ends, call->args[3]);
}

/* Whether the function may reach it: 0 or negative errno. */
static int check_reach(const struct nw_call *call, const struct address *address)
{
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
    uint8_t bytes[16];

    memcpy(&v4, &address->at, sizeof(v4));
    memcpy(&v6, &address->at, sizeof(v6));
    if (address->length < sizeof(sa_family_t))
        return -EINVAL;
    if (v4.sin_family == AF_INET && address->length >= sizeof(v4))
        nw_address_of_v4(bytes, &v4.sin_addr);
    else if (v6.sin6_family == AF_INET6 && address->length >= offsetof(struct sockaddr_in6, sin6_scope_id))
        memcpy(bytes, &v6.sin6_addr, sizeof(bytes));
    else
        return v4.sin_family == AF_INET || v4.sin_family == AF_INET6 ? -EINVAL : -EAFNOSUPPORT;
    /* Both forms have the port at the same place. */
    return nw_grants_reached(call->domain->function, bytes, ntohs(v4.sin_port)) ? 0 : -EPERM;
}

static int read_address(struct nw_call *call, uint64_t from, uint64_t length, struct address *address)
{
    int error;

    memset(address, 0, sizeof(*address));
    if (!from || !(uint32_t)length)
        return 0;
    address->length = (uint32_t)length;
    if (address->length > sizeof(address->at))
        return -EINVAL;
    address->length = (uint32_t)nw_index(address->length, sizeof(address->at) + 1);
    if (nw_call_read(call, &address->at, from, address->length) < 0)
        return -EFAULT;
    error = check_reach(call, address);
    return error == -EPERM ? (int)nw_call_refuse(call) : error;
}

/* The call with the monitor's rights, on arguments that are its own or were checked. */
static long call_own(struct nw_call *call)
{
    return nw_config()->gate->syscall_as(0, call->number, call->args);
}

/* Waits as long as it takes. Where no executor can be spared for that it is done if it can be done at once, which
 * `flags_at`, the argument with the MSG flags, makes so (-1: there is none), and else starved. */
static long wait_for(struct nw_call *call, long (*carry_out)(struct nw_call *), int flags_at)
{
    bool waits = nw_call_block(call), may_sleep = flags_at < 0 || !(call->args[flags_at] & MSG_DONTWAIT);
    long result;

    if (!waits && flags_at < 0)
        return -EAGAIN;
    if (!waits)
        call->args[flags_at] |= MSG_DONTWAIT;
    do
        result = carry_out(call);
    while (waits && nw_call_cut_short(call, result));
    call->starved = !waits && may_sleep && result == -EAGAIN && !(fcntl((int)call->args[0], F_GETFL) & O_NONBLOCK);
    if (waits)
        nw_executor_unblock(call->ex);
    return result;
}

/* A second connect after one that was cut short goes on waiting for the first. */
static long connect_waiting(struct nw_call *call)
{
    return wait_for(call, call_own, -1);
}

long nw_sys_connect(struct nw_call *call)
{
    static const sa_family_t none = AF_UNSPEC;
    struct address address;
    int error = read_address(call, call->args[1], call->args[2], &address);

    /* No address at all takes a datagram socket's away. */
    if (error == -EAFNOSUPPORT && memcmp(&address.at, &none, sizeof(none)) == 0)
        error = 0;
    if (error || !address.length)
        return error ? error : -EFAULT;
    if (nw_call_once(call))
        call->args[1] = (uint64_t)&address.at;
    call->args[2] = address.length;
    return nw__call_on_file(call, connect_waiting);
}

static long send_own(struct nw_call *call)
{
    return wait_for(call, call_own, 3);
}

static long send_passed(struct nw_call *call)
{
    return wait_for(call, nw_call_kernel, 3);
}

long nw_sys_sendto(struct nw_call *call)
{
    struct address address;
    int error = read_address(call, call->args[4], call->args[5], &address);

    if (error)
        return error;
    call->args[3] |= MSG_NOSIGNAL;
    if (!address.length) {
        call->args[4] = call->args[5] = 0;
        return nw__call_on_file(call, send_passed);
    }
    if (!nw_domain_holds(call->domain, call->args[1], call->args[2]))
        return -EFAULT;
    call->args[4] = (uint64_t)&address.at;
    call->args[5] = address.length;
    return nw__call_on_file(call, send_own);
}

/* Copies the list of pieces, each of which lies in the domain. */
static int read_pieces(struct nw_call *call, uint64_t from, uint64_t n, struct iovec to[PIECES_MAX])
{
    if (n > PIECES_MAX)
        return -EMSGSIZE;
    n = nw_index(n, PIECES_MAX + 1);
    if (nw_call_read(call, to, from, n * sizeof(*to)) < 0)
        return -EFAULT;
    for (uint64_t i = 0; i < n; i++)
        if (!nw_domain_holds(call->domain, (uint64_t)to[i].iov_base, to[i].iov_len))
            return -EFAULT;
    return 0;
}

static long sendmsg_own(struct nw_call *call)
{
    return wait_for(call, call_own, 2);
}

static long send_message(struct nw_call *call, uint64_t from)
{
    struct iovec pieces[PIECES_MAX];
    struct address address;
    struct msghdr message;
    int error;

    if (nw_call_read(call, &message, from, sizeof(message)) < 0)
        return -EFAULT;
    if (message.msg_controllen)
        return nw_call_refuse(call);
    error = read_address(call, (uint64_t)message.msg_name, message.msg_namelen, &address);
    if (!error)
        error = read_pieces(call, (uint64_t)message.msg_iov, message.msg_iovlen, pieces);
    if (error)
        return error;
    message = (struct msghdr){.msg_name = address.length ? &address.at : NULL,
                              .msg_namelen = (socklen_t)address.length,
                              .msg_iov = pieces,
                              .msg_iovlen = message.msg_iovlen};
    call->args[1] = nw_call_once(call) ? (uint64_t)&message : from;
    call->args[2] |= MSG_NOSIGNAL;
    return nw__call_on_file(call, sendmsg_own);
}

long nw_sys_sendmsg(struct nw_call *call)
{
    return send_message(call, call->args[1]);
}

/* What was sent before an error counts, as the kernel would have it. */
long nw_sys_sendmmsg(struct nw_call *call)
{
    uint64_t number = call->args[0], from = call->args[1], flags = call->args[3];
    uint32_t n = (uint32_t)call->args[2] < MESSAGES_MAX ? (uint32_t)call->args[2] : MESSAGES_MAX, sent = 0;
    long result = 0;

    for (; sent < n && result >= 0; sent += result >= 0) {
        uint64_t at = from + sent * sizeof(struct mmsghdr);
        uint32_t length;

        call->number = SYS_sendmsg;
        call->args[0] = number;
        call->args[2] = flags;
        result = send_message(call, at);
        length = (uint32_t)result;
        if (result >= 0 && nw_call_write(call, at + offsetof(struct mmsghdr, msg_len), &length, sizeof(length)) < 0)
            result = -EFAULT;
    }
    call->starved &= !sent;
    return sent ? (long)sent : result;
}

static long receive_passed(struct nw_call *call)
{
    return wait_for(call, nw_call_kernel, call->number == SYS_recvmsg ? 2 : 3);
}

long nw_sys_receive(struct nw_call *call)
{
    return nw__call_on_file(call, receive_passed);
}
