/* What the arguments of system calls may be, as data: see policy.h and policy.def. */
#include "worker/policy/policy.h"
#include <asm/prctl.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/futex.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

/* The C library's name for it is 0 where 64-bit offsets are the only ones; programs pass the kernel's. */
#define KERNEL_LARGEFILE 0100000

#define V(name)                 \
    {                           \
#name, (uint64_t)(name) \
    }
#define O(level, option)                            \
    {                                               \
#option, (uint64_t)(level) << 32 | (option) \
    }
#define LIST(list)  .values = (list), .n = sizeof(list) / sizeof((list)[0])
#define RULES(name) const struct nw_rule nw_rules_##name[]

/* clang-format off */
static const struct nw_rule_value protections[] = {V(PROT_READ), V(PROT_WRITE), V(PROT_EXEC)};
static const struct nw_rule_value map_flags[] = {
    V(MAP_PRIVATE), V(MAP_SHARED), V(MAP_ANONYMOUS), V(MAP_FIXED), V(MAP_FIXED_NOREPLACE), V(MAP_NORESERVE), V(MAP_STACK),
    V(MAP_POPULATE), V(MAP_NONBLOCK), V(MAP_LOCKED), V(MAP_32BIT), V(MAP_DENYWRITE), V(MAP_EXECUTABLE),
};
static const struct nw_rule_value remap_flags[] = {V(MREMAP_MAYMOVE)};
static const struct nw_rule_value advices[] = {
    V(MADV_DONTNEED), V(MADV_FREE), V(MADV_NORMAL), V(MADV_RANDOM), V(MADV_SEQUENTIAL), V(MADV_WILLNEED),
    V(MADV_HUGEPAGE), V(MADV_NOHUGEPAGE), V(MADV_DONTDUMP), V(MADV_DODUMP), V(MADV_DONTFORK), V(MADV_DOFORK),
    V(MADV_WIPEONFORK), V(MADV_KEEPONFORK), V(MADV_COLD), V(MADV_PAGEOUT),
};
static const struct nw_rule_value sync_flags[] = {V(MS_ASYNC), V(MS_SYNC)};
static const struct nw_rule_value fcntl_commands[] = {
    V(F_DUPFD), V(F_DUPFD_CLOEXEC), V(F_GETFD), V(F_SETFD), V(F_GETFL), V(F_SETFL),
    V(F_GETLK), V(F_SETLK), V(F_SETLKW), V(F_OFD_GETLK), V(F_OFD_SETLK), V(F_OFD_SETLKW),
};
static const struct nw_rule_value ioctl_commands[] = {V(FIONREAD), V(FIONBIO)};
static const struct nw_rule_value pipe_flags[] = {V(O_NONBLOCK), V(O_CLOEXEC)};
static const struct nw_rule_value dup_flags[] = {V(O_CLOEXEC)};
static const struct nw_rule_value eventfd_flags[] = {V(EFD_NONBLOCK), V(EFD_SEMAPHORE), V(EFD_CLOEXEC)};
static const struct nw_rule_value itimers[] = {V(ITIMER_REAL)};
static const struct nw_rule_value timerfd_flags[] = {V(TFD_NONBLOCK), V(TFD_CLOEXEC)};
static const struct nw_rule_value timer_flags[] = {V(TFD_TIMER_ABSTIME), V(TFD_TIMER_CANCEL_ON_SET)};
static const struct nw_rule_value open_flags[] = {
    V(O_RDONLY), V(O_WRONLY), V(O_RDWR), V(O_CREAT), V(O_EXCL), V(O_TRUNC), V(O_APPEND), V(O_NONBLOCK), V(O_CLOEXEC),
    V(O_DIRECTORY), V(O_NOFOLLOW), V(O_NOCTTY), V(O_DSYNC), V(O_SYNC), {"O_LARGEFILE", KERNEL_LARGEFILE},
};
static const struct nw_rule_value stat_flags[] = {V(AT_EMPTY_PATH), V(AT_SYMLINK_NOFOLLOW), V(AT_NO_AUTOMOUNT)};
static const struct nw_rule_value access_modes[] = {V(F_OK), V(R_OK), V(W_OK), V(X_OK)};
static const struct nw_rule_value access_flags[] = {V(AT_EACCESS), V(AT_SYMLINK_NOFOLLOW), V(AT_EMPTY_PATH)};
static const struct nw_rule_value thread_needs[] = {V(CLONE_VM), V(CLONE_THREAD), V(CLONE_SIGHAND)};
static const struct nw_rule_value thread_flags[] = {
    V(CLONE_VM), V(CLONE_THREAD), V(CLONE_SIGHAND), V(CLONE_FS), V(CLONE_FILES), V(CLONE_SYSVSEM), V(CLONE_SETTLS),
    V(CLONE_PARENT_SETTID), V(CLONE_CHILD_SETTID), V(CLONE_CHILD_CLEARTID),
};
static const struct nw_rule_value futex_commands[] = {
    V(FUTEX_WAIT), V(FUTEX_WAIT_BITSET), V(FUTEX_WAKE), V(FUTEX_WAKE_BITSET), V(FUTEX_REQUEUE), V(FUTEX_CMP_REQUEUE),
};
static const struct nw_rule_value sleep_clocks[] = {V(CLOCK_REALTIME), V(CLOCK_MONOTONIC), V(CLOCK_BOOTTIME)};
static const struct nw_rule_value clocks[] = {
    V(CLOCK_REALTIME), V(CLOCK_MONOTONIC), V(CLOCK_PROCESS_CPUTIME_ID), V(CLOCK_THREAD_CPUTIME_ID),
    V(CLOCK_MONOTONIC_RAW), V(CLOCK_REALTIME_COARSE), V(CLOCK_MONOTONIC_COARSE), V(CLOCK_BOOTTIME), V(CLOCK_TAI),
};
static const struct nw_rule_value arch_commands[] = {V(ARCH_SET_FS)};
static const struct nw_rule_value random_flags[] = {V(GRND_NONBLOCK), V(GRND_RANDOM), {"GRND_INSECURE", 4}};
static const struct nw_rule_value usages[] = {V(RUSAGE_SELF), V(RUSAGE_THREAD), {"RUSAGE_CHILDREN", 0xffffffff}};
static const struct nw_rule_value prctl_commands[] = {V(PR_SET_NAME), V(PR_SET_VMA), V(PR_CAPBSET_READ)};

