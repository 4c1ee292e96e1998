/* What a live worker does with a function that does not keep to what its stub would do. Modes mpk and process. */
#include "common/manifest/manifest.h"
#include "common/shm/arena.h"
#include "common/test/test.h"
#include "worker/test/whole.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define SIZE   (8ul << 20)
#define ROUNDS 12

static uint32_t load(const char *env, uint32_t slots, uint32_t timeout_ms, const char *directories)
{
    return nw_whole_must((struct nw_load){.so = "raw",
                                          .env = env,
                                          .slots = slots,
                                          .timeout_ms = timeout_ms,
                                          .memory = 128ul << 20,
                                          .profile = NW_PROFILE_FILES,
                                          .directories = directories});
}

static const char *make_file(const char *folder, int i)
{
    static char path[64];
    int fd;

    snprintf(path, sizeof(path), "%s/%d", folder, i);
    fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(fchmod(fd, 0666), 0);
    assert_int_equal(ftruncate(fd, (off_t)SIZE), 0);
    close(fd);
    return path;
}

/* The test, like the engine, reuses the block for another payload as soon as the invocation is answered. */
static void die_while_input_is_carried(uint32_t deployment, const char *path)
{
    char *input = malloc(SIZE), *at;
    struct nw_answer answer;
    uint64_t id;

    assert_non_null(input);
    memset(input, 'i', SIZE);
    id = nw_harness_send(&nw_whole, deployment, path, strlen(path));
    nw_harness_send(&nw_whole, deployment, input, SIZE);
    at = nw_arena_at(nw_whole.channel.arena, nw_whole.sent[(id + 1) % 4096].offset);
    free(nw_harness_receive(&nw_whole).data);
    answer = nw_harness_receive(&nw_whole);
    memset(at, 'V', SIZE);
    assert_int_equal(answer.id, id + 1);
    assert_int_equal(answer.status, NW_STATUS_CRASHED);
    free(answer.data);
    free(input);
}

static void remove_file(const char *folder, int i)
{
    const char *path = make_file(folder, i);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    const char *text = mmap(NULL, SIZE, PROT_READ, MAP_SHARED, fd, 0);

    assert_ptr_not_equal(text, MAP_FAILED);
    if (memchr(text, 'V', SIZE))
        fail_msg("death %d: the file has bytes of another payload", i);
    munmap((void *)text, SIZE);
    close(fd);
    unlink(path);
}

static void a_dying_domain_gets_nothing_of_another_payload(void **state)
{
    char folder[] = "/tmp/nightward-raw-XXXXXX", list[64];
    uint32_t deployment;

    (void)state;
    assert_non_null(mkdtemp(folder));
    assert_int_equal(chmod(folder, 0777), 0);
    snprintf(list, sizeof(list), "%s:rw", folder);
    deployment = load(NULL, 1, 20000, list);
    for (int i = 0; i < ROUNDS; i++)
        die_while_input_is_carried(deployment, make_file(folder, i));
    nw_harness_tell(&nw_whole, NW_CONTROL_RETIRE, deployment);
    nw_harness_expect(&nw_whole, NW_CONTROL_RETIRED); /* none of its domains is left */
    for (int i = 0; i < ROUNDS; i++)
        remove_file(folder, i);
    rmdir(folder);
}

/* The domain has no func worker and runs nothing, so nothing but the order to retire can end it. */
static void a_function_that_does_nothing_retires(void **state)
{
    uint32_t deployment = load("START=quiet", 1, 600, NULL);

    (void)state;
    nw_harness_tell(&nw_whole, NW_CONTROL_RETIRE, deployment);
    nw_harness_expect(&nw_whole, NW_CONTROL_RETIRED);
}

/* Nothing can be made what it was where nothing waits. The worker goes on, or it could not be stopped as it is. */
static void a_fresh_function_without_func_worker_is_refused(void **state)
{
    (void)state;
    assert_int_equal(nw_whole_try((struct nw_load){.so = "raw", .env = "START=quiet", .slots = 1, .fresh = true}), 0);
    assert_non_null(strstr(nw_whole.message.text, "no func worker"));
}

/* No func worker becomes free meanwhile. */
static void another_func_worker_is_tried_again(void **state)
{
    uint32_t deployment = load("START=few", 2, 10000, NULL);

    (void)state;
    nw_harness_send(&nw_whole, deployment, "wait", 4);
    nw_harness_send(&nw_whole, deployment, "go", 2);
    for (int i = 0; i < 2; i++) {
        struct nw_answer answer = nw_harness_receive(&nw_whole);

        assert_int_equal(answer.status, NW_STATUS_OK);
        free(answer.data);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_dying_domain_gets_nothing_of_another_payload, nw_whole_start, nw_whole_stop),
        cmocka_unit_test_setup_teardown(a_function_that_does_nothing_retires, nw_whole_start, nw_whole_stop),
        cmocka_unit_test_setup_teardown(a_fresh_function_without_func_worker_is_refused, nw_whole_start, nw_whole_stop),
        cmocka_unit_test_setup_teardown(another_func_worker_is_tried_again, nw_whole_start, nw_whole_stop),
    };

    nw_whole_executors = 3;
    return NW_WHOLE_RUN(tests);
}
