/* Jumps into the gate and the monitor with hostile registers (rows 2, 4, 15, 16 of the threats). */
#include "protect/rewrite/shortcut.h"
#include "worker/base/ops.h"
#include "worker/domain/executor.h"
#include "worker/test/attack/attack.h"
#include <cpuid.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#define FLAG_TF  0x100
#define FLAG_DF  0x400
#define FLAG_NT  0x4000
#define FLAG_AC  0x40000
#define CS_USER  0x33
#define SS_USER  0x2b
#define STACK    512 /* words */
#define XSAVE_PK 0x200

#define NO_OPERATION  99
#define X87_WAITS     0x80
#define WRPKRU_LENGTH 3

struct registers {
    uint64_t r15, r14, r13, r12, r11, r10, r9, r8, rbp, rdi, rsi, rdx, rcx, rbx, rax;
    uint64_t rip, cs, rflags, rsp, ss;
};

uint32_t attack_jump(const struct registers *registers);
#define HIDDEN __attribute__((visibility("hidden")))
extern HIDDEN const char attack_landing[];
extern HIDDEN uint64_t attack_target;
extern HIDDEN uint32_t attack_rights;

/* Whatever the monitor might take for a record, an extended state or a stack: every word is a place to land. */
static uint64_t stack[STACK] __attribute__((aligned(64)));
static uint64_t record[STACK] __attribute__((aligned(64)));
static uint64_t zeros[STACK] __attribute__((aligned(64)));

static uint32_t read_pkru(void)
{
    uint32_t pkru, high;

    __asm__ volatile("rdpkru" : "=a"(pkru), "=d"(high) : "c"(0));
    return pkru;
}

/* What GS points at can be read; the first word is the monitor's record of this thread. */
static uint64_t *page(void)
{
    uint64_t *at;

    __asm__ volatile("rdgsbase %0" : "=r"(at));
    return at;
}

static void lose_gs(void)
{
    __asm__ volatile("movl %0, %%gs" : : "r"(0));
}

static struct registers hostile(const struct attacker *a)
{
    const uint64_t own = (uint64_t)record;

    for (int i = 0; i < STACK; i++) {
        stack[i] = (uint64_t)attack_landing;
        record[i] = own;
    }
    attack_target = a->arg[0];
    attack_rights = read_pkru();
    return (struct registers){
        .r15 = own,
        .r14 = SYS_getpid,
        .r13 = own,
        .r12 = own,
        .r11 = (uint64_t)&stack[STACK / 2],
        .rbp = own,
        .rdi = own,
        .rsi = own,
        .rdx = own,
        .rbx = own,
        .rip = attack_gate + a->arg[1],
        .cs = CS_USER,
        .rflags = 0x202,
        .rsp = (uint64_t)&stack[STACK / 2],
        .ss = SS_USER,
    };
}

static const char *jump(struct attacker *a, const struct registers *r)
{
    uint32_t after = attack_jump(r);

    return after == attack_rights ? "no rights" : attack_say(a, "PKRU is %#x", after);
}

/* EAX, ECX and EDX as WRPKRU takes them for all rights. */
static const char *try_zero(struct attacker *a)
{
    struct registers r = hostile(a);

    r.rdx = 0;
    return jump(a, &r);
}

/* The domain's own rights, with which a comparison may succeed. */
static const char *try_own(struct attacker *a)
{
    struct registers r = hostile(a);

    r.rax = attack_rights;
    r.rdx = 0;
    return jump(a, &r);
}

/* XRSTOR of an image of its own in which PKRU is absent: its first value is 0. */
static const char *try_xrstor(struct attacker *a)
{
    struct registers r = hostile(a);

    r.rax = XSAVE_PK;
    r.rdx = 0;
    r.rsi = r.rdi = (uint64_t)zeros;
    return jump(a, &r);
}

/* Pointers of the monitor's own in every register that it uses. */
static const char *try_known(struct attacker *a)
{
    struct registers r = hostile(a);
    uint64_t *own_page = page();

    r.rdx = 0;
    r.r12 = r.rdi = r.rbx = own_page[0];
    r.r13 = r.rsi = (uint64_t)own_page;
    return jump(a, &r);
}

/* RSP in the monitor's memory, and IRETQ frames instead of addresses on the stack for those that pop. */
static const char *try_stack(struct attacker *a)
{
    struct registers r = hostile(a);

    r.rdx = 0;
    r.rsp = page()[0] + 64;
    return jump(a, &r);
}

