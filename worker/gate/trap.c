/*
 * Signals. The handler decides whose they are: a domain's (its state is saved and the thread is sent to the monitor's
 * stack), the monitor's own asynchronous kick (remembered for the next way out), a guarded copy that faulted, or a
 * defect of the monitor (the worker ends). It runs with the domain's FS base, so it uses nothing thread-local.
 *
 * What happens with a trap afterwards is decided in nw_gate_trap, in the ordinary context of the monitor.
 */
#include "common/base/atomic.h"
#include "common/base/log.h"
#include "common/base/xstate.h"
#include "worker/base/config.h"
#include "worker/base/limits.h"
#include "worker/base/lock.h"
#include "worker/call/death.h"
#include "worker/domain/domain.h"
#include "worker/domain/executor.h"
#include "worker/domain/slot.h"
#include "worker/executor/blocked.h"
#include "worker/executor/ready.h"
#include "worker/gate/syscall.h"
#include "worker/image/where.h"
#include "worker/run/executor.h"
#include "worker/signal/signals.h"
#include "worker/watch/slice.h"
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdnoreturn.h>
#include <string.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#define EFLAGS_CLEAN   0x202
#define SEGMENTS_CLEAN (0x2bull << 48 | 0x33) /* SS and CS of 64-bit code: a domain may have loaded others */

extern const char __executable_start[], etext[];

static bool within(uint64_t address, const char *start, const char *end)
{
    return address >= (uint64_t)start && address < (uint64_t)end;
}

static uint8_t *frame_xstate(ucontext_t *uc)
{
    return (uint8_t *)uc->uc_mcontext.fpregs;
}

static uint32_t frame_pkru(ucontext_t *uc)
{
    uint32_t pkru = 0;

    if (!nw_config()->keyed)
        return 0;
    memcpy(&pkru, frame_xstate(uc) + nw_config()->xsave_pkru_offset, sizeof(pkru));
    return pkru;
}

/* Whether a kick found the monitor at work, be it in the vDSO. Where there are no keys, FS tells the two apart: it is
 * the domain's in the gate and in the nested call, which are this program's own text. */
__attribute__((target("fsgsbase"))) static bool in_monitor(const struct nw_executor *ex, ucontext_t *uc, uint64_t rip)
{
    if (within(rip, nw_config()->gate->enter, nw_config()->gate->inside))
        return false;
    if (nw_config()->keyed)
        return frame_pkru(uc) == 0;
    return within(rip, __executable_start, etext) || within(rip, nw_gate_text_start, nw_gate_text_end) ||
           __builtin_ia32_rdfsbase64() == ex->monitor_fs;
}

/* Sends the interrupted thread to `rip` with the monitor's rights. */
static void frame_redirect(ucontext_t *uc, const char *rip, uint64_t rsp)
{
    uint8_t *xstate = frame_xstate(uc);
    const uint32_t mxcsr = NW_MXCSR_DEFAULT, pkru = 0;
    const uint16_t fcw = NW_FCW_DEFAULT;
    const uint8_t no_fpu[3] = {0};
    uint64_t bv;

    uc->uc_mcontext.gregs[REG_RIP] = (greg_t)rip;
    uc->uc_mcontext.gregs[REG_RSP] = (greg_t)rsp;
    uc->uc_mcontext.gregs[REG_EFL] = EFLAGS_CLEAN;
    uc->uc_mcontext.gregs[REG_CSGSFS] = (greg_t)SEGMENTS_CLEAN;
    memcpy(xstate, &fcw, sizeof(fcw));
    memcpy(xstate + NW_XSAVE_FSW, no_fpu, sizeof(no_fpu)); /* no pending exception, no full stack */
    memcpy(xstate + NW_XSAVE_MXCSR, &mxcsr, sizeof(mxcsr));
    if (!nw_config()->keyed)
        return;
    memcpy(&bv, xstate + NW_XSAVE_HEADER, sizeof(bv));
    bv |= NW_XFEATURE_PKRU;
    memcpy(xstate + NW_XSAVE_HEADER, &bv, sizeof(bv));
    memcpy(xstate + nw_config()->xsave_pkru_offset, &pkru, sizeof(pkru));
}

