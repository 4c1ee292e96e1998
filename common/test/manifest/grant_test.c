/* The lists of what a function is granted: how they are read, and which addresses they cover. */
#include "common/manifest/grant.h"
#include "common/test/test.h"
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

static bool covers(const char *list, const char *address, uint16_t port)
{
    struct nw_address_grant grants[NW_ADDRESSES_MAX];
    uint8_t bytes[16];
    char why[256];
    int n = nw_grant_addresses(list, grants, why, sizeof why);

    assert_true(n > 0);
    assert_int_equal(inet_pton(AF_INET6, address, bytes), 1);
    return nw_grant_covers(grants, (size_t)n, bytes, port);
}

static void addresses_are_covered(void **state)
{
    static const char list[] = " 127.0.0.1:8000,10.0.0.0/8:443 , [::1]:80,[fd00::]/9:*, 192.168.1.64/26:7 ";

    (void)state;
    assert_true(covers(list, "::ffff:127.0.0.1", 8000));
    assert_false(covers(list, "::ffff:127.0.0.1", 8001));
    assert_false(covers(list, "::ffff:127.0.0.2", 8000));
    assert_true(covers(list, "::ffff:10.255.3.4", 443));
    assert_false(covers(list, "::ffff:11.0.0.1", 443));
    assert_true(covers(list, "::1", 80));
    assert_false(covers(list, "::", 80));
    assert_true(covers(list, "fd7f::1", 1));
    assert_false(covers(list, "fd80::1", 1));
    assert_true(covers(list, "::ffff:192.168.1.127", 7));
    assert_false(covers(list, "::ffff:192.168.1.128", 7));
    assert_false(covers(list, "::ffff:192.168.1.63", 7));
    assert_true(covers("0.0.0.0/0:*", "::ffff:1.2.3.4", 9));
    assert_false(covers("0.0.0.0/0:*", "2001::1", 9));
    assert_true(covers("[::]/0:*", "::ffff:1.2.3.4", 9));
    assert_false(covers("0.0.0.0/2:*", "::ffff:0.0.0.0", 9));
    assert_false(covers("[::]/0:*", "::", 9));
}

static void names_are_told_from_addresses(void **state)
{
    static const char list[] = "example.com:443, 127.0.0.1:8000,localhost:*, x_y.a-b.4d:7";
    struct nw_address_grant addresses[NW_ADDRESSES_MAX];
    struct nw_name_grant names[NW_ADDRESSES_MAX];
    char why[256], label[64 + 3 + 1], long_name[NW_GRANT_TEXT] = "";

    (void)state;
    assert_int_equal(nw_grant_addresses(list, addresses, why, sizeof why), 1);
    assert_int_equal(addresses[0].port, 8000);
    assert_int_equal(nw_grant_names(list, names), 3);
    assert_string_equal(names[0].name, "example.com");
    assert_int_equal(names[0].port, 443);
    assert_string_equal(names[1].name, "localhost");
    assert_int_equal(names[1].port, 0);
    assert_string_equal(names[2].name, "x_y.a-b.4d");
    assert_int_equal(nw_grant_names("127.0.0.1:8000, [::1]:80", names), 0);
    snprintf(label, sizeof label, "%064d:1", 0);
    label[0] = 'a';
    assert_int_equal(nw_grant_addresses(label, addresses, why, sizeof why), -EINVAL);
    for (int i = 0; i < NW_HOST_NAME / 2; i++)
        strcat(long_name, "a.");
    strcat(long_name, "a:1");
    assert_int_equal(nw_grant_addresses(long_name, addresses, why, sizeof why), -EINVAL);
    assert_int_equal(nw_grant_addresses(long_name + 2, addresses, why, sizeof why), 0);
}