static const char *try_iret(struct attacker *a)
{
    struct registers r = hostile(a);

    for (int i = 0; i + 5 <= STACK; i += 5) {
        const uint64_t frame[5] = {(uint64_t)attack_landing, CS_USER, 0x202, (uint64_t)&stack[STACK / 2], SS_USER};

        memcpy(&stack[i], frame, sizeof(frame));
    }
    r.rsp = (uint64_t)&stack[STACK / 2 / 5 * 5];
    r.rdx = 0;
    return jump(a, &r);
}

static const char *with_flags(struct attacker *a, uint64_t flags)
{
    struct registers r = hostile(a);

    r.rdx = 0;
    r.rflags |= flags;
    return jump(a, &r);
}

static const char *try_flags(struct attacker *a)
{
    return with_flags(a, FLAG_DF | FLAG_AC | FLAG_NT);
}

static const char *try_trap_flag(struct attacker *a)
{
    return with_flags(a, FLAG_TF);
}

static void break_fpu(void)
{
    const uint32_t mxcsr = 0; /* every exception unmasked */
    const uint16_t control = 0x340;

    __asm__ volatile("fldz; fld1; fldcw %0; fdivp; ldmxcsr %1" : : "m"(control), "m"(mxcsr) : "st");
}

/* A division by zero waits in the x87, and every SSE exception traps. */
static const char *try_fpu(struct attacker *a)
{
    struct registers r = hostile(a);

    r.rdx = 0;
    break_fpu();
    return jump(a, &r);
}

static const char *try_null_gs(struct attacker *a)
{
    struct registers r = hostile(a);

    r.rdx = 0;
    lose_gs();
    return jump(a, &r);
}

/* ---- not at an offset of the gate ---- */

static const char *try_null_gs_then(struct attacker *a)
{
    lose_gs();
    switch (a->arg[1]) {
    case 0:
        return attack_outcome(a, syscall(SYS_getpid));
    case 1:
        *(volatile int *)a->arg[0] = 1;
        break;
    case 2:
        attack_gate_call(99, 0, 0, 0, 0);
        break;
    default:
        for (;;)
            __asm__ volatile("");
    }
    return "gone on";
}

/* Where in the array of alternate stacks those of this thread and of another one end; 0: it is not known. */
static uint64_t alternate_end(const struct attacker *a, bool own)
{
    for (unsigned i = 0; i < ATTACK_RECORDS; i++)
        if (a->arg[4 + i] == page()[0])
            return a->arg[3] + ((own ? i : i ^ 1) + 1) * NW_ALT_SIZE;
    return 0;
}

static uint64_t place(const struct attacker *a)
{
    switch (a->arg[1]) {
    case ATTACK_IN_NEIGHBOUR:
        return a->arg[0] + 4000;
    case ATTACK_IN_OWN_ALTERNATE:
    case ATTACK_IN_OTHER_ALTERNATE:
        return alternate_end(a, a->arg[1] == ATTACK_IN_OWN_ALTERNATE) - NW_ALT_SIZE / 2;
    case ATTACK_IN_STACK:
        return a->arg[2] - 64;
    case ATTACK_IN_SHARED:
        return (uint64_t)page() + 4000;
    case ATTACK_IN_NOTHING:
        return 4096;
    case ATTACK_IN_KERNEL:
        return 1ull << 63 | 4096;
    default:
        return (uint64_t)&stack[STACK] - 1;
    }
}

/* `code` runs with RSP somewhere when something makes the kernel build a signal frame. */
static const char *pivot(struct attacker *a, const char *code)
{
    struct registers r = hostile(a);

    if (a->arg[3] && !alternate_end(a, true))
        return "which executor this is, is not known";
    r.rip = (uint64_t)code;
    r.rax = SYS_getpid;
    r.rsp = place(a);
    attack_jump(&r);
    return "gone on";
}

static const char *try_pivot_fault(struct attacker *a)
{
    const char *code;

    __asm__("leaq 1f(%%rip), %0; jmp 2f; 1: ud2; 2:" : "=r"(code));
    return pivot(a, code);
}

