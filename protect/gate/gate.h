/*
 * The gate: the only way from a domain into the monitor and back. This header fixes the records that gate.S reads and
 * writes; it knows nothing of functions, slots or schedules.
 *
 *   domain calls nw_gate_enter_* ──> rights of the monitor ──> nw_gate_dispatch() ──> a context to run ──> its domain
 *   a signal in a domain ──> nw_gate_signal_* ──> nw_gate_on_signal() ──> (nw_gate_trap()) ──> a context to run
 *
 * Each thread that runs domains has two records. The page is what GS points at: domains may read it (shared read-only
 * key), only the monitor writes it. The thread record is the monitor's alone. A context is the saved state of one
 * flow of control inside a domain; it is complete and unchanged until the last instruction that leaves the monitor,
 * so a signal that interrupts the way out may discard it and start it again.
 *
 * Variants: `_keyed` swaps PKRU, `_plain` runs where there are no keys; everything else is the same code.
 */
#ifndef NW_PROTECT_GATE_GATE_H
#define NW_PROTECT_GATE_GATE_H

/* struct nw_gate_page */
#define NW_PAGE_THREAD   0
#define NW_PAGE_PKRU     8
#define NW_PAGE_SELECTOR 12

/* struct nw_gate_thread */
#define NW_THREAD_STACK      0
#define NW_THREAD_CURRENT    8
#define NW_THREAD_PAGE       16
#define NW_THREAD_FRAME      24
#define NW_THREAD_TID        32
#define NW_THREAD_PENDING    36
#define NW_THREAD_CALL_RSP   40
#define NW_THREAD_CALL_LIVE  48
#define NW_THREAD_GUARD_RSP  56
#define NW_THREAD_GUARD_LIVE 64

/* registers that only some CPUs have */
#define NW_STATE_AVX512 1
#define NW_STATE_TILES  2 /* AMX: what they look like can be set without permission, their data not */

/* struct nw_gate_context */
#define NW_CTX_RSP     0
#define NW_CTX_FS      8
#define NW_CTX_RESULT  16
#define NW_CTX_RESULT2 24
#define NW_CTX_PKRU    32
#define NW_CTX_KIND    36
#define NW_CTX_AREA    40
#define NW_CTX_XSAVE   48
#define NW_CTX_MXCSR   56
#define NW_CTX_FCW     60
#define NW_CTX_REGS    64

#define NW_CTX_KIND_CALL 0 /* parked at a call into the gate */
#define NW_CTX_KIND_FULL 1 /* parked anywhere: every register is saved */

/* struct nw_gate_regs, in the order in which the way out pops them; then an IRETQ frame */
#define NW_REGS_WORDS 20

#define NW_MXCSR_DEFAULT  0x1f80
#define NW_FCW_DEFAULT    0x37f
#define NW_CALL_CUT       512 /* no errno */
#define NW_SELECTOR_ALLOW 0
#define NW_SELECTOR_BLOCK 1
#define NW_PKRU_KEYS      16
#define NW_PKRU_CLOSED    0x55555555 /* no access to memory of any key */
#define NW_KEY_SHARED     1          /* what every domain may read and none may write */
#define NW_ALT_SIZE       65536      /* of the alternate stack of a thread, which is aligned to as much */

#ifndef __ASSEMBLER__
#include "protect/gate/without.h"
#include <stddef.h>
#include <stdint.h>

/* One page per thread, readable by domains. */
struct nw_gate_page {
    struct nw_gate_thread *thread;
    uint32_t pkru;             /* the rights that the running domain must have: compared after every way out, and
                                * those of a system call that is made with a domain's rights */
    volatile uint8_t selector; /* Syscall User Dispatch: NW_SELECTOR_* */
};

struct nw_gate_thread {
    uint64_t stack;                  /* top of the monitor's stack; 16-aligned */
    struct nw_gate_context *current; /* what runs, or is about to */
    struct nw_gate_page *page;
    uint64_t frame;      /* the one address at which the kernel places a signal frame of this thread */
    uint32_t tid;        /* kernel thread id */
    uint32_t pending;    /* a signal asked for nw_gate_interrupted() before the next way out */
    uint64_t call_rsp;   /* nw_gate_syscall_as: the monitor's stack pointer */
    uint32_t call_live;  /* ... and whether one is under way */
    uint64_t guard_rsp;  /* nw_gate_copy: where a fault continues */
    uint64_t guard_live; /* ... and whether a copy is under way */
};

