/* Record locks of functions of profile files, in a live worker, in modes mpk and process: see filer.c. */
#include "common/manifest/manifest.h"
#include "common/manifest/resources.h"
#include "common/test/test.h"
#include "worker/test/calls/probe_host.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ask nw_probe_ask

static char file[64]; /* of the test, in a directory that is granted */
static int fd;
static struct nw_load filer;

static int start(void **state)
{
    static char list[40];

    (void)state;
    nw_probe_folder_make();
    snprintf(list, sizeof(list), "%s:rw", nw_probe_folder);
    snprintf(file, sizeof(file), "%s/f", nw_probe_folder);
    fd = open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    filer = (struct nw_load){.name = "filer",
                             .so = nw_probe_built("filer"),
                             .slots = 2,
                             .timeout_ms = 20000,
                             .profile = NW_PROFILE_FILES,
                             .directories = list};
    nw_harness_start(&nw_probe.harness, nw_probe.mode, 2);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    nw_harness_stop(&nw_probe.harness);
    close(fd);
    nw_probe_folder_remove();
    return 0;
}

static uint32_t load(const char *name)
{
    filer.name = name;
    nw_probe.deployment = nw_harness_load(&nw_probe.harness, &filer);
    if (!nw_probe.deployment)
        fail_msg("refused: %s", nw_probe.harness.message.text);
    return nw_probe.deployment;
}

/* A second domain in the same worker, and what it answers. */
static uint32_t load_neighbour(void)
{
    if (nw_probe.mode == NW_MODE_PROCESS) {
        print_message("a worker has one domain in mode process\n");
        skip();
    }
    return load("neighbour");
}

static void switch_to(uint32_t deployment)
{
    nw_probe.deployment = deployment;
}

static int opened(int flags)
{
    const char *answer = ask("open %s %d", file, flags);

    if (answer[0] < '0' || answer[0] > '9')
        fail_msg("open: %s", answer);
    return atoi(answer);
}

/* Which of these places of the file this process could lock. */
static int own(short type, off_t at, off_t length)
{
    struct flock lock = {.l_type = type, .l_whence = SEEK_SET, .l_start = at, .l_len = length};

    return fcntl(fd, F_SETLK, &lock) < 0 ? -errno : 0;
}

/* The same, when whoever has it gives it back. */
static int own_later(short type, off_t at, off_t length)
{
    struct flock lock = {.l_type = type, .l_whence = SEEK_SET, .l_start = at, .l_len = length};

    return fcntl(fd, F_SETLKW, &lock) < 0 ? -errno : 0;
}

static void other_processes_are_excluded(void **state)
{
    int f;

    (void)state;
    load("filer");
    f = opened(O_RDWR);
    assert_string_equal(ask("lock %d set w 0 10", f), "ok");
    assert_int_equal(own(F_WRLCK, 9, 1), -EAGAIN);
    assert_int_equal(own(F_WRLCK, 10, 5), 0);
    assert_string_equal(ask("lock %d set r 12 1", f), "EAGAIN");
    assert_string_equal(ask("lock %d get r 0 0", f), "w 10 5 -1");
    assert_string_equal(ask("lock %d get r 0 10", f), "u 0 10 0");
    assert_string_equal(ask("lock %d set u 3 1", f), "ok");
    assert_int_equal(own(F_WRLCK, 3, 1), 0);
    assert_string_equal(ask("lock %d set r 0 3", f), "ok");
    assert_int_equal(own(F_RDLCK, 0, 3), 0);
    assert_string_equal(ask("lockf %d 100 -10", f), "ok"); /* 90 to 99 */
    assert_int_equal(own(F_RDLCK, 90, 1), -EAGAIN);
    assert_int_equal(own(F_RDLCK, 100, 1), 0);
    assert_string_equal(ask("lockf %d 5 -10", f), "EINVAL");
    assert_string_equal(ask("lock %d set w 0x7ffffffffffffff0 0x20", f), "EOVERFLOW");
    assert_string_equal(ask("lock %d set x 0 1", f), "EINVAL");
    assert_string_equal(ask("close %d", f), "ok");
    assert_int_equal(own(F_WRLCK, 0, 0), 0);
}

