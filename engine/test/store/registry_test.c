/* The registry: what it keeps, and that a kill at any moment leaves it whole. Damage is in registry_damage_test.c. */
#include "engine/test/store/registry_help.h"
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <setjmp.h>

#include <cmocka.h>

#define KILLS 60

static char why[1024];

static void keeps_rows_and_code(void **state)
{
    (void)state;
    struct nw_registry *registry = open_registry();
    put(registry, "b", "code of b", 3);
    put(registry, "a", "code of a", 1);
    put(registry, "b", "new code of b", 4);
    nw_registry_close(registry);

    registry = open_registry();
    struct rows rows = read_rows(registry);
    assert_int_equal(rows.n, 2);
    assert_string_equal(rows.row[0].name, "a");
    assert_string_equal(rows.row[0].code, "code of a");
    assert_string_equal(rows.row[1].code, "new code of b");
    assert_int_equal(rows.row[1].slots, 4);
    assert_int_equal(files_in_store(), 2); /* the old code of b was removed when it was opened */

    assert_int_equal(change(registry, "a", NULL, NULL, why, sizeof why), 0);
    nw_registry_forget(registry, rows.row[0].sha256);
    nw_registry_forget(registry, rows.row[1].sha256); /* named by a row: stays */
    assert_int_equal(files_in_store(), 1);
    assert_int_equal(read_rows(registry).n, 1);
    nw_registry_close(registry);
}

static void shares_equal_code(void **state)
{
    (void)state;
    struct nw_registry *registry = open_registry();
    put(registry, "x", "same", 1);
    put(registry, "y", "same", 2);
    assert_int_equal(files_in_store(), 1);
    nw_registry_close(registry);
}

static void says_why_it_cannot_open(void **state)
{
    (void)state;
    assert_null(nw_registry_open("/proc/nothing", why, sizeof why));
    assert_non_null(strstr(why, "/proc/nothing"));
}

static mode_t mode_of(const char *name)
{
    char path[128];
    struct stat st;
    snprintf(path, sizeof path, "%s/%s", directory, name);
    assert_int_equal(stat(path, &st), 0);
    return st.st_mode & 0777;
}

static void make_for_all(const char *name)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    FILE *file = fopen(path, "a");
    assert_non_null(file);
    fclose(file);
    assert_int_equal(chmod(path, 0666), 0);
}

/* Rows hold the environments of functions. Whatever the umask is, and also what an engine before made for all. */
static void keeps_rows_from_others(void **state)
{
    (void)state;
    mode_t mask = umask(0);
    struct nw_registry *registry = open_registry();
    put(registry, "f", "code", 1);
    assert_int_equal(mode_of("registry"), 0600);
    assert_int_equal(mode_of("registry.backup"), 0600);
    assert_int_equal(mode_of("store"), 0700);
    nw_registry_close(registry);
    make_for_all("registry");
    make_for_all("registry.backup");
    make_for_all("registry.copy");
    make_for_all("other");
    registry = open_registry();
    assert_int_equal(mode_of("registry"), 0600);
    assert_int_equal(mode_of("registry.copy"), 0600);
    assert_int_equal(mode_of("other"), 0666);
    assert_int_equal(read_rows(registry).n, 1);
    nw_registry_close(registry);
    umask(mask);
}

/* One change that cannot be made keeps none of the others from being made. */
static void applies_changes_together(void **state)
{
    (void)state;
    static const char *const names[] = {"a", "b", "c"};
    struct nw_manifest manifests[3];
    struct nw_registry_change changes[4], *all[4];
    char texts[4][256], sha256[65];
    struct nw_registry *registry = open_registry();
    put(registry, "gone", "code", 1);
    assert_int_equal(nw_registry_store(registry, "code", 4, sha256, why, sizeof why), 0);
    for (int i = 0; i < 4; i++) {
        changes[i] = (struct nw_registry_change){.name = "gone", .rc = 1, .why = texts[i], .why_size = sizeof texts[i]};
        all[i] = &changes[i];
    }
    for (int i = 0; i < 3; i++) {
        nw_manifest_init(&manifests[i]);
        strcpy(manifests[i].name, names[i]);
        assert_int_equal(nw_manifest_set(&manifests[i], "env", "KEY=a \"value\"", why, sizeof why), 0);
        changes[i].name = names[i];
        changes[i].manifest = &manifests[i];
        changes[i].sha256 = sha256;
    }
    changes[1].sha256 = "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"; /* is not there */
    nw_registry_apply(registry, all, 4);
    assert_int_equal(changes[0].rc, 0);
    assert_int_equal(changes[1].rc, -ENOENT);
    assert_non_null(strstr(texts[1], "cannot write the code"));
    assert_int_equal(changes[2].rc, 0);
    assert_int_equal(changes[3].rc, 0);
    nw_registry_close(registry);
    registry = open_registry();
    struct rows rows = read_rows(registry);
    assert_int_equal(rows.n, 2);
    assert_string_equal(rows.row[0].name, "a");
    assert_string_equal(rows.row[1].name, "c");
    nw_registry_close(registry);
    for (int i = 0; i < 3; i++)
        nw_manifest_fini(&manifests[i]);
}

