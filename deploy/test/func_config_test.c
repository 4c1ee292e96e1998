/* nightcore's func_config.json: what is read of it, and what is said of each line that does not do. */
#include "common/test/test.h"
#include "deploy/import/func_config.h"
#include "deploy/import/library.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MANY_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" /* 64 */

static struct nw_func_config parse(const char *json)
{
    struct nw_func_config config = {.n = 0};
    char why[512];

    if (nw_func_config_parse(&config, json, strlen(json), why, sizeof why) < 0)
        fail_msg("%s", why);
    return config;
}

static void reads_what_nightcore_reads(void **state)
{
    struct nw_func_config config = parse("[\n  { \"funcName\": \"Foo\", \"funcId\": 1, \"minWorkers\": 2, "
                                         "\"maxWorkers\": 3 },\n  { \"funcId\": 255, \"funcName\": \"bar9\", "
                                         "\"allowHttpGet\": true, \"qsAsInput\": false }\n]\n");
    (void)state;
    assert_int_equal(config.n, 2);
    assert_string_equal(config.funcs[0].manifest.name, "Foo");
    assert_int_equal(config.funcs[0].line, 2);
    assert_int_equal(config.funcs[0].id, 1);
    assert_int_equal(config.funcs[0].min_workers, 2);
    assert_int_equal(config.funcs[0].max_workers, 3);
    assert_string_equal(config.funcs[1].manifest.name, "bar9");
    assert_int_equal(config.funcs[1].line, 3);
    assert_int_equal(config.funcs[1].id, 255);
    assert_int_equal(config.funcs[1].min_workers, -1);
    assert_int_equal(config.funcs[1].max_workers, -1);
    assert_int_equal(config.warnings.length, 0);
    nw_func_config_fini(&config);
}

static void reads_our_own_key(void **state)
{
    struct nw_func_config config = parse(
        "[{\"nightward\": {\"so\": \"x/y.so\", \"slots\": 3, \"env\": {\"A\": \"}\\\"{\"}, \"profile\": \"net\"},\n"
        " \"funcName\": \"Foo\", \"funcId\": 1}]");
    const struct nw_func *func = &config.funcs[0];
    (void)state;
    assert_string_equal(func->manifest.name, "Foo");
    assert_string_equal(func->so, "x/y.so");
    assert_int_equal(func->manifest.slots, 3);
    assert_true(nw_manifest_names(&func->manifest, "slots"));
    assert_false(nw_manifest_names(&func->manifest, "warm"));
    assert_string_equal(func->manifest.env.data, "A=}\"{");
    assert_int_equal(func->manifest.profile, NW_PROFILE_COMPUTE | NW_PROFILE_NET);
    nw_func_config_fini(&config);
}

static void warns_of_what_has_no_effect(void **state)
{
    struct nw_func_config config = parse("[{\"funcName\": \"Foo\", \"funcId\": 1,\n \"colour\": [1, {}],\n"
                                         " \"qsAsInput\": true}]");
    const char *first = config.warnings.data, *second = first + strlen(first) + 1;
    (void)state;
    assert_non_null(strstr(first, "line 2: colour: this key is not known"));
    assert_non_null(strstr(second, "line 3: qsAsInput: has no effect"));
    assert_int_equal(config.warnings.length, strlen(first) + strlen(second) + 2);
    nw_func_config_fini(&config);
}

