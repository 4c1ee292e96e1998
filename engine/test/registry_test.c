/* The registry: what it keeps, and that a kill at any moment leaves it whole. */
#include "common/log.h"
#include "engine/registry.h"
#include <dirent.h>
#include <errno.h>
#include <ftw.h>
#include <openssl/evp.h>
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

static char directory[64];
static char why[512];

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st, (void)type, (void)ftw;
    return remove(path);
}

static int set_up(void **state)
{
    (void)state;
    strcpy(directory, "/tmp/nw-registry-test-XXXXXX");
    return mkdtemp(directory) ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    return nftw(directory, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

static struct nw_registry *open_registry(void)
{
    struct nw_registry *registry = nw_registry_open(directory, why, sizeof why);
    if (!registry)
        fail_msg("%s", why);
    return registry;
}

static void put(struct nw_registry *registry, const char *name, const char *code, unsigned slots)
{
    struct nw_manifest manifest;
    char sha256[65];
    nw_manifest_init(&manifest);
    strcpy(manifest.name, name);
    manifest.slots = slots;
    assert_int_equal(nw_manifest_set(&manifest, "env", "KEY=a \"value\"", why, sizeof why), 0);
    assert_int_equal(nw_registry_store(registry, code, strlen(code), sha256, why, sizeof why), 0);
    assert_int_equal(nw_registry_put(registry, &manifest, sha256, why, sizeof why), 0);
    nw_manifest_fini(&manifest);
}

struct row {
    char name[64], sha256[65], code[256];
    unsigned slots;
};

struct rows {
    struct nw_registry *registry;
    struct row row[16];
    int n;
};

/* Every row must be servable: its code is there and is what its hash says. */
static void take_row(void *arg, struct nw_manifest *manifest, const char *sha256)
{
    struct rows *rows = arg;
    struct row *row = &rows->row[rows->n++];
    unsigned char digest[32];
    strcpy(row->name, manifest->name);
    strcpy(row->sha256, sha256);
    row->slots = manifest->slots;
    assert_string_equal(manifest->env.data, "KEY=a \"value\"");
    int fd = nw_registry_open_code(rows->registry, sha256);
    assert_true(fd >= 0);
    ssize_t n = read(fd, row->code, sizeof row->code - 1);
    close(fd);
    assert_true(n >= 0);
    EVP_Digest(row->code, (size_t)n, digest, NULL, EVP_sha256(), NULL);
    for (int i = 0; i < 32; i++) {
        char hex[3];
        snprintf(hex, sizeof hex, "%02x", digest[i]);
        assert_memory_equal(hex, sha256 + 2 * i, 2);
    }
}

static struct rows read_rows(struct nw_registry *registry)
{
    struct rows rows = {.registry = registry};
    assert_int_equal(nw_registry_each(registry, take_row, &rows, why, sizeof why), 0);
    return rows;
}

static int files_in_store(void)
{
    char path[128];
    snprintf(path, sizeof path, "%s/store", directory);
    DIR *dir = opendir(path);
    int n = 0;
    for (struct dirent *entry; (entry = readdir(dir));)
        n += entry->d_name[0] != '.';
    closedir(dir);
    return n;
}

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

    assert_int_equal(nw_registry_delete(registry, "a", why, sizeof why), 0);
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
    char path[128];
    assert_null(nw_registry_open("/proc/nothing", why, sizeof why));
    assert_non_null(strstr(why, "/proc/nothing"));
    snprintf(path, sizeof path, "%s/registry", directory);
    FILE *file = fopen(path, "w");
    for (int i = 0; i < 1000; i++)
        fputs("this is no database ", file);
    fclose(file);
    assert_null(nw_registry_open(directory, why, sizeof why));
    assert_non_null(strstr(why, "not a database"));
    unlink(path);
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
    assert_int_equal(mode_of("store"), 0700);
    nw_registry_close(registry);
    make_for_all("registry");
    make_for_all("registry-journal");
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

/* Deploys and removes without end; the pipe carries the number of each step that is durable. */
_Noreturn static void write_until_killed(int pipe_fd, unsigned first)
{
    struct nw_registry *registry = open_registry();
    for (unsigned i = first;; i++) {
        char name[16], code[64];
        snprintf(name, sizeof name, "f%u", i % 4);
        snprintf(code, sizeof code, "code number %u", i);
        if (i % 7 == 6)
            nw_registry_delete(registry, name, why, sizeof why);
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

/* What sqlite writes beside the rows while they change holds them, too. */
static void keeps_the_journal_from_others(void **state)
{
    (void)state;
    mode_t mask = umask(0);
    struct nw_registry *registry = open_registry();
    unsigned reported;
    int fds[2];
    nw_registry_close(registry);
    assert_int_equal(pipe(fds), 0);
    pid_t pid = fork();
    if (!pid)
        write_until_killed(fds[1], 0);
    close(fds[1]);
    int seen = 0;
    for (int looks = 0; looks < 100000 && seen < 10; looks++) {
        char path[128];
        struct stat st;
        snprintf(path, sizeof path, "%s/registry-journal", directory);
        if (stat(path, &st) < 0)
            continue;
        assert_int_equal(st.st_mode & 0777, 0600);
        seen++;
    }
    kill(pid, SIGKILL);
    while (read(fds[0], &reported, sizeof reported) > 0)
        continue;
    close(fds[0]);
    waitpid(pid, NULL, 0);
    umask(mask);
    assert_true(seen > 0);
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
        cmocka_unit_test_setup_teardown(keeps_the_journal_from_others, set_up, tear_down),
        cmocka_unit_test_setup_teardown(survives_kills, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("engine registry", tests, NULL, NULL);
}
