/* Lines of a function on disk: what is found again, in which order, after turns, kills and damage, and what its text
 * can pretend to be. */
#include "common/test/test.h"
#include "engine/logs/ring.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAME "talker"
#define SIZE 8192

static char folder[] = "/tmp/nw-ring-XXXXXX";
static int directory;

static int set_up(void **state)
{
    (void)state;
    strcpy(strrchr(folder, '-'), "-XXXXXX");
    assert_non_null(mkdtemp(folder));
    directory = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(directory >= 0);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    nw__log_ring_remove(directory, NAME);
    nw__log_rings_trim(directory, 0);
    close(directory);
    return rmdir(folder);
}

static int add(const char *text, size_t length, uint64_t time, const char *request)
{
    struct nw_log_line line = {.time = time, .stream = NW_LOG_STDOUT, .version = "0123456789ab", .length = length};
    struct nw_buffer out = {0};
    int64_t grown;

    snprintf(line.request, sizeof line.request, "%s", request);
    assert_int_equal(nw__log_line_write(&out, NAME, &line, text), 0);
    int rc = nw__log_ring_add(directory, NAME, out.data, out.length, SIZE, &grown);
    nw_buffer_fini(&out);
    return rc;
}

static void say(const char *text)
{
    assert_int_equal(add(text, strlen(text), 1000000, "r1"), 0);
}

static struct nw_log_page page;

/* The lines that a query finds, as text that lives until the next. */
static const char *find(uint64_t after, const char *since, const char *request, size_t most)
{
    struct nw_log_query query = {.after = after, .most = most};

    snprintf(query.since, sizeof query.since, "%s", since);
    snprintf(query.request, sizeof query.request, "%s", request);
    nw_buffer_fini(&page.lines);
    page = (struct nw_log_page){0};
    assert_int_equal(nw__log_ring_read(directory, NAME, &query, &page), 0);
    nw_buffer_append(&page.lines, "", 1);
    return page.lines.data;
}

static void what_was_said_is_found_in_its_order(void **state)
{
    (void)state;
    say("first");
    say("second");
    assert_string_equal(
        find(0, "", "", 10),
        "{\"time\":\"1970-01-01T00:00:01.000000Z\",\"function\":\"talker\",\"version\":\"0123456789ab\",\"worker\":0,"
        "\"slot\":0,\"request\":\"r1\",\"stream\":\"stdout\",\"text\":\"first\"},"
        "{\"time\":\"1970-01-01T00:00:01.000000Z\",\"function\":\"talker\",\"version\":\"0123456789ab\",\"worker\":0,"
        "\"slot\":0,\"request\":\"r1\",\"stream\":\"stdout\",\"text\":\"second\"}");
    assert_false(page.more);
}

static void pages_follow_one_another(void **state)
{
    (void)state;
    for (char text[] = "0"; *text < '5'; ++*text)
        say(text);
    uint64_t next = 0;
    for (char text[] = "\"text\":\"0\""; text[8] < '5'; text[8]++) {
        assert_non_null(strstr(find(next, "", "", 1), text));
        assert_int_equal(page.more, text[8] < '4');
        next = page.next;
    }
    assert_string_equal(find(next, "", "", 1), "");
    say("5");
    assert_non_null(strstr(find(next, "", "", 1), "\"text\":\"5\""));
}

static void old_lines_make_room_for_new_ones(void **state)
{
    char text[32];
    struct stat st;
    uint64_t middle = 0;

    (void)state;
    for (int i = 0; i < 200; i++) {
        snprintf(text, sizeof text, "line %d", i);
        say(text);
        if (i == 190) {
            find(0, "", "", 1000);
            middle = page.next;
        }
    }
    assert_int_equal(fstatat(directory, NAME, &st, 0), 0);
    assert_in_range(st.st_size, 1, SIZE / 2);
    assert_int_equal(fstatat(directory, NAME "~", &st, 0), 0);
    assert_in_range(st.st_size, 1, SIZE / 2);
    const char *all = find(0, "", "", 1000);
    assert_null(strstr(all, "\"line 0\""));
    assert_non_null(strstr(all, "\"line 199\""));
    assert_non_null(strstr(find(middle, "", "", 1), "\"line 191\"")); /* a position is good across turns */
}

static void of_a_time_and_of_a_request(void **state)
{
    (void)state;
    add("early", 5, 1000000, "r1");
    add("late", 4, 2000000, "r2");
    assert_null(strstr(find(0, "1970-01-01T00:00:02.000000Z", "", 10), "early"));
    assert_non_null(strstr(page.lines.data, "late"));
    assert_null(strstr(find(0, "", "r1", 10), "late"));
    assert_non_null(strstr(page.lines.data, "early"));
    assert_string_equal(find(0, "", "r", 10), "");
}

static void a_line_that_was_cut_off_is_none(void **state)
{
    struct stat st;

    (void)state;
    say("whole");
    say("torn");
    int fd = openat(directory, NAME, O_RDWR | O_CLOEXEC);
    assert_int_equal(fstat(fd, &st), 0);
    assert_int_equal(ftruncate(fd, st.st_size - 9), 0);
    close(fd);
    assert_non_null(strstr(find(0, "", "", 10), "whole"));
    assert_int_equal(page.n, 1);
    say("behind it");
    assert_non_null(strstr(find(0, "", "", 10), "\"text\":\"behind it\"}"));
    assert_int_equal(page.n, 2);
}

