/* See logged.h. */
#include "worker/test/live/logged.h"
#include "common/test/test.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define PATIENCE_MS 20000

struct nw_logged nw_logged;

static int log_file = -1;

int nw_logged_setup(void **state)
{
    (void)state;
    log_file = memfd_create("log", MFD_CLOEXEC);
    assert_true(log_file >= 0);
    nw_harness_start_without(&nw_logged.harness, nw_logged.mode, 2, NULL, log_file);
    return 0;
}

/* The log stays readable. */
int nw_logged_teardown(void **state)
{
    (void)state;
    nw_harness_stop(&nw_logged.harness);
    return 0;
}

uint32_t nw_logged_load(struct nw_load load)
{
    const char *build = getenv("NW_BUILD");
    char path[512];

    snprintf(path, sizeof(path), "%s/test/worker/%s.so", build ? build : "build", load.so);
    load.name = load.name ? load.name : load.so;
    load.so = path;
    return nw_logged.deployment = nw_harness_load(&nw_logged.harness, &load);
}

const char *nw_logged_ask(const char *input)
{
    static char text[4096];
    struct nw_answer answer = nw_harness_invoke(&nw_logged.harness, nw_logged.deployment, input, strlen(input));

    snprintf(text, sizeof(text), "%s%s", answer.status == NW_STATUS_OK ? "" : "failed: ", answer.data);
    free(answer.data);
    return text;
}

const char *nw_logged_text(void)
{
    static char text[1 << 16];
    ssize_t length = pread(log_file, text, sizeof(text) - 1, 0);

    assert_true(length >= 0);
    text[length] = '\0';
    return text;
}

void nw_logged_await(const char *text)
{
    const struct timespec pause = {.tv_nsec = 1000000};

    for (int left = PATIENCE_MS; !strstr(nw_logged_text(), text); left--) {
        if (!left)
            fail_msg("the log does not say \"%s\": %s", text, nw_logged_text());
        nanosleep(&pause, NULL);
    }
}

int nw_logged_run(const char *name, const struct CMUnitTest *tests, size_t n)
{
    static const enum nw_mode modes[] = {NW_MODE_MPK, NW_MODE_PROCESS, NW_MODE_NONE};
    char why[256], group[64];
    int failed = 0;

    if (getenv("NW_ONLY"))
        cmocka_set_test_filter(getenv("NW_ONLY"));
    for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
        nw_logged.mode = modes[i];
        snprintf(group, sizeof(group), "%s, mode %s", name, nw_mode_name(modes[i]));
        if (modes[i] == NW_MODE_MPK && !nw_mode_mpk_usable(why, sizeof(why)))
            print_message("mode mpk: %s\n", why);
        else
            failed += _cmocka_run_group_tests(group, tests, n, NULL, NULL) != 0;
    }
    return failed;
}
