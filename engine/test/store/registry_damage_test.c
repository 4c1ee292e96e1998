/* Damaged registries and stores: nothing wrong is served, nothing is deleted, and what is whole is served. */
#include "common/base/log.h"
#include "engine/test/store/registry_help.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <setjmp.h>

#include <cmocka.h>

#define KILLS     40
#define FILE_MOST 65536

static char why[1024];

/* --- files --- */

static size_t read_file(const char *name, char *to)
{
    FILE *file = fopen(path_in(name), "r");
    assert_non_null(file);
    size_t n = fread(to, 1, FILE_MOST, file);
    fclose(file);
    return n;
}

static void write_file(const char *name, const char *from, size_t length)
{
    chmod(path_in(name), 0600);
    FILE *file = fopen(path_in(name), "w");
    assert_non_null(file);
    assert_int_equal(fwrite(from, 1, length, file), length);
    fclose(file);
}

static void remove_file(const char *name)
{
    assert_int_equal(unlink(path_in(name)), 0);
}

static void move(const char *name, const char *to)
{
    char from[256];
    strcpy(from, path_in(name));
    assert_int_equal(rename(from, path_in(to)), 0);
}

static bool is_there(const char *name)
{
    return access(path_in(name), F_OK) == 0;
}

static void store_path(const char *sha256, char *name)
{
    sprintf(name, "store/%s.so", sha256);
}

/* --- the store --- */

static void expect_no_code(struct nw_registry *registry, const char *sha256, int rc, const char *text)
{
    strcpy(why, "");
    assert_int_equal(nw_registry_open_code(registry, sha256, why, sizeof why), rc);
    if (!strstr(why, text) || !strstr(why, "deploy the same file again"))
        fail_msg("\"%s\" is not in \"%s\"", text, why);
}

