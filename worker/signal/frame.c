/*
 * Frames of signal handlers, in the kernel's form (arch/x86/include/uapi/asm/sigcontext.h), since runtimes read and
 * change them. What comes back is whatever the domain likes: of it only becomes what the domain could do by itself. The
 * frame names no rights and no segment bases; the gate gives those from its own records.
 */
#include "common/base/xstate.h"
#include "worker/base/config.h"
#include "worker/base/limits.h"
#include "worker/domain/domain.h"
#include "worker/domain/slot.h"
#include "worker/signal/signals.h"
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <ucontext.h>

#define RED_ZONE        128
#define FLAGS_KEPT      0xcd5ull /* the results of arithmetic, and the direction of strings */
#define FLAGS_SET       0x202ull
#define CS_USER         0x33
#define SEGMENTS        ((0x2bull << 48) | CS_USER)
#define SS_USER         0x2b
#define ADDRESS_MAX     (1ull << 47)
#define VDSO_SIZE       (2 * NW_PAGE_SIZE)
#define LEGACY_SIZE     512
#define SOFTWARE_OFFSET 464
#define HEADER_SIZE     64
#define MXCSR_VALID     0xffffu
#define STATE_MAX       4096
#define MAGIC_1         0x46505853u
#define MAGIC_2         0x46505845u
#define UC_FLAGS        7 /* XSAVE state, and SS as it is */
#define AUTODISARM      (1u << 31)

struct frame {
    uint64_t restorer;
    struct {
        uint64_t flags, link, stack, stack_flags, stack_size;
        uint64_t regs[23];
        uint64_t state, reserved[8];
        uint64_t mask;
    } context;
    uint8_t info[NW_SIGINFO_SIZE];
};

/* What the kernel says of extended state, in bytes of it that the processor leaves alone. */
struct software {
    uint32_t magic, extended_size;
    uint64_t features;
    uint32_t size, padding[7];
};

_Static_assert(sizeof(struct frame) == 8 + 304 + 128, "the kernel's");
_Static_assert(offsetof(struct frame, context.mask) == 8 + 296, "the kernel's");
_Static_assert(sizeof(struct software) == LEGACY_SIZE - SOFTWARE_OFFSET, "the kernel's");

/* A frame with the state above it, as it is copied into the domain. */
struct image {
    struct frame frame;
    uint8_t rest[64 + STATE_MAX];
};

bool nw_signal_on_stack(const struct nw_slot *slot, uint64_t rsp)
{
    const struct nw_slot_signals *s = &slot->signals;

    return s->stack_size && rsp > s->stack && rsp - s->stack <= s->stack_size;
}

/* A flow that is parked at a call into the gate, as if it had just returned from it. */
static bool make_full(struct nw_slot *slot)
{
    struct nw_gate_context *gate = &slot->gate;
    const uint64_t x87 = NW_XFEATURE_X87; /* its control word is taken from the image */
    uint64_t saved[7], from = gate->rsp;  /* as the way out pops them */

    if (gate->kind == NW_CTX_KIND_FULL)
        return true;
    if (!nw_domain_confine(slot->domain, &from, sizeof(saved)) ||
        nw_gate_copy(saved, (const void *)from, sizeof(saved)) < 0)
        return false;
    gate->regs = (struct nw_gate_regs){
        .r15 = saved[0],
        .r14 = saved[1],
        .r13 = saved[2],
        .r12 = saved[3],
        .rbp = saved[4],
        .rbx = saved[5],
        .rip = saved[6],
        .rcx = saved[6],
        .rax = gate->result,
        .rdx = gate->result2,
        .rsp = gate->rsp + sizeof(saved),
        .cs = CS_USER,
        .ss = SS_USER,
        .rflags = FLAGS_SET,
    };
    nw_slot_state_reset(slot);
    memcpy(gate->xsave, &gate->fcw, sizeof(uint16_t));
    memcpy(gate->xsave + NW_XSAVE_HEADER, &x87, sizeof(x87));
    memcpy(gate->xsave + NW_XSAVE_MXCSR, &gate->mxcsr, sizeof(gate->mxcsr));
    gate->kind = NW_CTX_KIND_FULL;
    return true;
}

/* Of the processor, for what faults with this signal most. */
static uint64_t trap_number(int signal)
{
    switch (signal) {
    case SIGSEGV:
    case SIGBUS:
        return 14;
    case SIGILL:
        return 6;
    case SIGTRAP:
        return 3;
    default:
        return 0;
    }
}

