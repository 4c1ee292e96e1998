/* A whole worker process with real functions, driven over its ring as the engine does it. NW_TEST_MODE picks the mode.
 */
#include "common/manifest/manifest.h"
#include "protect/gate/state.h"
#include "worker/base/limits.h"
#include "worker/domain/keys.h"
#include "worker/test/harness.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MANY_SLOTS 8

static struct nw_harness h;

/* Valid until the eighth call from now. */
static const char *so(const char *name)
{
    static char paths[8][512];
    static unsigned turn;
    char *path = paths[turn++ % 8];
    const char *build = getenv("NW_BUILD");

    snprintf(path, sizeof(paths[0]), "%s/functions/%s/%s.so", build ? build : "build", name, name);
    return path;
}

/* A function of worker/test rather than of functions/. */
static const char *test_so(const char *name)
{
    static char path[512];
    const char *build = getenv("NW_BUILD");

    snprintf(path, sizeof(path), "%s/test/worker/%s.so", build ? build : "build", name);
    return path;
}

static uint32_t load(const char *name)
{
    struct nw_load l = {.name = name, .so = so(name), .profile = NW_PROFILE_FILES};
    uint32_t deployment = nw_harness_load(&h, &l);

    if (!deployment)
        fail_msg("%s was refused: %s", name, h.message.text);
    return deployment;
}

static void expect(uint32_t deployment, const char *input, const char *output)
{
    struct nw_answer answer = nw_harness_invoke(&h, deployment, input, strlen(input));

    assert_string_equal(answer.data, output);
    assert_int_equal(answer.status, NW_STATUS_OK);
    free(answer.data);
}

static int start(void **state)
{
    const char *text = getenv("NW_TEST_MODE");
    char why[256];
    enum nw_mode mode;

    (void)state;
    if (text)
        mode = (enum nw_mode)nw_mode_parse(text);
    else
        mode = nw_mode_mpk_usable(why, sizeof(why)) ? NW_MODE_MPK : NW_MODE_NONE; /* both hold many functions */
    nw_harness_start(&h, mode, 2);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    nw_harness_stop(&h);
    return 0;
}

static void hello_answers(void **state)
{
    uint32_t hello = load("hello");

    (void)state;
    for (int i = 0; i < 100; i++)
        expect(hello, "World", "Hello, World!\n");
}

/* Descriptors that nobody has opened yet have their place, so that no executor waits while the kernel makes it. */
static void the_table_of_descriptors_is_large_from_the_start(void **state)
{
    char path[64], line[256];
    int size = 0;
    FILE *status;

    (void)state;
    snprintf(path, sizeof(path), "/proc/%d/status", (int)h.pid);
    status = fopen(path, "re");
    assert_non_null(status);
    while (size == 0 && fgets(line, sizeof(line), status))
        sscanf(line, "FDSize: %d", &size);
    fclose(status);
    assert_true(size >= 1024);
}

static void nested_calls_answer(void **state)
{
    uint32_t foo, chain;

    (void)state;
    load("bar");
    foo = load("foo");
    chain = load("chain");
    for (int i = 0; i < 50; i++) {
        struct nw_answer a = nw_harness_invoke(&h, foo, "x", 1);

        assert_int_equal(a.status, NW_STATUS_OK);
        free(a.data);
    }
    for (int depth = 1; depth < 64; depth += 7) {
        char input[16];
        struct nw_answer a;

        snprintf(input, sizeof(input), "%d", depth);
        a = nw_harness_invoke(&h, chain, input, strlen(input));
        print_message("chain %d: status %u %s\n", depth, a.status, a.data);
        free(a.data);
    }
}

/* An input that goes into the descriptor, one that is copied, and one that is carried. */
static void what_the_engine_took_back_is_not_begun(void **state)
{
    static const size_t sizes[] = {1, 4096, 1 << 20};
    static char input[1 << 20];
    uint32_t echo = load("echo");

    (void)state;
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        struct nw_answer answer;
        uint64_t id = nw_harness_send(&h, echo, "before", 6), taken;

        answer = nw_harness_receive(&h);
        free(answer.data);
        nw_claim_take_back(h.channel.claims, id + 1);
        taken = nw_harness_send(&h, echo, input, sizes[i]);
        assert_int_equal(taken, id + 1);
        answer = nw_harness_receive(&h);
        assert_int_equal(answer.status, NW_STATUS_UNAVAILABLE);
        free(answer.data);
        expect(echo, "behind it", "behind it");
        expect(echo, "again", "again");
    }
}