static const char *try_pivot_syscall(struct attacker *a)
{
    const char *code;

    __asm__("leaq 1f(%%rip), %0; jmp 2f; 1: syscall; jmp attack_landing; 2:" : "=r"(code));
    return pivot(a, code);
}

static const char *try_pivot_loop(struct attacker *a)
{
    const char *code;

    __asm__("leaq 1f(%%rip), %0; jmp 2f; 1: jmp 1b; 2:" : "=r"(code));
    return pivot(a, code);
}

/* ---- forged signal frames ---- */

#define FRAME_AT    0x8000
#define UC_XSTATE   7 /* extended state, SS is valid, and shall be restored */
#define SOFTWARE    464
#define MAGIC_FIRST 0x46505853
#define MAGIC_LAST  0x46505845

/* As the kernel lays them out behind the legacy part of an extended state. */
struct software {
    uint32_t magic, extended_size;
    uint64_t features;
    uint32_t size;
};

/* The thread's extended state as a frame holds it, but for PKRU. */
static void *forge_state(uint32_t pkru)
{
    static uint8_t state[16384] __attribute__((aligned(64)));
    struct software software = {.magic = MAGIC_FIRST};
    const uint32_t last = MAGIC_LAST;
    uint32_t eax, ebx, ecx, edx, high;

    __cpuid_count(0xd, 9, eax, ebx, ecx, edx);
    __asm__ volatile("xsave64 %0" : "+m"(state) : "a"(-1), "d"(-1));
    memcpy(state + ebx, &pkru, sizeof pkru);
    state[513] |= XSAVE_PK >> 8;
    __asm__ volatile("xgetbv" : "=a"(eax), "=d"(high) : "c"(0));
    software.features = eax | (uint64_t)high << 32;
    __cpuid_count(0xd, 0, eax, ebx, ecx, edx);
    software.size = ebx;
    software.extended_size = ebx + sizeof last;
    memcpy(state + SOFTWARE, &software, sizeof software);
    memcpy(state + ebx, &last, sizeof last);
    return state;
}

/* A frame that leads to attack_landing with all rights. */
static void forge_frame(ucontext_t *uc)
{
    memset(uc, 0, sizeof(struct nw_gate_frame) - sizeof(uint64_t));
    uc->uc_flags = UC_XSTATE;
    uc->uc_mcontext.gregs[REG_RIP] = (greg_t)attack_landing;
    uc->uc_mcontext.gregs[REG_RSP] = (greg_t)&stack[STACK / 2];
    uc->uc_mcontext.gregs[REG_EFL] = 0x202;
    uc->uc_mcontext.gregs[REG_CSGSFS] = (greg_t)((uint64_t)SS_USER << 48 | CS_USER);
    uc->uc_mcontext.fpregs = forge_state(0);
}

static const char *try_sigreturn(struct attacker *a)
{
    struct registers r = hostile(a);
    ucontext_t *uc = (ucontext_t *)&stack[8];
    const char *code;

    __asm__("leaq 1f(%%rip), %0; jmp 2f; 1: syscall; jmp attack_landing; 2:" : "=r"(code));
    forge_frame(uc);
    r.rip = (uint64_t)code;
    r.rsp = (uint64_t)uc;
    r.rax = SYS_rt_sigreturn;
    return jump(a, &r);
}

/* The monitor's handler called with a frame of the function's own, whose stack names a record of its own, by which a
 * thread is just starting: the handler gives such a thread all rights. */
static const char *try_handler(struct attacker *a)
{
    static uint8_t alternate[NW_ALT_SIZE] __attribute__((aligned(NW_ALT_SIZE)));
    static struct nw_executor executor;
    struct registers r = hostile(a);
    struct nw_gate_frame *frame = (struct nw_gate_frame *)(alternate + FRAME_AT);
    siginfo_t *info = (siginfo_t *)frame->siginfo;

    *(struct nw_executor **)alternate = &executor;
    executor.gate.frame = (uint64_t)frame;
    executor.gate.page = (struct nw_gate_page *)page();
    executor.starting = true;
    forge_frame((ucontext_t *)frame->ucontext);
    frame->restorer = attack_gate + a->arg[2];
    info->si_signo = NW_PREEMPT_SIGNAL;
    info->si_code = SI_TKILL;
    r.rip = attack_gate + a->arg[1];
    r.rsp = (uint64_t)frame;
    return jump(a, &r);
}

