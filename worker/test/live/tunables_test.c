/* What of libc a deployment steers: room for thread-local variables, and malloc. */
#include "common/test/test.h"
#include "worker/test/live/logged.h"
#include <string.h>

static uint32_t load(uint64_t static_tls, const char *env)
{
    return nw_logged_load((struct nw_load){.so = "fixed", .slots = 1, .static_tls = static_tls, .env = env});
}

static void room_for_variables_is_given_when_asked_for(void **state)
{
    (void)state;
    assert_int_equal(load(0, NULL), 0);
    assert_non_null(strstr(nw_logged.harness.message.text, "static TLS block; raise static-tls"));
    if (nw_logged.mode == NW_MODE_PROCESS)
        return; /* the worker is the refused function's */
    assert_int_not_equal(load(16384, NULL), 0);
    assert_non_null(strstr(nw_logged_ask(""), "8192 of its own"));
}

static void the_most_leaves_a_stack(void **state)
{
    (void)state;
    assert_int_not_equal(load(262144, NULL), 0);
    assert_non_null(strstr(nw_logged_ask(""), "8192 of its own"));
}

static void malloc_is_steered_by_the_environment(void **state)
{
    (void)state;
    assert_int_not_equal(load(16384, "GLIBC_TUNABLES=glibc.malloc.tcache_count=0:glibc.malloc.perturb=85"), 0);
    assert_string_equal(nw_logged_ask(""), "8192 of its own, filled with aa");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(room_for_variables_is_given_when_asked_for, nw_logged_setup,
                                        nw_logged_teardown),
        cmocka_unit_test_setup_teardown(the_most_leaves_a_stack, nw_logged_setup, nw_logged_teardown),
        cmocka_unit_test_setup_teardown(malloc_is_steered_by_the_environment, nw_logged_setup, nw_logged_teardown),
    };

    return NW_LOGGED_RUN("worker/tunables", tests);
}