static void await_func_workers(uint32_t deployment, uint32_t n)
{
    do
        nw_harness_expect(&h, NW_CONTROL_HOLDS);
    while (h.holds.deployment != deployment || h.holds.slots != n);
}

static void func_workers_come_and_go_with_the_demand(void **state)
{
    const struct nw_load l = {.name = "fault", .so = so("fault"), .slots = MANY_SLOTS};
    uint32_t fault = nw_harness_load(&h, &l);

    (void)state;
    await_func_workers(fault, 1);
    for (int i = 0; i < MANY_SLOTS; i++)
        nw_harness_send(&h, fault, "sleep 1", 7);
    await_func_workers(fault, MANY_SLOTS);
    for (int i = 0; i < MANY_SLOTS; i++) {
        struct nw_answer answer = nw_harness_receive(&h);

        assert_int_equal(answer.status, NW_STATUS_OK);
        free(answer.data);
    }
    await_func_workers(fault, 1);
    expect(fault, "ok", "ok\n");
}

/* Each way to fail, while a neighbour in the same worker is asked again and again. */
static void faults_are_contained(void **state)
{
    static const struct {
        const char *input;
        uint32_t status;
    } rows[] = {
        {"segv", NW_STATUS_CRASHED},
        {"overflow", NW_STATUS_CRASHED},
        {"abort", NW_STATUS_CRASHED},
        {"exit", NW_STATUS_CRASHED},
        {"loop", NW_STATUS_TIMEOUT},
        {"sleep", NW_STATUS_TIMEOUT},
        {"deadlock", NW_STATUS_TIMEOUT},
        {"badfree", NW_STATUS_CRASHED},
        {"oom", NW_STATUS_OK},
        {"fdleak", NW_STATUS_OK},
        {"threadleak", NW_STATUS_OK},
        {"leak", NW_STATUS_OK},
        {"syscall ptrace", NW_STATUS_OK},
        {"syscall 101", NW_STATUS_OK},
        {"pkey", NW_STATUS_OK},
        {"return", NW_STATUS_FUNCTION_FAILED},
    };
    uint32_t hello = load("hello"), fault;
    struct nw_load l = {
        .name = "fault", .so = so("fault"), .profile = NW_PROFILE_FILES, .timeout_ms = 1500, .memory = 64ul << 20};

    (void)state;
    fault = nw_harness_load(&h, &l);
    assert_int_not_equal(fault, 0);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint64_t bad = nw_harness_send(&h, fault, rows[i].input, strlen(rows[i].input));
        bool answered = false;

        while (!answered) {
            struct nw_answer a;

            nw_harness_send(&h, hello, "n", 1);
            a = nw_harness_receive(&h);
            if (a.id == bad) {
                answered = true;
                print_message("%s: %u %s\n", rows[i].input, a.status, a.data);
                assert_int_equal(a.status, rows[i].status);
                free(a.data);
                a = nw_harness_receive(&h);
            }
            assert_int_equal(a.status, NW_STATUS_OK);
            assert_string_equal(a.data, "Hello, n!\n");
            free(a.data);
        }
        expect(fault, "ok", "ok\n");
    }
}

/* A callee finds nothing of its caller's vector, x87 and MMX registers, their flags and addresses. */
static void look_for_traces(const char *input)
{
    struct nw_load caller = {.name = "caller", .so = test_so("traces"), .slots = 1}, callee = caller;
    uint32_t deployment;

    callee.name = "callee";
    assert_int_not_equal(nw_harness_load(&h, &callee), 0);
    deployment = nw_harness_load(&h, &caller);
    assert_int_not_equal(deployment, 0);
    expect(deployment, input, "cleanclean");
}

static void a_callee_sees_no_registers_of_its_caller(void **state)
{
    (void)state;
    look_for_traces("fill callee");
}

