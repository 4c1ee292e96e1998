/* What functions of profile files may fill of their directories, in a live worker, in modes mpk and process: see disk.h
 * and filer.c. A block is 4 KiB, and so is a name. */
#include "common/manifest/manifest.h"
#include "common/test/test.h"
#include "worker/test/calls/probe_host.h"
#include <fcntl.h>
#include <linux/falloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define ask    nw_probe_ask
#define BLOCKS 256 /* the limit: 1 MiB */

static int start(void **state)
{
    (void)state;
    nw_probe_folder_make();
    nw_harness_start(&nw_probe.harness, nw_probe.mode, 2);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    nw_harness_stop(&nw_probe.harness);
    nw_probe_folder_remove();
    return 0;
}

static uint32_t load_for(const char *name, const char *rights)
{
    char list[48];
    const struct nw_load l = {.name = name,
                              .so = nw_probe_built("filer"),
                              .slots = 2,
                              .timeout_ms = 20000,
                              .profile = NW_PROFILE_FILES,
                              .disk = BLOCKS * 4096,
                              .directories = list,
                              .cwd = nw_probe_folder};

    snprintf(list, sizeof(list), "%s:%s", nw_probe_folder, rights);
    nw_probe.deployment = nw_harness_load(&nw_probe.harness, &l);
    if (!nw_probe.deployment)
        fail_msg("refused: %s", nw_probe.harness.message.text);
    return nw_probe.deployment;
}

static uint32_t load(const char *name)
{
    return load_for(name, "rw");
}

static int opened(const char *name, int flags)
{
    const char *answer = ask("open %s %d", name, flags);

    if (answer[0] < '0' || answer[0] > '9')
        fail_msg("open %s: %s", name, answer);
    return atoi(answer);
}

static int made(const char *name)
{
    return opened(name, O_RDWR | O_CREAT | O_TRUNC);
}

static void expect_left(int blocks)
{
    assert_int_equal(atoi(ask("left .")), blocks);
}

/* Waits until what a domain had is given back after its end. */
static void await_left(int blocks)
{
    int left = -1;

    for (int i = 0; i < 20000 && left != blocks; i++)
        left = atoi(ask("left ."));
    assert_int_equal(left, blocks);
}

static void what_is_written_counts(void **state)
{
    int f;

    (void)state;
    load("filer");
    expect_left(BLOCKS);
    f = made("a");
    expect_left(BLOCKS - 1);
    assert_string_equal(ask("fill %d 1", f), "1");
    expect_left(BLOCKS - 2);
    assert_string_equal(ask("fill %d 4095", f), "4095");
    assert_string_equal(ask("fill-at %d 0 4096", f), "4096"); /* once more the same */
    expect_left(BLOCKS - 2);
    assert_string_equal(ask("fill-at %d %d 100", f, 100 * 4096), "100"); /* behind a hole */
    expect_left(BLOCKS - 102);
    assert_string_equal(ask("seek %d 0", f), "0");
    assert_string_equal(ask("fill %d %d", f, 8 << 20), "786432"); /* as many pieces as there is room for */
    assert_string_equal(ask("fill %d %d", f, 64 << 12), "EDQUOT");
    assert_string_equal(ask("fill %d %d", f, 63 << 12), "258048");
    assert_string_equal(ask("fill %d 1", f), "EDQUOT");
    expect_left(0);
    assert_string_equal(ask("fill-at %d 0 %d", f, 512 << 10), "524288"); /* it has that already */
    assert_string_equal(ask("fill-pieces %d 2 4096", made("a")), "8192");
    expect_left(BLOCKS - 3);
}