static void save_registers(struct frame *frame, const struct nw_gate_regs *r)
{
    uint64_t *to = frame->context.regs;

    to[REG_R8] = r->r8;
    to[REG_R9] = r->r9;
    to[REG_R10] = r->r10;
    to[REG_R11] = r->r11;
    to[REG_R12] = r->r12;
    to[REG_R13] = r->r13;
    to[REG_R14] = r->r14;
    to[REG_R15] = r->r15;
    to[REG_RDI] = r->rdi;
    to[REG_RSI] = r->rsi;
    to[REG_RBP] = r->rbp;
    to[REG_RBX] = r->rbx;
    to[REG_RDX] = r->rdx;
    to[REG_RAX] = r->rax;
    to[REG_RCX] = r->rcx;
    to[REG_RSP] = r->rsp;
    to[REG_RIP] = r->rip;
    to[REG_EFL] = r->rflags;
    to[REG_CSGSFS] = SEGMENTS;
}

static void load_registers(struct nw_gate_regs *r, const struct frame *frame)
{
    const uint64_t *from = frame->context.regs;

    *r = (struct nw_gate_regs){
        .r8 = from[REG_R8],
        .r9 = from[REG_R9],
        .r10 = from[REG_R10],
        .r11 = from[REG_R11],
        .r12 = from[REG_R12],
        .r13 = from[REG_R13],
        .r14 = from[REG_R14],
        .r15 = from[REG_R15],
        .rdi = from[REG_RDI],
        .rsi = from[REG_RSI],
        .rbp = from[REG_RBP],
        .rbx = from[REG_RBX],
        .rdx = from[REG_RDX],
        .rax = from[REG_RAX],
        .rcx = from[REG_RCX],
        .rsp = from[REG_RSP],
        .rip = from[REG_RIP],
        .rflags = (from[REG_EFL] & FLAGS_KEPT) | FLAGS_SET,
        .cs = CS_USER,
        .ss = SS_USER,
    };
}

void nw_signal_siginfo(uint8_t to[NW_SIGINFO_SIZE], const struct nw_signal_info *info)
{
    siginfo_t s;

    memset(&s, 0, sizeof(s));
    s.si_signo = info->signal;
    s.si_code = info->code;
    if (info->address || (info->code > 0 && info->code != SI_KERNEL)) {
        s.si_addr = (void *)info->address;
    } else if (info->code == SI_TIMER) {
        s.si_timerid = (int)info->timer;
        s.si_overrun = (int)info->overrun;
        s.si_value.sival_ptr = (void *)info->value;
    } else if (info->code <= 0) {
        s.si_pid = 1; /* what getpid answers */
    }
    memcpy(to, &s, sizeof(s));
}

/* Extended state as the domain may see it, with what the kernel says of it. Returns its size with the mark behind it.
 */
static size_t save_state(uint8_t *to, const struct nw_slot *slot)
{
    const struct software software = {.magic = MAGIC_1,
                                      .extended_size = (uint32_t)nw_config()->xsave_size + sizeof(uint32_t),
                                      .features = nw_config()->xsave_features,
                                      .size = (uint32_t)nw_config()->xsave_size};
    const uint32_t end = MAGIC_2;
    uint64_t bv;

    memcpy(to, slot->gate.xsave, nw_config()->xsave_size);
    memcpy(&bv, to + NW_XSAVE_HEADER, sizeof(bv));
    bv &= nw_config()->xsave_features;
    memcpy(to + NW_XSAVE_HEADER, &bv, sizeof(bv));
    memcpy(to + SOFTWARE_OFFSET, &software, sizeof(software));
    if (nw_config()->xsave_pkru_offset && nw_config()->xsave_pkru_offset + sizeof(uint32_t) <= nw_config()->xsave_size)
        memset(to + nw_config()->xsave_pkru_offset, 0, sizeof(uint32_t));
    memcpy(to + nw_config()->xsave_size, &end, sizeof(end));
    return nw_config()->xsave_size + sizeof(end);
}

/* Where the frame ends. False: the alternate stack, which the flow is on, would overflow. */
static bool find_place(const struct nw_slot *slot, const struct nw_signal_action *action, uint64_t *top,
                       uint64_t *bottom)
{
    const struct nw_slot_signals *s = &slot->signals;
    const uint64_t rsp = slot->gate.regs.rsp;
    const bool on = nw_signal_on_stack(slot, rsp);

    *top = rsp - RED_ZONE;
    *bottom = on ? s->stack : 0;
    if (action->flags & SA_ONSTACK && s->stack_size && !on) {
        *top = s->stack + s->stack_size;
        *bottom = s->stack;
    }
    return *top > *bottom && *top < ADDRESS_MAX;
}

static void enter(struct nw_slot *slot, const struct nw_signal_info *info, const struct nw_signal_action *action,
                  uint64_t at)
{
    struct nw_gate_regs *r = &slot->gate.regs;

    r->rip = action->handler;
    r->rsp = at;
    r->rdi = (uint64_t)info->signal;
    r->rsi = at + offsetof(struct frame, info);
    r->rdx = at + offsetof(struct frame, context);
    r->rax = 0;
    r->rflags = FLAGS_SET;
    r->cs = CS_USER;
    r->ss = SS_USER;
    nw_slot_state_reset(slot);
    if (slot->signals.stack_flags & AUTODISARM)
        slot->signals.stack_size = slot->signals.stack_flags = 0;
}