/* `$` stands for a good function with id 1. */
static const struct {
    const char *json, *why;
} bad[] = {
    {"", "line 1: not valid JSON"},
    {"[\n $,\n $1}\n]", "line 3: not valid JSON"},
    {"[\n $,\n]", "line 3: not valid JSON"},
    {"[\n {\"funcName\": \"a\n", "line 2: not valid JSON"},
    {"[$]\n}", "line 2: something follows the JSON array"},
    {"[\n {\"funcName\": \"a\\u0000b\", \"funcId\": 1}]", "line 2: a NUL character is not allowed"},
    {"{}", "line 1: must be an array of functions"},
    {"[]", "line 1: must be an array of functions"},
    {"[$,\n 7]", "line 2: must be an object"},
    {"[$,\n [\"]\", {}]]", "line 2: must be an object"},
    {"[$,\n {}]", "line 2: funcName: is missing"},
    {"[{\"funcName\": \"a\"}]", "line 1: funcId: is missing"},
    {"[\n{\"funcId\": 1}]", "line 2: funcName: is missing"},
    {"[{\"funcId\": 1,\n \"funcName\": 7}]", "line 2: funcName: must be a string"},
    {"[{\"funcId\": 1,\n \"funcName\": \"\"}]", "line 2: funcName: \"\" is no name"},
    {"[{\"funcId\": 1,\n \"funcName\": \"a-b\"}]", "line 2: funcName: \"a-b\" is no name"},
    {"[{\"funcId\": 1,\n \"funcName\": \"" MANY_A "\"}]", "line 2: funcName: \"" MANY_A "\" is no name"},
    {"[{\"funcId\": 1,\n \"funcName\": \"grpc:Media\", \"grpcMethods\": [\"x\"]}]",
     "line 2: funcName: \"grpc:Media\" is a gRPC service"},
    {"[$,\n {\"funcId\": 2,\n \"funcName\": \"a\"}]",
     "line 3: funcName: \"a\" is the name of the function in line 1, too"},
    {"[$,\n {\"funcName\": \"b\",\n \"funcId\": 1}]", "line 3: funcId: 1 is the id of the function in line 1, too"},
    {"[{\"funcName\": \"a\",\n \"funcId\": 0}]", "line 2: funcId: must be a whole number from 1 to 255"},
    {"[{\"funcName\": \"a\",\n \"funcId\": 256}]", "line 2: funcId: must be a whole number from 1 to 255"},
    {"[{\"funcName\": \"a\",\n \"funcId\": 1.5}]", "line 2: funcId: must be a whole number from 1 to 255"},
    {"[{\"funcName\": \"a\",\n \"funcId\": 1e99}]", "line 2: funcId: must be a whole number from 1 to 255"},
    {"[{\"funcName\": \"a\",\n \"funcId\": \"1\"}]", "line 2: funcId: must be a whole number from 1 to 255"},
    {"[{\"funcName\": \"a\", \"funcId\": 1,\n \"minWorkers\": -2}]",
     "line 2: minWorkers: must be a whole number from -1"},
    {"[{\"funcName\": \"a\", \"funcId\": 1,\n \"maxWorkers\": true}]", "line 2: maxWorkers: must be a whole number"},
    {"[{\"funcName\": \"a\", \"funcId\": 1,\n \"maxWorkers\": 16384}]", "line 2: maxWorkers: must be a whole number"},
    {"[\n{\"funcName\": \"a\", \"funcId\": 1, \"minWorkers\": 3,\n \"maxWorkers\": 2}]",
     "line 2: minWorkers: 3 are more than maxWorkers, 2"},
    {"[{\"funcName\": \"a\", \"funcId\": 1,\n \"allowHttpGet\": 1}]", "line 2: allowHttpGet: must be true or false"},
    {"[{\"funcName\": \"a\", \"funcId\": 1,\n \"qsAsInput\": \"x\"}]", "line 2: qsAsInput: must be true or false"},
    {"[{\"funcName\": \"a\", \"funcId\": 1,\n\n \"funcId\": 2}]", "line 3: funcId: given twice"},
    {"[{\"funcName\": \"a\", \"funcId\": 1,\n \"nightward\": 1}]", "line 2: nightward: must be an object"},
    {"[{\"funcName\": \"a\", \"funcId\": 1,\n \"nightward\": {\n \"so\": \"\"}}]",
     "line 3: nightward: so: must be a file name"},
    {"[{\"funcName\": \"a\", \"funcId\": 1,\n \"nightward\": {\n\n \"slots\": 65}}]",
     "line 4: nightward: slots: \"65\""},
    {"[{\"funcName\": \"a\", \"funcId\": 1,\n \"nightward\":\n {\"colour\": 1}}]",
     "line 3: nightward: colour: unknown key"},
    {"[{\"funcName\": \"a\", \"funcId\": 1,\n \"nightward\": {\"name\": \"b\"}}]",
     "line 2: nightward: name: is given by"},
    {"[{\"funcName\": \"a\", \"funcId\": 1,\n \"nightward\": {\"cwd\": \"/data\"}}]", "line 2: nightward: cwd"},
};