static const struct nw_rule_value unlink_flags[] = {V(AT_REMOVEDIR)};
static const struct nw_rule_value times_flags[] = {V(AT_SYMLINK_NOFOLLOW)};
static const struct nw_rule_value allocations[] = {
    {"0", 0}, V(FALLOC_FL_ZERO_RANGE), {"FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE", FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE},
};
static const struct nw_rule_value link_flags[] = {{"0", 0}};
static const struct nw_rule_value rename_flags[] = {V(RENAME_NOREPLACE)};
static const struct nw_rule_value families[] = {V(AF_INET), V(AF_INET6)};
static const struct nw_rule_value socket_types[] = {V(SOCK_STREAM), V(SOCK_DGRAM)};
static const struct nw_rule_value protocols[] = {{"0", 0}, V(IPPROTO_TCP), V(IPPROTO_UDP)};
static const struct nw_rule_value pair_families[] = {V(AF_UNIX)};
static const struct nw_rule_value pair_types[] = {V(SOCK_STREAM), V(SOCK_DGRAM), V(SOCK_SEQPACKET)};
static const struct nw_rule_value pair_protocols[] = {{"0", 0}};
static const struct nw_rule_value send_flags[] = {V(MSG_DONTWAIT), V(MSG_NOSIGNAL), V(MSG_MORE), V(MSG_EOR)};
static const struct nw_rule_value receive_flags[] = {
    V(MSG_DONTWAIT), V(MSG_PEEK), V(MSG_TRUNC), V(MSG_WAITALL), V(MSG_NOSIGNAL), V(MSG_CMSG_CLOEXEC),
};
/* Not among them: SO_LINGER, with which a close may wait, and whatever maps, filters, forwards or steers. */
static const struct nw_rule_value set_options[] = {
    O(SOL_SOCKET, SO_REUSEADDR), O(SOL_SOCKET, SO_KEEPALIVE), O(SOL_SOCKET, SO_RCVBUF), O(SOL_SOCKET, SO_SNDBUF),
    O(SOL_SOCKET, SO_RCVTIMEO), O(SOL_SOCKET, SO_SNDTIMEO), O(IPPROTO_TCP, TCP_NODELAY), O(IPPROTO_TCP, TCP_CORK),
    O(IPPROTO_TCP, TCP_QUICKACK), O(IPPROTO_TCP, TCP_KEEPIDLE), O(IPPROTO_TCP, TCP_KEEPINTVL),
    O(IPPROTO_TCP, TCP_KEEPCNT), O(IPPROTO_TCP, TCP_USER_TIMEOUT), O(IPPROTO_IP, IP_RECVERR),
    O(IPPROTO_IP, IP_TOS), O(IPPROTO_IP, IP_MTU_DISCOVER), O(IPPROTO_IPV6, IPV6_V6ONLY), O(IPPROTO_IPV6, IPV6_RECVERR),
};
static const struct nw_rule_value get_options[] = {
    O(SOL_SOCKET, SO_ERROR), O(SOL_SOCKET, SO_TYPE), O(SOL_SOCKET, SO_DOMAIN), O(SOL_SOCKET, SO_PROTOCOL),
    O(SOL_SOCKET, SO_REUSEADDR), O(SOL_SOCKET, SO_KEEPALIVE), O(SOL_SOCKET, SO_RCVBUF), O(SOL_SOCKET, SO_SNDBUF),
    O(SOL_SOCKET, SO_RCVTIMEO), O(SOL_SOCKET, SO_SNDTIMEO), O(SOL_SOCKET, SO_ACCEPTCONN), O(IPPROTO_TCP, TCP_NODELAY),
    O(IPPROTO_TCP, TCP_INFO), O(IPPROTO_TCP, TCP_MAXSEG), O(IPPROTO_IP, IP_TOS), O(IPPROTO_IP, IP_MTU),
    O(IPPROTO_IPV6, IPV6_V6ONLY),
};
static const struct nw_rule_value epoll_flags[] = {V(EPOLL_CLOEXEC)};
static const struct nw_rule_value epoll_commands[] = {V(EPOLL_CTL_ADD), V(EPOLL_CTL_MOD), V(EPOLL_CTL_DEL)};

