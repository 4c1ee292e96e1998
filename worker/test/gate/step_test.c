/*
 * Steps through the gate of a live worker, one instruction at a time, and sends the executor a preempt signal at each
 * of them: on the way in, on both ways out, where a system call is made with a domain's rights, where signals enter and
 * where the monitor resumes after them. Whenever a domain runs its selector, rights, thread pointer, GS and stack must
 * be its own, and the function that runs checks what it gets back (stepped.c).
 */
#include "common/test/test.h"
#include "worker/test/gate/trace.h"
#include "worker/test/harness.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#define PREEMPT    23   /* NW_PREEMPT_SIGNAL */
#define EACH       1    /* signals at each instruction */
#define FRUITLESS  2500 /* steps in the gate without an instruction that has yet to get its signals: two rounds */
#define GATE_MAX   8192
#define FLAG_TF    0x100
#define PUSHFQ     0x9c
#define STACK_SIZE (256ul << 10)
#define ROUNDS     "2000"

static struct nw_harness h;
static struct nw_trace t;
static bool keyed;
static uint8_t sent[GATE_MAX]; /* signals, by offset in the gate's section */
static struct {
    uint64_t enter, inside, exit_end, signal, as_end;
} at;

/* The thread pointer of the first flow that came back from a call of the gate, and how often it was another's. */
static uint64_t first_after_call;
static unsigned others_after_calls;

static uint32_t load(const char *name, const char *folder)
{
    const char *build = getenv("NW_BUILD");
    char path[512];
    struct nw_load l = {.name = name, .so = path, .timeout_ms = 600000, .slots = 1};
    uint32_t deployment;

    snprintf(path, sizeof(path), "%s/%s/%s.so", build ? build : "build", folder, name);
    deployment = nw_harness_load(&h, &l);
    if (!deployment)
        fail_msg("%s was refused: %s", name, h.message.text);
    return deployment;
}

static uint64_t gate_symbol(const char *name)
{
    char text[64];

    snprintf(text, sizeof(text), "nw_gate_%s_%s", name, keyed ? "keyed" : "plain");
    return nw_trace_symbol(&t, text);
}

static void find_gate(void)
{
    at.enter = gate_symbol("enter");
    at.inside = gate_symbol("inside");
    at.exit_end = gate_symbol("exit_end");
    at.signal = gate_symbol("signal");
    at.as_end = gate_symbol("as_end");
    assert_true(t.gate_end - t.gate <= GATE_MAX);
    memset(sent, 0, sizeof(sent));
    first_after_call = others_after_calls = 0;
}

/* What must hold when a domain runs, and in the gate as soon as it has the domain's rights. */
static void check_domain(const struct nw_trace_state *s)
{
    const struct nw_gate_page page = nw_trace_page(&t);
    const struct nw_gate_thread thread = nw_trace_thread(&t);
    const struct nw_gate_context context = nw_trace_context(&t);
    uint64_t rip = s->regs.rip;

    if (page.selector != NW_SELECTOR_BLOCK)
        fail_msg("the selector allows system calls at %#lx, gate%+ld", rip, (long)(rip - t.gate));
    if (s->regs.gs_base != t.page)
        fail_msg("GS base is %#llx at gate%+ld", s->regs.gs_base, (long)(rip - t.gate));
    if (s->regs.fs_base != context.fs)
        fail_msg("FS base is %#llx, not the domain's %#lx, at gate%+ld", s->regs.fs_base, context.fs,
                 (long)(rip - t.gate));
    if (s->regs.rsp <= thread.stack && s->regs.rsp > thread.stack - STACK_SIZE)
        fail_msg("RSP is in the monitor's stack at gate%+ld", (long)(rip - t.gate));
    if (keyed && (nw_trace_pkru(&t, s) != page.pkru || page.pkru != context.pkru || page.pkru == 0))
        fail_msg("PKRU is %#x, not the domain's, at gate%+ld", nw_trace_pkru(&t, s), (long)(rip - t.gate));
}

