/*
 * Every system call from a function of each profile: nothing that is not in the table gets through, and a function that
 * switches its mediation off, as it can where there are no keys, is held by the filter of its worker.
 */
#include "common/calls/kernel.h"
#include "common/manifest/manifest.h"
#include "common/test/test.h"
#include "worker/syscall/handlers.h"
#include "worker/test/calls/probe_host.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define NUMBERS 600
#define X32     0x40000000ull

/* ---- every number ---- */

static const struct {
    long number;
    uint32_t profiles;
} policy[] = {
#define COMPUTE                                                 NW_PROFILE_COMPUTE
#define NET                                                     NW_PROFILE_NET
#define FILES                                                   NW_PROFILE_FILES
#define CALL(class, name, profiles, how, handler, rules, words) {SYS_##name, profiles},
#include "worker/policy/policy.def"
#undef CALL
};

/* The kernel looks at the lower half of a number, and so does whoever catches the call. */
static bool is_in_table(uint64_t number, uint32_t profile)
{
    number &= UINT32_MAX;
    for (size_t i = 0; i < sizeof(policy) / sizeof(policy[0]); i++)
        if ((uint64_t)policy[i].number == number)
            return policy[i].profiles & (profile | NW_PROFILE_COMPUTE);
    return false;
}

/* The attacker's word for 64 KiB of its own. */
#define OWN 0x0a77ac40000ull

static uint32_t attacker, neighbour;

static void try_number(uint64_t number, const uint64_t args[6], uint32_t profile, unsigned *through)
{
    char input[256], answer[256];
    int n = snprintf(input, sizeof(input), "call 0 %llx", (unsigned long long)number);

    for (int i = 0; i < 6; i++)
        n += snprintf(input + n, sizeof(input) - (size_t)n, " %llx", (unsigned long long)args[i]);
    nw_harness_send(&nw_probe.harness, attacker, input, (size_t)n);
    nw_probe_take(answer, sizeof(answer));
    if (is_in_table(number, profile) || strcmp(answer, "EPERM") == 0)
        return;
    print_message("system call %#llx: %s\n", (unsigned long long)number, answer);
    (*through)++;
}

static void every_number(uint32_t profile)
{
    static const uint64_t strange[] = {X32,        X32 | 9,   X32 | 41, X32 | 539,  (uint64_t)-1, 1ull << 31,
                                       1ull << 32, INT64_MAX, 1023,     1ull << 63, 0xfffff000};
    static const uint64_t shapes[][6] = {
        {0, 0, 0, 0, 0, 0},
        {3, 3, 3, 3, 3, 3},
        {OWN, OWN, OWN, OWN, OWN, OWN},
        {3, OWN, 16, OWN, OWN, 16},
        {OWN, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, OWN, 0},
    };
    unsigned through = 0;

    attacker = nw_probe_load("memory", profile, NULL, NULL);
    neighbour = nw_probe_load("neighbour", profile, NULL, NULL);
    for (size_t shape = 0; shape < sizeof(shapes) / sizeof(shapes[0]); shape++) {
        for (uint64_t number = 0; number <= NUMBERS; number++)
            try_number(number, shapes[shape], profile, &through);
        for (size_t i = 0; i < sizeof(strange) / sizeof(strange[0]); i++)
            try_number(strange[i], shapes[shape], profile, &through);
        nw_probe.deployment = neighbour;
        assert_string_equal(nw_probe_ask("threads-in-turn"), "100");
    }
    assert_int_equal(through, 0);
}

static void every_number_of_compute(void **state)
{
    (void)state;
    every_number(0);
}

static void every_number_of_net(void **state)
{
    (void)state;
    every_number(NW_PROFILE_NET);
}

static void every_number_of_files(void **state)
{
    (void)state;
    every_number(NW_PROFILE_FILES);
}

/* ---- a function that no longer passes by the monitor ---- */

static bool passes_filter(long number, uint32_t profile)
{
    for (size_t i = 0; i < nw_kernel_n_lines; i++)
        if (nw_kernel_lines[i].number == number && nw_kernel_is_for(&nw_kernel_lines[i], profile))
            return true;
    return false;
}

/* No filter is asked about these. They end a domain that is not being traced. */
#define URETPROBE 335
#define UPROBE    336

static const char *unmediated(long number, const char *arguments)
{
    return nw_probe_ask("unmediated %lx %s", (unsigned long)number, arguments);
}

/* What its filter does not list is refused by the kernel. */
static void every_number_unmediated(uint32_t profile)
{
    for (long number = 0; number <= NUMBERS; number++) {
        const char *answer;

        if (passes_filter(number, profile) || number == URETPROBE || number == UPROBE)
            continue;
        answer = unmediated(number, "");
        if (strcmp(answer, "EPERM") != 0 && strcmp(answer, "ENOSYS") != 0)
            fail_msg("profile %s: system call %ld: %s", nw_profile_text(profile | NW_PROFILE_COMPUTE), number, answer);
        assert_string_equal(unmediated((long)X32 | number, ""), "EPERM");
    }
}

