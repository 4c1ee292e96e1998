/* A worker on a machine that charges all memory which may become writable: it takes and uses no snapshots, and says so.
 * And one that may have less data than a domain has addresses, which is no reason not to. */
#include "common/test/test.h"
#include "worker/base/limits.h"
#include "worker/test/harness.h"
#include "worker/test/whole.h"
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define MEMORY (16ull << 20)

static const char why[] = "vm.overcommit_memory is 2 on this machine; a snapshot needs it to be 0 or 1";

/* As where vm.overcommit_memory is 2: the worker finds another file there. */
static void charge_memory(void)
{
    char path[] = "/tmp/overcommit-XXXXXX";
    const int file = mkstemp(path);

    if (file < 0 || write(file, "2", 1) != 1)
        _exit(1);
    close(file);
    if (unshare(CLONE_NEWNS) == 0 && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
        mount(path, "/proc/sys/vm/overcommit_memory", NULL, MS_BIND, NULL) == 0 && unlink(path) == 0)
        return;
    unlink(path);
    _exit(1);
}

/* Whether a process may do that. */
static bool can_charge_memory(void)
{
    int status = 1;
    const pid_t pid = fork();

    if (pid == 0) {
        charge_memory();
        _exit(0);
    }
    return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
}

static void begin(struct nw_harness *h)
{
    if (!can_charge_memory()) {
        print_message("nothing can be mounted here\n");
        skip();
    }
    nw_harness_before_exec = charge_memory;
    nw_harness_start(h, nw_whole_mode, 2);
    nw_harness_before_exec = NULL;
}

static void a_function_is_loaded_each_time(void **state)
{
    const struct nw_load l = {.name = "keeper", .so = nw_test_so("keeper"), .memory = MEMORY, .range = NW_PLACES_START};
    struct nw_harness h;
    struct nw_answer answer;
    uint32_t deployment;

    (void)state;
    begin(&h);
    deployment = nw_harness_load(&h, &l);
    assert_int_not_equal(deployment, 0);
    assert_string_equal(h.loaded, why);
    free(nw_harness_invoke(&h, deployment, "crash", 5).data);
    answer = nw_harness_invoke(&h, deployment, "", 0);
    assert_int_equal(answer.status, NW_STATUS_OK);
    free(answer.data);
    nw_harness_listen(&h);
    assert_string_equal(h.unusable, "");
    assert_int_equal(h.snapshot, -1);
    nw_harness_stop(&h);
}

static void a_fresh_function_is_refused(void **state)
{
    const struct nw_load l = {
        .name = "fresh", .so = nw_test_so("keeper"), .memory = MEMORY, .range = NW_PLACES_START, .fresh = true};
    struct nw_harness h;

    (void)state;
    begin(&h);
    assert_int_equal(nw_harness_load(&h, &l), 0);
    assert_string_equal(h.message.text, why);
    nw_harness_stop(&h);
}

static void limit_data(void)
{
    const struct rlimit limit = {NW_DOMAIN_RANGE / 4, NW_DOMAIN_RANGE / 4};

    if (setrlimit(RLIMIT_DATA, &limit) < 0)
        _exit(1);
}

static void where_data_are_limited_there_are_snapshots(void **state)
{
    const struct nw_load l = {.name = "keeper", .so = nw_test_so("keeper"), .memory = MEMORY, .range = NW_PLACES_START};
    struct nw_harness h;
    struct nw_answer answer;
    uint32_t deployment;

    (void)state;
    nw_harness_before_exec = limit_data;
    nw_harness_start(&h, nw_whole_mode, 2);
    nw_harness_before_exec = NULL;
    deployment = nw_harness_load(&h, &l);
    assert_int_not_equal(deployment, 0);
    assert_string_equal(h.loaded, "");
    assert_true(h.snapshot >= 0);
    free(nw_harness_invoke(&h, deployment, "crash", 5).data);
    answer = nw_harness_invoke(&h, deployment, "", 0);
    assert_int_equal(answer.status, NW_STATUS_OK);
    free(answer.data);
    nw_harness_stop(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_function_is_loaded_each_time),
        cmocka_unit_test(a_fresh_function_is_refused),
        cmocka_unit_test(where_data_are_limited_there_are_snapshots),
    };

    return NW_WHOLE_RUN(tests);
}