static void check(uint64_t rip)
{
    struct nw_trace_state s;
    bool gate = nw_trace_in_gate(&t, rip);

    if (nw_trace_in_worker(&t, rip) && !gate)
        return;
    if (rip >= at.signal && rip < at.as_end) /* the monitor's own, with the rights of a new handler or a domain */
        return;
    nw_trace_get(&t, &s);
    if (gate && (!keyed || nw_trace_pkru(&t, &s) == 0))
        return;
    check_domain(&s);
}

/* The domain's registers right after the gate: its own, results, or 0. */
static void check_registers(void)
{
    const struct nw_gate_context context = nw_trace_context(&t);
    struct nw_trace_state s;
    uint64_t pushed[6]; /* where the domain called the gate */
    struct nw_gate_regs own = context.regs;

    nw_trace_get(&t, &s);
    if (context.kind == NW_CTX_KIND_CALL) {
        nw_trace_read(&t, context.rsp, pushed, sizeof(pushed));
        own = (struct nw_gate_regs){.r15 = pushed[0],
                                    .r14 = pushed[1],
                                    .r13 = pushed[2],
                                    .r12 = pushed[3],
                                    .rbp = pushed[4],
                                    .rbx = pushed[5],
                                    .rax = context.result,
                                    .rdx = context.result2,
                                    .rcx = s.regs.rip};
        first_after_call = first_after_call ? first_after_call : context.fs;
        others_after_calls += context.fs != first_after_call;
    }
    const uint64_t seen[] = {s.regs.r15, s.regs.r14, s.regs.r13, s.regs.r12, s.regs.r11,
                             s.regs.r10, s.regs.r9,  s.regs.r8,  s.regs.rbp, s.regs.rdi,
                             s.regs.rsi, s.regs.rdx, s.regs.rcx, s.regs.rbx, s.regs.rax};
    assert_memory_equal(seen, &own, sizeof(seen));
}

/* PUSHFQ stores the flag by which the processor is stepped: the gate must not see it. */
static void hide_trap_flag(uint64_t rip)
{
    struct nw_trace_state s;
    uint64_t flags;

    nw_trace_get(&t, &s);
    if (s.regs.rip != rip + 1)
        return;
    nw_trace_read(&t, s.regs.rsp, &flags, sizeof(flags));
    flags &= ~(uint64_t)FLAG_TF;
    nw_trace_write(&t, s.regs.rsp, &flags, sizeof(flags));
}

/* At the first instruction of the handler. Where a signal comes before an instruction that loads the flags, its frame
 * holds the flag by which the processor is stepped. */
static void clean_frame(void)
{
    const size_t flags_at =
        offsetof(struct nw_gate_frame, ucontext) + offsetof(ucontext_t, uc_mcontext.gregs) + REG_EFL * sizeof(greg_t);
    struct nw_trace_state s;
    uint64_t flags;

    nw_trace_get(&t, &s);
    if (s.regs.rip != at.signal)
        return;
    nw_trace_read(&t, s.regs.rsp + flags_at, &flags, sizeof(flags));
    flags &= ~(uint64_t)FLAG_TF;
    nw_trace_write(&t, s.regs.rsp + flags_at, &flags, sizeof(flags));
}

/* The signal that the next step is to deliver, or 0. -1: the executor sleeps, and has nothing to do. */
static int step(int deliver, uint64_t rip)
{
    uint8_t code = 0;
    int signal;

    if (nw_trace_in_gate(&t, rip) && !deliver)
        nw_trace_read(&t, rip, &code, 1);
    signal = nw_trace_step(&t, deliver);
    if (signal == 0)
        return -1;
    if (code == PUSHFQ && signal == SIGTRAP)
        hide_trap_flag(rip);
    if (deliver)
        clean_frame();
    return signal == SIGTRAP ? 0 : signal;
}