RULES(none) = {{0}};
RULES(mmap) = {
    {NW_RULE_BITS, 2, .wide = true, .error = EINVAL, .about = "protection", LIST(protections)},
    {NW_RULE_BITS, 3, .wide = true, .error = EINVAL, .about = "flags", LIST(map_flags)}, {0},
};
RULES(mprotect) = {{NW_RULE_BITS, 2, .wide = true, .error = EINVAL, .about = "protection", LIST(protections)}, {0}};
RULES(mremap) = {{NW_RULE_BITS, 3, .wide = true, .error = EINVAL, .about = "flags", LIST(remap_flags)}, {0}};
RULES(madvise) = {{NW_RULE_ONE_OF, 2, .error = EINVAL, .about = "advice", LIST(advices)}, {0}};
RULES(msync) = {{NW_RULE_BITS, 2, .error = EINVAL, .about = "flags", LIST(sync_flags)}, {0}};
RULES(dup3) = {{NW_RULE_BITS, 2, .error = EINVAL, .about = "flags", LIST(dup_flags)}, {0}};
RULES(fcntl) = {{NW_RULE_ONE_OF, 1, .error = EINVAL, .about = "command", LIST(fcntl_commands)}, {0}};
RULES(ioctl) = {{NW_RULE_ONE_OF, 1, .error = ENOTTY, .about = "command", LIST(ioctl_commands)}, {0}};
RULES(pipe2) = {{NW_RULE_BITS, 1, .error = EINVAL, .about = "flags", LIST(pipe_flags)}, {0}};
RULES(eventfd2) = {{NW_RULE_BITS, 1, .error = EINVAL, .about = "flags", LIST(eventfd_flags)}, {0}};
RULES(open) = {{NW_RULE_BITS, 1, .error = EINVAL, .about = "flags", LIST(open_flags)}, {0}};
RULES(openat) = {{NW_RULE_BITS, 2, .error = EINVAL, .about = "flags", LIST(open_flags)}, {0}};
RULES(newfstatat) = {{NW_RULE_BITS, 3, .error = EINVAL, .about = "flags", LIST(stat_flags)}, {0}};
RULES(access) = {{NW_RULE_BITS, 1, .error = EINVAL, .about = "mode", LIST(access_modes)}, {0}};
RULES(faccessat) = {{NW_RULE_BITS, 2, .error = EINVAL, .about = "mode", LIST(access_modes)}, {0}};
RULES(faccessat2) = {
    {NW_RULE_BITS, 2, .error = EINVAL, .about = "mode", LIST(access_modes)},
    {NW_RULE_BITS, 3, .error = EINVAL, .about = "flags", LIST(access_flags)}, {0},
};
RULES(clone) = {
    {NW_RULE_ALL, 0, .wide = true, .about = "flags", LIST(thread_needs)},
    {NW_RULE_BITS, 0, .wide = true, .about = "flags", LIST(thread_flags)}, {0},
};
RULES(futex) = {
    {NW_RULE_ONE_OF, 1, .ignore = FUTEX_PRIVATE_FLAG | FUTEX_CLOCK_REALTIME, .error = ENOSYS, .about = "operation",
     LIST(futex_commands)}, {0},
};
RULES(clock_nanosleep) = {{NW_RULE_ONE_OF, 0, .error = EINVAL, .about = "clock", LIST(sleep_clocks)}, {0}};
RULES(arch_prctl) = {{NW_RULE_ONE_OF, 0, .error = EINVAL, .about = "command", LIST(arch_commands)}, {0}};
RULES(clock) = {{NW_RULE_ONE_OF, 0, .error = EINVAL, .about = "clock", LIST(clocks)}, {0}};
RULES(getrandom) = {{NW_RULE_BITS, 2, .error = EINVAL, .about = "flags", LIST(random_flags)}, {0}};
RULES(getrusage) = {{NW_RULE_ONE_OF, 0, .error = EINVAL, .about = "whose", LIST(usages)}, {0}};
RULES(prctl) = {{NW_RULE_ONE_OF, 0, .about = "command", LIST(prctl_commands)}, {0}};
RULES(unlinkat) = {{NW_RULE_BITS, 2, .error = EINVAL, .about = "flags", LIST(unlink_flags)}, {0}};
RULES(fallocate) = {{NW_RULE_ONE_OF, 1, .error = EOPNOTSUPP, .about = "mode", LIST(allocations)}, {0}};
RULES(utimensat) = {{NW_RULE_BITS, 3, .error = EINVAL, .about = "flags", LIST(times_flags)}, {0}};
RULES(linkat) = {{NW_RULE_ONE_OF, 4, .error = EINVAL, .about = "flags", LIST(link_flags)}, {0}};
RULES(renameat2) = {{NW_RULE_BITS, 4, .error = EINVAL, .about = "flags", LIST(rename_flags)}, {0}};
RULES(socket) = {
    {NW_RULE_ONE_OF, 0, .error = EAFNOSUPPORT, .about = "family", LIST(families)},
    {NW_RULE_ONE_OF, 1, .ignore = SOCK_NONBLOCK | SOCK_CLOEXEC, .error = EINVAL, .about = "type", LIST(socket_types)},
    {NW_RULE_ONE_OF, 2, .error = EPROTONOSUPPORT, .about = "protocol", LIST(protocols)}, {0},
};
RULES(socketpair) = {
    {NW_RULE_ONE_OF, 0, .error = EAFNOSUPPORT, .about = "family", LIST(pair_families)},
    {NW_RULE_ONE_OF, 1, .ignore = SOCK_NONBLOCK | SOCK_CLOEXEC, .error = EINVAL, .about = "type", LIST(pair_types)},
    {NW_RULE_ONE_OF, 2, .error = EPROTONOSUPPORT, .about = "protocol", LIST(pair_protocols)}, {0},
};
RULES(sendto) = {{NW_RULE_BITS, 3, .about = "flags", LIST(send_flags)}, {0}};
RULES(sendmsg) = {{NW_RULE_BITS, 2, .about = "flags", LIST(send_flags)}, {0}};
RULES(sendmmsg) = {{NW_RULE_BITS, 3, .about = "flags", LIST(send_flags)}, {0}};
RULES(recvfrom) = {{NW_RULE_BITS, 3, .about = "flags", LIST(receive_flags)}, {0}};
RULES(recvmsg) = {{NW_RULE_BITS, 2, .about = "flags", LIST(receive_flags)}, {0}};
RULES(getsockopt) = {{NW_RULE_PAIR, 1, .error = ENOPROTOOPT, .about = "option", LIST(get_options)}, {0}};
RULES(setsockopt) = {{NW_RULE_PAIR, 1, .error = ENOPROTOOPT, .about = "option", LIST(set_options)}, {0}};
RULES(timerfd_create) = {
    {NW_RULE_ONE_OF, 0, .error = EINVAL, .about = "clock", LIST(sleep_clocks)},
    {NW_RULE_BITS, 1, .error = EINVAL, .about = "flags", LIST(timerfd_flags)}, {0},
};
RULES(timerfd_settime) = {{NW_RULE_BITS, 1, .error = EINVAL, .about = "flags", LIST(timer_flags)}, {0}};
RULES(itimer) = {{NW_RULE_ONE_OF, 0, .error = EINVAL, .about = "timer", LIST(itimers)}, {0}};
RULES(timer_create) = {{NW_RULE_ONE_OF, 0, .error = EINVAL, .about = "clock", LIST(sleep_clocks)}, {0}};
RULES(epoll_create1) = {{NW_RULE_BITS, 0, .error = EINVAL, .about = "flags", LIST(epoll_flags)}, {0}};
RULES(epoll_ctl) = {{NW_RULE_ONE_OF, 1, .error = EINVAL, .about = "command", LIST(epoll_commands)}, {0}};
/* clang-format on */

