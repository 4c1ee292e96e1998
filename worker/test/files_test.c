/* What functions of profile files find and do in a live worker, in modes mpk and process: see filer.c. What they may
 * not do at all is in profiles_test.c. */
#include "common/manifest.h"
#include "common/test/test.h"
#include "worker/test/probe_host.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ask nw_probe_ask

static char folder[64]; /* holds "open", which is granted, and "closed", which is not */

static void shell(const char *format, ...)
{
    char command[512];
    va_list args;

    va_start(args, format);
    vsnprintf(command, sizeof(command), format, args);
    va_end(args);
    assert_int_equal(system(command), 0);
}

static int start(void **state)
{
    (void)state;
    snprintf(folder, sizeof(folder), "/tmp/nw-files-XXXXXX");
    assert_non_null(mkdtemp(folder));
    shell("cd %s && mkdir -p open/inner/deep closed && printf granted >open/file && printf deeper >open/inner/file && "
          "printf secret >closed/secret && ln -s inner open/link && ln -s ../closed open/out",
          folder);
    nw_harness_start(&nw_probe.harness, nw_probe.mode, 2);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    nw_harness_stop(&nw_probe.harness);
    shell("rm -rf %s", folder);
    return 0;
}

/* The filer, with "open" granted. */
static struct nw_load filer(const char *kind)
{
    static char list[96];

    snprintf(list, sizeof(list), "%s/open:%s", folder, kind);
    return (struct nw_load){.name = "filer",
                            .so = nw_probe_built("filer"),
                            .slots = 2,
                            .timeout_ms = 5000,
                            .profile = NW_PROFILE_FILES,
                            .directories = list};
}

static void load(const struct nw_load *l)
{
    nw_probe.deployment = nw_harness_load(&nw_probe.harness, l);
    if (!nw_probe.deployment)
        fail_msg("refused: %s", nw_probe.harness.message.text);
}

/* ---- the working directory ---- */

static void relative_paths_begin_at_the_working_directory(void **state)
{
    struct nw_load l = filer("rw");
    char cwd[96], inner[96];

    (void)state;
    snprintf(cwd, sizeof(cwd), "%s/open", folder);
    snprintf(inner, sizeof(inner), "%s/open/inner", folder);
    l.cwd = cwd;
    l.env = "NEEDS=inner/file"; /* while it is loaded, too */
    load(&l);
    assert_string_equal(ask("getcwd"), cwd);
    assert_string_equal(ask("read file"), "granted");
    assert_string_equal(ask("read ./inner/../file"), "granted");
    assert_string_equal(ask("read ../open/file"), "granted");
    assert_string_equal(ask("write inner/new text"), "ok");
    assert_string_equal(ask("stat inner/new"), "100644 4");
    assert_string_equal(ask("chdir link"), "ok");
    assert_string_equal(ask("getcwd"), inner); /* links are resolved */
    assert_string_equal(ask("read new"), "text");
    assert_string_equal(ask("chdir deep"), "ok");
    assert_string_equal(ask("read ../file"), "deeper");
    assert_string_equal(ask("chdir ../../.."), "ok"); /* above what is granted */
    assert_string_equal(ask("getcwd"), folder);
    assert_string_equal(ask("read open/file"), "granted");
    assert_string_equal(ask("chdir /"), "ok");
    assert_string_equal(ask("getcwd"), "/");
    assert_string_equal(ask("read %s", inner + 1), "EISDIR");
    assert_string_equal(ask("getcwd 1"), "ERANGE");
}

