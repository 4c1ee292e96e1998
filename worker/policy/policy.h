/*
 * The policy as data: what policy.def lists and what arguments may be. Not the handlers (syscall/handlers.h), so that
 * the generator of the documentation and the tests can read it without them.
 */
#ifndef NW_WORKER_POLICY_POLICY_H
#define NW_WORKER_POLICY_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum nw_policy_class {
    NW_CLASS_MEMORY,
    NW_CLASS_FILES,
    NW_CLASS_PATHS,
    NW_CLASS_SOCKETS,
    NW_CLASS_FLOWS,
    NW_CLASS_SIGNALS,
    NW_CLASS_TIME,
    NW_CLASS_IDENTITY,
    NW_CLASS_ABSENT,
    NW_CLASS_COUNT,
};

/* APART: the whole handler may take long, and runs while another executor has the token. It never waits for other
 * flows. */
enum nw_policy_how { NW_HOW_ANSWERED, NW_HOW_DONE, NW_HOW_PASSED, NW_HOW_WAITS = 4, NW_HOW_APART = 8 + NW_HOW_WAITS };

enum nw_rule_kind {
    NW_RULE_END,
    NW_RULE_ONE_OF, /* the argument is one of the values */
    NW_RULE_BITS,   /* it has no bit that is not in a value */
    NW_RULE_ALL,    /* it has every bit of every value */
    NW_RULE_PAIR,   /* this argument and the next are one of the values: first << 32 | second */
};

struct nw_rule_value {
    const char *name;
    uint64_t value;
};

/* About one argument of a call. Calls have an array of these that ends with NW_RULE_END. */
struct nw_rule {
    enum nw_rule_kind kind;
    unsigned argument;
    bool wide;       /* the kernel looks at all 64 bits of it; else at 32, and the rest is cut off */
    uint64_t ignore; /* bits that do not matter */
    int error;       /* what a breach gives; 0: it is refused like a call that is not in the table */
    const char *about;
    const struct nw_rule_value *values;
    size_t n;
};

/* Whether the arguments are as the rules demand: 0, or 1 for a breach with the errno in *error (0: refuse). Cuts the
 * arguments it looks at to what the kernel would look at. */
int nw_rules_check(const struct nw_rule *rules, uint64_t args[6], int *error);

/* policy/rules.c; the names that policy.def uses */
extern const struct nw_rule nw_rules_none[], nw_rules_mmap[], nw_rules_mprotect[], nw_rules_mremap[],
    nw_rules_madvise[], nw_rules_msync[], nw_rules_dup3[], nw_rules_fcntl[], nw_rules_ioctl[], nw_rules_pipe2[],
    nw_rules_eventfd2[], nw_rules_open[], nw_rules_openat[], nw_rules_newfstatat[], nw_rules_access[],
    nw_rules_faccessat[], nw_rules_faccessat2[], nw_rules_clone[], nw_rules_futex[], nw_rules_clock_nanosleep[],
    nw_rules_arch_prctl[], nw_rules_clock[], nw_rules_getrandom[], nw_rules_getrusage[], nw_rules_prctl[],
    nw_rules_unlinkat[], nw_rules_renameat2[], nw_rules_fallocate[], nw_rules_utimensat[], nw_rules_linkat[],
    nw_rules_socket[], nw_rules_socketpair[], nw_rules_sendto[], nw_rules_sendmsg[], nw_rules_sendmmsg[],
    nw_rules_timerfd_create[], nw_rules_timerfd_settime[], nw_rules_itimer[], nw_rules_timer_create[],
    nw_rules_recvfrom[], nw_rules_recvmsg[], nw_rules_getsockopt[], nw_rules_setsockopt[], nw_rules_epoll_create1[],
    nw_rules_epoll_ctl[];

#endif
