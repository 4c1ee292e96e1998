/* System calls about memory: see memory.h for what becomes of them. */
#include "worker/memory/memory.h"
#include "worker/account/denied.h"
#include "worker/account/share.h"
#include "worker/domain/domain.h"
#include "worker/executor/blocked.h"
#include "worker/memory/calls.h"
#include "worker/memory/shortage.h"
#include "worker/syscall/call.h"
#include "worker/syscall/handlers.h"
#include <errno.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

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