static void the_working_directory_is_a_directory_that_is_granted(void **state)
{
    struct nw_load l = filer("rw");
    char cwd[96];

    (void)state;
    snprintf(cwd, sizeof(cwd), "%s/open/none", folder);
    l.cwd = cwd;
    assert_int_equal(nw_harness_load(&nw_probe.harness, &l), 0);
    assert_non_null(strstr(nw_probe.harness.message.text, "make the directory that cwd names"));
    l.cwd = NULL;
    load(&l);
    assert_string_equal(ask("getcwd"), "/");
    assert_string_equal(ask("chdir %s/open", folder), "ok");
    assert_string_equal(ask("chdir file"), "ENOTDIR");
    assert_string_equal(ask("chdir none"), "ENOENT");
    assert_string_equal(ask("chdir out"), "ENOENT");
    assert_string_equal(ask("chdir ../closed"), "ENOENT");
    assert_string_equal(ask("read ../closed/secret"), "ENOENT");
    assert_string_equal(ask("read out/secret"), "ENOENT");
    assert_string_equal(ask("chdir /usr/lib/x86_64-linux-gnu"), "EACCES");
    assert_string_equal(ask("chdir /proc/self"), "ENOENT");
    assert_string_equal(ask("getcwd"), nw_probe_ask("realpath ."));
    snprintf(cwd, sizeof(cwd), "fchdir %s", ask("open inner %d", O_RDONLY | O_DIRECTORY));
    assert_string_equal(ask("%s", cwd), "ok");
    assert_string_equal(ask("read file"), "deeper");
    snprintf(cwd, sizeof(cwd), "fchdir %s", ask("open file 0"));
    assert_string_equal(ask("%s", cwd), "ENOTDIR");
}

/* Directories that were moved or removed are not found by their old path. */
static void the_working_directory_is_a_path(void **state)
{
    struct nw_load l = filer("rw");

    (void)state;
    load(&l);
    assert_string_equal(ask("chdir %s/open/inner/deep", folder), "ok");
    assert_string_equal(ask("rmdir ../deep"), "ok");
    assert_string_equal(ask("write x y"), "ENOENT");
    assert_string_equal(ask("chdir ."), "ENOENT");
    assert_string_equal(ask("mkdir %s/open/inner/deep", folder), "ok");
    assert_string_equal(ask("write x y"), "ok");
}

static void each_domain_has_a_working_directory(void **state)
{
    struct nw_load l = filer("rw");
    uint32_t first;

    (void)state;
    if (nw_probe.mode == NW_MODE_PROCESS) {
        print_message("a worker has one domain in mode process\n");
        skip();
    }
    load(&l);
    first = nw_probe.deployment;
    l.name = "other";
    load(&l);
    assert_string_equal(ask("chdir %s/open/inner", folder), "ok");
    nw_probe.deployment = first;
    assert_string_equal(ask("getcwd"), "/");
}

/* What leads to a granted directory can be passed and named. */
static void what_lies_above_can_be_passed(void **state)
{
    struct nw_load l = filer("ro");
    char path[96];

    (void)state;
    snprintf(path, sizeof(path), "%s/open/inner/file", folder);
    load(&l);
    assert_string_equal(ask("realpath %s/open/link/../link/file", folder), path);
    assert_string_equal(ask("realpath %s/closed/secret", folder), "ENOENT");
    assert_string_equal(ask("realpath %s/../%s/open/out", folder, folder + 5), "ENOENT");
    assert_string_equal(ask("stat /"), "40111 0");
    assert_string_equal(ask("stat %s/", folder), "40111 0");
    assert_string_equal(ask("stat %s/closed", folder), "ENOENT");
    assert_string_equal(ask("access /tmp %d", X_OK), "ok");
    assert_string_equal(ask("access /tmp %d", R_OK), "EACCES");
    assert_string_equal(ask("open /tmp %d", O_RDONLY | O_DIRECTORY), "EACCES");
    assert_string_equal(ask("write %s/new x", folder), "ENOENT");
    assert_string_equal(ask("mkdir %s", folder), "EEXIST");
    assert_string_equal(ask("mkdir %s/new", folder), "ENOENT");
    assert_string_equal(ask("rmdir %s", folder), "EBUSY");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

static int run_mode(enum nw_mode in)
{
    const struct CMUnitTest tests[] = {
        TEST(relative_paths_begin_at_the_working_directory),
        TEST(the_working_directory_is_a_directory_that_is_granted),
        TEST(the_working_directory_is_a_path),
        TEST(each_domain_has_a_working_directory),
        TEST(what_lies_above_can_be_passed),
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
        failed += run_mode(NW_MODE_MPK);
    else
        print_message("mode mpk: %s\n", why);
    failed += run_mode(NW_MODE_PROCESS);
    return failed != 0;
}