static void names_line_and_key_of_what_does_not_do(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct nw_func_config config = {.n = 0};
        char json[1024], why[512] = "";
        size_t length = 0;
        for (const char *p = bad[i].json; *p; p++)
            length += (size_t)sprintf(json + length, *p == '$' ? "{\"funcName\": \"a\", \"funcId\": %d}" : "%c",
                                      *p == '$' ? 1 : *p);
        int rc = nw_func_config_parse(&config, json, length, why, sizeof why);
        if (rc != -EINVAL || strncmp(why, bad[i].why, strlen(bad[i].why)) != 0)
            fail_msg("%.*s\nis %d, %s\ninstead of %s", (int)length, json, rc, why, bad[i].why);
        nw_func_config_fini(&config);
    }
}

static void refuses_more_than_nightcore_takes(void **state)
{
    struct nw_func_config config = {.n = 0};
    struct nw_buffer json = {0};
    char why[512];
    (void)state;
    nw_buffer_printf(&json, "[0");
    for (int i = 0; i < NW_FUNC_ID_MAX; i++)
        nw_buffer_printf(&json, ",\n%d", i);
    nw_buffer_printf(&json, "]");
    assert_int_equal(nw_func_config_parse(&config, json.data, json.length, why, sizeof why), -EINVAL);
    assert_string_equal(why, "line 1: more than 255 functions");
    nw_func_config_fini(&config);
    json.length = 0;
    nw_buffer_printf(&json, "[{\"x\": 0");
    for (int i = 0; i < NW_FUNC_MEMBERS; i++)
        nw_buffer_printf(&json, ",\"x%d\":0", i);
    nw_buffer_printf(&json, "}]");
    assert_int_equal(nw_func_config_parse(&config, json.data, json.length, why, sizeof why), -EINVAL);
    assert_string_equal(why, "line 1: a function has more than 64 keys");
    nw_func_config_fini(&config);
    nw_buffer_fini(&json);
}

static void touch(const char *dir, const char *name)
{
    char path[256];
    int fd;

    snprintf(path, sizeof path, "%s/%s", dir, name);
    fd = open(path, O_CREAT | O_WRONLY, 0600);
    assert_true(fd >= 0);
    close(fd);
}

/* Which file is found in a folder with these. */
static void expect_library(const char *const *files, const char *name, const char *so, const char *wanted)
{
    char dir[] = "/tmp/func_config.XXXXXX", path[PATH_MAX] = "", why[1024] = "";
    struct nw_func func = {.id = 1};
    int rc;

    assert_non_null(mkdtemp(dir));
    for (int i = 0; files[i]; i++)
        touch(dir, files[i]);
    snprintf(func.manifest.name, sizeof func.manifest.name, "%s", name);
    snprintf(func.so, sizeof func.so, "%s", so);
    rc = nw__library_find(&func, dir, path, why, sizeof why);
    for (int i = 0; files[i]; i++) {
        char file[256];
        snprintf(file, sizeof file, "%s/%s", dir, files[i]);
        unlink(file);
    }
    rmdir(dir);
    if (rc == 0 ? strcmp(strrchr(path, '/') + 1, wanted) != 0 : strstr(why, wanted) == NULL)
        fail_msg("%s: %d %s %s", name, rc, path, why);
}

#define FILES(...) ((const char *const[]){__VA_ARGS__, NULL})

static void finds_the_shared_object(void **state)
{
    (void)state;
    expect_library(FILES("libfoo.so", "libbar.so"), "Foo", "", "libfoo.so");
    expect_library(FILES("FOO.so"), "Foo", "", "FOO.so");
    expect_library(FILES("Foo.so", "libfoo.so"), "Foo", "", "Foo.so");
    expect_library(FILES("foo.so", "libFoo.so", "xFoo.so", "Foo.so.1", "Fooo.so"), "Foo", "", "libFoo.so");
    expect_library(FILES("foo.so", "libfoo.so"), "Foo", "", "more than one is Foo.so or libFoo.so");
    expect_library(FILES("Foo.so", "libFoo.so"), "Foo", "", "more than one is Foo.so or libFoo.so");
    expect_library(FILES("xfoo.so", "foo"), "Foo", "", "none is Foo.so or libFoo.so");
    expect_library(FILES("foo.so", "other.so"), "Foo", "other.so", "other.so");
    expect_library(FILES("foo.so"), "Foo", "other.so", "nightward: so: cannot read");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_what_nightcore_reads),        cmocka_unit_test(reads_our_own_key),
        cmocka_unit_test(warns_of_what_has_no_effect),       cmocka_unit_test(names_line_and_key_of_what_does_not_do),
        cmocka_unit_test(refuses_more_than_nightcore_takes), cmocka_unit_test(finds_the_shared_object),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
