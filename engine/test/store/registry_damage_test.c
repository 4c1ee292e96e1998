/* Damaged registries and stores: nothing wrong is served, nothing is deleted, and what is whole is served. */
#include "common/base/log.h"
#include "engine/store/store.h"
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
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <setjmp.h>

#include <cmocka.h>

#define KILLS 40

static char why[1024];

static void move(const char *name, const char *to)
{
    char from[256];
    strcpy(from, path_in(name));
    assert_int_equal(rename(from, path_in(to)), 0);
}

/* --- the registry as a whole --- */

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
    static char copy[FILE_MOST];
    char sha256[65];
    make_two();
    struct nw_registry *registry = open_registry();
    put(registry, "b", "code of b", 3);
    assert_int_equal(nw_registry_store(registry, "code of c", 9, sha256, why, sizeof why), 0);
    put(registry, "b", "code of b", 2);
    nw_registry_close(registry);
    size_t length = read_file("registry.backup", copy);
    registry = open_registry();
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
        assert_non_null(strstr(store_notice(registry), "2 files"));
        assert_int_equal(files_in_store(), 2);
        nw_registry_close(registry);
    }
    assert_true(is_there("registry.damaged") && is_there("registry.backup.damaged"));
    make_two();
    struct nw_registry *registry = open_registry();
    assert_null(store_notice(registry));
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
    static const char *const left[] = {"registry",         "registry-wal",         "registry.backup-wal",
                                       "registry.damaged", "registry.damaged-wal", "registry-wal.damaged"};
    for (size_t i = 0; i < sizeof left / sizeof left[0]; i++)
        unlink(path_in(left[i]));
    write_file("registry", good, length);
    write_file("registry.backup", copy, copy_length);
}

/* One bit of each byte. Of bytes that nothing uses, which are 0, not each one is tried, since that takes long. */
static void detects_flipped_bits(void **state)
{
    (void)state;
    static char good[FILE_MOST], copy[FILE_MOST];
    unsigned recovered = 0, tried = 0;
    make_two();
    size_t length = read_file("registry", good), copy_length = read_file("registry.backup", copy);
    for (size_t i = 0; i < length; i++) {
        if (!good[i] && i % 61)
            continue;
        good[i] ^= (char)(1 << i % 8);
        restore(good, length, copy, copy_length);
        good[i] ^= (char)(1 << i % 8);
        expect_two("a bit", i, i % 4 == 0);
        recovered += is_there("registry.damaged");
        tried++;
    }
    print_message("%u of %u flipped bits were told\n", recovered, tried);
    assert_true(recovered > tried / 2);
}

/* Bits of both files: what is whole in either is put together. */
static void puts_together_what_is_whole(void **state)
{
    (void)state;
    static char good[FILE_MOST], copy[FILE_MOST];
    make_two();
    size_t length = read_file("registry", good), copy_length = read_file("registry.backup", copy);
    char *a = memmem(good, length, "\"slots\":1", 9), *b = memmem(copy, copy_length, "\"slots\":2", 9);
    assert_true(a && b);
    a[8] ^= 1;
    b[8] ^= 1;
    restore(good, length, copy, copy_length);
    expect_two("one row of each file", 0, true);
    b = memmem(good, length, "\"slots\":2", 9);
    b[8] ^= 1;
    restore(good, length, copy, copy_length);
    struct nw_registry *registry = open_registry(); /* the row of b is damaged in both */
    struct rows rows = read_rows(registry);
    assert_int_equal(rows.n, 1);
    assert_string_equal(rows.row[0].code, "code of a");
    assert_non_null(strstr(nw_registry_notice(registry), "deploy again what"));
    assert_int_equal(files_in_store(), 2);
    nw_registry_close(registry);
}

static void detects_truncation(void **state)
{
    (void)state;
    static char good[FILE_MOST], copy[FILE_MOST];
    make_two();
    size_t length = read_file("registry", good), copy_length = read_file("registry.backup", copy);
    for (size_t n = 0; n < length; n += 256) {
        restore(good, n, copy, copy_length);
        expect_two("cut off", n, true);
    }
}