/* Whether the instruction at `rip` is to get a signal now. */
static bool due(uint64_t rip)
{
    if (!nw_trace_in_gate(&t, rip) || sent[rip - t.gate] >= EACH)
        return false;
    sent[rip - t.gate]++;
    return true;
}

/* Lets the executor go in the end. Returns how many signals it was sent. */
static unsigned walk(void)
{
    unsigned signals = 0, fruitless = 0;
    bool settled = true; /* a domain has run since the last signal */
    int pending = 0;
    uint64_t rip = nw_trace_rip(&t), from;

    /* Stops while a domain runs, since a thread that is about to load its flags cannot be let go. */
    while (fruitless < FRUITLESS || nw_trace_in_worker(&t, rip)) {
        if (settled && due(rip)) {
            syscall(SYS_tgkill, t.pid, t.tid, PREEMPT);
            signals++;
            settled = false;
            fruitless = 0;
        }
        pending = step(pending, rip);
        if (pending < 0)
            break;
        from = rip;
        rip = nw_trace_rip(&t);
        if (!pending && nw_trace_in_gate(&t, from) && !nw_trace_in_worker(&t, rip))
            check_registers();
        fruitless += nw_trace_in_gate(&t, rip);
        settled |= !nw_trace_in_worker(&t, rip);
        if (!pending)
            check(rip);
    }
    nw_trace_detach(&t, pending > 0 ? pending : 0);
    return signals;
}

static void must_have_had(const char *what, uint64_t address)
{
    if (!sent[address - t.gate])
        fail_msg("no signal came at %s: gate%+ld", what, (long)(address - t.gate));
}

static void must_have_had_all(void)
{
    if (!others_after_calls)
        fail_msg("no call of the gate ended in another domain");
    must_have_had("the way in, with the domain's rights", at.enter);
    must_have_had("the way in, with the monitor's", at.inside);
    must_have_had("the way out", gate_symbol("exit"));
    must_have_had("a system call with a domain's rights", gate_symbol("as_syscall"));
    must_have_had("after it", gate_symbol("as_cut"));
    must_have_had("the entry of signals", gate_symbol("signal"));
    must_have_had("the return to the monitor", gate_symbol("resume"));
    must_have_had("the last instruction that pops registers", at.exit_end - 2);
}

static void steps(enum nw_mode mode)
{
    struct nw_answer a;
    uint32_t stepped;
    unsigned signals;
    int error;

    keyed = mode == NW_MODE_MPK;
    nw_harness_start(&h, mode, 1);
    load("echo", "functions/echo");
    stepped = load("stepped", "test/worker");
    a = nw_harness_invoke(&h, stepped, "3", 1);
    assert_string_equal(a.data, "sound");
    free(a.data);
    error = nw_trace_attach(&t, h.pid);
    if (error) {
        nw_harness_stop(&h);
        print_message("cannot trace the worker: %s\n", strerror(-error));
        skip();
    }
    find_gate();
    nw_harness_send(&h, stepped, ROUNDS, strlen(ROUNDS));
    signals = walk();
    a = nw_harness_receive(&h);
    print_message("%u signals\n", signals);
    assert_string_equal(a.data, "sound");
    assert_int_equal(a.status, NW_STATUS_OK);
    free(a.data);
    must_have_had_all();
    a = nw_harness_invoke(&h, stepped, "3", 1);
    assert_string_equal(a.data, "sound");
    free(a.data);
    nw_harness_stop(&h);
}

static void a_signal_at_each_instruction_of_the_keyed_gate(void **state)
{
    char why[256];

    (void)state;
    if (!nw_mode_mpk_usable(why, sizeof(why))) {
        print_message("%s\n", why);
        skip();
    }
    steps(NW_MODE_MPK);
}

static void a_signal_at_each_instruction_of_the_plain_gate(void **state)
{
    (void)state;
    steps(NW_MODE_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_signal_at_each_instruction_of_the_keyed_gate),
        cmocka_unit_test(a_signal_at_each_instruction_of_the_plain_gate),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
