/* Damaged code in the store: nothing wrong is served, and nothing is deleted. */
#include "engine/store/store.h"
#include "engine/test/store/registry_help.h"
#include <dirent.h>
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <setjmp.h>

#include <cmocka.h>

static char why[1024];

static void expect_no_code(struct nw_registry *registry, const char *sha256, int rc, const char *text)
{
    strcpy(why, "");
    assert_int_equal(nw_registry_open_code(registry, sha256, why, sizeof why), rc);
    if (!strstr(why, text) || !strstr(why, "deploy the same file again"))
        fail_msg("\"%s\" is not in \"%s\"", text, why);
}

/* Each way to damage the file of "code of a". */
static void replace(const char *name)
{
    write_file(name, "code of b", 9);
}

static void truncate_it(const char *name)
{
    write_file(name, "code of", 7);
}

static void lengthen(const char *name)
{
    write_file(name, "code of a ", 10);
}

static void empty(const char *name)
{
    write_file(name, "", 0);
}

static void make_directory(const char *name)
{
    remove_file(name);
    assert_int_equal(mkdir(path_in(name), 0700), 0);
}

static void make_link(const char *name)
{
    remove_file(name);
    assert_int_equal(symlink("/etc/passwd", path_in(name)), 0);
}

static void make_pipe(const char *name)
{
    remove_file(name);
    assert_int_equal(mkfifo(path_in(name), 0600), 0);
}

static void make_huge(const char *name)
{
    chmod(path_in(name), 0600);
    assert_int_equal(truncate(path_in(name), 1ll << 40), 0);
}

static void never_serves_code_that_was_changed(void **state)
{
    (void)state;
    static void (*const ways[])(const char *) = {replace,        truncate_it, lengthen,  empty,
                                                 make_directory, make_link,   make_pipe, make_huge};
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        struct nw_registry *registry = open_registry();
        put(registry, "a", "code of a", 1);
        struct rows rows = read_rows(registry);
        char name[80], aside[100];
        store_path(rows.row[0].sha256, name);
        ways[i](name);
        expect_no_code(registry, rows.row[0].sha256, -EBADMSG, ".so.damaged");
        snprintf(aside, sizeof aside, i ? "%s.damaged.%zu" : "%s.damaged", name, i + 1);
        struct stat st;
        assert_int_equal(lstat(path_in(aside), &st), 0);
        assert_false(is_there(name));
        expect_no_code(registry, rows.row[0].sha256, -ENOENT, ".so.damaged"); /* another function with the same code */
        put(registry, "a", "code of a", 1);
        assert_string_equal(read_rows(registry).row[0].code, "code of a");
        nw_registry_close(registry);
    }
}

static void deploying_replaces_damaged_code(void **state)
{
    (void)state;
    char name[80];
    struct nw_registry *registry = open_registry();
    put(registry, "a", "code of a", 1);
    store_path(read_rows(registry).row[0].sha256, name);
    truncate_it(name);
    put(registry, "a", "code of a", 1);
    assert_string_equal(read_rows(registry).row[0].code, "code of a");
    assert_int_equal(damaged_in_store(), 1);
    nw_registry_close(registry);
}

static void code_that_was_opened_cannot_change(void **state)
{
    (void)state;
    char name[80], text[16] = "";
    struct nw_registry *registry = open_registry();
    put(registry, "a", "code of a", 1);
    struct rows rows = read_rows(registry);
    store_path(rows.row[0].sha256, name);
    int fd = nw_registry_open_code(registry, rows.row[0].sha256, why, sizeof why);
    replace(name);
    assert_int_equal(pread(fd, text, sizeof text, 0), 9);
    assert_string_equal(text, "code of a");
    assert_int_equal(pwrite(fd, "x", 1, 0), -1);
    assert_int_equal(ftruncate(fd, 0), -1);
    assert_ptr_equal(mmap(NULL, 4096, PROT_WRITE, MAP_SHARED, fd, 0), MAP_FAILED);
    close(fd);
    nw_registry_close(registry);
}

static void says_that_code_is_missing(void **state)
{
    (void)state;
    char name[80];
    struct nw_registry *registry = open_registry();
    put(registry, "a", "code of a", 1);
    struct rows rows = read_rows(registry);
    store_path(rows.row[0].sha256, name);
    remove_file(name);
    expect_no_code(registry, rows.row[0].sha256, -ENOENT, "is missing");
    nw_registry_close(registry);
}

static ino_t inode_of(const char *name)
{
    struct stat st;
    assert_int_equal(stat(path_in(name), &st), 0);
    return st.st_ino;
}

static int files_in_all(void)
{
    DIR *dir = opendir(path_in("store"));
    int n = 0;
    for (struct dirent *entry; (entry = readdir(dir));)
        n += *entry->d_name != '.';
    closedir(dir);
    return n;
}

/* Two write the same code at once: the second must not replace what the first has synced by a file that is not. */
static void keeps_a_file_that_another_has_written(void **state)
{
    (void)state;
    struct nw__store store;
    char sha256[65], name[80];
    assert_int_equal(nw__store_open(&store, directory, why, sizeof why), 0);
    nw__store_name("code of a", 9, sha256);
    store_path(sha256, name);
    assert_int_equal(nw__store_put(&store, "code of a", 9, sha256, why, sizeof why), 0);
    ino_t first = inode_of(name);
    assert_int_equal(nw__store_put(&store, "code of a", 9, sha256, why, sizeof why), 0);
    assert_int_equal(inode_of(name), first);
    replace(name);
    assert_int_equal(nw__store_put(&store, "code of a", 9, sha256, why, sizeof why), 0);
    assert_true(nw__store_has(&store, sha256));
    assert_int_equal(damaged_in_store(), 1);
    assert_int_equal(files_in_all(), 2); /* nothing else is left */
    nw__store_close(&store);
}

static bool any_code(void *arg, const char *sha256)
{
    (void)arg, (void)sha256;
    return true;
}

/* What an engine that was killed was writing; but not what this one is. */
static void removes_what_others_were_writing(void **state)
{
    (void)state;
    struct nw__store store, before;
    struct nw_registry *registry = open_registry();
    write_file("store/new-1", "code", 4);
    write_file("store/new-1234-1", "code", 4);
    assert_int_equal(nw__store_open(&before, directory, why, sizeof why), 0);
    assert_int_equal(nw__store_open(&store, directory, why, sizeof why), 0);
    char ours[64], theirs[64];
    snprintf(theirs, sizeof theirs, "store/new-%llx-1", before.born);
    snprintf(ours, sizeof ours, "store/new-%llx-1", store.born);
    write_file(theirs, "code", 4);
    write_file(ours, "code", 4);
    nw__store_each(&store, any_code, NULL);
    assert_true(is_there(ours));
    assert_false(is_there(theirs) || is_there("store/new-1") || is_there("store/new-1234-1"));
    nw__store_close(&before);
    nw__store_close(&store);
    nw_registry_close(registry);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(never_serves_code_that_was_changed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(deploying_replaces_damaged_code, set_up, tear_down),
        cmocka_unit_test_setup_teardown(code_that_was_opened_cannot_change, set_up, tear_down),
        cmocka_unit_test_setup_teardown(says_that_code_is_missing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(removes_what_others_were_writing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(keeps_a_file_that_another_has_written, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("engine store, damage", tests, NULL, NULL);
}