static long size_of(const char *name)
{
    struct stat st;
    assert_int_equal(stat(path_in(name), &st), 0);
    return (long)st.st_size;
}

/* With its log, which is part of it while it is in use. */
static long size_with_log(const char *name)
{
    char log[64];
    snprintf(log, sizeof log, "%s-wal", name);
    return size_of(name) + (is_there(log) ? size_of(log) : 0);
}

/* What does not count any more makes room for what comes, also in the copy. */
static void does_not_grow_without_end(void **state)
{
    (void)state;
    struct nw_registry *registry = open_registry();
    long largest = 0;
    put(registry, "kept", "code", 7);
    for (unsigned i = 0; i < 5000; i++) {
        put(registry, "often", "code", 1 + i % 64);
        long size = i % 100 ? 0 : size_with_log("registry") + size_with_log("registry.backup");
        largest = size > largest ? size : largest;
    }
    assert_true(largest > 1000000 && largest < 12 << 20);
    nw_registry_close(registry);
    assert_true(size_of("registry") < 100000 && size_of("registry.backup") < 100000);
    registry = open_registry();
    struct rows rows = read_rows(registry);
    assert_int_equal(rows.n, 2);
    assert_int_equal(rows.row[0].slots, 7);
    assert_int_equal(rows.row[1].slots, 1 + 4999 % 64);
    assert_null(nw_registry_notice(registry));
    nw_registry_close(registry);
}

/* Deploys and removes without end; the pipe carries the number of each step that is durable. */
_Noreturn static void write_until_killed(int pipe_fd, unsigned first)
{
    struct nw_registry *registry = open_registry();
    for (unsigned i = first;; i++) {
        char name[16], code[64];
        snprintf(name, sizeof name, "f%u", i % 4);
        snprintf(code, sizeof code, "code number %u", i);
        if (i % 7 == 6)
            change(registry, name, NULL, NULL, why, sizeof why);
        else
            put(registry, name, code, 1 + i % 64);
        if (write(pipe_fd, &i, sizeof i) != sizeof i)
            _exit(1);
    }
}

/* What the rows must be after step `last`. */
static void expect_step(const struct rows *rows, unsigned last, bool *matches)
{
    int n = 0;
    *matches = true;
    for (unsigned slot = 0; slot < 4; slot++) {
        unsigned step = last;
        while (step % 4 != slot && step)
            step--;
        if (step % 4 != slot || step % 7 == 6)
            continue;
        char code[64], name[16];
        snprintf(code, sizeof code, "code number %u", step);
        snprintf(name, sizeof name, "f%u", slot);
        bool found = false;
        for (int i = 0; i < rows->n; i++)
            found |= !strcmp(rows->row[i].name, name) && !strcmp(rows->row[i].code, code) &&
                     rows->row[i].slots == 1 + step % 64;
        *matches &= found;
        n++;
    }
    *matches &= n == rows->n;
}

/* After a kill the rows are those of the last step that was reported, or of the one that was under way. */
static void survives_kills(void **state)
{
    (void)state;
    unsigned last = 3, reported;
    srand(1);
    struct nw_registry *registry = open_registry();
    for (unsigned i = 0; i < 4; i++) {
        char name[16], code[64];
        snprintf(name, sizeof name, "f%u", i);
        snprintf(code, sizeof code, "code number %u", i);
        put(registry, name, code, 1 + i);
    }
    nw_registry_close(registry);
    for (int round = 0; round < KILLS; round++) {
        int fds[2];
        assert_int_equal(pipe(fds), 0);
        pid_t pid = fork();
        if (!pid)
            write_until_killed(fds[1], last + 1);
        close(fds[1]);
        struct timespec pause = {0, (rand() % 20000) * 1000l};
        assert_int_equal(read(fds[0], &reported, sizeof reported), sizeof reported);
        nanosleep(&pause, NULL);
        kill(pid, SIGKILL);
        last = reported;
        while (read(fds[0], &reported, sizeof reported) == sizeof reported)
            last = reported;
        close(fds[0]);
        waitpid(pid, NULL, 0);

        registry = open_registry();
        struct rows rows = read_rows(registry);
        assert_null(nw_registry_notice(registry));
        assert_null(store_notice(registry));
        nw_registry_close(registry);
        bool before, after;
        expect_step(&rows, last, &before);
        expect_step(&rows, last + 1, &after);
        if (!before && !after)
            fail_msg("round %d: the rows are neither those of step %u nor of the next", round, last);
        assert_true(files_in_store() <= rows.n); /* two rows may share code, none is left behind */
        last += !before;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(keeps_rows_and_code, set_up, tear_down),
        cmocka_unit_test_setup_teardown(shares_equal_code, set_up, tear_down),
        cmocka_unit_test_setup_teardown(says_why_it_cannot_open, set_up, tear_down),
        cmocka_unit_test_setup_teardown(keeps_rows_from_others, set_up, tear_down),
        cmocka_unit_test_setup_teardown(applies_changes_together, set_up, tear_down),
        cmocka_unit_test_setup_teardown(does_not_grow_without_end, set_up, tear_down),
        cmocka_unit_test_setup_teardown(survives_kills, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("engine registry", tests, NULL, NULL);
}