static void bad_addresses_are_named(void **state)
{
    static const char *const bad[] = {
        "local host:80", "1.2.3.4",  "1.2.3:80",      "1.2.3.4:0",    "1.2.3.4:65536", "1.2.3.4/33:80", "1.2.3.4/:80",
        "1.2.3.4/8",     "[::1]",    "[::1:80",       "::1:80",       "[::1]/129:80",  ",1.2.3.4:80",   "1.2.3.4:80x",
        "1.2.3.4:+80",   "1.2.3.4:", "1.2.3.4/-1:80", "[1.2.3.4]:80", "1.2.3.4:80 5",  "-x:80",         "x-:80",
        "a..b:80",       ".a:80",    "a.:80",         "a/8:80",       "a.1:80",        "name",          "name:",
        "na/me:1",       "name:0",   "\xc3\xa4:1",
    };
    struct nw_address_grant grants[NW_ADDRESSES_MAX];
    char why[256];

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        why[0] = '\0';
        if (nw_grant_addresses(bad[i], grants, why, sizeof why) != -EINVAL)
            fail_msg("%s was taken", bad[i]);
        assert_non_null(strstr(why, "connect: "));
    }
}

static void directories_are_read(void **state)
{
    struct nw_directory_grant grants[NW_DIRECTORIES_MAX];
    char why[256];

    (void)state;
    assert_int_equal(nw_grant_directories("", grants, why, sizeof why), 0);
    assert_int_equal(nw_grant_directories("/a:ro, /a/b:rw, /ab:ro", grants, why, sizeof why), 3);
    assert_int_equal(nw_grant_directories("/data:ro, /tmp/a b:c:rw", grants, why, sizeof why), 2);
    assert_string_equal(grants[0].path, "/data");
    assert_false(grants[0].writable);
    assert_string_equal(grants[1].path, "/tmp/a b:c");
    assert_true(grants[1].writable);
}

static void bad_directories_are_named(void **state)
{
    static const char *const bad[] = {"data:ro",         "/data",      "/data:rx", "/data/:ro", "/a/../b:ro",
                                      "/a/..:ro",        "/a//b:ro",   "/a/.:ro",  "/a/./b:rw", ":ro",
                                      "/data:ro,,/b:ro", "/data:ro:",  "/..:ro",   "/.:ro",     "/a:rw,/a/b:ro",
                                      "/a/b:ro,/a:rw",   "/a:rw,/a:ro"};
    struct nw_directory_grant grants[NW_DIRECTORIES_MAX];
    char why[256];

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        why[0] = '\0';
        if (nw_grant_directories(bad[i], grants, why, sizeof why) != -EINVAL)
            fail_msg("%s was taken", bad[i]);
        assert_non_null(strstr(why, "directories: "));
    }
}

static void lists_have_an_end(void **state)
{
    struct nw_directory_grant directories[NW_DIRECTORIES_MAX];
    struct nw_address_grant addresses[NW_ADDRESSES_MAX];
    char text[NW_GRANT_TEXT + 8] = "", why[256];

    (void)state;
    for (int i = 0; i < NW_DIRECTORIES_MAX; i++)
        strcat(text, "/d:ro,");
    assert_int_equal(nw_grant_directories(text, directories, why, sizeof why), NW_DIRECTORIES_MAX);
    strcat(text, "/d:ro");
    assert_int_equal(nw_grant_directories(text, directories, why, sizeof why), -EINVAL);
    text[0] = '\0';
    for (int i = 0; i < NW_ADDRESSES_MAX; i++)
        strcat(text, "1.2.3.4:5,");
    assert_int_equal(nw_grant_addresses(text, addresses, why, sizeof why), NW_ADDRESSES_MAX);
    strcat(text, "1.2.3.4:5");
    assert_int_equal(nw_grant_addresses(text, addresses, why, sizeof why), -EINVAL);
    memset(text, 'x', NW_GRANT_TEXT);
    text[NW_GRANT_TEXT] = '\0';
    assert_int_equal(nw_grant_addresses(text, addresses, why, sizeof why), -EINVAL);
    assert_int_equal(nw_grant_directories(text, directories, why, sizeof why), -EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_are_covered),     cmocka_unit_test(names_are_told_from_addresses),
        cmocka_unit_test(bad_addresses_are_named),   cmocka_unit_test(directories_are_read),
        cmocka_unit_test(bad_directories_are_named), cmocka_unit_test(lists_have_an_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