static const uint32_t profiles[] = {0, NW_PROFILE_NET, NW_PROFILE_FILES, NW_PROFILE_NET | NW_PROFILE_FILES};

/* In mode process a function can switch its mediation off; the kernel holds it by the filter of its profile. */
static void the_kernel_holds_a_function_without_keys(void **state)
{
    uint32_t profile = *(const uint32_t *)*state;
    char text[64];

    nw_harness_start(&nw_probe.harness, nw_probe.mode, 2);
    nw_probe.deployment = nw_probe_load("probe", profile, NULL, NULL);
    snprintf(text, sizeof(text), "%d", nw_probe.harness.pid);
    assert_string_equal(unmediated(SYS_getpid, ""), text); /* mediated it would be 1 */
    every_number_unmediated(profile);
    assert_string_equal(unmediated(SYS_open, "/tmp/nw-never 41 1ff"), "EPERM");
    assert_string_equal(unmediated(SYS_open, "/dev/null 2"), "EPERM");
    assert_string_equal(unmediated(SYS_openat, "0 /dev/null 1"), "EPERM");
    assert_string_equal(unmediated(SYS_clone, "11"), "EPERM");
    assert_string_equal(unmediated(SYS_mmap, "0 1000 7"), "EPERM");
    assert_string_equal(unmediated(SYS_prctl, "4 1"), "EPERM");      /* PR_SET_DUMPABLE */
    assert_string_equal(unmediated(SYS_membarrier, "1 0"), "EPERM"); /* MEMBARRIER_CMD_GLOBAL */
    assert_string_equal(unmediated(SYS_fcntl, "0 8 1"), "EPERM");    /* F_SETOWN: whom a signal goes to */
    snprintf(text, sizeof(text), "%x %x 0", getpid(), getpid());
    assert_string_equal(unmediated(SYS_tgkill, text), "EPERM");
    assert_string_equal(unmediated(SYS_socket, "1 1 0"), "EPERM");
    if (profile & NW_PROFILE_NET)
        assert_string_not_equal(unmediated(SYS_socket, "2 1 0"), "EPERM");
    else
        assert_string_equal(unmediated(SYS_socket, "2 1 0"), "EPERM");
    assert_string_equal(nw_probe_ask("threads-in-turn"), "100");
    nw_harness_stop(&nw_probe.harness);
}

static void the_selector_is_out_of_reach(void **state)
{
    (void)state;
    nw_probe.deployment = nw_probe_load("probe", 0, NULL, NULL);
    assert_non_null(strstr(unmediated(SYS_getpid, ""), "failed: SIGSEGV"));
    assert_string_equal(nw_probe_ask("threads-in-turn"), "100");
}

static int run_without_keys(void)
{
    struct CMUnitTest tests[sizeof(profiles) / sizeof(profiles[0])];

    nw_probe.mode = NW_MODE_PROCESS;
    for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
        tests[i] = (struct CMUnitTest)cmocka_unit_test_prestate(the_kernel_holds_a_function_without_keys,
                                                                (void *)&profiles[i]);
    return _cmocka_run_group_tests("process: filters", tests, sizeof(tests) / sizeof(tests[0]), NULL, NULL);
}

static int start(void **state)
{
    (void)state;
    nw_harness_start(&nw_probe.harness, nw_probe.mode, 2);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    nw_harness_stop(&nw_probe.harness);
    return 0;
}

static int run_with_keys(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_selector_is_out_of_reach, start, stop),
    };

    nw_probe.mode = NW_MODE_MPK;
    return _cmocka_run_group_tests("mpk: selector", tests, 1, NULL, NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

static int run_mode(enum nw_mode in)
{
    const struct CMUnitTest tests[] = {
        TEST(every_number_of_compute),
        TEST(every_number_of_net),
        TEST(every_number_of_files),
    };

    nw_probe.mode = in;
    return _cmocka_run_group_tests(nw_mode_name(in), tests, sizeof(tests) / sizeof(tests[0]), NULL, NULL);
}

int main(void)
{
    char why[256];
    int failed = 0;

    if (getenv("NW_ONLY"))
        cmocka_set_test_filter(getenv("NW_ONLY"));
    if (nw_mode_mpk_usable(why, sizeof(why)))
        failed += run_mode(NW_MODE_MPK) + run_with_keys();
    else
        print_message("mode mpk: %s\n", why);
    failed += run_mode(NW_MODE_PROCESS) + run_without_keys();
    return failed != 0;
}