static void a_callee_sees_no_avx512_registers_of_its_caller(void **state)
{
    (void)state;
    if (!__builtin_cpu_supports("avx512f")) {
        print_message("this CPU has no AVX-512\n");
        skip();
    }
    look_for_traces("wide callee");
}

static void a_callee_sees_no_tiles_of_its_caller(void **state)
{
    (void)state;
    if (!(nw_state_here() & NW_STATE_TILES)) {
        print_message("this CPU has no tiles\n");
        skip();
    }
    look_for_traces("tile callee");
}

static void large_payloads_pass(void **state)
{
    static const size_t sizes[] = {0, 1, 16383, 16384, 16385, 1 << 20, (16 << 20) - 1, 16 << 20};
    uint32_t echo = load("echo");

    (void)state;
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        char *input = malloc(sizes[i] + 1);
        struct nw_answer a;

        memset(input, (int)('a' + i), sizes[i]);
        a = nw_harness_invoke(&h, echo, input, sizes[i]);
        if (a.status != NW_STATUS_OK)
            fail_msg("%zu bytes: %s", sizes[i], a.data);
        assert_int_equal(a.length, sizes[i]);
        assert_memory_equal(a.data, input, sizes[i]);
        free(a.data);
        free(input);
    }
}

static void large_nested_calls_pass(void **state)
{
    static const char *const inputs[] = {"10 0 echo", "10 40000 echo", "5 1048576 echo", "3 16777216 echo"};
    uint32_t bench;

    (void)state;
    load("echo");
    bench = load("callbench");
    for (size_t i = 0; i < sizeof(inputs) / sizeof(inputs[0]); i++) {
        struct nw_answer a = nw_harness_invoke(&h, bench, inputs[i], strlen(inputs[i]));

        assert_int_equal(a.status, NW_STATUS_OK);
        free(a.data);
    }
}

/* More endless loops than executors: a quantum each, and the neighbour goes on. */
static void loops_share_the_executors(void **state)
{
    struct nw_load l = {
        .name = "fault", .so = so("fault"), .profile = NW_PROFILE_FILES, .slots = 6, .timeout_ms = 1500};
    uint32_t hello = load("hello"), fault = nw_harness_load(&h, &l), hellos = 0, timeouts = 0;

    (void)state;
    assert_int_not_equal(fault, 0);
    for (int i = 0; i < 6; i++)
        nw_harness_send(&h, fault, "loop", 4);
    nw_harness_send(&h, hello, "n", 1);
    while (timeouts < 6) {
        struct nw_answer a = nw_harness_receive(&h);

        if (a.status == NW_STATUS_OK) {
            assert_string_equal(a.data, "Hello, n!\n");
            hellos++;
            nw_harness_send(&h, hello, "n", 1);
        } else {
            assert_int_equal(a.status, NW_STATUS_TIMEOUT);
            timeouts++;
        }
        free(a.data);
    }
    assert_true(hellos > 10);
}

/* Caller and callee have the same deadline and the callee loops: only the callee's domain is torn down. */
static void a_late_callee_is_to_blame_alone(void **state)
{
    struct nw_load l = {.name = "relay", .so = test_so("relay"), .profile = NW_PROFILE_FILES, .timeout_ms = 200};
    struct nw_load f = {.name = "fault", .so = so("fault"), .profile = NW_PROFILE_FILES, .timeout_ms = 200};
    uint32_t relay = nw_harness_load(&h, &l);

    (void)state;
    assert_int_not_equal(nw_harness_load(&h, &f), 0);
    for (int i = 0; i < 3; i++) {
        struct nw_answer a = nw_harness_invoke(&h, relay, "fault loop", 10);
        char expected[32];

        assert_true(a.status == NW_STATUS_TIMEOUT || strstr(a.data, "failed"));
        free(a.data);
        nw_harness_expect(&h, NW_CONTROL_TORN_DOWN); /* the caller may have been answered a tick before that */
        snprintf(expected, sizeof(expected), "%d ok\n", 2 * i + 2);
        expect(relay, "fault ok", expected);
    }
}