static int unlink_code(const char *code)
{
    char sha256[65], name[80];
    nw__store_name(code, strlen(code), sha256);
    store_path(sha256, name);
    return unlink(path_in(name));
}

static void alter(const char *text)
{
    sqlite3 *db;
    assert_int_equal(sqlite3_open(path_in("registry"), &db), SQLITE_OK);
    sql(db, text);
    sqlite3_close(db);
}

/* A file that is consistent but older than what was written, as when the disk lost a write. */
static void notices_that_rows_are_lacking_or_old(void **state)
{
    (void)state;
    static const char *const ways[] = {
        "DELETE FROM functions WHERE name = 'a'",
        "UPDATE functions SET manifest = replace(manifest, '\"slots\":2', '\"slots\":3') WHERE name = 'b'",
        "UPDATE functions SET sha256 = (SELECT max(sha256) FROM functions)",
        "UPDATE functions SET number = 2 WHERE name = 'a'",
        "DELETE FROM functions WHERE name = 'b'; UPDATE seal SET total = zeroblob(16)",
        "UPDATE seal SET change = 100",
        "DELETE FROM seal",
        "DROP TABLE code",
        "DROP INDEX by_code",
    };
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        static char good[FILE_MOST], copy[FILE_MOST];
        make_two();
        size_t length = read_file("registry", good), copy_length = read_file("registry.backup", copy);
        restore(good, length, copy, copy_length);
        alter(ways[i]);
        expect_recovery("registry.damaged");
    }
}

/* What was being written when the machine stopped was never reported as done: nobody is told. */
static void cuts_off_what_was_not_written_to_its_end(void **state)
{
    (void)state;
    static struct left before, after, copy;
    make_two();
    struct nw_registry *registry = open_registry();
    put(registry, "b", "code of b", 2);
    take_left("registry", &before);
    take_left("registry.backup", &copy);
    put(registry, "c", "code of c", 3);
    take_left("registry", &after);
    nw_registry_close(registry);
    assert_int_equal(unlink_code("code of c"), 0);
    assert_true(after.log_length > before.log_length);
    size_t end = after.log_length;
    for (size_t n = before.log_length; n < end; n += 128) {
        restore(after.file, after.length, copy.file, copy.length);
        after.log_length = n;
        put_left("registry", &after);
        put_left("registry.backup", &copy);
        registry = open_registry();
        struct rows rows = read_rows(registry);
        assert_true(are_two(&rows));
        assert_null(nw_registry_notice(registry));
        assert_false(is_there("registry.damaged"));
        put(registry, "a", "code of a", 1);
        nw_registry_close(registry);
        expect_two("after a change that was cut off", n, false);
    }
}

/* What was reported as done, and is lost, is in the copy. */
static void tells_of_damage_at_the_end(void **state)
{
    (void)state;
    static struct left left, copy;
    make_two();
    struct nw_registry *registry = open_registry();
    put(registry, "b", "code of b", 1);
    put(registry, "b", "code of b", 2);
    take_left("registry", &left);
    take_left("registry.backup", &copy);
    nw_registry_close(registry);
    for (int way = 0; way < 2; way++) {
        restore(left.file, left.length, copy.file, copy.length);
        if (way)
            left.log_length -= 100;
        else
            left.log[left.log_length - 100] ^= 1;
        put_left("registry", &left);
        put_left("registry.backup", &copy);
        expect_recovery("registry.damaged");
    }
}

/* The functions "c" to "h", which were reported as done and are only in the log. */
static void deploy_six(struct nw_registry *registry)
{
    char name[2] = "c", code[] = "code of c";
    for (; *name <= 'h'; ++*name) {
        code[sizeof code - 2] = *name;
        put(registry, name, code, 3);
    }
}

/* Right rows or, unless the copy is `good`, a notice; and all code. `bit`: of the log, which was not written so;
 * `copy`: NULL, or what there is. */
