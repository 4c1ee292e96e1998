/* Which functions a function may call: the list, what stands for names in it, and what was found in its code. */
#include "common/test/test.h"

#include "common/manifest/manifest.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct nw_manifest manifest;
static char why[256];

static int setup(void **state)
{
    (void)state;
    nw_manifest_init(&manifest);
    memset(why, 0, sizeof why);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    nw_manifest_fini(&manifest);
    return 0;
}

static void expect_calls(const char *given, const char *kept)
{
    assert_int_equal(nw_manifest_set(&manifest, "calls", given, why, sizeof why), 0);
    assert_string_equal(manifest.calls, kept);
}

static void expect_resolved(const char *calls, const char *found, const char *resolved)
{
    char to[NW_CALLS_TEXT];
    assert_int_equal(nw_calls_resolve(calls, found, to), 0);
    assert_string_equal(to, resolved);
}

static void calls(void **state)
{
    (void)state;
    static const char *const wrong[] = {"a,any", "none,a", "a,none", "any,a", "a,,b", ",a", "a b", "-", "*", "a,.b"};
    expect_calls(" b , a,b,scan", "b,a,scan");
    expect_calls("any", "");
    expect_calls("", "");
    expect_calls("none", "none");
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_int_equal(nw_manifest_set(&manifest, "calls", wrong[i], why, sizeof why), -EINVAL);
        assert_non_null(strstr(why, "calls: "));
    }
    assert_string_equal(manifest.calls, "none");
}

static void calls_have_a_limit(void **state)
{
    (void)state;
    char list[NW_CALLS_TEXT + 8] = "", to[NW_CALLS_TEXT];
    for (size_t i = 0; strlen(list) + 5 < NW_CALLS_TEXT; i++)
        sprintf(list + strlen(list), "%s%04zu", i ? "," : "", i);
    assert_int_equal(nw_manifest_set(&manifest, "calls", list, why, sizeof why), 0);
    assert_int_equal(nw_calls_resolve(list, "", to), 0);
    assert_int_equal(nw_calls_resolve("scan,other", list, to), -E2BIG);
    strcat(list, ",more");
    assert_int_equal(nw_manifest_set(&manifest, "calls", list, why, sizeof why), -EINVAL);
    assert_non_null(strstr(why, "more than 2047 characters"));
}

static void what_was_found_takes_the_place_of_scan(void **state)
{
    (void)state;
    expect_resolved("", "a,b", "*");
    expect_resolved("none", "a,b", "");
    expect_resolved("c", "a,b", "c");
    expect_resolved("scan", "a,b", "a,b");
    expect_resolved("scan,b,c", "a,b,*", "b,c,a");
    expect_resolved("scan", "-", "");
    expect_resolved("scan", "", "");
    expect_resolved("scan,c", "!damaged, as it is", "c");
    assert_true(nw_calls_allow("*", "x"));
    assert_true(nw_calls_allow("a,bc", "bc"));
    assert_false(nw_calls_allow("a,bc", "b"));
    assert_false(nw_calls_allow("", "b"));
    assert_true(nw_calls_allow("a,bc", "bc@prod"));
    assert_false(nw_calls_allow("a,bc", "b@c"));
    assert_false(nw_calls_allow("a,bc", "@bc"));
}

static void found_is_no_setting(void **state)
{
    (void)state;
    static const char json[] = "{\"calls\": [\"a\", \"scan\"], \"found\": \"b,*\"}";
    char so[32] = "";
    struct nw_buffer out = {0};
    assert_int_equal(nw_manifest_parse_json(&manifest, json, strlen(json), so, sizeof so, why, sizeof why), -EINVAL);
    assert_non_null(strstr(why, "found: unknown key"));
    assert_int_equal(nw_manifest_parse_json(&manifest, json, strlen(json), NULL, 0, why, sizeof why), 0);
    assert_string_equal(manifest.calls, "a,scan");
    assert_string_equal(manifest.found, "b,*");
    assert_int_equal(nw_manifest_to_json(&manifest, &out), 0);
    assert_int_equal(nw_buffer_append(&out, "", 1), 0);
    assert_non_null(strstr(out.data, "\"calls\":\"a,scan\",\"found\":\"b,*\""));
    nw_buffer_fini(&out);
}

static void parse_calls(const char *json, const char *expected)
{
    int rc = nw_manifest_parse_json(&manifest, json, strlen(json), NULL, 0, why, sizeof why);
    assert_int_equal(rc, expected ? 0 : -EINVAL);
    if (expected)
        assert_string_equal(manifest.calls, expected);
    else
        assert_non_null(strstr(why, "line 1: calls: "));
}

static void calls_may_be_an_array(void **state)
{
    (void)state;
    parse_calls("{\"calls\": []}", "none");
    parse_calls("{\"calls\": \"any\"}", "");
    parse_calls("{\"calls\": [\"a\", \"b\"]}", "a,b");
    parse_calls("{\"calls\": [\"any\"]}", "");
    parse_calls("{\"calls\": [\"a\", \"\"]}", NULL);
    parse_calls("{\"calls\": [\"a\", 1]}", NULL);
    parse_calls("{\"calls\": {}}", NULL);
}

#define manifest_test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        manifest_test(calls),
        manifest_test(calls_have_a_limit),
        manifest_test(what_was_found_takes_the_place_of_scan),
        manifest_test(found_is_no_setting),
        manifest_test(calls_may_be_an_array),
    };
    return cmocka_run_group_tests_name("calls", tests, NULL, NULL);
}
