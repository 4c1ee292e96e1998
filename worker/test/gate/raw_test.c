/* What a live worker does with a function that does not keep to what its stub would do. Modes mpk and process. */
#include "common/manifest/manifest.h"
#include "common/shm/arena.h"
#include "common/test/test.h"
#include "worker/test/harness.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define SIZE   (8ul << 20)
#define ROUNDS 12

static struct nw_harness h;
static enum nw_mode mode;

static int setup(void **state)
{
    (void)state;
    nw_harness_start(&h, mode, 3);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    nw_harness_stop(&h);
    return 0;
}

static uint32_t load(const char *env, uint32_t slots, uint32_t timeout_ms, const char *directories)
{
    const char *build = getenv("NW_BUILD");
    char path[512];
    const struct nw_load l = {.name = "raw",
                              .so = path,
                              .env = env,
                              .slots = slots,
                              .timeout_ms = timeout_ms,
                              .memory = 128ul << 20,
                              .profile = NW_PROFILE_FILES,
                              .directories = directories};
    uint32_t deployment;

    snprintf(path, sizeof(path), "%s/test/worker/raw.so", build ? build : "build");
    deployment = nw_harness_load(&h, &l);
    if (!deployment)
        fail_msg("refused: %s", h.message.text);
    return deployment;
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

/* As the engine does, it takes the block for another payload as soon as the invocation is answered. */
static void die_while_input_is_carried(uint32_t deployment, const char *path)
{
    char *input = malloc(SIZE), *at;
    struct nw_answer answer;
    uint64_t id;

    assert_non_null(input);
    memset(input, 'i', SIZE);
    id = nw_harness_send(&h, deployment, path, strlen(path));
    nw_harness_send(&h, deployment, input, SIZE);
    at = nw_arena_at(h.channel.arena, h.sent[(id + 1) % 4096].offset);
    free(nw_harness_receive(&h).data);
    answer = nw_harness_receive(&h);
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
    nw_harness_tell(&h, NW_CONTROL_RETIRE, deployment);
    nw_harness_expect(&h, NW_CONTROL_RETIRED); /* none of its domains is left */
    for (int i = 0; i < ROUNDS; i++)
        remove_file(folder, i);
    rmdir(folder);
}

/* It has no func worker whose end would end it, and nothing of it runs. */
static void a_function_that_does_nothing_retires(void **state)
{
    uint32_t deployment = load("START=quiet", 1, 600, NULL);

    (void)state;
    nw_harness_tell(&h, NW_CONTROL_RETIRE, deployment);
    nw_harness_expect(&h, NW_CONTROL_RETIRED);
}

/* None becomes free meanwhile. */
static void another_func_worker_is_tried_again(void **state)
{
    uint32_t deployment = load("START=few", 2, 10000, NULL);

    (void)state;
    nw_harness_send(&h, deployment, "wait", 4);
    nw_harness_send(&h, deployment, "go", 2);
    for (int i = 0; i < 2; i++) {
        struct nw_answer answer = nw_harness_receive(&h);

        assert_int_equal(answer.status, NW_STATUS_OK);
        free(answer.data);
    }
}

static int run(enum nw_mode of)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_dying_domain_gets_nothing_of_another_payload, setup, teardown),
        cmocka_unit_test_setup_teardown(a_function_that_does_nothing_retires, setup, teardown),
        cmocka_unit_test_setup_teardown(another_func_worker_is_tried_again, setup, teardown),
    };

    mode = of;
    return cmocka_run_group_tests_name(of == NW_MODE_MPK ? "worker/raw, mode mpk" : "worker/raw, mode process", tests,
                                       NULL, NULL);
}

int main(void)
{
    return nw_harness_run_modes(run);
}
