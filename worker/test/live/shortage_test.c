/* That a function is short of memory is said: in its log, and in the reason why it is refused or ended. */
#include "common/test/test.h"
#include "worker/test/live/logged.h"
#include <string.h>
#include <time.h>

#define MIB (1ull << 20)

/* Without snapshots, which count as memory. */
static uint32_t load(uint64_t memory, uint32_t timeout_ms, uint32_t slots)
{
    return nw_logged_load((struct nw_load){
        .so = "swollen", .memory = memory, .timeout_ms = timeout_ms, .slots = slots, .no_snapshots = true});
}

static void refused_for(uint64_t memory, const char *why)
{
    const char *text = nw_logged.harness.message.text;

    assert_int_equal(load(memory, 0, 2), 0);
    if (strncmp(text, why, strlen(why)) != 0)
        fail_msg("not \"%s\" but \"%s\"", why, text);
    assert_non_null(strstr(text, "in use; raise memory (/function/swollen: "));
}

static void malloc_that_fails_leaves_a_line(void **state)
{
    const char *line;

    (void)state;
    assert_int_not_equal(load(256 * MIB, 0, 2), 0);
    assert_string_equal(nw_logged_ask("100"), "got");
    assert_null(strstr(nw_logged_text(), "memory limit"));
    assert_string_equal(nw_logged_ask("300"), "none");
    line = strstr(nw_logged_text(),
                  "function swollen: its memory limit of 256 MiB does not allow 300.0 MiB more than the ");
    assert_non_null(line);
    assert_null(strstr(strchr(line, '\n'), "memory limit")); /* malloc tried more than once */
}

static void data_and_bss_beyond_the_limit_are_named(void **state)
{
    (void)state;
    refused_for(16 * MIB, "its memory limit of 16 MiB does not allow 20.0 MiB more than the ");
    refused_for(32 * MIB, "its memory limit of 32 MiB does not allow 20.0 MiB more than the ");
}

static void slots_that_do_not_fit_are_told_from_others(void **state)
{
    const char *text = nw_logged.harness.message.text;

    (void)state;
    assert_int_equal(load(48 * MIB, 0, 32), 0);
    assert_non_null(strstr(text, "its memory limit of 48 MiB does not allow 31.0 MiB more than the 4"));
    assert_non_null(strstr(text, "(the stacks of its slots, of 1 MiB each, do not fit)"));
}

/* As OpenBLAS does. */
static void a_deadline_that_passes_in_search_of_memory_says_so(void **state)
{
    const char *answer;

    (void)state;
    assert_int_not_equal(load(64 * MIB, 300, 2), 0);
    answer = nw_logged_ask("spin 100");
    assert_non_null(strstr(answer,
                           "failed: ran past its deadline of 300 ms; before that, its memory limit of 64 MiB does "
                           "not allow 100."));
}

static uint64_t now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* One that was over before the invocation began has nothing to do with its end. */
static void an_old_refusal_explains_nothing(void **state)
{
    uint64_t begun;
    const char *answer;

    (void)state;
    assert_int_not_equal(load(64 * MIB, 200, 2), 0);
    assert_string_equal(nw_logged_ask("40"), "none");
    answer = nw_logged_ask("abort");
    assert_non_null(strstr(answer, "raised SIGABRT (aborted); before that, its memory limit"));
    assert_string_equal(nw_logged_ask("40"), "none");
    for (begun = now_ms(); now_ms() - begun <= 210;)
        assert_string_equal(nw_logged_ask("1"), "got");
    assert_string_equal(nw_logged_ask("abort"), "failed: raised SIGABRT (aborted)");
}

/* Until the worker has said, maybe while it was loaded, that the function has between 40 and 60 MiB, and had at most
 * between `least` and 20 MiB more. */
static void await_peak(uint64_t least)
{
    const struct nw_control *holds = &nw_logged.harness.holds;

    while ((uint64_t)holds->value < least * MIB || holds->memory > 60 * MIB)
        nw_harness_expect(&nw_logged.harness, NW_CONTROL_HOLDS);
    assert_in_range(holds->value, least * MIB, (least + 20) * MIB);
    assert_in_range(holds->memory, 40 * MIB, 60 * MIB);
}

static void the_engine_hears_of_memory_and_peak(void **state)
{
    (void)state;
    assert_int_not_equal(load(256 * MIB, 0, 2), 0);
    await_peak(40);
    assert_string_equal(nw_logged_ask("100"), "got");
    await_peak(140);
}

/* It may be why the domain is gone. */
static void a_peak_is_told_though_its_domain_is_lost(void **state)
{
    (void)state;
    assert_int_not_equal(load(256 * MIB, 0, 2), 0);
    await_peak(40);
    assert_string_equal(nw_logged_ask("100"), "got");
    assert_string_equal(nw_logged_ask("abort"), "failed: raised SIGABRT (aborted)");
    assert_string_equal(nw_logged_ask("1"), "got");
    await_peak(140);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(malloc_that_fails_leaves_a_line, nw_logged_setup, nw_logged_teardown),
        cmocka_unit_test_setup_teardown(data_and_bss_beyond_the_limit_are_named, nw_logged_setup, nw_logged_teardown),
        cmocka_unit_test_setup_teardown(slots_that_do_not_fit_are_told_from_others, nw_logged_setup,
                                        nw_logged_teardown),
        cmocka_unit_test_setup_teardown(a_deadline_that_passes_in_search_of_memory_says_so, nw_logged_setup,
                                        nw_logged_teardown),
        cmocka_unit_test_setup_teardown(an_old_refusal_explains_nothing, nw_logged_setup, nw_logged_teardown),
        cmocka_unit_test_setup_teardown(the_engine_hears_of_memory_and_peak, nw_logged_setup, nw_logged_teardown),
        cmocka_unit_test_setup_teardown(a_peak_is_told_though_its_domain_is_lost, nw_logged_setup, nw_logged_teardown),
    };

    return NW_LOGGED_RUN("worker/shortage", tests);
}