struct nw_gate_regs {
    uint64_t r15, r14, r13, r12, r11, r10, r9, r8, rbp, rdi, rsi, rdx, rcx, rbx, rax;
    uint64_t rip, cs, rflags, rsp, ss;
};

struct nw_gate_context {
    uint64_t rsp; /* KIND_CALL: the domain's stack; its callee-saved registers lie there */
    uint64_t fs;
    uint64_t result, result2; /* KIND_CALL: what the call returns */
    uint32_t pkru;
    uint32_t kind;
    struct nw_gate_regs *area; /* KIND_FULL: scratch in the domain's memory from which its registers are popped */
    uint8_t *xsave;            /* KIND_FULL: extended state in the standard format; the monitor's memory */
    uint32_t mxcsr;            /* KIND_CALL: the domain's floating point control, given back on the way out */
    uint32_t fcw;
    struct nw_gate_regs regs; /* KIND_FULL */
};

/* The kernel's frame of a real-time signal handler (arch/x86/include/asm/sigframe.h). */
struct nw_gate_frame {
    uint64_t restorer;
    unsigned char ucontext[304]; /* struct ucontext of the kernel: up to and with its signal mask */
    unsigned char siginfo[128];
};

_Static_assert(sizeof(struct nw_gate_regs) == NW_REGS_WORDS * sizeof(uint64_t), "gate.S pops these");
#define NW_CHECK(type, field, offset) _Static_assert(offsetof(struct type, field) == (offset), "gate.S")
NW_CHECK(nw_gate_page, thread, NW_PAGE_THREAD);
NW_CHECK(nw_gate_page, pkru, NW_PAGE_PKRU);
NW_CHECK(nw_gate_page, selector, NW_PAGE_SELECTOR);
NW_CHECK(nw_gate_thread, stack, NW_THREAD_STACK);
NW_CHECK(nw_gate_thread, current, NW_THREAD_CURRENT);
NW_CHECK(nw_gate_thread, page, NW_THREAD_PAGE);
NW_CHECK(nw_gate_thread, frame, NW_THREAD_FRAME);
NW_CHECK(nw_gate_thread, tid, NW_THREAD_TID);
NW_CHECK(nw_gate_thread, pending, NW_THREAD_PENDING);
NW_CHECK(nw_gate_thread, call_rsp, NW_THREAD_CALL_RSP);
NW_CHECK(nw_gate_thread, call_live, NW_THREAD_CALL_LIVE);
NW_CHECK(nw_gate_thread, guard_rsp, NW_THREAD_GUARD_RSP);
NW_CHECK(nw_gate_thread, guard_live, NW_THREAD_GUARD_LIVE);
NW_CHECK(nw_gate_context, rsp, NW_CTX_RSP);
NW_CHECK(nw_gate_context, fs, NW_CTX_FS);
NW_CHECK(nw_gate_context, result, NW_CTX_RESULT);
NW_CHECK(nw_gate_context, result2, NW_CTX_RESULT2);
NW_CHECK(nw_gate_context, pkru, NW_CTX_PKRU);
NW_CHECK(nw_gate_context, kind, NW_CTX_KIND);
NW_CHECK(nw_gate_context, area, NW_CTX_AREA);
NW_CHECK(nw_gate_context, xsave, NW_CTX_XSAVE);
NW_CHECK(nw_gate_context, mxcsr, NW_CTX_MXCSR);
NW_CHECK(nw_gate_context, fcw, NW_CTX_FCW);
NW_CHECK(nw_gate_context, regs, NW_CTX_REGS);
#undef NW_CHECK

