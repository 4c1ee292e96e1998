/* Files of snapshots: two threads that keep the same one, and what nobody has any more at the next start. */
#include "engine/store/snapshots.h"
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#define CODE  "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define RANGE 4096
#define TIMES 500

static char folder[64];
static struct nw_snapshots *snapshots;
static int file;

static int set_up(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/nw-snapshots-XXXXXX");
    assert_non_null(mkdtemp(folder));
    snapshots = nw_snapshots_open(folder);
    assert_non_null(snapshots);
    file = memfd_create("snapshot", MFD_CLOEXEC);
    assert_int_equal(write(file, "memory", 6), 6);
    return 0;
}

static int tear_down(void **state)
{
    char command[96];
    (void)state;
    nw_snapshots_close(snapshots);
    close(file);
    snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command);
}

static bool is_kept(const char *name)
{
    uint64_t range = 0;
    int fd = nw_snapshots_get(snapshots, name, &range);
    if (fd >= 0)
        close(fd);
    return fd >= 0 && range == RANGE;
}

static void *keep(void *arg)
{
    for (int i = 0; i < TIMES; i++)
        if (nw_snapshots_put(snapshots, arg, file, RANGE) < 0)
            return arg;
    return NULL;
}

static void two_keep_the_same(void **state)
{
    (void)state;
    char name[NW_SNAPSHOT_NAME];
    pthread_t thread;
    void *failed;
    nw_snapshots_name(CODE, "a", 1, name);
    assert_int_equal(pthread_create(&thread, NULL, keep, name), 0);
    void *own = keep(name);
    assert_int_equal(pthread_join(thread, &failed), 0);
    assert_null(failed);
    assert_null(own);
    assert_true(is_kept(name));
}

static void other_settings_of_the_same_code_are_swept(void **state)
{
    (void)state;
    char used[NW_SNAPSHOT_NAME], gone[NW_SNAPSHOT_NAME];
    nw_snapshots_name(CODE, "used", 4, used);
    nw_snapshots_name(CODE, "gone", 4, gone);
    assert_int_equal(nw_snapshots_put(snapshots, used, file, RANGE), 0);
    assert_int_equal(nw_snapshots_put(snapshots, gone, file, RANGE), 0);
    struct nw_snapshot_files *files = nw_snapshots_list(snapshots);
    assert_non_null(files);
    assert_true(nw_snapshot_files_have(files, CODE));
    assert_false(nw_snapshot_files_have(files, "f" CODE));
    nw_snapshot_files_use(files, used);
    nw_snapshot_files_sweep(files);
    nw_snapshot_files_free(files);
    assert_true(is_kept(used));
    assert_false(is_kept(gone));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(two_keep_the_same, set_up, tear_down),
        cmocka_unit_test_setup_teardown(other_settings_of_the_same_code_are_swept, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("engine snapshots", tests, NULL, NULL);
}
