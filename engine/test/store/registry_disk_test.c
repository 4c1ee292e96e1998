/*
 * What the registry does while the disk fails, and what is left after a failure of the machine. Calls to the system
 * that it waits for the disk with come here first.
 */
#include "common/base/atomic.h"
#include "engine/test/store/registry_help.h"
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <setjmp.h>

#include <cmocka.h>

static char why[1024];

/* --- the disk --- */

/* The registry, as it was when it could not be synced. */
static struct left disk;

static bool sync_fails;

__attribute__((visibility("default"))) int fdatasync(int fd)
{
    if (!sync_fails)
        return (int)syscall(SYS_fdatasync, fd);
    take_left("registry", &disk);
    errno = EIO;
    return -1;
}

static struct nw_registry *changes_at_write; /* is changed before the next code gets its name; NULL: none */
static void change_after_failure(struct nw_registry *registry);

__attribute__((visibility("default"))) int sync_file_range(int fd, off_t from, off_t length, unsigned flags)
{
    struct nw_registry *registry = changes_at_write;
    changes_at_write = NULL;
    if (registry)
        change_after_failure(registry);
    return (int)syscall(SYS_sync_file_range, fd, from, length, flags);
}

static bool copy_fails;
static unsigned copies; /* how often a copy was to get its name */

__attribute__((visibility("default"))) int renameat(int from_dir, const char *from, int to_dir, const char *to)
{
    bool copy = !strcmp(to, "registry.backup");
    copies += copy;
    if (!copy || !copy_fails)
        return (int)syscall(SYS_renameat2, from_dir, from, to_dir, to, 0);
    errno = EROFS;
    return -1;
}

/* --- tests --- */

static int try_put(struct nw_registry *registry, const char *name, const char *code, char *sha256)
{
    struct nw_manifest manifest;
    nw_manifest_init(&manifest);
    strcpy(manifest.name, name);
    assert_int_equal(nw_manifest_set(&manifest, "env", "KEY=a \"value\"", why, sizeof why), 0);
    int rc = nw_registry_store(registry, code, strlen(code), sha256, why, sizeof why);
    if (!rc)
        rc = change(registry, name, &manifest, sha256, why, sizeof why);
    nw_manifest_fini(&manifest);
    return rc;
}

/* A put that is refused because the registry cannot be synced. */
static void fail_put(struct nw_registry *registry, const char *name, const char *code, char *sha256)
{
    sync_fails = true;
    assert_int_equal(try_put(registry, name, code, sha256), -EIO);
    sync_fails = false;
}

static void expect_code(const char *code, int files)
{
    struct nw_registry *registry = open_registry();
    struct rows rows = read_rows(registry);
    assert_int_equal(rows.n, 1);
    assert_string_equal(rows.row[0].code, code);
    assert_int_equal(files_in_store(), files);
    nw_registry_close(registry);
}

/* The row of a version that was refused may be on the disk all the same. */
static void keeps_code_that_the_disk_may_name(void **state)
{
    (void)state;
    char sha256[65];
    struct nw_registry *registry = open_registry();
    put(registry, "f", "old code", 1);
    fail_put(registry, "f", "new code", sha256);
    nw_registry_forget(registry, sha256);
    nw_registry_close(registry);
    put_left("registry", &disk);
    remove_file("registry.backup");
    expect_code("new code", 1);
}

/* Once it is certain that it is not, it is removed again: here, what was refused meanwhile at the next start. */
static void removes_code_that_the_disk_cannot_name(void **state)
{
    (void)state;
    char refused[65], sha256[65];
    struct nw_registry *registry = open_registry();
    put(registry, "f", "old code", 1);
    fail_put(registry, "f", "new code", refused);
    nw_registry_forget(registry, refused);
    assert_int_equal(files_in_store(), 2);
    put(registry, "f", "old code", 1);
    assert_int_equal(nw_registry_store(registry, "third code", 10, sha256, why, sizeof why), 0);
    nw_registry_forget(registry, sha256);
    assert_int_equal(files_in_store(), 2);
    nw_registry_close(registry);
    expect_code("old code", 1);
}

/* A kill came before the sync of what a start finds: nothing is removed for it before it is synced. */
static void removes_nothing_for_what_is_not_synced(void **state)
{
    (void)state;
    struct nw_registry *registry = open_registry();
    put(registry, "f", "old code", 1);
    put(registry, "f", "new code", 1);
    nw_registry_close(registry);
    sync_fails = true;
    expect_code("new code", 2);
    sync_fails = false;
    expect_code("new code", 1);
}