static void each_way_to_lengthen_a_file_is_counted(void **state)
{
    int f, g;

    (void)state;
    load("filer");
    f = made("a");
    assert_string_equal(ask("truncate a %d", 2 << 20), "EDQUOT");
    assert_string_equal(ask("ftruncate %d %d", f, 2 << 20), "EDQUOT");
    assert_string_equal(ask("allocate %d 0 %d 1", f, 2 << 20), "EDQUOT");
    assert_string_equal(ask("allocate %d %d %d 1", f, FALLOC_FL_ZERO_RANGE, 2 << 20), "EDQUOT");
    assert_string_equal(ask("allocate %d %d 0 %d", f, FALLOC_FL_KEEP_SIZE, 2 << 20), "EOPNOTSUPP");
    assert_string_equal(ask("fill-at %d %d 1", f, 2 << 20), "EDQUOT");
    assert_string_equal(ask("seek %d %d", f, 2 << 20), "2097152");
    assert_string_equal(ask("fill %d 1", f), "EDQUOT");
    assert_string_equal(ask("fill-pieces %d 2 1", f), "EDQUOT");
    expect_left(BLOCKS - 1);
    assert_string_equal(ask("ftruncate %d %d", f, 200 * 4096), "ok");
    expect_left(BLOCKS - 201);
    g = opened("b", O_WRONLY | O_CREAT | O_APPEND);
    assert_string_equal(ask("fill %d %d", g, 53 * 4096), "217088");
    expect_left(1);
    assert_string_equal(ask("fill %d 4097", g), "EDQUOT");
    assert_string_equal(ask("fill-pieces %d 2 4096", g), "4096");
    assert_string_equal(ask("ftruncate %d %d", f, 4096), "ok");
    expect_left(199);
    assert_string_equal(ask("copy-range b c 0 %d 4096", 2 << 20), "EDQUOT");
    assert_string_equal(ask("send b c"), "221184 0");
    expect_left(144);
    assert_string_equal(ask("allocate %d 0 0 %d", f, 100 * 4096), "ok");
    expect_left(45);
    assert_string_equal(ask("allocate %d %d 0 %d", f, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 8 << 20), "ok");
    expect_left(45);
    assert_string_equal(ask("send b d"), "EDQUOT");
    assert_string_equal(ask("fill %d %d", made("d"), 44 * 4096), "180224"); /* a block is its name */
    expect_left(0);
}

static void names_count(void **state)
{
    (void)state;
    load("filer");
    assert_string_equal(ask("mkdir d"), "ok");
    assert_string_equal(ask("close %d", made("d/a")), "ok");
    expect_left(BLOCKS - 2);
    assert_string_equal(ask("link d/a b"), "ok");
    expect_left(BLOCKS - 3);
    assert_string_equal(ask("unlink d/a"), "ok");
    assert_string_equal(ask("rmdir d"), "ok");
    assert_string_equal(ask("unlink b"), "ok");
    expect_left(BLOCKS);
    assert_string_equal(ask("names n"), "192 EDQUOT"); /* a link is a block and a name */
    assert_string_equal(ask("mkdir d"), "EDQUOT");
    assert_string_equal(ask("symlink n0 s"), "EDQUOT");
    assert_string_equal(ask("link n0 s"), "EDQUOT");
    assert_string_equal(ask("open s %d", O_WRONLY | O_CREAT), "EDQUOT");
    assert_string_equal(ask("open n0 %d", O_WRONLY | O_CREAT | O_EXCL), "EDQUOT");
    assert_string_equal(ask("close %d", opened("n0", O_WRONLY | O_CREAT)), "ok");
    assert_string_equal(ask("unlink n2"), "ok");
    assert_string_equal(ask("mkdir d"), "ok");
}

/* Waits until the file counts no more, which is once nobody has it open or mapped. */
static void what_is_removed_counts_no_more(void **state)
{
    int f, g;

    (void)state;
    load("filer");
    f = made("a");
    assert_string_equal(ask("fill %d %d", f, 99 * 4096), "405504");
    assert_string_equal(ask("unlink a"), "ok");
    expect_left(BLOCKS - 100);
    g = atoi(ask("dup %d", f));
    assert_string_equal(ask("close %d", f), "ok");
    expect_left(BLOCKS - 100);
    assert_string_equal(ask("map %d %d 8192", g, PROT_READ), "ok");
    assert_string_equal(ask("close %d", g), "ok");
    expect_left(BLOCKS - 99); /* it has no name any more */
    assert_string_equal(ask("unmap 4096"), "ok");
    expect_left(BLOCKS - 99); /* half of the mapping is left */
    assert_string_equal(ask("unmap 8192"), "ok");
    expect_left(BLOCKS);
    assert_string_equal(ask("close %d", made("a")), "ok");
    f = made("b");
    assert_string_equal(ask("fill %d %d", f, 99 * 4096), "405504");
    assert_string_equal(ask("close %d", f), "ok");
    expect_left(BLOCKS - 101);
    assert_string_equal(ask("rename a b"), "ok"); /* in the place of the other */
    expect_left(BLOCKS - 1);
    assert_string_equal(ask("close %d", opened("b", O_RDONLY)), "ok");
    assert_string_equal(ask("unlink b"), "ok");
    expect_left(BLOCKS);
}

/* A file that was there before counts in full once the function writes to it. */
static void files_that_were_there_count_once_they_are_written(void **state)
{
    int f;

    (void)state;
    nw_probe_shell("cd %s && head -c 400000 /dev/zero >there && head -c 4000000 /dev/zero >large", nw_probe_folder);
    load("filer");
    f = opened("there", O_RDWR);
    expect_left(BLOCKS);
    assert_string_equal(ask("fill-at %d 0 1", f), "1");
    expect_left(BLOCKS - 99);
    assert_string_equal(ask("fill-at %d 0 1", opened("large", O_RDWR)), "EDQUOT");
    assert_string_equal(ask("link large again"), "EDQUOT");
    assert_string_equal(ask("map %d %d 4096", opened("large", O_RDWR), PROT_READ | PROT_WRITE), "EDQUOT");
    assert_string_equal(ask("truncate large 4096"), "ok");
    expect_left(BLOCKS - 101);
    assert_string_equal(ask("unlink there"), "ok");
    assert_string_equal(ask("close %d", f), "ok");
    expect_left(BLOCKS - 2);
}

