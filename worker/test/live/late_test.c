/* What libc loads only when it is needed is there when it is needed, in every mode. */
#include "common/manifest/manifest.h"
#include "common/test/test.h"
#include "worker/test/live/logged.h"
#include <string.h>
#include <unistd.h>

static void load(const char *env, uint32_t profile)
{
    if (!nw_logged_load((struct nw_load){.so = "late", .env = env, .profile = profile}))
        fail_msg("refused: %s", nw_logged.harness.message.text);
}

static void threads_leave_and_are_cancelled(void **state)
{
    (void)state;
    load(NULL, 0);
    assert_string_equal(nw_logged_ask("exit"), "left");
    assert_string_equal(nw_logged_ask("cancel"), "cancelled");
    assert_string_equal(nw_logged_ask("wake"), "cancelled");
    assert_string_equal(nw_logged_ask("backtrace"), "frames");
    assert_null(strstr(nw_logged_text(), "refused"));
}

static void the_unwinder_comes_with_the_first_cancellation(void **state)
{
    (void)state;
    load(NULL, 0);
    assert_string_equal(nw_logged_ask("cancel"), "cancelled");
}

static void charsets_are_converted(void **state)
{
    (void)state;
    load(NULL, 0);
    assert_string_equal(nw_logged_ask("iconv ISO-8859-15"), "€");
    assert_string_equal(nw_logged_ask("iconv KOI8-R"), "╓");
    assert_string_equal(nw_logged_ask("iconv NO-SUCH-CHARSET"), "EINVAL");
}

static void locales_are_loaded(void **state)
{
    (void)state;
    load(NULL, 0);
    assert_string_equal(nw_logged_ask("locale C.UTF-8"), "UTF-8");
    assert_string_equal(nw_logged_ask("locale xx_XX.UTF-8"), "none");
}

static void a_zone_needs_no_tzset(void **state)
{
    (void)state;
    load("TZ=Asia/Kathmandu", 0);
    assert_string_equal(nw_logged_ask("zone"), "+0545 20700");
}

static void names_are_looked_up_by_modules(void **state)
{
    (void)state;
    load(NULL, NW_PROFILE_NET);
    assert_string_equal(nw_logged_ask("lookup localhost"), "found");
    assert_string_equal(nw_logged_ask("open /lib/x86_64-linux-gnu/libnss_compat.so.2"), "ok");
}

/* The files that libc may load late make no other file readable. */
static void other_files_stay_closed(void **state)
{
    (void)state;
    load(NULL, 0);
    assert_string_equal(nw_logged_ask("open /usr/lib/x86_64-linux-gnu/libm.so.6"), "EPERM");
    assert_string_equal(nw_logged_ask("open /usr/lib/x86_64-linux-gnu/gconv/../libm.so.6"), "ENOENT");
    assert_string_equal(nw_logged_ask("open /usr/lib/x86_64-linux-gnu/libnss_x/y.so.2"), "EPERM");
    assert_string_equal(nw_logged_ask("open /usr/share/zoneinfo/../../../etc/passwd"), "ENOENT");
    assert_string_equal(nw_logged_ask("open /etc/ssl"), "ENOENT");
    assert_string_equal(nw_logged_ask("open /usr/share"), "ENOENT");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(threads_leave_and_are_cancelled, nw_logged_setup, nw_logged_teardown),
        cmocka_unit_test_setup_teardown(the_unwinder_comes_with_the_first_cancellation, nw_logged_setup,
                                        nw_logged_teardown),
        cmocka_unit_test_setup_teardown(charsets_are_converted, nw_logged_setup, nw_logged_teardown),
        cmocka_unit_test_setup_teardown(locales_are_loaded, nw_logged_setup, nw_logged_teardown),
        cmocka_unit_test_setup_teardown(a_zone_needs_no_tzset, nw_logged_setup, nw_logged_teardown),
        cmocka_unit_test_setup_teardown(names_are_looked_up_by_modules, nw_logged_setup, nw_logged_teardown),
        cmocka_unit_test_setup_teardown(other_files_stay_closed, nw_logged_setup, nw_logged_teardown),
    };

    return NW_LOGGED_RUN("worker/late", tests);
}