/* A domain's range has one key, whoever had it before: what lies further apart than a range belongs to two of them. */
static void a_key_is_of_one_domain(void)
{
    uint64_t first[16] = {0}, last[16] = {0};
    unsigned long start = 0, end = 0, from, to;
    char text[512];
    unsigned key;
    FILE *maps;

    snprintf(text, sizeof(text), "/proc/%d/smaps", h.pid);
    maps = fopen(text, "re");
    assert_non_null(maps);
    while (fgets(text, sizeof(text), maps)) {
        if (sscanf(text, "%lx-%lx ", &from, &to) == 2) {
            start = from;
            end = to;
        } else if (sscanf(text, "ProtectionKey: %u", &key) == 1 && key < 16) {
            first[key] = first[key] ? first[key] : start;
            last[key] = end;
        }
    }
    fclose(maps);
    for (key = NW_KEY_PARKED + 1; key < 16; key++)
        if (last[key] - first[key] > NW_DOMAIN_RANGE)
            fail_msg("key %u is on %#lx and on %#lx", key, (unsigned long)first[key], (unsigned long)last[key]);
    if (last[NW_KEY_PARKED])
        assert_true(last[NW_KEY_PARKED] - first[NW_KEY_PARKED] > NW_DOMAIN_RANGE); /* of many */
}

/* Far more domains than hardware keys, called in turn and by one another. */
static void more_domains_than_keys(void **state)
{
    uint32_t deployments[40];
    char name[16];

    (void)state;
    for (int i = 0; i < 40; i++) {
        struct nw_load l = {.name = name, .so = so(i % 2 ? "hello" : "callbench"), .profile = NW_PROFILE_FILES};

        snprintf(name, sizeof(name), "f%d", i);
        deployments[i] = nw_harness_load(&h, &l);
        assert_int_not_equal(deployments[i], 0);
    }
    for (int i = 0; i < 2000; i++) {
        char input[32];
        struct nw_answer a;

        snprintf(input, sizeof(input), "1 8 f%d", (i * 7 + 1) % 40 | 1);
        a = nw_harness_invoke(&h, deployments[i % 40], input, strlen(input));
        assert_int_equal(a.status, NW_STATUS_OK);
        free(a.data);
        if (i % 100 == 99)
            a_key_is_of_one_domain();
    }
}

#define MANY 20 /* domains, more than there are keys */

static void load_many(const struct nw_load *of, uint32_t deployments[MANY])
{
    char name[16];

    for (int i = 0; i < MANY; i++) {
        struct nw_load l = *of;

        l.name = name;
        snprintf(name, sizeof(name), "many%d", i);
        deployments[i] = nw_harness_load(&h, &l);
        assert_int_not_equal(deployments[i], 0);
    }
}

static void receive_many(int n)
{
    while (n--) {
        struct nw_answer a = nw_harness_receive(&h);

        if (a.status != NW_STATUS_OK || strstr(a.data, "failed"))
            fail_msg("status %u: %s", a.status, a.data);
        free(a.data);
    }
}

/* Every caller holds what it has while it waits for the one callee, which needs a key too. */
static void callers_of_one_callee_share_the_keys(void **state)
{
    uint32_t callers[MANY];

    (void)state;
    load("hello");
    load_many(&(struct nw_load){.so = test_so("relay"), .profile = NW_PROFILE_FILES, .slots = 2, .timeout_ms = 5000},
              callers);
    for (int round = 0; round < 20; round++) {
        for (int i = 0; i < MANY * 3; i++)
            nw_harness_send(&h, callers[(i + round) % MANY], "hello x", 7);
        receive_many(MANY * 3);
    }
}

/* An invocation that sleeps needs no key. */
static void sleepers_keep_nobody_from_a_key(void **state)
{
    uint32_t sleepers[MANY], hello = load("hello");

    (void)state;
    load_many(&(struct nw_load){.so = so("fault"), .profile = NW_PROFILE_FILES, .timeout_ms = 5000}, sleepers);
    for (int i = 0; i < MANY; i++)
        nw_harness_send(&h, sleepers[i], "sleep 1", 7);
    nw_harness_send(&h, hello, "x", 1);
    receive_many(MANY + 1);
}

/* Whoever waits holds no executor: many short invocations are answered while many more sleep than there are executors.
 */
