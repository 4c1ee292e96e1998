/*
 * Decides what becomes of a domain's system call: looks it up in the table of policy.def, checks its arguments against
 * the rules and runs its handler. What is not in the table, or breaks a rule that says so, is refused with EPERM,
 * counted, and logged once for each number and domain. Nothing here looks at what a call does.
 */
#include "worker/gate/syscall.h"
#include "common/base/atomic.h"
#include "protect/rewrite/shortcut.h"
#include "worker/account/denied.h"
#include "worker/base/lock.h"
#include "worker/domain/deployed.h"
#include "worker/domain/domain.h"
#include "worker/domain/slot.h"
#include "worker/executor/blocked.h"
#include "worker/policy/policy.h"
#include "worker/policy/refusal.h"
#include "worker/run/executor.h"
#include "worker/signal/signals.h"
#include "worker/syscall/call.h"
#include "worker/syscall/handlers.h"
#include <errno.h>
#include <linux/audit.h>
#include <string.h>
#include <sys/syscall.h>

#define NUMBERS 512

struct entry {
    nw_syscall_handler *handler;
    const struct nw_rule *rules;
    uint32_t profiles;
    bool apart;
};

#define COMPUTE  NW_PROFILE_COMPUTE
#define NET      NW_PROFILE_NET
#define FILES    NW_PROFILE_FILES
#define ANSWERED NW_HOW_ANSWERED
#define DONE     NW_HOW_DONE
#define PASSED   NW_HOW_PASSED
#define WAITS    NW_HOW_WAITS
#define APART    NW_HOW_APART
static const struct entry table[NUMBERS] = {
#define CALL(class, name, profiles, how, handler, rules, words) \
    [SYS_##name] = {handler, nw_rules_##rules, profiles, ((how)&NW_HOW_APART) == NW_HOW_APART},
#include "worker/policy/policy.def"
#undef CALL
};

static const struct entry *lookup(long number)
{
    const struct entry *e = &table[nw_index((uint64_t)number, NUMBERS)];

    return number >= 0 && number < NUMBERS && e->handler ? e : NULL;
}

/* What a file system does may wait for a disk, or give back much: nobody knows before. */
static long apart(struct nw_call *call, nw_syscall_handler *handler)
{
    long result;

    if (!nw_call_block(call))
        return -EAGAIN;
    result = handler(call);
    nw_executor_unblock(call->ex);
    return result;
}

long nw__syscall(struct nw_call *call)
{
    const struct entry *e = lookup(call->number);
    long result;
    int error;

    if (nw_without_answer(call->number) && call->domain->state == NW_DOMAIN_LIVE)
        return nw_call_kernel(call);
    if (!e || !(e->profiles & call->domain->function->profile))
        return nw_call_refuse(call);
    if (nw_rules_check(e->rules, call->args, &error))
        return error ? -error : nw_call_refuse(call);
    result = e->apart ? apart(call, e->handler) : e->handler(call);
    if (result == -EDQUOT && !call->parked)
        nw_denied_note(&call->domain->account.denied, NW_RESOURCE_DISK, true);
    if (result < 0 && !call->parked)
        nw_denied_say(&call->domain->account);
    return result;
}

/* What the call returns, unless a signal decides that. */
static void settle(struct nw_call *call, long number, long result)
{
    if (call->interrupted && (result == -EINTR || result == -NW_CALL_CUT))
        nw_signal_cut(call->slot, number);
    else if (result == -NW_CALL_CUT)
        nw_slot_again(call->slot);
    else if (!call->resumed)
        nw_slot_result(call->slot, result);
}

static struct nw_gate_context *carry_out(struct nw_call *call)
{
    const long number = call->number; /* it may become another on its way */
    long result = nw__syscall(call);

    if (call->parked || (call->starved && nw_blocked_await(call->slot, nw_signal_restarts(number), call->until)))
        return nw_executor_next(call->ex);
    if (call->slot->may_block) {
        pthread_mutex_lock(&nw_monitor_lock);
        nw_blocked_unused(call->slot);
        pthread_mutex_unlock(&nw_monitor_lock);
    }
    settle(call, number, result);
    if (nw_load_relaxed(&call->slot->signalled) && !nw_signal_deliver(call->slot)) /* stored by who then kicks */
        return nw_executor_next(call->ex);
    return &call->slot->gate;
}

struct nw_gate_context *nw__syscall_trapped(struct nw_executor *ex, struct nw_slot *slot)
{
    const struct nw_gate_regs *r = &slot->gate.regs;
    struct nw_call call = {
        .ex = ex,
        .slot = slot,
        .domain = slot->domain,
        .number = ex->trap.arch == AUDIT_ARCH_X86_64 ? ex->trap.syscall : -1,
        .args = {r->rdi, r->rsi, r->rdx, r->r10, r->r8, r->r9},
    };

    return carry_out(&call);
}

/* A flow that is made is a copy of its maker's registers, which only a trap has saved; one that returns from a signal
 * handler has its frame where a trap finds it; one that ends has no use for speed; and a refusal says where it was. */
bool nw_syscall_is_direct(uint32_t number)
{
    return lookup(number) && number != SYS_clone && number != SYS_exit && number != SYS_exit_group &&
           number != SYS_rt_sigreturn;
}

struct nw_gate_context *nw__syscall_direct(struct nw_executor *ex, struct nw_slot *slot,
                                           const struct nw_shortcut_call *asked)
{
    struct nw_call call = {.ex = ex, .slot = slot, .domain = slot->domain};

    nw_set_fs(ex->monitor_fs);
    if (asked->number > UINT32_MAX || !nw_syscall_is_direct((uint32_t)asked->number)) {
        slot->gate.result2 = NW_SHORTCUT_MISS;
        return &slot->gate;
    }
    slot->gate.regs.rip = asked->at; /* only messages tell it */
    call.number = (long)asked->number;
    memcpy(call.args, asked->args, sizeof(call.args));
    return carry_out(&call);
}