static bool may_resume(const struct nw_domain *domain, uint64_t rip)
{
    return (rip >= domain->memory.base && rip < domain->memory.end) ||
           (rip >= nw_config()->vdso && rip < nw_config()->vdso + VDSO_SIZE) ||
           (rip >= (uint64_t)nw_config()->gate->enter && rip < (uint64_t)nw_config()->gate->inside);
}

bool nw__signal_frame_push(struct nw_slot *slot, const struct nw_signal_info *info,
                           const struct nw_signal_action *action, uint64_t mask)
{
    const struct nw_slot_signals *s = &slot->signals;
    struct image image = {.frame.restorer = action->restorer};
    struct frame *frame = &image.frame;
    uint64_t top, bottom, state, at, to;

    if (!make_full(slot) || !find_place(slot, action, &top, &bottom))
        return false;
    state = (top - nw_config()->xsave_size - sizeof(uint32_t)) & -64ull;
    at = ((state - sizeof(*frame)) & -16ull) - 8;
    if (at >= state || at < bottom || !may_resume(slot->domain, action->handler))
        return false;
    frame->context.flags = UC_FLAGS;
    frame->context.stack = s->stack;
    frame->context.stack_size = s->stack_size;
    frame->context.stack_flags = s->stack_size ? s->stack_flags : SS_DISABLE;
    frame->context.mask = mask;
    frame->context.state = state;
    frame->context.regs[REG_CR2] = info->address;
    frame->context.regs[REG_TRAPNO] = trap_number(info->signal);
    save_registers(frame, &slot->gate.regs);
    nw_signal_siginfo(frame->info, info);
    top = state + save_state((uint8_t *)&image + (state - at), slot);
    to = at;
    if (!nw_domain_confine(slot->domain, &to, top - at) || nw_gate_copy((void *)to, &image, top - at) < 0)
        return false;
    enter(slot, info, action, at);
    return true;
}

static bool copy_in(const struct nw_slot *slot, void *to, uint64_t from, size_t length)
{
    return nw_domain_confine(slot->domain, &from, length) && nw_gate_copy(to, (const void *)from, length) == 0;
}

/* Without state the processor's is clean afterwards; without the mark in it all but its first part. */
static bool load_state(struct nw_slot *slot, uint64_t from)
{
    static const uint8_t no_header[HEADER_SIZE];
    uint8_t *to = slot->gate.xsave;
    struct software software;
    uint32_t mxcsr;
    uint64_t bv = 3;

    nw_slot_state_reset(slot);
    if (!from)
        return true;
    if (!copy_in(slot, to, from, LEGACY_SIZE))
        return false;
    memcpy(&software, to + SOFTWARE_OFFSET, sizeof(software));
    if (software.magic == MAGIC_1 && software.size >= nw_config()->xsave_size) {
        if (!copy_in(slot, to + LEGACY_SIZE, from + LEGACY_SIZE, nw_config()->xsave_size - LEGACY_SIZE))
            return false;
        memcpy(&bv, to + NW_XSAVE_HEADER, sizeof(bv));
    }
    if (nw_without(NW_DEFENCE_SIGNALS))
        return true;
    /* What XRSTOR would fault on, in the middle of the way out, or what is not the domain's to set. */
    bv &= nw_config()->xsave_features;
    memcpy(to + NW_XSAVE_HEADER, no_header, sizeof(no_header));
    memcpy(to + NW_XSAVE_HEADER, &bv, sizeof(bv));
    memcpy(&mxcsr, to + NW_XSAVE_MXCSR, sizeof(mxcsr));
    mxcsr &= MXCSR_VALID;
    memcpy(to + NW_XSAVE_MXCSR, &mxcsr, sizeof(mxcsr));
    return true;
}

/* The handler may have run on an alternate stack that was disarmed for it. */
static void load_stack(struct nw_slot *slot, const struct frame *frame)
{
    const uint32_t flags = (uint32_t)frame->context.stack_flags;

    if (!(flags & AUTODISARM) || flags & SS_DISABLE)
        return;
    slot->signals.stack = frame->context.stack;
    slot->signals.stack_size = frame->context.stack_size;
    slot->signals.stack_flags = AUTODISARM;
}

bool nw_signal_frame_pop(struct nw_slot *slot, uint64_t *mask)
{
    const uint64_t at = slot->gate.regs.rsp - sizeof(uint64_t); /* RET has taken the restorer */
    struct frame frame;

    if (!copy_in(slot, &frame, at, sizeof(frame)) || !load_state(slot, frame.context.state))
        return false;
    if (!may_resume(slot->domain, frame.context.regs[REG_RIP]))
        return false;
    load_registers(&slot->gate.regs, &frame);
    load_stack(slot, &frame);
    *mask = frame.context.mask;
    return true;
}