static void sleepers_keep_nobody_from_an_executor(void **state)
{
    enum { FUNCTIONS = 2, SLOTS = 50, SHORT = 1000 };
    struct nw_load l = {.so = so("fault"), .profile = NW_PROFILE_FILES, .slots = SLOTS, .timeout_ms = 3600000};
    uint32_t sleeper[FUNCTIONS], hello = load("hello");

    (void)state;
    for (int i = 0; i < FUNCTIONS; i++) {
        l.name = i ? "other" : "one";
        sleeper[i] = nw_harness_load(&h, &l);
        assert_int_not_equal(sleeper[i], 0);
    }
    for (int i = 0; i < FUNCTIONS * SLOTS; i++)
        nw_harness_send(&h, sleeper[i % FUNCTIONS], "sleep", 5);
    for (int i = 0; i < SHORT; i++)
        expect(hello, "x", "Hello, x!\n");
}

static void a_new_version_takes_over(void **state)
{
    struct nw_load l = {.name = "f", .so = so("hello"), .profile = NW_PROFILE_FILES};
    uint32_t old = nw_harness_load(&h, &l), new;

    (void)state;
    for (int i = 0; i < 30; i++) {
        uint64_t id = nw_harness_send(&h, old, "v", 1);
        struct nw_answer a;

        new = nw_harness_load(&h, &l);
        assert_int_not_equal(new, 0);
        a = nw_harness_receive(&h);
        assert_int_equal(a.id, id);
        assert_int_equal(a.status, NW_STATUS_OK);
        free(a.data);
        nw_harness_tell(&h, NW_CONTROL_RETIRE, old);
        nw_harness_expect(&h, NW_CONTROL_RETIRED);
        assert_int_equal(h.message.head.deployment, old);
        old = new;
        expect(old, "v", "Hello, v!\n");
    }
}

/* Before its func workers have waited for the first time. */
static void a_version_may_be_retired_at_once(void **state)
{
    struct nw_load l = {.name = "f", .so = so("hello"), .profile = NW_PROFILE_FILES, .slots = 1};

    (void)state;
    for (int i = 0; i < 1000; i++) {
        uint32_t deployment = nw_harness_load(&h, &l);

        nw_harness_tell(&h, NW_CONTROL_RETIRE, deployment);
        nw_harness_expect(&h, NW_CONTROL_RETIRED);
        assert_int_equal(h.message.head.deployment, deployment);
    }
}

static void refusals_say_why(void **state)
{
    struct nw_load no_elf = {.name = "f", .so = "/etc/hostname", .profile = NW_PROFILE_FILES};

    (void)state;
    assert_int_equal(nw_harness_load(&h, &no_elf), 0);
    assert_non_null(strstr(h.message.text, "ELF"));
    no_elf.so = "/lib/x86_64-linux-gnu/libm.so.6";
    assert_int_equal(nw_harness_load(&h, &no_elf), 0);
    print_message("%s\n", h.message.text);
    assert_non_null(strstr(h.message.text, "faas_"));
    expect(load("hello"), "n", "Hello, n!\n");
}

/* A worker that is full takes new versions all the same, one after the other. */
static void a_full_worker_takes_new_versions(void **state)
{
    char name[16];
    struct nw_load l = {.name = name, .so = so("hello"), .slots = 1};
    uint32_t first = 0, next;

    (void)state;
    for (int i = 0; i < NW_FUNCTIONS_MAX; i++) {
        snprintf(name, sizeof(name), "f%d", i);
        next = nw_harness_load(&h, &l);
        if (!next)
            fail_msg("%s was refused: %s", name, h.message.text);
        first = first ? first : next;
    }
    snprintf(name, sizeof(name), "more");
    assert_int_equal(nw_harness_load(&h, &l), 0);
    assert_non_null(strstr(h.message.text, "as many functions as it can have, 448; let the tenant have more workers"));
    snprintf(name, sizeof(name), "f0");
    for (int i = 0; i < 3; i++) {
        next = nw_harness_load(&h, &l);
        assert_int_not_equal(next, 0);
        nw_harness_tell(&h, NW_CONTROL_RETIRE, first);
        nw_harness_expect(&h, NW_CONTROL_RETIRED);
        first = next;
    }
    expect(next, "n", "Hello, n!\n");
}

