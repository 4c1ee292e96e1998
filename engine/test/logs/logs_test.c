/* Rounds of the logs of functions, with a loop that does nothing by itself. */
#include "common/test/test.h"
#include "engine/io/backend.h"
#include "engine/logs/logs.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SIZE (64ul << 10)

static struct {
    void (*work)(void *arg), (*done)(void *arg);
    void *arg;
} job; /* that was left to another thread; `work` is NULL: none */

static uint64_t now(const struct nw_io *io)
{
    (void)io;
    return 1000;
}

static int offload(struct nw_io *io, void (*work)(void *arg), void (*done)(void *arg), void *arg)
{
    (void)io;
    job.work = work;
    job.done = done;
    job.arg = arg;
    return 0;
}

static const struct nw_io_backend backend = {.now = now, .offload = offload};
static struct nw_io io = {.backend = &backend};
static char folder[] = "/tmp/nw-logs-XXXXXX";
static struct nw_logs *logs;

static int set_up(void **state)
{
    (void)state;
    strcpy(strrchr(folder, '-'), "-XXXXXX");
    assert_non_null(mkdtemp(folder));
    logs = nw_logs_new(&io, folder, SIZE, 16 * SIZE);
    assert_non_null(logs);
    return 0;
}

static int tear_down(void **state)
{
    char path[64];
    (void)state;
    nw_logs_free(logs);
    snprintf(path, sizeof path, "%s/logs", folder);
    return rmdir(path) | rmdir(folder);
}

static void say_as(struct nw_log_share *share, const char *name, const char *text)
{
    const struct nw_log_line line = {.stream = NW_LOG_STDOUT, .length = strlen(text)};
    nw_logs_add(logs, share, name, &line, text);
}

static void say(const char *name, const char *text)
{
    static struct nw_log_share share;
    say_as(&share, name, text);
}

static void round_begins(void)
{
    nw_logs_tick(logs);
    assert_non_null(job.work);
    job.work(job.arg);
}

static void round_ends(void)
{
    job.work = NULL;
    job.done(job.arg);
}

static bool is_there(const char *name)
{
    char path[64];
    snprintf(path, sizeof path, "%s/logs/%s", folder, name);
    return access(path, F_OK) == 0;
}

/* Made anew and removed again before the round that removes the first one is over. */
static void forgets_twice(void **state)
{
    (void)state;
    say("f", "first");
    nw_logs_forget(logs, "f");
    say("f", "second");
    round_begins();
    assert_true(is_there("f"));
    nw_logs_forget(logs, "f");
    round_ends();
    round_begins();
    round_ends();
    assert_false(is_there("f"));
    nw_logs_tick(logs);
    assert_null(job.work);
}

/* However much the functions of one tenant write. */
static void has_room_for_each_tenant(void **state)
{
    struct nw_log_share loud = {0}, quiet = {0};
    char name[16], text[3000] = "";
    (void)state;
    memset(text, 'x', sizeof text - 1);
    for (int i = 0; i < 1000; i++) {
        snprintf(name, sizeof name, "f%d", i % 50);
        say_as(&loud, name, text);
    }
    uint64_t lost = nw_logs_all_lost(logs);
    assert_in_range(lost, 1, 999);
    say_as(&quiet, "quiet", text);
    assert_int_equal(nw_logs_all_lost(logs), lost);
    round_begins();
    assert_true(is_there("quiet"));
    say_as(&loud, "f0", text);
    assert_int_equal(nw_logs_all_lost(logs), lost);
    for (int i = 0; i < 50; i++) {
        snprintf(name, sizeof name, "f%d", i);
        nw_logs_forget(logs, name);
    }
    nw_logs_forget(logs, "quiet");
    round_ends();
    round_begins();
    round_ends();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(has_room_for_each_tenant, set_up, tear_down),
        cmocka_unit_test_setup_teardown(forgets_twice, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("engine/logs", tests, NULL, NULL);
}