static void save_registers(struct nw_gate_regs *to, const greg_t *g)
{
    *to = (struct nw_gate_regs){
        .r15 = (uint64_t)g[REG_R15],
        .r14 = (uint64_t)g[REG_R14],
        .r13 = (uint64_t)g[REG_R13],
        .r12 = (uint64_t)g[REG_R12],
        .r11 = (uint64_t)g[REG_R11],
        .r10 = (uint64_t)g[REG_R10],
        .r9 = (uint64_t)g[REG_R9],
        .r8 = (uint64_t)g[REG_R8],
        .rbp = (uint64_t)g[REG_RBP],
        .rdi = (uint64_t)g[REG_RDI],
        .rsi = (uint64_t)g[REG_RSI],
        .rdx = (uint64_t)g[REG_RDX],
        .rcx = (uint64_t)g[REG_RCX],
        .rbx = (uint64_t)g[REG_RBX],
        .rax = (uint64_t)g[REG_RAX],
        .rip = (uint64_t)g[REG_RIP],
        .cs = (uint64_t)g[REG_CSGSFS] & 0xffff,
        .rflags = (uint64_t)g[REG_EFL],
        .rsp = (uint64_t)g[REG_RSP],
        .ss = (uint64_t)g[REG_CSGSFS] >> 48,
    };
}

static void save_slot(struct nw_slot *slot, ucontext_t *uc)
{
    save_registers(&slot->gate.regs, uc->uc_mcontext.gregs);
    memcpy(slot->gate.xsave, frame_xstate(uc), nw_config()->xsave_size);
    slot->gate.kind = NW_CTX_KIND_FULL;
}

static void to_monitor(struct nw_executor *ex, ucontext_t *uc, const siginfo_t *info)
{
    ex->trap.signal = info->si_signo;
    ex->trap.code = info->si_code;
    ex->trap.address = (uint64_t)info->si_addr;
    ex->trap.at = (uint64_t)uc->uc_mcontext.gregs[REG_RIP];
    ex->trap.syscall = info->si_syscall;
    ex->trap.arch = info->si_arch;
    frame_redirect(uc, nw_config()->gate->resume, ex->gate.stack);
}

/* A kick. On the way out the slot's state is still whole, so the exit is dropped; elsewhere in the monitor it waits. */
static void on_kick(struct nw_executor *ex, ucontext_t *uc, const siginfo_t *info)
{
    const struct nw_gate_variant *gate = nw_config()->gate;
    uint64_t rip = (uint64_t)uc->uc_mcontext.gregs[REG_RIP];

    if (ex->starting) {
        ex->starting = false;
        frame_redirect(uc, (const char *)rip, (uint64_t)uc->uc_mcontext.gregs[REG_RSP]);
        return;
    }
    if (within(rip, gate->exit, gate->exit_end)) {
        to_monitor(ex, uc, info);
        ex->trap.signal = 0;
        return;
    }
    if (ex->gate.call_live && within(rip, gate->as, gate->as_end)) {
        ex->gate.pending = 1;
        /* Not yet in the kernel, or about to be restarted there: it must not go to sleep over the kick. */
        if (rip <= (uint64_t)gate->as_syscall) {
            uc->uc_mcontext.gregs[REG_RIP] = (greg_t)gate->as_cut;
            uc->uc_mcontext.gregs[REG_RAX] = -NW_CALL_CUT;
        }
        return;
    }
    if (in_monitor(ex, uc, rip)) {
        ex->gate.pending = 1;
        return;
    }
    save_slot(nw_running(ex), uc);
    to_monitor(ex, uc, info);
    ex->trap.signal = 0;
}

static noreturn void monitor_defect(const struct nw_executor *ex, const ucontext_t *uc, const siginfo_t *info)
{
    char text[128];
    int n;

    nw_set_fs(ex->monitor_fs);
    n = snprintf(text, sizeof(text), "nightward-worker: error: signal %d at monitor+%#llx, address %p\n",
                 info->si_signo, uc->uc_mcontext.gregs[REG_RIP] - (greg_t)__executable_start, info->si_addr);

    syscall(SYS_write, STDERR_FILENO, text, n);
    syscall(SYS_exit_group, 70);
    __builtin_unreachable();
}