static void expect_eight(struct left *left, size_t bit, const struct left *copy, bool good)
{
    static const char *const aside[] = {"registry.damaged", "registry.damaged-wal", "registry-wal.damaged",
                                        "registry.backup", "registry.backup-wal"};
    for (size_t i = 0; i < sizeof aside / sizeof aside[0]; i++)
        unlink(path_in(aside[i]));
    left->log[bit / 8] ^= (char)(1 << bit % 8);
    put_left("registry", left);
    left->log[bit / 8] ^= (char)(1 << bit % 8);
    if (copy)
        put_left("registry.backup", copy);
    struct nw_registry *registry = open_registry();
    struct rows rows = read_rows(registry);
    if ((rows.n != 8 && (good || !nw_registry_notice(registry))) || files_in_store() != 8)
        fail_msg("bit %zu: %d rows, %d files, notice: %s", bit, rows.n, files_in_store(), nw_registry_notice(registry));
    nw_registry_close(registry);
    registry = open_registry();
    assert_int_equal(files_in_store(), 8);
    nw_registry_close(registry);
}

#define LOG_HEAD   32 /* bytes of SQLite's log; frames follow */
#define FRAME_HEAD 24 /* and then a page */
#define FRAME      (FRAME_HEAD + 4096)

/* SQLite takes the first frame that is not right for the end of its log, silently. Each byte of heads, and some of
 * pages; without a copy, with one, and with one whose log is damaged, too. */
static void notices_flipped_bits_in_the_log(void **state)
{
    (void)state;
    static struct left left, copy, bad;
    make_two();
    struct nw_registry *registry = open_registry();
    deploy_six(registry);
    take_left("registry", &left);
    take_left("registry.backup", &copy);
    nw_registry_close(registry);
    bad = copy;
    bad.log[bad.log_length / 2] ^= 1;
    assert_int_equal(files_in_store(), 8);
    assert_true(left.log_length > 100000);
    for (size_t at = 0, n = 0; at < left.log_length; n++) {
        const struct left *const copies[] = {NULL, &copy, &bad};
        expect_eight(&left, 8 * at + n % 8, copies[n % 3], n % 3 == 1);
        bool head = at < LOG_HEAD || (at - LOG_HEAD) % FRAME < FRAME_HEAD;
        at += head ? 1 : 731;
    }
}

/* A start that cannot make another registry leaves the log as it is: the next one must notice it again. */
static void keeps_a_damaged_log(void **state)
{
    (void)state;
    static struct left left, found;
    make_two();
    struct nw_registry *registry = open_registry();
    deploy_six(registry);
    take_left("registry", &left);
    nw_registry_close(registry);
    left.log[left.log_length / 2] ^= 1;
    remove_file("registry.backup");
    put_left("registry", &left);
    assert_int_equal(mkdir(path_in("registry.new"), 0700), 0);
    assert_null(nw_registry_open(directory, why, sizeof why));
    take_left("registry", &found);
    assert_int_equal(found.log_length, left.log_length);
    assert_memory_equal(found.log, left.log, left.log_length);
    assert_int_equal(rmdir(path_in("registry.new")), 0);
    registry = open_registry();
    assert_non_null(strstr(nw_registry_notice(registry), "its log is not what was written"));
    assert_int_equal(files_in_store(), 8);
    assert_int_equal(read_file("registry-wal.damaged", found.log), left.log_length);
    assert_memory_equal(found.log, left.log, left.log_length);
    nw_registry_close(registry);
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
        rc = change(registry, "c", &manifest, sha256, why, sizeof why);
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
    registry = open_registry();
    assert_null(nw_registry_notice(registry));
    nw_registry_close(registry);
}

/* What somebody else writes there is neither kept nor covered. */
static void refuses_changes_when_it_was_damaged(void **state)
{
    (void)state;
    static char bytes[FILE_MOST];
    make_two();
    struct nw_registry *registry = open_registry();
    size_t length = read_file("registry", bytes);
    FILE *file = fopen(path_in("registry"), "r+");
    assert_int_equal(ftruncate(fileno(file), (off_t)length - 1), 0);
    fclose(file);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(try_put(registry, "code of c"), -EIO);
        assert_non_null(strstr(why, "damaged while it was in use"));
    }
    nw_registry_close(registry);
    expect_two("damage while it was in use", 0, true);
}