static void a_file_is_locked_for_what_it_is_open_for(void **state)
{
    (void)state;
    load("filer");
    assert_string_equal(ask("lock %d set w 0 1", opened(O_RDONLY)), "EBADF");
    assert_string_equal(ask("lock %d set r 0 1", opened(O_WRONLY)), "EBADF");
    assert_string_equal(ask("lock %d set r 0 1", opened(O_RDONLY)), "ok");
    assert_string_equal(ask("lock %d set w 0 1", opened(O_WRONLY)), "ok"); /* the same owner */
    assert_string_equal(ask("lock 99 set w 0 1"), "EBADF");
}

/* As with a process: its descriptors have the same locks. Unlike there only those that took them can lose them. */
static void descriptors_of_a_domain_share_its_locks(void **state)
{
    int one, two, copy;

    (void)state;
    load("filer");
    one = opened(O_RDWR);
    two = opened(O_RDWR);
    copy = atoi(ask("dup %d", two));
    assert_string_equal(ask("lock %d set w 0 0", one), "ok");
    assert_string_equal(ask("close %d", opened(O_RDWR)), "ok");
    assert_int_equal(own(F_RDLCK, 0, 0), -EAGAIN);
    assert_string_equal(ask("lock %d set w 5 5", two), "ok");
    assert_string_equal(ask("lock %d get w 0 0", two), "u 0 0 0");
    assert_string_equal(ask("close %d", one), "ok");
    assert_string_equal(ask("close %d", two), "ok");
    assert_int_equal(own(F_RDLCK, 0, 0), -EAGAIN);
    assert_string_equal(ask("close %d", copy), "ok");
    assert_int_equal(own(F_RDLCK, 0, 0), 0);
}

/* Those of an open file description exclude one another also in one domain. */
static void openings_of_a_domain_exclude_one_another(void **state)
{
    int one, two, copy;

    (void)state;
    load("filer");
    one = opened(O_RDWR);
    two = opened(O_RDWR);
    copy = atoi(ask("dup %d", one));
    assert_string_equal(ask("lock %d ofd-set w 0 4", one), "ok");
    assert_string_equal(ask("lock %d ofd-set w 0 4", copy), "ok");
    assert_string_equal(ask("lock %d ofd-set w 0 4", two), "EAGAIN");
    assert_string_equal(ask("lock %d ofd-get w 0 0", two), "w 0 4 -1");
    assert_string_equal(ask("lock %d set w 0 4", one), "EAGAIN"); /* the domain is somebody else */
    assert_int_equal(own(F_RDLCK, 0, 1), -EAGAIN);
    assert_string_equal(ask("lock %d ofd-set u 0 0", one), "ok");
    assert_string_equal(ask("lock %d ofd-set w 0 4", two), "ok");
}

static void domains_of_a_worker_exclude_one_another(void **state)
{
    uint32_t one = load("filer"), two = load_neighbour();
    int f, g;

    (void)state;
    switch_to(one);
    f = opened(O_RDWR);
    assert_string_equal(ask("lock %d set w 0 10", f), "ok");
    switch_to(two);
    g = opened(O_RDWR);
    assert_string_equal(ask("lock %d set w 9 1", g), "EAGAIN");
    assert_string_equal(ask("lock %d get r 0 0", g), "w 0 10 -1");
    assert_string_equal(ask("close %d", g), "ok"); /* which is no reason for the other to lose its locks */
    assert_int_equal(own(F_RDLCK, 0, 0), -EAGAIN);
    g = opened(O_RDWR);
    switch_to(one);
    assert_string_equal(ask("close %d", f), "ok");
    switch_to(two);
    assert_string_equal(ask("lock %d set w 9 1", g), "ok");
}

/* Who waits for a lock keeps nobody from running, the domain that has it least of all. */
static void who_waits_gets_it_in_time(void **state)
{
    static const char *const commands[] = {"wait", "ofd-wait"};
    struct nw_answer early;
    char command[64], answer[64];
    int f, g;

    (void)state;
    load("filer");
    f = opened(O_RDWR);
    g = opened(O_RDWR);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(own(F_WRLCK, 0, 0), 0);
        snprintf(command, sizeof(command), "lock %d %s w 0 1", f, commands[i]);
        nw_harness_send(&nw_probe.harness, nw_probe.deployment, command, strlen(command));
        assert_int_equal(nw_harness_try_receive(&nw_probe.harness, 100, &early), -ETIMEDOUT);
        assert_string_equal(ask("lock %d set u 0 1", g), "ok");
        assert_int_equal(own(F_UNLCK, 0, 0), 0);
        nw_probe_take(answer, sizeof(answer));
        assert_string_equal(answer, "ok");
        assert_int_equal(own(F_RDLCK, 0, 1), -EAGAIN);
        assert_string_equal(ask("lock %d %s u 0 1", f, commands[i]), "ok");
    }
}

