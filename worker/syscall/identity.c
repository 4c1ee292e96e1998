/* System calls about the process that a domain seems to be: who it is, what it may have, what it can draw at random. */
#include "common/base/bound.h"
#include "worker/domain/domain.h"
#include "worker/executor/blocked.h"
#include "worker/syscall/call.h"
#include "worker/syscall/handlers.h"
#include <errno.h>
#include <sys/resource.h>

#define THREAD_STACK (1ul << 20) /* what a function's own threads get when they do not say */
#define RANDOM       (8ul << 10) /* random bytes that take less than 100 us */

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

/* Without a thread to spare it gives fewer bytes, as it may. */
long nw_sys_getrandom(struct nw_call *call)
{
    long result;

    if (call->args[1] > RANDOM && nw_call_block(call)) {
        result = nw__call_move(call, 0, 0, RANDOM);
        nw_executor_unblock(call->ex);
        return result;
    }
    call->starved = false;
    call->args[1] = nw_least(call->args[1], RANDOM);
    return nw_call_kernel(call);
}