static void a_kill_between_two_files_loses_no_position(void **state)
{
    uint64_t next;

    (void)state;
    say("before");
    find(0, "", "", 10);
    next = page.next;
    assert_int_equal(renameat(directory, NAME, directory, NAME "~"), 0);
    say("behind");
    assert_non_null(strstr(find(next, "", "", 10), "behind"));
    assert_int_equal(page.n, 1);
    find(0, "", "", 10);
    assert_int_equal(page.n, 2);
}

static void damaged_files_are_passed_over(void **state)
{
    static const char junk[] = "{\"time\":\"x\"}\n{\"time\":\"9999-01-01T00:00:00.000000Z\",\"text\":\"a\x01\"}\n"
                               "{\"time\":\"9999-01-01T00:00:00.000000Z\",\"text\":\"a\"},{}\nnothing\n";

    (void)state;
    say("before");
    int fd = openat(directory, NAME, O_WRONLY | O_APPEND | O_CLOEXEC);
    assert_int_equal(write(fd, junk, strlen(junk)), (ssize_t)strlen(junk));
    close(fd);
    say("behind");
    find(0, "", "", 10);
    assert_int_equal(page.n, 2);
    fd = openat(directory, NAME, O_WRONLY | O_TRUNC | O_CLOEXEC);
    assert_int_equal(write(fd, "junk", 4), 4);
    close(fd);
    assert_string_equal(find(0, "", "", 10), "");
    say("anew");
    assert_non_null(strstr(find(0, "", "", 10), "anew"));
    assert_int_equal(symlinkat(NAME, directory, NAME "~"), 0);
    find(0, "", "", 10);
    assert_int_equal(page.n, 1);
}

/* A text is what it is, and never another line or member. */
static void text_pretends_nothing(void **state)
{
    static const char text[] = "\"}\n{\"time\":\"1970-01-01T00:00:01.000000Z\",\"request\":\"r2\"\0\x1b[2J\xff";

    (void)state;
    assert_int_equal(add(text, sizeof text - 1, 1000000, "r1"), 0);
    assert_string_equal(find(0, "", "r2", 10), "");
    find(0, "", "", 10);
    assert_int_equal(page.n, 1);
    assert_non_null(strstr(page.lines.data, "\"text\":\"\\\"}\\u000a{\\\"time"));
    assert_non_null(strstr(page.lines.data, "\\\\x00\\u001b[2J\\ufffd\"}"));
}

static void a_full_disk_takes_nothing_by_halves(void **state)
{
    struct rlimit before, small;
    static char text[2000];
    struct stat st;

    (void)state;
    memset(text, 'x', sizeof text);
    say("there is room");
    assert_int_equal(fstatat(directory, NAME, &st, 0), 0);
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    small = (struct rlimit){.rlim_cur = (rlim_t)st.st_size + 100, .rlim_max = before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    int rc = add(text, sizeof text, 1000000, "r1");
    setrlimit(RLIMIT_FSIZE, &before);
    assert_int_equal(rc, -EFBIG);
    off_t size = st.st_size;
    assert_int_equal(fstatat(directory, NAME, &st, 0), 0);
    assert_int_equal(st.st_size, size);
    say("again");
    find(0, "", "", 10);
    assert_int_equal(page.n, 2);
    assert_null(strstr(page.lines.data, "xx"));
}

static void what_was_written_longest_ago_goes_first(void **state)
{
    struct timespec times[2] = {{.tv_sec = 1}, {.tv_sec = 1}};
    char text[64];

    (void)state;
    memset(text, 'x', sizeof text);
    while (faccessat(directory, NAME "~", F_OK, 0) < 0)
        add(text, sizeof text, 1000000, "r1");
    assert_int_equal(utimensat(directory, NAME "~", times, 0), 0);
    uint64_t size = nw__log_rings_size(directory);
    assert_true(nw__log_rings_trim(directory, size - 1) < size);
    assert_int_equal(faccessat(directory, NAME "~", F_OK, 0), -1);
    assert_int_equal(faccessat(directory, NAME, F_OK, 0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_was_said_is_found_in_its_order, set_up, tear_down),
        cmocka_unit_test_setup_teardown(pages_follow_one_another, set_up, tear_down),
        cmocka_unit_test_setup_teardown(old_lines_make_room_for_new_ones, set_up, tear_down),
        cmocka_unit_test_setup_teardown(of_a_time_and_of_a_request, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_line_that_was_cut_off_is_none, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_kill_between_two_files_loses_no_position, set_up, tear_down),
        cmocka_unit_test_setup_teardown(damaged_files_are_passed_over, set_up, tear_down),
        cmocka_unit_test_setup_teardown(text_pretends_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_full_disk_takes_nothing_by_halves, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_was_written_longest_ago_goes_first, set_up, tear_down),
    };
    int failed = cmocka_run_group_tests_name("engine/log_ring", tests, NULL, NULL);

    nw_buffer_fini(&page.lines);
    return failed;
}
