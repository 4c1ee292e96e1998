/*
 * Jumps to every byte of the gate's section and of the worker's own functions, and to a sample of libc's, in a live
 * worker: an executor that is in a domain is stopped, given hostile registers and sent there. What stops it again is
 * looked at instead of being delivered. It must stop with the domain's rights; or in the gate itself, which traps; or,
 * if the jump became a well-formed call of the gate, come back with the domain's rights. The neighbour's secret, the
 * gate's records and the selector must be what they were.
 */
#include "common/test/test.h"
#include "worker/test/gate/trace.h"
#include "worker/test/harness.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STACK_GAP                                                                                      \
    (64ul << 10) /* from the jump's stack to the loop's own: more than the largest frame of a function \
                  */
#define CALL_TRIES   1000
#define LANDING      0x1000ul /* nothing is mapped there */
#define LIBC_STRIDE  61       /* a prime: every offset within an instruction comes up */
#define FLAG_TF      0x100
#define FLAG_DF      0x400
#define FLAG_AC      0x40000
#define FLAGS_CLEAN  0x202
#define FCW_AT       0
#define XSTATE_BV_AT 512
#define SECRET       0x5e
#define MXCSR_AT     24

static struct nw_harness h;
static struct nw_trace t;
static struct nw_trace_state home; /* the executor in the domain, before the first jump */
static uint64_t secret;
static struct nw_gate_page page;
static struct nw_gate_thread thread;
static struct nw_gate_context context;
static unsigned jumps, trapped, called, still;

struct hostile {
    const char *name;
    void (*prepare)(struct nw_trace_state *s);
};

static void all_zero(struct nw_trace_state *s)
{
    s->regs.rax = s->regs.rcx = s->regs.rdx = 0;
}

/* Records of the monitor in every register that the gate uses, and its stack. */
static void records(struct nw_trace_state *s)
{
    s->regs.rax = nw_trace_pkru(&t, s);
    s->regs.rcx = s->regs.rdx = 0;
    s->regs.r12 = s->regs.r13 = t.thread;
    s->regs.rdi = s->regs.rbx = (uint64_t)thread.current;
    s->regs.rsp = thread.stack - 512;
}

static void state(struct nw_trace_state *s)
{
    const uint16_t fcw = 0x340;
    const uint32_t mxcsr = 0;

    all_zero(s);
    s->regs.eflags = FLAGS_CLEAN | FLAG_DF | FLAG_AC;
    s->xsave[XSTATE_BV_AT] |= 3; /* x87 and SSE are not as they were after a reset */
    memcpy(s->xsave + FCW_AT, &fcw, sizeof(fcw));
    memcpy(s->xsave + MXCSR_AT, &mxcsr, sizeof(mxcsr));
}

static void trap_flag(struct nw_trace_state *s)
{
    all_zero(s);
    s->regs.eflags = FLAGS_CLEAN | FLAG_TF;
}

static const struct hostile kinds[] = {
    {"EAX, ECX, EDX = 0", all_zero},
    {"the monitor's records and stack", records},
    {"DF, AC, MXCSR and x87 with every exception unmasked", state},
    {"TF", trap_flag},
};

static struct nw_trace_state prepared(const struct hostile *kind, uint64_t rip)
{
    struct nw_trace_state s = home;
    uint64_t *general[] = {(uint64_t *)&s.regs.rbx, (uint64_t *)&s.regs.rbp, (uint64_t *)&s.regs.rsi,
                           (uint64_t *)&s.regs.rdi, (uint64_t *)&s.regs.r8,  (uint64_t *)&s.regs.r9,
                           (uint64_t *)&s.regs.r10, (uint64_t *)&s.regs.r11, (uint64_t *)&s.regs.r12,
                           (uint64_t *)&s.regs.r13, (uint64_t *)&s.regs.r14, (uint64_t *)&s.regs.r15};

    for (size_t i = 0; i < sizeof(general) / sizeof(general[0]); i++)
        *general[i] = secret;
    s.regs.rdi = 99; /* no operation */
    s.regs.eflags = FLAGS_CLEAN;
    s.regs.orig_rax = (unsigned long long)-1; /* no system call to restart */
    kind->prepare(&s);
    s.regs.rip = rip;
    return s;
}

/* What the jump may not have changed. */
static void check_records(const char *kind, uint64_t rip, bool in_domain)
{
    struct nw_gate_page p = nw_trace_page(&t);
    struct nw_gate_thread th = nw_trace_thread(&t);
    uint8_t byte;

    nw_trace_read(&t, secret, &byte, 1);
    if (byte != SECRET)
        fail_msg("%s, jump to %#lx: the neighbour's secret changed", kind, rip - t.base);
    if (p.thread != page.thread || p.pkru != page.pkru || (in_domain && p.selector != NW_SELECTOR_BLOCK))
        fail_msg("%s, jump to %#lx: the page changed", kind, rip - t.base);
    if (th.stack != thread.stack || th.current != thread.current || th.page != thread.page ||
        th.frame != thread.frame || th.tid != thread.tid)
        fail_msg("%s, jump to %#lx: the thread's record changed", kind, rip - t.base);
}