/* Each way to damage the file of "code of a". */
static void change(const char *name)
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
    static void (*const ways[])(const char *) = {change,         truncate_it, lengthen,  empty,
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
    change(name);
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

/* --- the registry as a whole --- */

static void make_two(void)
{
    struct nw_registry *registry = open_registry();
    put(registry, "a", "code of a", 1);
    put(registry, "b", "code of b", 2);
    nw_registry_close(registry);
}

static bool are_two(const struct rows *rows)
{
    return rows->n == 2 && !strcmp(rows->row[0].name, "a") && !strcmp(rows->row[0].code, "code of a") &&
           rows->row[0].slots == 1 && !strcmp(rows->row[1].name, "b") && !strcmp(rows->row[1].code, "code of b") &&
           rows->row[1].slots == 2;
}

/* Opens it: both functions are there, and `text` is in what is said. */
static void expect_recovery(const char *text)
{
    struct nw_registry *registry = open_registry();
    struct rows rows = read_rows(registry);
    const char *notice = nw_registry_notice(registry);
    if (!are_two(&rows) || !notice || !strstr(notice, text))
        fail_msg("%d rows, and \"%s\" is not in \"%s\"", rows.n, text, notice ? notice : "");
    nw_registry_close(registry);
    registry = open_registry(); /* once only */
    assert_null(nw_registry_notice(registry));
    nw_registry_close(registry);
}

static void serves_the_copy_of_a_damaged_registry(void **state)
{
    (void)state;
    make_two();
    remove_file("registry");
    expect_recovery("is missing");
    write_file("registry", "", 0);
    expect_recovery("is empty");
    write_file("registry", "this is no database", 19);
    expect_recovery("registry.damaged");
    assert_true(is_there("registry.damaged"));
    assert_int_equal(files_in_store(), 2);
}

/* The copy may be a step behind: code that it lists and does not name may have been named since. */
static void keeps_code_that_the_copy_does_not_name_yet(void **state)
{
    (void)state;
    char copy[FILE_MOST], sha256[65];
    make_two();
    struct nw_registry *registry = open_registry();
    put(registry, "b", "code of b", 3);
    assert_int_equal(nw_registry_store(registry, "code of c", 9, sha256, why, sizeof why), 0);
    put(registry, "b", "code of b", 2);
    size_t length = read_file("registry.backup", copy);
    put(registry, "c", "code of c", 3);
    nw_registry_close(registry);
    write_file("registry.backup", copy, length);
    remove_file("registry");
    expect_recovery("is missing");
    assert_int_equal(files_in_store(), 3);
}

/* Without a copy: nothing is deployed, every file stays, now and at later starts, until it is deployed again. */
static void keeps_code_that_no_registry_knows(void **state)
{
    (void)state;
    make_two();
    write_file("registry", "this is no database", 19);
    write_file("registry.backup", "nor is this", 11);
    for (int i = 0; i < 3; i++) {
        struct nw_registry *registry = open_registry();
        assert_int_equal(read_rows(registry).n, 0);
        assert_int_equal(nw_registry_notice(registry) != NULL, i == 0);
        assert_non_null(strstr(nw_registry_store_notice(registry), "2 files"));
        assert_int_equal(files_in_store(), 2);
        nw_registry_close(registry);
    }
    assert_true(is_there("registry.damaged") && is_there("registry.backup.damaged"));
    make_two();
    struct nw_registry *registry = open_registry();
    assert_null(nw_registry_store_notice(registry));
    assert_int_equal(read_rows(registry).n, 2);
    nw_registry_close(registry);
}

static void keeps_code_when_the_registry_is_gone_with_its_copy(void **state)
{
    (void)state;
    make_two();
    remove_file("registry");
    remove_file("registry.backup");
    struct nw_registry *registry = open_registry();
    assert_non_null(strstr(nw_registry_notice(registry), "is missing"));
    assert_int_equal(files_in_store(), 2);
    nw_registry_close(registry);
}

static void touches_nothing_that_it_cannot_read(void **state)
{
    (void)state;
    make_two();
    move("registry", "elsewhere");
    assert_int_equal(mkdir(path_in("registry"), 0700), 0);
    assert_null(nw_registry_open(directory, why, sizeof why));
    assert_non_null(strstr(why, "nothing was changed or deleted"));
    assert_true(is_there("registry") && !is_there("registry.damaged"));
    assert_int_equal(files_in_store(), 2);
    assert_int_equal(rmdir(path_in("registry")), 0);
    remove_file("elsewhere");
    expect_recovery("is missing");
}

/* A registry of a version before there were checksums is taken over. */
static void takes_over_a_registry_without_checksum(void **state)
{
    (void)state;
    sqlite3 *db;
    make_two();
    assert_int_equal(sqlite3_open(path_in("registry"), &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "DROP TABLE code; DROP TABLE checksum", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    char old[FILE_MOST];
    size_t length = read_file("registry", old);
    expect_recovery("no checksum"); /* where there is a copy, there was one */
    write_file("registry", old, length);
    remove_file("registry.backup");
    struct nw_registry *registry = open_registry();
    struct rows rows = read_rows(registry);
    assert_true(are_two(&rows));
    assert_null(nw_registry_notice(registry));
    assert_null(nw_registry_store_notice(registry));
    assert_true(is_there("registry.backup"));
    nw_registry_close(registry);
}

/* --- bits --- */

/* Whatever became of it: the rows are right or those of the copy, all code is there, and, if `deploys`, the next
 * function can be deployed. */
static void expect_two(const char *what, size_t at, bool deploys)
{
    struct nw_registry *registry = nw_registry_open(directory, why, sizeof why);
    if (!registry)
        fail_msg("%s at %zu: %s", what, at, why);
    struct rows rows = read_rows(registry);
    if (!are_two(&rows) || files_in_store() != 2)
        fail_msg("%s at %zu: %d rows, %d files", what, at, rows.n, files_in_store());
    if (deploys)
        put(registry, "a", "code of a", 1);
    nw_registry_close(registry);
}

static void restore(const char *good, size_t length, const char *copy, size_t copy_length)
{
    static const char *const names[] = {"registry-journal", "registry.damaged", "registry.damaged-journal"};
    write_file("registry", good, length);
    write_file("registry.backup", copy, copy_length);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        unlink(path_in(names[i]));
}

/* One bit of each byte. Where there is nothing but zeros, not every one is followed by a deployment, which takes long.
 */
static void detects_flipped_bits(void **state)
{
    (void)state;
    static char good[FILE_MOST], copy[FILE_MOST];
    unsigned recovered = 0;
    make_two();
    size_t length = read_file("registry", good), copy_length = read_file("registry.backup", copy);
    for (size_t i = 0; i < length; i++) {
        good[i] ^= (char)(1 << i % 8);
        restore(good, length, copy, copy_length);
        good[i] ^= (char)(1 << i % 8);
        expect_two("a bit", i, good[i] || i % 8 == 0);
        recovered += is_there("registry.damaged");
    }
    print_message("%u of %zu flipped bits were told\n", recovered, length);
    assert_true(recovered > 500);
}

static void detects_truncation(void **state)
{
    (void)state;
    static char good[FILE_MOST], copy[FILE_MOST];
    make_two();
    size_t length = read_file("registry", good), copy_length = read_file("registry.backup", copy);
    for (size_t n = 0; n < length; n += 512) {
        restore(good, n, copy, copy_length);
        expect_two("cut off", n, true);
    }
}

/* A copy that is damaged is replaced, as long as the registry is whole. */
static void replaces_a_damaged_copy(void **state)
{
    (void)state;
    make_two();
    write_file("registry.backup", "no", 2);
    struct nw_registry *registry = open_registry();
    assert_null(nw_registry_notice(registry));
    nw_registry_close(registry);
    remove_file("registry");
    expect_recovery("is missing");
}

/* --- while it is in use --- */

static int try_put(struct nw_registry *registry, const char *code)
{
    struct nw_manifest manifest;
    char sha256[65];
    nw_manifest_init(&manifest);
    strcpy(manifest.name, "c");
    int rc = nw_registry_store(registry, code, strlen(code), sha256, why, sizeof why);
    if (!rc)
        rc = nw_registry_put(registry, &manifest, sha256, why, sizeof why);
    nw_manifest_fini(&manifest);
    return rc;
}

static void refuses_changes_when_it_was_deleted(void **state)
{
    (void)state;
    make_two();
    struct nw_registry *registry = open_registry();
    assert_true(nw__registry_is_there(registry));
    move("registry", "elsewhere");
    assert_false(nw__registry_is_there(registry));
    assert_int_equal(try_put(registry, "code of c"), -EIO);
    assert_non_null(strstr(why, "deleted or moved"));
    move("elsewhere", "registry");
    assert_true(nw__registry_is_there(registry));
    assert_int_equal(try_put(registry, "code of c"), 0);
    nw_registry_close(registry);
}

/* Damage while it is in use is neither kept nor copied. */
static void refuses_changes_when_it_was_damaged(void **state)
{
    (void)state;
    char bytes[FILE_MOST];
    make_two();
    struct nw_registry *registry = open_registry();
    size_t length = read_file("registry", bytes);
    char *slots = memmem(bytes, length, "\"slots\":2", 9);
    assert_non_null(slots);
    slots[8] = '3';
    bytes[27]++; /* the change counter, by which SQLite sees that its cache is old */
    write_file("registry", bytes, length);
    assert_int_equal(try_put(registry, "code of c"), -EIO);
    assert_non_null(strstr(why, "damaged while it was in use"));
    nw_registry_close(registry);
    expect_recovery("damaged");
}

/* --- kills --- */

_Noreturn static void recover_until_killed(int pipe_fd)
{
    for (unsigned i = 0;; i++) {
        if (i % 3)
            write_file("registry", "this is no database", i % 3 == 1 ? 19 : 0);
        else
            unlink(path_in("registry"));
        struct nw_registry *registry = open_registry();
        put(registry, "a", "code of a", 1);
        nw_registry_close(registry);
        unlink(path_in("registry.damaged"));
        if (write(pipe_fd, "", 1) != 1)
            _exit(1);
    }
}

static void survives_kills_while_it_recovers(void **state)
{
    (void)state;
    srand(2);
    make_two();
    for (int round = 0; round < KILLS; round++) {
        int fds[2];
        char byte;
        assert_int_equal(pipe(fds), 0);
        pid_t pid = fork();
        if (!pid)
            recover_until_killed(fds[1]);
        close(fds[1]);
        assert_int_equal(read(fds[0], &byte, 1), 1);
        nanosleep(&(struct timespec){0, (rand() % 20000) * 1000l}, NULL);
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
        close(fds[0]);
        expect_two("a kill in round", (size_t)round, true);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(never_serves_code_that_was_changed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(deploying_replaces_damaged_code, set_up, tear_down),
        cmocka_unit_test_setup_teardown(code_that_was_opened_cannot_change, set_up, tear_down),
        cmocka_unit_test_setup_teardown(says_that_code_is_missing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(serves_the_copy_of_a_damaged_registry, set_up, tear_down),
        cmocka_unit_test_setup_teardown(keeps_code_that_the_copy_does_not_name_yet, set_up, tear_down),
        cmocka_unit_test_setup_teardown(keeps_code_that_no_registry_knows, set_up, tear_down),
        cmocka_unit_test_setup_teardown(keeps_code_when_the_registry_is_gone_with_its_copy, set_up, tear_down),
        cmocka_unit_test_setup_teardown(touches_nothing_that_it_cannot_read, set_up, tear_down),
        cmocka_unit_test_setup_teardown(takes_over_a_registry_without_checksum, set_up, tear_down),
        cmocka_unit_test_setup_teardown(detects_flipped_bits, set_up, tear_down),
        cmocka_unit_test_setup_teardown(detects_truncation, set_up, tear_down),
        cmocka_unit_test_setup_teardown(replaces_a_damaged_copy, set_up, tear_down),
        cmocka_unit_test_setup_teardown(refuses_changes_when_it_was_deleted, set_up, tear_down),
        cmocka_unit_test_setup_teardown(refuses_changes_when_it_was_damaged, set_up, tear_down),
        cmocka_unit_test_setup_teardown(survives_kills_while_it_recovers, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("engine registry, damage", tests, NULL, NULL);
}