/* The wait ends with the deadline, and with the domain all of its locks. */
static void a_wait_has_a_deadline(void **state)
{
    char answer[256], command[64];
    int f;

    (void)state;
    filer.timeout_ms = 300;
    load("filer");
    f = opened(O_RDWR);
    assert_string_equal(ask("lock %d set w 10 1", f), "ok");
    assert_string_equal(ask("lock %d ofd-set w 20 1", f), "ok");
    assert_int_equal(own(F_WRLCK, 0, 1), 0);
    snprintf(command, sizeof(command), "lock %d wait w 0 1", f);
    nw_harness_send(&nw_probe.harness, nw_probe.deployment, command, strlen(command));
    nw_probe_take(answer, sizeof(answer));
    assert_non_null(strstr(answer, "failed: "));
    f = opened(O_RDWR); /* of a new domain; the old one may be about to go */
    assert_string_equal(ask("lock %d wait w 10 1", f), "ok");
    assert_int_equal(own_later(F_WRLCK, 20, 1), 0);
}

static void locks_have_a_limit(void **state)
{
    char expect[32];
    int f, g;

    (void)state;
    load("filer");
    f = opened(O_RDWR);
    g = opened(O_RDWR);
    snprintf(expect, sizeof(expect), "%d ENOLCK", NW_LIMIT_LOCKS);
    assert_string_equal(ask("lock-many %d posix", f), expect);
    assert_string_equal(ask("lock %d ofd-set w 1 1", g), "ENOLCK");
    assert_string_equal(ask("lock %d set r 0 1", f), "ok"); /* one range takes the place of another */
    assert_string_equal(ask("lock %d set u 0 0", f), "ok");
    assert_string_equal(ask("lock-many %d ofd", g), expect);
    assert_string_equal(ask("lock %d set w 1 1", f), "ENOLCK");
    assert_string_equal(ask("close %d", g), "ok");
    assert_string_equal(ask("lock-many %d posix", f), expect);
}

/* What is left of the limit is taken while somebody waits for a lock: it then has one that counts, or none. */
static void a_wait_leaves_no_lock_that_is_not_counted(void **state)
{
    char command[64], answer[64], full[32], less[32];
    struct nw_answer early;
    int f, g;

    (void)state;
    load("filer");
    f = opened(O_RDWR);
    g = opened(O_RDWR);
    snprintf(full, sizeof(full), "%d ENOLCK", NW_LIMIT_LOCKS);
    snprintf(less, sizeof(less), "%d ENOLCK", NW_LIMIT_LOCKS - 2);
    assert_int_equal(own(F_WRLCK, 1, 1), 0);
    snprintf(command, sizeof(command), "lock %d wait w 1 1", f);
    nw_harness_send(&nw_probe.harness, nw_probe.deployment, command, strlen(command));
    assert_int_equal(nw_harness_try_receive(&nw_probe.harness, 100, &early), -ETIMEDOUT);
    assert_string_equal(ask("lock-many %d ofd", g), less);
    assert_int_equal(own(F_UNLCK, 0, 0), 0);
    nw_probe_take(answer, sizeof(answer));
    assert_string_equal(answer, "ok");
    assert_string_equal(ask("lock %d set u 0 0", f), "ok");
    assert_int_equal(own(F_WRLCK, 1, 1), 0);
    assert_string_equal(ask("lock %d ofd-set u 0 0", g), "ok");
    assert_string_equal(ask("lock-many %d ofd", g), full);
    assert_string_equal(ask("lock %d wait w 1 1", f), "ENOLCK");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

static int run_mode(enum nw_mode in)
{
    const struct CMUnitTest tests[] = {
        TEST(other_processes_are_excluded),
        TEST(a_file_is_locked_for_what_it_is_open_for),
        TEST(descriptors_of_a_domain_share_its_locks),
        TEST(openings_of_a_domain_exclude_one_another),
        TEST(domains_of_a_worker_exclude_one_another),
        TEST(who_waits_gets_it_in_time),
        TEST(a_wait_has_a_deadline),
        TEST(locks_have_a_limit),
        TEST(a_wait_leaves_no_lock_that_is_not_counted),
    };

    nw_probe.mode = in;
    return _cmocka_run_group_tests(nw_mode_name(in), tests, sizeof(tests) / sizeof(tests[0]), NULL, NULL);
}

int main(void)
{
    return nw_harness_run_modes(run_mode);
}
