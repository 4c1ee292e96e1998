/* Mode names, and that asking whether mpk is usable changes nothing for the one who asks. */
#include "common/test/test.h"

#include "common/host/mode.h"
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void names_and_numbers_agree(void **state)
{
    (void)state;
    for (enum nw_mode mode = NW_MODE_AUTO; mode < NW_MODE_COUNT; mode++)
        assert_int_equal(nw_mode_parse(nw_mode_name(mode)), mode);
    assert_int_equal(nw_mode_parse("mpk"), NW_MODE_MPK);
    assert_int_equal(nw_mode_parse(""), -EINVAL);
    assert_int_equal(nw_mode_parse("MPK"), -EINVAL);
    assert_int_equal(nw_mode_parse("mpk "), -EINVAL);
}

static int free_keys(void)
{
    int keys[16], n = 0;
    while (n < 16 && (keys[n] = (int)syscall(SYS_pkey_alloc, 0, 0)) >= 0)
        n++;
    for (int i = 0; i < n; i++)
        syscall(SYS_pkey_free, keys[i]);
    return n;
}

static void answers_with_a_reason_and_changes_nothing(void **state)
{
    (void)state;
    struct sigaction before, after;
    char first[256] = "", second[256] = "";
    int keys = free_keys();
    sigaction(SIGILL, NULL, &before);
    int usable = nw_mode_mpk_usable(first, sizeof first);
    assert_int_equal(nw_mode_mpk_usable(second, sizeof second), usable);
    assert_string_equal(first, second);
    if (!usable)
        assert_true(strlen(first) > 10);
    assert_int_equal(free_keys(), keys);
    sigaction(SIGILL, NULL, &after);
    assert_ptr_equal(after.sa_handler, before.sa_handler);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    assert_int_equal(errno, ECHILD);
}

/* With a key taken there are fewer than 15, and the answer must say so. */
static void counts_the_keys_that_are_free(void **state)
{
    (void)state;
    char why[256] = "";
    if (!nw_mode_mpk_usable(why, sizeof why)) {
        print_message("mode mpk cannot run here: %s\n", why);
        skip();
    }
    int key = (int)syscall(SYS_pkey_alloc, 0, 0);
    assert_true(key > 0);
    int usable = nw_mode_mpk_usable(why, sizeof why);
    syscall(SYS_pkey_free, key);
    assert_int_equal(usable, 0);
    assert_non_null(strstr(why, "15 protection keys"));
}

static void registers_that_nobody_clears_are_noticed(void **state)
{
    const uint64_t apx = 1ull << 19, bounds = 3ull << 3, later = 1ull << 62;
    char why[256];
    uint32_t low, high;

    (void)state;
    assert_true(nw_mode_uncleared(0x7) == 0);
    assert_true(nw_mode_uncleared(0x2e7) == 0);
    assert_true(nw_mode_uncleared(0x602e7) == 0);
    assert_true(nw_mode_uncleared(0x602e7 | apx) == apx);
    assert_true(nw_mode_uncleared(0x207 | bounds) == bounds);
    assert_true(nw_mode_uncleared(later) == later);
    if (!nw_mode_mpk_usable(why, sizeof why))
        return;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    assert_true(nw_mode_uncleared((uint64_t)high << 32 | low) == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_and_numbers_agree),
        cmocka_unit_test(answers_with_a_reason_and_changes_nothing),
        cmocka_unit_test(counts_the_keys_that_are_free),
        cmocka_unit_test(registers_that_nobody_clears_are_noticed),
    };
    return cmocka_run_group_tests_name("mode", tests, NULL, NULL);
}
