/*
 * What handlers of system calls share, and the handlers of calls that take no more than a few lines. Which calls there
 * are is in policy.def; see also syscall/file/file.c, syscall/file/path.c, syscall/flow.c, syscall/long.c and memory.c.
 */
#include "worker/syscall/syscall.h"
#include "worker/account/denied.h"
#include "worker/account/share.h"
#include "worker/domain/domain.h"
#include "worker/domain/monitor.h"
#include "worker/executor/blocked.h"
#include "worker/memory/calls.h"
#include "worker/memory/memory.h"
#include "worker/memory/shortage.h"
#include <errno.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define THREAD_STACK (1ul << 20) /* what a function's own threads get when they do not say */

int nw_call_read(const struct nw_call *call, void *to, uint64_t from, size_t length)
{
    if (!nw_domain_confine(call->domain, &from, length))
        return -EFAULT;
    return nw_gate_copy(to, (const void *)from, length);
}

int nw_call_write(const struct nw_call *call, uint64_t to, const void *from, size_t length)
{
    if (!nw_domain_confine(call->domain, &to, length))
        return -EFAULT;
    return nw_gate_copy((void *)to, from, length);
}

bool nw_call_once(struct nw_call *call)
{
    if (!nw_without(NW_DEFENCE_ONCE))
        return true;
    if (nw_executor_block(call->ex) == 0) {
        usleep(200);
        nw_executor_unblock(call->ex);
    }
    return false;
}

long nw_call_kernel(struct nw_call *call)
{
    return nw_m.gate->syscall_as(nw_without(NW_DEFENCE_RIGHTS) ? 0 : call->ex->gate.page->pkru, call->number,
                                 call->args);
}

long nw_sys_zero(struct nw_call *call)
{
    (void)call;
    return 0;
}

long nw_sys_one(struct nw_call *call)
{
    (void)call;
    return 1;
}

long nw_sys_missing(struct nw_call *call)
{
    (void)call;
    return -ENOSYS;
}

static long explained(struct nw_call *call, long result)
{
    if (result == -ENOMEM && nw_share_used(&call->domain->account, NW_RESOURCE_MAPPINGS) + 3 > NW_LIMIT_MAPPINGS)
        nw_denied_note(&call->domain->account.denied, NW_RESOURCE_MAPPINGS,
                       true); /* one change splits a mapping into three at most */
    if (result == -ENOMEM)
        nw_shortage_say(call->domain);
    return result;
}

/* Code that was not looked at before needs a kernel thread of its own meanwhile. */
long nw_sys_mmap(struct nw_call *call)
{
    long result = nw_memory_map(call->ex, call->domain, call->args);

    call->starved = result == -EAGAIN;
    return explained(call, result);
}

long nw_sys_munmap(struct nw_call *call)
{
    return nw_memory_unmap(call->ex, call->domain, call->args[0], call->args[1]);
}

long nw_sys_mprotect(struct nw_call *call)
{
    return explained(call, nw_memory_protect(call->ex, call->domain, call->args[0], call->args[1], call->args[2]));
}

long nw_sys_mremap(struct nw_call *call)
{
    return explained(call, nw_memory_remap(call->ex, call->domain, call->args));
}

long nw_sys_madvise(struct nw_call *call)
{
    return nw_memory_advise(call->ex, call->domain, call->args[0], call->args[1], call->args[2]);
}

long nw_sys_msync(struct nw_call *call)
{
    uint64_t length = nw_page_up(call->args[1]);
    long result;

    if (length < call->args[1] || !nw_domain_confine(call->domain, &call->args[0], length))
        return -ENOMEM;
    if (!nw_call_block(call))
        return -EAGAIN;
    do
        result = nw_call_kernel(call);
    while (nw_call_cut_short(call, result));
    nw_executor_unblock(call->ex);
    return result;
}

/* There is no heap segment: malloc takes its memory from mmap. */
long nw_sys_brk(struct nw_call *call)
{
    return (long)call->domain->base;
}

long nw_sys_prlimit(struct nw_call *call)
{
    const struct rlimit stack = {THREAD_STACK, THREAD_STACK}, none = {RLIM_INFINITY, RLIM_INFINITY};

    if (call->args[2])
        return -EPERM;
    return call->args[3]
               ? nw_call_write(call, call->args[3], call->args[1] == RLIMIT_STACK ? &stack : &none, sizeof(stack))
               : 0;
}

long nw_sys_affinity(struct nw_call *call)
{
    call->args[0] = 0;
    return nw_call_kernel(call);
}