void nw_gate_on_signal(struct nw_gate_frame *frame, struct nw_gate_thread *thread)
{
    struct nw_executor *ex = nw_executor_of(thread);
    ucontext_t *uc = (ucontext_t *)frame->ucontext;
    const siginfo_t *info = (const siginfo_t *)frame->siginfo;
    uint64_t rip = (uint64_t)uc->uc_mcontext.gregs[REG_RIP];

    if (info->si_signo == NW_PREEMPT_SIGNAL && (info->si_code == SI_TKILL || info->si_code == SI_TIMER)) {
        if (info->si_code == SI_TIMER)
            nw_store_relaxed(&ex->ticked, 1u); /* see nw_quantum_ended */
        on_kick(ex, uc, info);
        return;
    }
    if (info->si_signo != SIGSYS && frame_pkru(uc) == 0 && within(rip, __executable_start, etext) &&
        !within(rip, nw_gate_text_start, nw_gate_text_end)) {
        if (!ex->gate.guard_live)
            monitor_defect(ex, uc, info);
        frame_redirect(uc, nw_gate_copy_fault, ex->gate.guard_rsp);
        return;
    }
    if (!within(rip, nw_config()->gate->exit, nw_config()->gate->exit_end))
        save_slot(nw_running(ex), uc);
    to_monitor(ex, uc, info);
}

/* The name of the function around the crash is looked for in its file, all of which is read: only when there is a
 * kernel thread to spare for it. */
static void find_crash(struct nw_executor *ex, const struct nw_slot *slot, char where[NW_WHERE_MAX])
{
    where[0] = '\0';
    if (nw_executor_block(ex) < 0)
        return;
    nw_code_where(&slot->domain->memory, slot->gate.regs.rip, where);
    nw_executor_unblock(ex);
}

static struct nw_gate_context *crash(struct nw_executor *ex, struct nw_slot *slot)
{
    char reason[NW_REASON_MAX], where[NW_WHERE_MAX];
    const char *name = sigabbrev_np(ex->trap.signal);

    find_crash(ex, slot, where);
    snprintf(reason, sizeof(reason), "SIG%s at address %#lx, instruction %#lx%s", name ? name : "?", ex->trap.address,
             slot->gate.regs.rip, where);
    pthread_mutex_lock(&nw_monitor_lock);
    slot->domain->violated |= ex->trap.signal == SIGSEGV && ex->trap.code == SEGV_PKUERR;
    nw_domain_kill(slot->domain, NW_STATUS_CRASHED, reason);
    nw_slot_die(slot);
    pthread_mutex_unlock(&nw_monitor_lock);
    return nw_executor_next(ex);
}

/* The slot that runs was stopped by a kick. */
static struct nw_gate_context *kicked(struct nw_executor *ex, struct nw_slot *slot)
{
    bool goes_on;

    pthread_mutex_lock(&nw_monitor_lock);
    goes_on = nw_slice_goes_on(ex, slot);
    if (!goes_on)
        nw_slot_make_way(slot);
    pthread_mutex_unlock(&nw_monitor_lock);
    return goes_on ? &slot->gate : nw_executor_next(ex);
}

struct nw_gate_context *nw_gate_interrupted(struct nw_gate_thread *thread)
{
    struct nw_executor *ex = nw_executor_of(thread);

    nw_set_fs(ex->monitor_fs);
    return kicked(ex, nw_running(ex));
}

struct nw_gate_context *nw_gate_trap(struct nw_gate_thread *thread)
{
    struct nw_executor *ex = nw_executor_of(thread);
    struct nw_slot *slot = nw_running(ex);

    nw_set_fs(ex->monitor_fs);
    if (ex->trap.signal == 0 || nw_load_acquire(&slot->domain->state) == NW_DOMAIN_DYING) /* set by nw_domain_kill */
        return kicked(ex, slot);
    if (ex->trap.signal == SIGSYS)
        return nw__syscall_trapped(ex, slot);
    if (nw_signal_fault(slot, ex->trap.signal, ex->trap.code, ex->trap.address, ex->trap.at))
        return &slot->gate;
    return crash(ex, slot);
}