/* The gate called while a division by zero waits in the x87: the first instruction there that waits for it traps. */
static const char *try_fpu_call(struct attacker *a)
{
    uint16_t status;

    break_fpu();
    __asm__ volatile("fnstsw %0" : "=a"(status));
    if (!(status & X87_WAITS))
        return "nothing waits";
    return attack_say(a, "answered %ld", attack_gate_call(NO_OPERATION, 0, 0, 0, 0));
}

/* ---- the monitor at work with rights or flags that a function chose ---- */

#define ALL_BUT_ONE 0xc0000000u /* rights: every key but the last */

/* To the WRPKRU of the way in: an operation that does not exist, answered to attack_landing. */
static const char *try_rights_in(struct attacker *a)
{
    struct registers r = hostile(a);

    r.rip = attack_gate + a->arg[1] - WRPKRU_LENGTH;
    r.rax = ALL_BUT_ONE;
    r.rdx = 0;
    r.rdi = NO_OPERATION;
    return attack_jump(&r) == attack_rights ? "answered" : "PKRU is another";
}

/* To the XRSTOR of the way out, which then leads to where the last system call was made. */
static const char *try_rights_out(struct attacker *a)
{
    static volatile unsigned visits;
    struct registers r = hostile(a);
    long pid = SYS_getpid;

    r.rip = attack_gate + a->arg[1];
    r.rax = XSAVE_PK;
    r.rdx = 0;
    r.rsi = (uint64_t)forge_state(ALL_BUT_ONE);
    visits = 0;
    __asm__ volatile("syscall" : "+a"(pid) : : "rcx", "r11", "memory");
    if (visits++)
        return "led back";
    return jump(a, &r);
}

static void call_with_flag(uint64_t flag, const struct nw_shortcut_call *call)
{
    __asm__ volatile("pushfq; orq %0, (%%rsp); popfq" : : "r"(flag) : "cc", "memory");
    attack_gate_call(NW_OP_SYSCALL, (uint64_t)call, 0, 0, 0);
    __asm__ volatile("pushfq; andq %0, (%%rsp); popfq" : : "r"(~flag) : "cc", "memory");
}

/* The processor checks alignment. Some check every access, some only those of 2, 4 and 8 bytes, not those of vectors: a
 * word is added to a line of the log, behind three bytes. Copies from a domain show nothing, for one that faults ends
 * as EFAULT. */
static const char *try_aligned(struct attacker *a)
{
    static const uint64_t word = 0x6161616161616161;
    struct nw_shortcut_call call = {.args = {1, (uint64_t)&word, sizeof(word)}, .number = SYS_write};

    if (syscall(SYS_write, 1, "odd", 3) != 3)
        return attack_outcome(a, -1);
    call_with_flag(FLAG_AC, &call);
    return "answered";
}

/* Strings go backwards: of what the monitor clears before it fills it in, nothing is cleared. */
static const char *try_backwards(struct attacker *a)
{
    static uint64_t filled[sizeof(struct stat) / sizeof(uint64_t)], sound[sizeof(struct stat) / sizeof(uint64_t)];
    struct nw_shortcut_call file = {.args = {1, (uint64_t)filled}, .number = SYS_fstat};

    fstat(1, (struct stat *)sound);
    call_with_flag(FLAG_DF, &file);
    for (size_t i = 0; i < sizeof filled / sizeof *filled; i++)
        if (filled[i] != sound[i])
            return attack_say(a, "the monitor's stack holds %#lx", filled[i]);
    return "answered";
}

const struct attack attacks[] = {
    {"zero", try_zero},
    {"own", try_own},
    {"xrstor", try_xrstor},
    {"known", try_known},
    {"stack", try_stack},
    {"iret", try_iret},
    {"flags", try_flags},
    {"trap-flag", try_trap_flag},
    {"fpu", try_fpu},
    {"null-gs", try_null_gs},
    {"null-gs-then", try_null_gs_then},
    {"pivot-fault", try_pivot_fault},
    {"pivot-syscall", try_pivot_syscall},
    {"pivot-loop", try_pivot_loop},
    {"sigreturn", try_sigreturn},
    {"handler", try_handler},
    {"fpu-call", try_fpu_call},
    {"rights-in", try_rights_in},
    {"rights-out", try_rights_out},
    {"aligned", try_aligned},
    {"backwards", try_backwards},
    {0},
};