/* What was filled still counts after a crash. */
static void what_counts_outlives_the_domain(void **state)
{
    int f;

    (void)state;
    load("filer");
    f = made("a");
    assert_string_equal(ask("fill %d %d", f, 99 * 4096), "405504");
    assert_string_equal(ask("map %d %d 4096", f, PROT_READ), "ok");
    assert_string_equal(ask("unlink a"), "ok");
    f = made("b");
    assert_string_equal(ask("fill %d %d", f, 49 * 4096), "200704");
    assert_non_null(strstr(ask("poke -4096 x"), "failed: ")); /* beside what is mapped */
    await_left(BLOCKS - 50);
    assert_string_equal(ask("unlink b"), "ok");
    expect_left(BLOCKS);
}

/* A file is charged to the function that filled it: another one that removes it gains no room. */
static void functions_count_for_themselves(void **state)
{
    uint32_t one, two;

    (void)state;
    if (nw_probe.mode == NW_MODE_PROCESS) {
        print_message("a worker has one function in mode process\n");
        skip();
    }
    one = load("one");
    two = load("two");
    nw_probe.deployment = one;
    assert_string_equal(ask("fill %d %d", made("a"), 99 * 4096), "405504");
    nw_probe.deployment = two;
    expect_left(BLOCKS);
    assert_string_equal(ask("fill %d %d", made("b"), 99 * 4096), "405504");
    assert_string_equal(ask("unlink a"), "ok");
    expect_left(BLOCKS - 100);
    nw_probe.deployment = one;
    expect_left(BLOCKS - 100); /* it has it open */
    assert_non_null(strstr(ask("poke 0 x"), "failed: "));
    await_left(BLOCKS);
}

/* It is on the disk until then, whoever removed its name and whether or not who holds it could write to it. */
static void what_is_removed_counts_until_nobody_has_it(void **state)
{
    uint32_t one, two;
    int f;

    (void)state;
    if (nw_probe.mode == NW_MODE_PROCESS) {
        print_message("a worker has one function in mode process\n");
        skip();
    }
    one = load("one");
    two = load_for("two", "ro");
    nw_probe.deployment = one;
    f = made("a");
    assert_string_equal(ask("fill %d %d", f, 99 * 4096), "405504");
    nw_probe.deployment = two;
    f = opened("a", O_RDONLY);
    nw_probe.deployment = one;
    assert_non_null(strstr(ask("poke 0 x"), "failed: ")); /* which closes what it has open */
    assert_string_equal(ask("unlink a"), "ok");
    expect_left(BLOCKS - 100);
    nw_probe.deployment = two;
    assert_string_equal(ask("map %d %d 4096", f, PROT_READ), "ok");
    assert_string_equal(ask("close %d", f), "ok");
    nw_probe.deployment = one;
    expect_left(BLOCKS - 100); /* mapped, it still is there */
    nw_probe.deployment = two;
    assert_string_equal(ask("unmap 4096"), "ok");
    nw_probe.deployment = one;
    await_left(BLOCKS);
}

static void writers_at_a_moving_position_are_held(void **state)
{
    long most = 0;

    (void)state;
    load("filer");
    assert_in_range(atol(ask("write-race a 400")), 0, 2 * 1024);
    nw_harness_stop(&nw_probe.harness);
    nw_harness_start_without(&nw_probe.harness, nw_probe.mode, 2, "disk", -1);
    load("filer");
    for (int tries = 0; most < 8 * 1024 && tries < 1000; tries++) /* which thread comes first is chance */
        most = atol(ask("write-race %d 400", tries));
    assert_in_range(most, 8 * 1024, 1 << 30);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

static int run_mode(enum nw_mode in)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_written_counts),
        TEST(each_way_to_lengthen_a_file_is_counted),
        TEST(names_count),
        TEST(what_is_removed_counts_no_more),
        TEST(files_that_were_there_count_once_they_are_written),
        TEST(what_counts_outlives_the_domain),
        TEST(functions_count_for_themselves),
        TEST(what_is_removed_counts_until_nobody_has_it),
        TEST(writers_at_a_moving_position_are_held),
    };

    nw_probe.mode = in;
    return _cmocka_run_group_tests(nw_mode_name(in), tests, sizeof(tests) / sizeof(tests[0]), NULL, NULL);
}

int main(void)
{
    return nw_harness_run_modes(run_mode);
}
