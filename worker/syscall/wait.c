/* System calls that wait for one of several files, for as long as they say. */
#include "worker/base/config.h"
#include "worker/base/now.h"
#include "worker/domain/domain.h"
#include "worker/domain/executor.h"
#include "worker/executor/blocked.h"
#include "worker/syscall/call.h"
#include <errno.h>

/* What is left until then, in ms and rounded up; 0: it has no end. */
static uint64_t time_left(uint64_t until)
{
    uint64_t now = nw_now();

    if (!until)
        return UINT64_MAX;
    return until > now ? (until - now + 999999) / 1000000 : 0;
}

/* A call that is made again has the time that was left. */
static uint64_t end_of(const struct nw_call *call, int timeout)
{
    if (timeout <= 0)
        return 0;
    return call->slot->block_until ? call->slot->block_until : nw_now() + (uint64_t)timeout * 1000000;
}

/* The kernel interrupts also who does not wait, if it finds nothing and a kick came: the call is made again. */
static long look(const struct nw_call *call, bool own, const uint64_t args[6])
{
    long result = nw_config()->gate->syscall_as(own ? 0 : call->ex->gate.page->pkru, call->number, args);

    return result == -EINTR ? -NW_CALL_CUT : result;
}

/* Without a kernel thread to spare. Starved, unless it finds something at once or its time is over. */
static long look_once(struct nw_call *call, bool own, uint64_t args[6], int timeout_at, uint64_t until)
{
    long result;

    args[timeout_at] = 0;
    result = look(call, own, args);
    call->starved = result == 0 && time_left(until) > 0;
    call->slot->block_until = call->starved || result == -NW_CALL_CUT ? until : 0;
    return result;
}

long nw_call_wait(struct nw_call *call, bool own, uint64_t args[6], int timeout_at)
{
    int timeout = (int)args[timeout_at];
    uint64_t until = end_of(call, timeout);
    long result;

    call->until = until;
    if (timeout == 0)
        return look(call, own, args);
    if (!nw_call_block(call))
        return look_once(call, own, args, timeout_at, until);
    call->slot->block_until = 0;
    do {
        args[timeout_at] = time_left(until);
        result = look(call, own, args);
    } while (nw_call_cut_short(call, result));
    nw_executor_unblock(call->ex);
    return result;
}