/* After a kill nothing comes back that was refused because the disk failed. */
static void does_not_bring_back_what_was_refused(void **state)
{
    (void)state;
    static struct left left;
    char sha256[65];
    struct nw_registry *registry = open_registry();
    put(registry, "f", "old code", 1);
    fail_put(registry, "f", "new code", sha256);
    take_left("registry", &left);
    nw_registry_close(registry);
    put_left("registry", &left);
    expect_code("old code", 1);
}

/* A failure of the machine takes what was never synced. The copy, which may be on the disk by then, must not have it.
 */
static void copies_only_what_is_synced(void **state)
{
    (void)state;
    static struct left left;
    char sha256[65];
    struct nw_registry *registry = open_registry();
    put(registry, "f", "old code", 1);
    take_left("registry", &left);
    fail_put(registry, "f", "new code", sha256);
    nw_registry_close(registry);
    put_left("registry", &left);
    registry = open_registry();
    assert_null(nw_registry_notice(registry));
    assert_int_equal(read_rows(registry).n, 1);
    nw_registry_close(registry);
}

static void copies_a_removal(void **state)
{
    (void)state;
    struct nw_registry *registry = open_registry();
    put(registry, "f", "code", 1);
    put(registry, "gone", "more", 1);
    assert_int_equal(change(registry, "gone", NULL, NULL, why, sizeof why), 0);
    nw_registry_close(registry);
    write_file("registry", "this is no registry", 19);
    expect_code("code", 2);
}

/* A change after one that could not be synced. */
static void change_after_failure(struct nw_registry *registry)
{
    char sha256[65];
    fail_put(registry, "f", "code", sha256);
    put(registry, "f", "code", 1);
}

/* Code that is listed and has no file yet stays listed. */
static void removes_code_that_was_being_written(void **state)
{
    (void)state;
    char sha256[65];
    struct nw_registry *registry = open_registry();
    put(registry, "f", "code", 1);
    changes_at_write = registry;
    assert_int_equal(nw_registry_store(registry, "more", 4, sha256, why, sizeof why), 0);
    assert_null(changes_at_write);
    assert_int_equal(files_in_store(), 2);
    nw_registry_close(registry); /* a kill leaves no more */
    expect_code("code", 1);
}

struct looking {
    struct nw_registry *registry;
    bool ends;
    unsigned looks, lost;
};

static void *look(void *arg)
{
    struct looking *looking = arg;
    while (!nw_load_acquire(&looking->ends)) { /* pairs with the end of the test */
        looking->lost += !nw__registry_is_there(looking->registry);
        nw_add_fetch(&looking->looks, 1); /* pairs with the loop of the test */
    }
    return NULL;
}

/* Another thread looks whether it is there, while it is changed again and again. */
static void is_there_while_it_is_changed(void **state)
{
    (void)state;
    struct looking looking = {open_registry(), false, 0, 0};
    pthread_t thread;
    put(looking.registry, "f", "code", 1);
    assert_int_equal(pthread_create(&thread, NULL, look, &looking), 0);
    while (nw_load_acquire(&looking.looks) < 2000) /* pairs with the looks */
        change_after_failure(looking.registry);
    nw_store_release(&looking.ends, true); /* pairs with the looks */
    pthread_join(thread, NULL);
    assert_int_equal(looking.lost, 0);
    nw_registry_close(looking.registry);
}

/* Each try takes as long as there are functions. */
static void tries_ever_more_seldom_to_make_a_copy(void **state)
{
    (void)state;
    struct nw_registry *registry = open_registry();
    put(registry, "f", "code", 1);
    remove_file("registry.backup");
    copies = 0;
    copy_fails = true;
    for (unsigned i = 1; i <= 40; i++)
        put(registry, "f", "code", i);
    assert_true(copies > 2 && copies < 10);
    copy_fails = false;
    for (unsigned i = 1; i <= 40 && !is_there("registry.backup"); i++)
        put(registry, "f", "code", i);
    assert_true(is_there("registry.backup"));
    copies = 0;
    put(registry, "g", "code", 1);
    assert_int_equal(copies, 0);
    nw_registry_close(registry);
    remove_file("registry");
    registry = open_registry();
    assert_int_equal(read_rows(registry).n, 2);
    nw_registry_close(registry);
}

static int tear_all_down(void **state)
{
    copy_fails = false;
    changes_at_write = NULL;
    sync_fails = false;
    return tear_down(state);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_all_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(keeps_code_that_the_disk_may_name),      TEST(removes_code_that_the_disk_cannot_name),
        TEST(removes_nothing_for_what_is_not_synced), TEST(copies_only_what_is_synced),
        TEST(does_not_bring_back_what_was_refused),   TEST(copies_a_removal),
        TEST(removes_code_that_was_being_written),    TEST(is_there_while_it_is_changed),
        TEST(tries_ever_more_seldom_to_make_a_copy),
    };
    return cmocka_run_group_tests_name("engine registry, disk", tests, NULL, NULL);
}
