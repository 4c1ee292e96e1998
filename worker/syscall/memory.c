/* System calls about memory: see memory.h for what becomes of them. */
#include "worker/memory/memory.h"
#include "common/base/log.h"
#include "worker/account/denied.h"
#include "worker/account/share.h"
#include "worker/base/lock.h"
#include "worker/domain/domain.h"
#include "worker/domain/executor.h"
#include "worker/executor/blocked.h"
#include "worker/files/files.h"
#include "worker/memory/calls.h"
#include "worker/memory/code.h"
#include "worker/memory/shortage.h"
#include "worker/syscall/call.h"
#include "worker/syscall/handlers.h"
#include <errno.h>
#include <stdio.h>
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
        nw_shortage_say(&call->domain->memory);
    return result;
}

/* While the function starts this is why it cannot; later it is one dlopen that fails. */
static void say_refused(struct nw_domain *d, const char *why)
{
    bool starting;

    if (!why[0])
        return;
    pthread_mutex_lock(&nw_monitor_lock);
    starting = d->state == NW_DOMAIN_STARTING;
    if (starting)
        snprintf(d->reason, sizeof(d->reason), "%s", why);
    pthread_mutex_unlock(&nw_monitor_lock);
    if (!starting && nw_may_log(&d->account.log, d->account.name))
        nw_log(NW_LOG_WARN, "function %s: refused to map %s", d->account.name, why);
}

/* Code that was not looked at before needs a kernel thread of its own meanwhile. */
static long map(struct nw_call *call, const struct nw_domain_fd *file)
{
    struct nw_memory *memory = &call->domain->memory;
    struct nw_code_call code = {.may_build = false};
    long result = nw_memory_map(&call->ex->gate, memory, call->args, file, &code);

    if (result == -NW_MEMORY_BUILDS) {
        if (!nw_call_block(call))
            return -EAGAIN;
        code.may_build = true;
        result = nw_memory_map(&call->ex->gate, memory, call->args, file, &code);
        nw_executor_unblock(call->ex);
    }
    say_refused(call->domain, code.why);
    return result;
}

static long map_file(struct nw_call *call)
{
    long result = nw_memory_may_map(&call->domain->memory, call->args);
    struct nw_domain_fd file;

    if (result)
        return result;
    file.fd = nw_fd_use_file(&call->domain->files, call->args[4], &file);
    if (file.fd < 0)
        return file.fd;
    result = map(call, &file);
    nw_fd_done(&call->domain->files, call->args[4]);
    return result;
}

long nw_sys_mmap(struct nw_call *call)
{
    long result = call->args[3] & MAP_ANONYMOUS ? map(call, NULL) : map_file(call);

    call->starved = result == -EAGAIN;
    return explained(call, result);
}

long nw_sys_munmap(struct nw_call *call)
{
    return nw_memory_unmap(&call->ex->gate, &call->domain->memory, call->args[0], call->args[1]);
}

long nw_sys_mprotect(struct nw_call *call)
{
    return explained(
        call, nw_memory_protect(&call->ex->gate, &call->domain->memory, call->args[0], call->args[1], call->args[2]));
}

long nw_sys_mremap(struct nw_call *call)
{
    return explained(call, nw_memory_remap(&call->ex->gate, &call->domain->memory, call->args));
}

long nw_sys_madvise(struct nw_call *call)
{
    return nw_memory_advise(&call->ex->gate, &call->domain->memory, call->args[0], call->args[1], call->args[2]);
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
    return (long)call->domain->memory.base;
}
