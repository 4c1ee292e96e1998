/*
 * libnwguard inside a domain: whatever a function does with protection keys is EPERM, and the log says once for each
 * call site who did it. What has a system call instruction of its own is refused by the monitor.
 */
#include "common/test/test.h"
#include "worker/test/harness.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static struct nw_harness h;
static int log_file;
static char log_text[65536];

/* The worker's standard error goes to a file. */
static void start_with_log(void)
{
    const char *mode = getenv("NW_TEST_MODE");

    log_file = memfd_create("log", MFD_CLOEXEC);
    assert_true(log_file >= 0);
    nw_harness_start_without(&h, mode ? (enum nw_mode)nw_mode_parse(mode) : NW_MODE_MPK, 2, NULL, log_file);
}

static const char *read_log(void)
{
    ssize_t length = pread(log_file, log_text, sizeof(log_text) - 1, 0);

    assert_true(length >= 0);
    log_text[length] = '\0';
    return log_text;
}

static int count(const char *text, const char *what)
{
    int found = 0;

    for (const char *p = strstr(text, what); p; p = strstr(p + 1, what))
        found++;
    return found;
}

static struct nw_answer invoke(uint32_t deployment)
{
    struct nw_answer answer = nw_harness_invoke(&h, deployment, "x", 1);

    puts(answer.data);
    assert_int_equal(answer.status, NW_STATUS_OK);
    return answer;
}

static void everything_is_refused_and_named(void **state)
{
    char path[512];
    const char *build = getenv("NW_BUILD"), *text;
    struct nw_load l = {.name = "guarded", .so = path};
    struct nw_answer answer;
    uint32_t deployment;

    (void)state;
    snprintf(path, sizeof(path), "%s/test/worker/guarded.so", build ? build : "build");
    start_with_log();
    deployment = nw_harness_load(&h, &l);
    assert_int_not_equal(deployment, 0);
    for (int i = 0; i < 3; i++) {
        answer = invoke(deployment);
        assert_int_equal(count(answer.data, ": EPERM\n"), 13);
        assert_non_null(strstr(answer.data, "syscall(getpid): done\n"));
        free(answer.data);
    }
    nw_harness_stop(&h);
    text = read_log();
    puts(text);
    assert_int_equal(count(text, "libnwguard: "), 2 * (5 + 3 + 1 + 1)); /* two lines for each call site */
    assert_int_equal(count(text, "function guarded: libnwguard:   called by guarded_alloc+0x"), 1);
    assert_int_equal(count(text, "called by faas_func_call+0x"), 7);
    assert_int_equal(count(text, " in /function/guarded (at offset 0x"), 9);
    assert_int_equal(count(text, "called by a tail call below "), 1);
    assert_int_equal(count(text, "system call pkey_alloc refused at "), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(everything_is_refused_and_named)};
    const char *mode = getenv("NW_TEST_MODE");
    char why[256];

    if (!mode && !nw_mode_mpk_usable(why, sizeof(why)))
        setenv("NW_TEST_MODE", "process", 1);
    return cmocka_run_group_tests_name("worker/guarded", tests, NULL, NULL);
}