static bool is_listed(const struct nw_rule *rule, uint64_t value)
{
    for (size_t i = 0; i < rule->n; i++)
        if (rule->values[i].value == value)
            return true;
    return false;
}

static uint64_t all_bits(const struct nw_rule *rule)
{
    uint64_t bits = 0;

    for (size_t i = 0; i < rule->n; i++)
        bits |= rule->values[i].value;
    return bits;
}

static bool holds(const struct nw_rule *rule, const uint64_t args[6])
{
    uint64_t value = args[rule->argument] & ~rule->ignore;

    switch (rule->kind) {
    case NW_RULE_ONE_OF:
        return is_listed(rule, value);
    case NW_RULE_BITS:
        return !(value & ~all_bits(rule));
    case NW_RULE_ALL:
        return (value & all_bits(rule)) == all_bits(rule);
    case NW_RULE_PAIR:
        return is_listed(rule, value << 32 | (uint32_t)args[rule->argument + 1]);
    default:
        return false;
    }
}

int nw_rules_check(const struct nw_rule *rules, uint64_t args[6], int *error)
{
    for (const struct nw_rule *rule = rules; rule->kind != NW_RULE_END; rule++) {
        if (!rule->wide)
            args[rule->argument] = (uint32_t)args[rule->argument];
        if (!holds(rule, args)) {
            *error = rule->error;
            return 1;
        }
    }
    return 0;
}
