/* An engine that comes to a limit of its process says which, how high it is and what raises it, to whoever waits. */
#include "engine/test/host/host.h"
#include <dirent.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <setjmp.h>

#include <cmocka.h>

#define MANY         60
#define ROOM         4608 /* bytes: a few START messages fill the launcher's socket */
#define THREAD_STACK (128ul << 20)
#define SPARE        100 /* descriptors beside those of workers that are up: of starts under way, and connections */

static struct host host;

static int set_up(void **state)
{
    (void)state;
    host_start(&host, (const char *[]){"--mode", "process", NULL});
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    host_stop(&host);
    return 0;
}

static rlim_t open_files(pid_t pid)
{
    char path[64];
    rlim_t n = 0;
    snprintf(path, sizeof path, "/proc/%d/fd", (int)pid);
    DIR *dir = opendir(path);
    assert_non_null(dir);
    while (readdir(dir))
        n++;
    closedir(dir);
    return n;
}

static void limit_files(rlim_t most)
{
    struct rlimit limit;
    assert_int_equal(prlimit(host.engine, RLIMIT_NOFILE, NULL, &limit), 0);
    limit.rlim_cur = most;
    assert_int_equal(prlimit(host.engine, RLIMIT_NOFILE, &limit, NULL), 0);
}

/* What is deployed serves on, and what could not be is there once the limit is raised. */
static void names_the_limit_of_descriptors(void **state)
{
    (void)state;
    char words[96];
    deploy(&host, "first", "say first");
    rlim_t most = open_files(host.engine) + 3; /* a connection, and what it deploys, but no worker */
    limit_files(most);
    struct answer answer = admin(&host, "PUT", "/v1/functions/second", "say second");
    snprintf(words, sizeof words, "Too many open files: RLIMIT_NOFILE is %lu; raise it with ulimit -n",
             (unsigned long)most);
    if (!strstr(answer.body, words))
        fail_msg("no \"%s\" in: %s", words, answer.body);
    assert_null(strstr(answer.body, "heal"));
    assert_true(answer.status >= 500);
    answer_fini(&answer);
    expect(invoke(&host, "first", ""), 200, "first");
    limit_files(most + 100);
    deploy(&host, "second", "say second");
    expect(invoke(&host, "second", ""), 200, "second");
}

/* A descriptor of each start that the launcher has yet to read is kept in the engine: all at once would not fit. */
static void starts_many_workers_within_its_descriptors(void **state)
{
    (void)state;
    char name[16];
    for (int i = 0; i < MANY; i++) {
        snprintf(name, sizeof name, "many%d", i);
        deploy(&host, name, "say many");
    }
    struct rlimit limit = {.rlim_cur = open_files(host.engine) + SPARE};
    limit.rlim_max = limit.rlim_cur;
    host_kill_engine(&host);
    host_kill_launcher(&host);
    host_start_engine(&host);
    assert_int_equal(prlimit(host.engine, RLIMIT_NOFILE, &limit, NULL), 0);
    host.launcher_room = ROOM;
    host_start_launcher(&host);
    host_wait_ready(&host);
    for (int i = 0; i < MANY; i++) {
        snprintf(name, sizeof name, "many%d", i);
        expect(invoke(&host, name, ""), 200, "many");
    }
}

static unsigned long pages_of(pid_t pid)
{
    char path[64];
    unsigned long pages = 0;
    snprintf(path, sizeof path, "/proc/%d/statm", (int)pid);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    assert_int_equal(fscanf(file, "%lu", &pages), 1);
    fclose(file);
    return pages;
}

/* What says why, and changes nothing. The loop of libuv has threads at hand: then it is done, or a worker cannot start.
 */
static void refused_for_want_of_a_thread(struct answer answer)
{
    if (answer.status != 200 && !strstr(answer.body, "cannot start a thread to") &&
        !strstr(answer.body, "RLIMIT_AS is"))
        fail_msg("%d: %s", answer.status, answer.body);
    answer_fini(&answer);
}

/* The stack of a thread is larger than what the engine still may map, and than what glibc keeps for the next. */
static void refuses_changes_when_out_of_threads(void **state)
{
    (void)state;
    struct rlimit stack, more, before, little;
    assert_int_equal(getrlimit(RLIMIT_STACK, &stack), 0);
    more = (struct rlimit){.rlim_cur = THREAD_STACK, .rlim_max = stack.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_STACK, &more), 0);
    host_start(&host, (const char *[]){"--mode", "process", NULL});
    assert_int_equal(setrlimit(RLIMIT_STACK, &stack), 0);
    deploy(&host, "first", "say first");
    assert_int_equal(prlimit(host.engine, RLIMIT_AS, NULL, &before), 0);
    little = before;
    little.rlim_cur = pages_of(host.engine) * (unsigned long)sysconf(_SC_PAGESIZE) + THREAD_STACK / 2;
    assert_int_equal(prlimit(host.engine, RLIMIT_AS, &little, NULL), 0);
    refused_for_want_of_a_thread(admin(&host, "PUT", "/v1/functions/second", "say second"));
    refused_for_want_of_a_thread(admin(&host, "DELETE", "/v1/functions/first", ""));
    assert_int_equal(prlimit(host.engine, RLIMIT_AS, &before, NULL), 0);
    deploy(&host, "first", "say again");
    deploy(&host, "second", "say second");
    expect(invoke(&host, "first", ""), 200, "again");
    expect(invoke(&host, "second", ""), 200, "second");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(names_the_limit_of_descriptors, set_up, tear_down),
        cmocka_unit_test_setup_teardown(starts_many_workers_within_its_descriptors, set_up, tear_down),
        cmocka_unit_test_teardown(refuses_changes_when_out_of_threads, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