/* Changed bytes are found at the next start, or written over; whatever was changed since is kept. */
static void finds_damage_that_was_done_while_it_was_in_use(void **state)
{
    (void)state;
    static char bytes[FILE_MOST];
    make_two();
    struct nw_registry *registry = open_registry();
    size_t length = read_file("registry", bytes);
    const char *slots = memmem(bytes, length, "\"slots\":2", 9);
    assert_non_null(slots);
    FILE *file = fopen(path_in("registry"), "r+");
    assert_int_equal(pwrite(fileno(file), "3", 1, slots + 8 - bytes), 1);
    fclose(file);
    put(registry, "a", "code of a", 1);
    nw_registry_close(registry);
    expect_two("damage while it was in use", 0, true);
}

/* Nothing is left of a change that did not fit on the disk, and later ones fit. */
static void a_full_disk_changes_nothing(void **state)
{
    (void)state;
    static char large[60000];
    char sha256[65];
    struct nw_manifest manifest;
    struct rlimit before, limit;
    make_two();
    struct nw_registry *registry = open_registry();
    memset(large, 'x', sizeof large - 1);
    nw_manifest_init(&manifest);
    strcpy(manifest.name, "c");
    strcpy(large, "BIG=");
    large[4] = 'x';
    large[20000] = '\0';
    assert_int_equal(nw_manifest_set(&manifest, "env", large, why, sizeof why), 0);
    assert_int_equal(nw_registry_store(registry, "code of c", 9, sha256, why, sizeof why), 0);
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    limit = before;
    limit.rlim_cur = 45000; /* a write beyond is cut there, and the next one fails */
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    assert_int_equal(change(registry, "c", &manifest, sha256, why, sizeof why), -EIO);
    assert_non_null(strstr(why, "cannot write to the registry"));
    nw_registry_forget(registry, sha256);
    put(registry, "a", "code of a", 1); /* a small one fits */
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    nw_registry_close(registry);
    registry = open_registry();
    struct rows rows = read_rows(registry);
    assert_true(are_two(&rows));
    assert_null(nw_registry_notice(registry));
    assert_int_equal(change(registry, "c", &manifest, sha256, why, sizeof why), -ENOENT); /* there is no code */
    nw_registry_close(registry);
    nw_manifest_fini(&manifest);
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
        cmocka_unit_test_setup_teardown(serves_the_copy_of_a_damaged_registry, set_up, tear_down),
        cmocka_unit_test_setup_teardown(keeps_code_that_the_copy_does_not_name_yet, set_up, tear_down),
        cmocka_unit_test_setup_teardown(keeps_code_that_no_registry_knows, set_up, tear_down),
        cmocka_unit_test_setup_teardown(keeps_code_when_the_registry_is_gone_with_its_copy, set_up, tear_down),
        cmocka_unit_test_setup_teardown(touches_nothing_that_it_cannot_read, set_up, tear_down),
        cmocka_unit_test_setup_teardown(detects_flipped_bits, set_up, tear_down),
        cmocka_unit_test_setup_teardown(puts_together_what_is_whole, set_up, tear_down),
        cmocka_unit_test_setup_teardown(detects_truncation, set_up, tear_down),
        cmocka_unit_test_setup_teardown(notices_that_rows_are_lacking_or_old, set_up, tear_down),
        cmocka_unit_test_setup_teardown(cuts_off_what_was_not_written_to_its_end, set_up, tear_down),
        cmocka_unit_test_setup_teardown(tells_of_damage_at_the_end, set_up, tear_down),
        cmocka_unit_test_setup_teardown(notices_flipped_bits_in_the_log, set_up, tear_down),
        cmocka_unit_test_setup_teardown(keeps_a_damaged_log, set_up, tear_down),
        cmocka_unit_test_setup_teardown(replaces_a_damaged_copy, set_up, tear_down),
        cmocka_unit_test_setup_teardown(refuses_changes_when_it_was_deleted, set_up, tear_down),
        cmocka_unit_test_setup_teardown(refuses_changes_when_it_was_damaged, set_up, tear_down),
        cmocka_unit_test_setup_teardown(finds_damage_that_was_done_while_it_was_in_use, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_full_disk_changes_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(survives_kills_while_it_recovers, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("engine registry, damage", tests, NULL, NULL);
}