/* The rights of a domain that owns `key`: its own memory, and reading what all share. Nothing else, not even key 0. */
static inline uint32_t nw_gate_rights(int key)
{
    uint32_t pkru = NW_PKRU_CLOSED & ~(3u << 2 * key);

    if (nw_without(NW_DEFENCE_KEYS))
        return 0x80000000; /* not 0, by which the monitor is known */

    return pkru ^ 3u << 2 * NW_KEY_SHARED;
}

/* The rights of a domain that has no key. */
static inline uint32_t nw_gate_rights_none(void)
{
    return NW_PKRU_CLOSED ^ 3u << 2 * NW_KEY_SHARED;
}

/* ---- implemented by gate.S ---- */

/* The address a domain calls, or jumps to after pushing where to return, which is faster: see the way out. rdi =
 * operation, rsi, r10, r8, r9 = arguments; returns rax and rdx. */
extern const char nw_gate_enter_keyed[], nw_gate_enter_plain[];

/* Signal handlers for SA_SIGINFO | SA_ONSTACK on a stack armed with SS_AUTODISARM, and the restorer to install with
 * them (never executed: handlers leave through the gate). */
extern const char nw_gate_signal_keyed[], nw_gate_signal_plain[], nw_gate_restorer[];

/* Leaves the monitor for `context` on the calling thread, whose GS base is its page. */
_Noreturn void nw_gate_leave_keyed(struct nw_gate_context *context);
_Noreturn void nw_gate_leave_plain(struct nw_gate_context *context);

/* Where a handler sends a thread that was interrupted in a domain: on the monitor's stack, calls nw_gate_trap. */
extern const char nw_gate_resume_keyed[], nw_gate_resume_plain[];

/*
 * Carries out one system call with the rights `pkru`, so that the kernel itself refuses pointers outside the domain.
 * Returns what the kernel returned, negative errno included; or -NW_CALL_CUT when a signal asked for
 * nw_gate_interrupted() and the call was not begun.
 */
long nw_gate_syscall_as(uint32_t pkru, long number, const uint64_t args[6]);

/* The same system call with the thread's own rights. */
long nw_gate_syscall_plain(uint32_t unused, long number, const uint64_t args[6]);

/* Sets the thread's FS base: the monitor's, before anything that is thread-local is used. */
void nw_set_fs(uint64_t fs);

/* memcpy that returns -EFAULT instead of faulting when either side is not accessible; 0 otherwise. Needs no TLS. */
int nw_gate_copy(void *to, const void *from, size_t length);

/* Code ranges, for telling where a signal landed. [enter, inside): still the domain's rights. [exit, end): the way
 * out. [as, as_end): inside nw_gate_syscall_as; `syscall_at` is the instruction itself. */
extern const char nw_gate_text_start[], nw_gate_text_end[];
extern const char nw_gate_inside_keyed[], nw_gate_inside_plain[];
extern const char nw_gate_exit_keyed[], nw_gate_exit_end_keyed[], nw_gate_exit_plain[], nw_gate_exit_end_plain[];
extern const char nw_gate_as_keyed[], nw_gate_as_syscall_keyed[], nw_gate_as_cut_keyed[], nw_gate_as_end_keyed[];
extern const char nw_gate_as_plain[], nw_gate_as_syscall_plain[], nw_gate_as_cut_plain[], nw_gate_as_end_plain[];
extern const char nw_gate_copy_fault[];

/* Alternate stacks: one aligned block of NW_ALT_SIZE per thread, all in one array, its first word the thread record. */
extern uint64_t nw_gate_alt_base, nw_gate_alt_bytes;

extern uint32_t nw__gate_state; /* NW_STATE_*: what is cleared on each way out; see state.h */

/* ---- implemented by the monitor; called with the thread's FS base still the domain's: no TLS before it is set ---- */

struct nw_gate_context *nw_gate_dispatch(struct nw_gate_thread *thread, uint64_t op, uint64_t a1, uint64_t a2,
                                         uint64_t a3, uint64_t a4);
struct nw_gate_context *nw_gate_interrupted(struct nw_gate_thread *thread);
struct nw_gate_context *nw_gate_trap(struct nw_gate_thread *thread);
void nw_gate_on_signal(struct nw_gate_frame *frame, struct nw_gate_thread *thread);
#endif
#endif
