/* Lists of CPUs: what is one, what is none, and that what is written can be read. */
#include "common/test/test.h"

#include "common/host/cpus.h"
#include <errno.h>
#include <string.h>

static void same(const char *text, const char *as)
{
    cpu_set_t cpus;
    char written[256];

    assert_int_equal(nw_cpus_parse(text, &cpus), 0);
    nw_cpus_format(&cpus, written, sizeof written);
    assert_string_equal(written, as);
}

static void lists_are_read_and_written(void **state)
{
    (void)state;
    same("0", "0");
    same("0-3", "0-3");
    same("3,1,2", "1-3");
    same("5-7,0,7,64-65", "0,5-7,64-65");
    same("1023", "1023");
    same("007-008", "7-8");
}

static void what_is_no_list_is_refused(void **state)
{
    static const char *const wrong[] = {"",
                                        " ",
                                        "x",
                                        "-1",
                                        "1-",
                                        "1,",
                                        ",1",
                                        "1,,2",
                                        "3-1",
                                        "1x",
                                        "1 2",
                                        "1-2-3",
                                        "0x1",
                                        "+1",
                                        "all",
                                        "0\n",
                                        "99999999999999999999-1"};
    cpu_set_t cpus;

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        if (nw_cpus_parse(wrong[i], &cpus) != -EINVAL)
            fail_msg("\"%s\" was taken for a list", wrong[i]);
}

static void a_number_that_no_set_holds_is_out_of_range(void **state)
{
    cpu_set_t cpus;

    (void)state;
    assert_int_equal(nw_cpus_parse("1024", &cpus), -ERANGE);
    assert_int_equal(nw_cpus_parse("0-99999999999999999999", &cpus), -ERANGE);
    assert_int_equal(nw_cpus_parse("4294967296,0", &cpus), -ERANGE);
}

static void a_list_is_cut_where_its_room_ends(void **state)
{
    cpu_set_t cpus;
    char text[8] = "1234567";

    (void)state;
    assert_int_equal(nw_cpus_parse("100,200,300,400-500", &cpus), 0);
    nw_cpus_format(&cpus, text, 6);
    assert_string_equal(text, "100,2");
    assert_int_equal(text[6], '7');
    CPU_ZERO(&cpus);
    nw_cpus_format(&cpus, text, sizeof text);
    assert_string_equal(text, "");
}

static void missing_ones_are_named(void **state)
{
    cpu_set_t wanted, have, missing;

    (void)state;
    nw_cpus_parse("0-4", &wanted);
    nw_cpus_parse("1,3,9", &have);
    assert_int_equal(nw_cpus_missing(&wanted, &have, &missing), 3);
    assert_true(CPU_ISSET(0, &missing) && CPU_ISSET(2, &missing) && CPU_ISSET(4, &missing));
    assert_int_equal(nw_cpus_missing(&have, &have, &missing), 0);
}

static void this_machine_runs_us_on_a_cpu_that_it_has(void **state)
{
    cpu_set_t online, own, missing;

    (void)state;
    nw_cpus_online(&online);
    assert_int_equal(sched_getaffinity(0, sizeof own, &own), 0);
    assert_true(CPU_COUNT(&online) > 0);
    assert_int_equal(nw_cpus_missing(&own, &online, &missing), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_are_read_and_written),
        cmocka_unit_test(what_is_no_list_is_refused),
        cmocka_unit_test(a_number_that_no_set_holds_is_out_of_range),
        cmocka_unit_test(a_list_is_cut_where_its_room_ends),
        cmocka_unit_test(missing_ones_are_named),
        cmocka_unit_test(this_machine_runs_us_on_a_cpu_that_it_has),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