/* As it was before the jump. Wherever the end of a function looks for where to return to, it finds the landing: what an
 * earlier jump left there may lead back into the loop's own frames, and from there, rightly, to a call of the gate that
 * waits for the next invocation. */
static void repair(void)
{
    static const uint64_t stack[STACK_GAP / sizeof(uint64_t)] = {[0 ... STACK_GAP / sizeof(uint64_t) - 1] = LANDING};

    nw_trace_write(&t, t.page, &page, sizeof(page));
    nw_trace_write(&t, t.thread, &thread, sizeof(thread));
    nw_trace_write(&t, (uint64_t)thread.current, &context, sizeof(context));
    nw_trace_write(&t, home.regs.rsp, stack, sizeof(stack));
}

static void jump(const struct hostile *kind, uint64_t rip)
{
    struct nw_trace_state s = prepared(kind, rip);
    bool in_domain = false;
    int signal = 0;

    nw_trace_set(&t, &s);
    for (int i = 0; i < CALL_TRIES; i++) { /* a call of the gate may take its time */
        signal = nw_trace_run(&t, 0);
        nw_trace_get(&t, &s);
        in_domain = nw_trace_pkru(&t, &s) == page.pkru;
        if (signal != 0 || in_domain)
            break;
    }
    jumps++;
    trapped += !in_domain;
    called += s.regs.rip == LANDING;
    still += signal == 0;
    if (!in_domain && !nw_trace_in_gate(&t, s.regs.rip))
        fail_msg("%s, jump to %#lx: PKRU is %#x at %#llx", kind->name, rip - t.base, nw_trace_pkru(&t, &s),
                 s.regs.rip - t.base);
    check_records(kind->name, rip, in_domain);
    repair();
}

/* Each kind at every address where `all`, else by turns. */
static void jump_to(uint64_t from, uint64_t to, unsigned stride, bool all)
{
    const size_t n = sizeof(kinds) / sizeof(kinds[0]);

    for (uint64_t rip = from; rip < to; rip += stride)
        for (size_t i = 0; i < n; i++)
            if (all || i == rip % (n - 1)) /* TF says the same everywhere */
                jump(&kinds[i], rip);
}

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

static uint64_t find_secret(void)
{
    struct nw_answer a = nw_harness_invoke(&h, load("secret", "test/worker/attack"), "where data", 10);
    uint64_t at = strtoul(a.data, NULL, 16);

    free(a.data);
    return at;
}

/* Until the executor is in the endless loop of a function. */
static void run_into_loop(uint32_t fault)
{
    int signal = 0;

    nw_harness_send(&h, fault, "loop", 4);
    do
        signal = nw_trace_run(&t, signal);
    while (signal != 0 || nw_trace_in_worker(&t, nw_trace_rip(&t)));
    nw_trace_get(&t, &home);
    page = nw_trace_page(&t);
    thread = nw_trace_thread(&t);
    context = nw_trace_context(&t);
    assert_int_equal(nw_trace_pkru(&t, &home), page.pkru);
    assert_int_not_equal(page.pkru, 0);
    home.regs.rsp -= STACK_GAP;
    repair();
}

static void every_byte(void **state)
{
    char why[256];
    uint32_t fault;
    int error;

    (void)state;
    if (!nw_mode_mpk_usable(why, sizeof(why))) {
        print_message("%s\n", why);
        skip();
    }
    nw_harness_start(&h, NW_MODE_MPK, 1);
    secret = find_secret();
    fault = load("fault", "functions/fault");
    error = nw_trace_attach(&t, h.pid);
    if (error) {
        nw_harness_stop(&h);
        print_message("cannot trace the worker: %s\n", strerror(-error));
        skip();
    }
    run_into_loop(fault);
    jump_to(t.gate, t.gate_end, 1, true);
    jump_to(nw_trace_symbol(&t, "main"), nw_trace_symbol(&t, "__libc_start_main"), 1, false);
    jump_to(nw_trace_symbol(&t, "__libc_start_main"), t.gate, LIBC_STRIDE, false);
    print_message("%u jumps: %u trapped in the gate, %u came back from it, %u had to be stopped\n", jumps, trapped,
                  called, still);
    assert_true(trapped > 0 && called > 0);
    nw_trace_kill(&t);
    nw_channel_close(&h.channel);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_byte)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