static void samples_answer(void **state)
{
    uint32_t cpp = load("cpp"), digest = load("digest");

    (void)state;
    for (int i = 0; i < 20; i++) {
        struct nw_answer a = nw_harness_invoke(&h, cpp, "abc", 3);

        if (i == 0)
            print_message("%s", a.data);
        assert_int_equal(a.status, NW_STATUS_OK);
        free(a.data);
    }
    expect(digest, "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\n");
}

/* Many things at once, at random: the worker stays up and every invocation gets exactly one answer. */
static void chaos_loses_nothing(void **state)
{
    static const char *const faults[] = {"segv", "abort",  "exit",       "overflow", "oom",
                                         "ok",   "fdleak", "threadleak", "loop"};
    struct nw_load l = {
        .name = "fault", .so = so("fault"), .profile = NW_PROFILE_FILES, .timeout_ms = 30, .memory = 64ul << 20};
    uint32_t kinds[4], outstanding = 0;

    (void)state;
    srand(1);
    load("noop");
    kinds[0] = nw_harness_load(&h, &l);
    kinds[1] = load("callbench");
    kinds[2] = load("chain");
    kinds[3] = load("hello");
    for (int i = 0; i < 4000; i++) {
        int kind = rand() % 100 < 6 ? 0 : 1 + rand() % 3;
        const char *input = kind == 0 ? faults[rand() % 9] : kind == 1 ? "20 64" : kind == 2 ? "12" : "n";
        struct nw_answer a;

        nw_harness_send(&h, kinds[kind], input, strlen(input));
        if (++outstanding < 8)
            continue;
        a = nw_harness_receive(&h);
        if (a.status != NW_STATUS_OK && a.status != NW_STATUS_CRASHED && a.status != NW_STATUS_TIMEOUT)
            fail_msg("status %u: %s", a.status, a.data);
        free(a.data);
        outstanding--;
    }
    for (; outstanding; outstanding--)
        free(nw_harness_receive(&h).data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(hello_answers, start, stop),
        cmocka_unit_test_setup_teardown(samples_answer, start, stop),
        cmocka_unit_test_setup_teardown(the_table_of_descriptors_is_large_from_the_start, start, stop),
        cmocka_unit_test_setup_teardown(nested_calls_answer, start, stop),
        cmocka_unit_test_setup_teardown(a_callee_sees_no_registers_of_its_caller, start, stop),
        cmocka_unit_test_setup_teardown(a_callee_sees_no_avx512_registers_of_its_caller, start, stop),
        cmocka_unit_test_setup_teardown(a_callee_sees_no_tiles_of_its_caller, start, stop),
        cmocka_unit_test_setup_teardown(large_payloads_pass, start, stop),
        cmocka_unit_test_setup_teardown(large_nested_calls_pass, start, stop),
        cmocka_unit_test_setup_teardown(loops_share_the_executors, start, stop),
        cmocka_unit_test_setup_teardown(a_late_callee_is_to_blame_alone, start, stop),
        cmocka_unit_test_setup_teardown(more_domains_than_keys, start, stop),
        cmocka_unit_test_setup_teardown(callers_of_one_callee_share_the_keys, start, stop),
        cmocka_unit_test_setup_teardown(sleepers_keep_nobody_from_a_key, start, stop),
        cmocka_unit_test_setup_teardown(sleepers_keep_nobody_from_an_executor, start, stop),
        cmocka_unit_test_setup_teardown(a_new_version_takes_over, start, stop),
        cmocka_unit_test_setup_teardown(a_version_may_be_retired_at_once, start, stop),
        cmocka_unit_test_setup_teardown(refusals_say_why, start, stop),
        cmocka_unit_test_setup_teardown(a_full_worker_takes_new_versions, start, stop),
        cmocka_unit_test_setup_teardown(what_the_engine_took_back_is_not_begun, start, stop),
        cmocka_unit_test_setup_teardown(func_workers_come_and_go_with_the_demand, start, stop),
        cmocka_unit_test_setup_teardown(faults_are_contained, start, stop),
        cmocka_unit_test_setup_teardown(chaos_loses_nothing, start, stop),
    };

    if (getenv("NW_ONLY"))
        cmocka_set_test_filter(getenv("NW_ONLY"));
    return cmocka_run_group_tests(tests, NULL, NULL);
}
