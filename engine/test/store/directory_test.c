/* That no path leads out of a granted directory, whichever user Nightward runs as. */
#include "common/test/test.h"
#include "engine/store/directory.h"
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define NOBODY 65534

static char folder[64];

static int make_folder(void **state)
{
    (void)state;
    snprintf(folder, sizeof(folder), "/tmp/nw-directory-XXXXXX");
    assert_non_null(mkdtemp(folder));
    return 0;
}

static int remove_folder(void **state)
{
    char command[96];

    (void)state;
    snprintf(command, sizeof(command), "rm -rf %s", folder);
    return system(command);
}

static bool leads_up(int fd)
{
    struct stat self, above;

    assert_int_equal(fstat(fd, &self), 0);
    assert_int_equal(fstatat(fd, "..", &above, 0), 0);
    return self.st_ino != above.st_ino || openat(fd, "../../etc/passwd", O_RDONLY | O_CLOEXEC) >= 0;
}

/* 0, or what is wrong. */
static int look(void)
{
    int rw = nw_directory_open(folder, true), ro = nw_directory_open(folder, false), made;

    if (rw < 0 || ro < 0)
        return 1;
    if (leads_up(rw) || leads_up(ro))
        return 2;
    made = openat(rw, "file", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (made < 0)
        return 3;
    close(made);
    made = openat(ro, "file", O_RDONLY | O_CLOEXEC);
    if (made < 0)
        return 4;
    close(made);
    made = openat(ro, "file", O_WRONLY | O_CLOEXEC);
    close(rw);
    close(ro);
    return made < 0 && errno == EROFS ? 0 : 5;
}

static bool mounts_can_be_made(void)
{
    pid_t pid = fork();
    int status = -1;

    if (pid == 0)
        _exit(unshare(CLONE_NEWNS) < 0 && unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0);
    return waitpid(pid, &status, 0) == pid && status == 0;
}

/* In a child, since there is no way back from another user. 77: no mounts can be made here. */
static int look_as(uid_t user)
{
    pid_t pid = fork();
    int status = -1;

    if (pid == 0) {
        if (user && (setresgid(user, user, user) < 0 || setresuid(user, user, user) < 0))
            _exit(77);
        _exit(mounts_can_be_made() ? look() : 77);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == 77) {
        print_message("the kernel lets this user make no mounts\n");
        skip();
    }
    return WEXITSTATUS(status);
}

static void no_path_leads_out(void **state)
{
    (void)state;
    assert_int_equal(look_as(0), 0);
}

static void no_path_leads_out_as_an_ordinary_user(void **state)
{
    (void)state;
    if (geteuid() != 0) {
        print_message("the test before this one was that\n");
        skip();
    }
    assert_int_equal(chown(folder, NOBODY, NOBODY), 0);
    assert_int_equal(look_as(NOBODY), 0);
}

static void a_missing_directory_is_not_opened(void **state)
{
    char path[80];

    (void)state;
    snprintf(path, sizeof(path), "%s/none", folder);
    assert_int_equal(nw_directory_open(path, true), -1);
    assert_int_equal(errno, ENOENT);
    close(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    assert_int_equal(nw_directory_open(path, true), -1);
    assert_int_equal(errno, ENOTDIR);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_folder, remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(no_path_leads_out),
        TEST(no_path_leads_out_as_an_ordinary_user),
        TEST(a_missing_directory_is_not_opened),
    };

    return cmocka_run_group_tests_name("directory", tests, NULL, NULL);
}
