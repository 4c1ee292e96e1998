/* How a function's program ends when its function is removed, and what becomes of text that it left in a buffer. */
#include "common/test/test.h"
#include "worker/test/live/logged.h"
#include <string.h>

static uint32_t load(uint32_t timeout_ms)
{
    uint32_t deployment = nw_logged_load((struct nw_load){.so = "ends", .slots = 2, .timeout_ms = timeout_ms});

    if (!deployment)
        fail_msg("refused: %s", nw_logged.harness.message.text);
    return deployment;
}

static void end(uint32_t deployment)
{
    nw_harness_tell(&nw_logged.harness, NW_CONTROL_RETIRE, deployment);
    nw_harness_expect(&nw_logged.harness, NW_CONTROL_RETIRED);
}

/* The lines of the function, without what the log puts before each. */
static const char *lines(void)
{
    static char text[1024];
    static const char prefix[] = "function ends: ";
    size_t used = 0;

    for (const char *at = nw_logged_text(); (at = strstr(at, prefix)); at = strchr(at, '\n')) {
        size_t length = strcspn(at += strlen(prefix), "\n") + 1;

        assert_true(used + length < sizeof(text));
        memcpy(text + used, at, length);
        used += length;
    }
    text[used] = '\0';
    return text;
}

static void handlers_and_destructors_run(void **state)
{
    (void)state;
    end(load(10000));
    assert_string_equal(lines(), "printed by faas_init\nfunc worker\nexit handler\ndestructor\n"
                                 "left in the buffer\n");
}

static void text_belongs_to_the_invocation_that_printed_it(void **state)
{
    uint32_t deployment = load(10000);

    (void)state;
    assert_string_equal(nw_logged_ask("one"), "");
    assert_string_equal(nw_logged_ask("two"), "");
    end(deployment);
    assert_non_null(strstr(lines(), "printed by faas_init\n"));
    assert_non_null(strstr(lines(), "\none\n"));
    assert_non_null(strstr(lines(), "\ntwo\n"));
}

static void an_exit_handler_has_until_the_deadline(void **state)
{
    uint32_t deployment = load(200);

    (void)state;
    assert_string_equal(nw_logged_ask("hang"), "");
    end(deployment);
    assert_non_null(strstr(lines(), "exit handler\n"));
    assert_null(strstr(lines(), "\ndestructor\n"));
    assert_non_null(strstr(lines(), "an exit handler ran past the deadline while it was being ended"));
}

static void a_crash_in_an_exit_handler_is_said(void **state)
{
    uint32_t deployment = load(10000);

    (void)state;
    assert_string_equal(nw_logged_ask("crash"), "");
    end(deployment);
    assert_non_null(strstr(lines(), "raised SIGABRT (aborted) while it was being ended"));
}

/* Nobody would wait for an invocation; the engine hears so at once, whatever time the function has. */
static void a_func_worker_that_ends_before_it_waits_is_missed(void **state)
{
    (void)state;
    assert_int_equal(nw_logged_load((struct nw_load){.so = "ends", .env = "START=gone", .timeout_ms = 3600000}), 0);
    assert_string_equal(nw_logged.harness.message.text, "one of its func workers ended its thread");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(handlers_and_destructors_run, nw_logged_setup, nw_logged_teardown),
        cmocka_unit_test_setup_teardown(text_belongs_to_the_invocation_that_printed_it, nw_logged_setup,
                                        nw_logged_teardown),
        cmocka_unit_test_setup_teardown(an_exit_handler_has_until_the_deadline, nw_logged_setup, nw_logged_teardown),
        cmocka_unit_test_setup_teardown(a_crash_in_an_exit_handler_is_said, nw_logged_setup, nw_logged_teardown),
        cmocka_unit_test_setup_teardown(a_func_worker_that_ends_before_it_waits_is_missed, nw_logged_setup,
                                        nw_logged_teardown),
    };

    return NW_LOGGED_RUN("worker/ends", tests);
}
