/* Builds the filter of filter.h from common/calls/kernel.def. Calls that depend on no argument cost nothing: the kernel
 * remembers that they are always allowed. */
#include "worker/audit/filter.h"
#include "common/calls/kernel.h"
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define STEPS_MAX 1024

struct program {
    struct sock_filter steps[STEPS_MAX];
    unsigned short n;
};

static void put(struct program *p, uint16_t code, uint8_t yes, uint8_t no, uint32_t k)
{
    p->steps[p->n++] = (struct sock_filter){code, yes, no, k};
}

static void load_field(struct program *p, size_t offset)
{
    put(p, BPF_LD | BPF_W | BPF_ABS, 0, 0, (uint32_t)offset);
}

static void answer(struct program *p, uint32_t action)
{
    put(p, BPF_RET | BPF_K, 0, 0, action);
}

/* Goes on with the next step when the accumulator is `k`, else behind the next `skipped` ones. */
static void only_if(struct program *p, uint32_t k, uint8_t skipped)
{
    put(p, BPF_JMP | BPF_JEQ | BPF_K, 0, skipped, k);
}

/* The number is in the accumulator, before and, when the call is not allowed by this line, afterwards. */
static void put_line(struct program *p, const struct nw_kernel_line *line)
{
    const bool looks = line->mask != 0, masks = looks && line->mask != UINT32_MAX;

    only_if(p, line->number, masks ? 5 : looks ? 4 : 1);
    if (looks)
        load_field(p, offsetof(struct seccomp_data, args) + line->argument * sizeof(uint64_t));
    if (masks)
        put(p, BPF_ALU | BPF_AND | BPF_K, 0, 0, line->mask);
    if (looks)
        only_if(p, nw_kernel_value(line, (uint32_t)getpid()), 1);
    answer(p, SECCOMP_RET_ALLOW);
    if (looks)
        load_field(p, offsetof(struct seccomp_data, nr));
}

static void build(struct program *p, uint32_t profile)
{
    load_field(p, offsetof(struct seccomp_data, arch));
    put(p, BPF_JMP | BPF_JEQ | BPF_K, 1, 0, AUDIT_ARCH_X86_64);
    answer(p, SECCOMP_RET_KILL_PROCESS);
    load_field(p, offsetof(struct seccomp_data, nr));
    for (size_t i = 0; i < nw_kernel_n_lines; i++)
        if (nw_kernel_is_for(&nw_kernel_lines[i], profile))
            put_line(p, &nw_kernel_lines[i]);
    /* libc then takes clone, whose flags a filter can see. */
    only_if(p, SYS_clone3, 1);
    answer(p, SECCOMP_RET_ERRNO | ENOSYS);
    answer(p, SECCOMP_RET_ERRNO | EPERM);
}

int nw_filter_install(uint32_t profile)
{
    static struct program program;
    struct sock_fprog loaded = {.filter = program.steps};
    long result;

    program.n = 0;
    build(&program, profile);
    loaded.len = program.n;
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); /* the launcher has done so; where it cannot be done the next call fails */
    result = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &loaded);
    return result < 0 ? -errno : result > 0 ? -EBUSY : 0;
}
