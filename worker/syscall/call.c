/* What all handlers of system calls may use: copies between monitor and domain, the kernel, a refusal. */
#include "worker/syscall/call.h"
#include "common/base/atomic.h"
#include "common/base/bound.h"
#include "worker/base/config.h"
#include "worker/base/limits.h"
#include "worker/domain/domain.h"
#include "worker/domain/executor.h"
#include "worker/executor/blocked.h"
#include "worker/policy/refusal.h"
#include <errno.h>
#include <string.h>
#include <unistd.h>

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
    return nw_config()->gate->syscall_as(nw_without(NW_DEFENCE_RIGHTS) ? 0 : call->ex->gate.page->pkru, call->number,
                                         call->args);
}

/* Page by page, since a path may end right before unmapped memory. */
int nw_call_path(const struct nw_call *call, uint64_t from, char path[PATH_MAX])
{
    size_t n = 0;

    while (n < PATH_MAX) {
        size_t step = nw_least(NW_PAGE_SIZE - (from + n) % NW_PAGE_SIZE, PATH_MAX - n);

        if (nw_call_read(call, path + n, from + n, step) < 0)
            return -EFAULT;
        if (memchr(path + n, '\0', step))
            return 0;
        n += step;
    }
    return -ENAMETOOLONG;
}

bool nw_call_is_dying(const struct nw_call *call)
{
    return nw_load_acquire(&call->domain->state) == NW_DOMAIN_DYING; /* set by nw_domain_kill */
}

bool nw_call_block(struct nw_call *call)
{
    call->starved = nw_executor_block(call->ex) < 0;
    return !call->starved;
}

/* The path is only for the message: the domain may have changed it since. */
long nw_call_refuse(struct nw_call *call)
{
    int argument = nw_refusal_path(call->number);
    char path[PATH_MAX];
    bool has_path;

    if (!nw_refusal_count(call->domain->function, call->number))
        return -EPERM;
    has_path = argument >= 0 && nw_call_path(call, call->args[argument], path) == 0;
    nw_refusal_log(call->slot, call->number, has_path ? path : NULL);
    return -EPERM;
}
