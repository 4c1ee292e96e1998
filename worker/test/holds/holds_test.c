/*
 * What a worker's locks are held for at most, and what an executor stays in the monitor for, while hostile functions do
 * what they can: holds.h says how that is measured. Writes all of it to holds.txt in the build directory.
 */
#include "common/manifest/manifest.h"
#include "common/test/test.h"
#include "worker/test/attack/attack_host.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define CROWD     15 /* with others more than there are keys */
#define TIMES     3
#define LARGE_MIB 256
#define PAYLOAD   (16ul << 20)
#define OUTPUTS   6

/* ms. What takes 50 ms of a processor's time shares that with all others here, and with the rest of the machine. No
 * deadline is what is tested. */
#define DEADLINE 120000

/* Several times what was seen on a busy machine of two processors. What only one domain waits for is not judged. */
#define LOCK_US 1000
#define STAY_US 5000

static struct nw_harness h;

static char directory[] = "/tmp/nightward-holds-XXXXXX";

static uint32_t load(const char *name, const char *so, uint64_t memory)
{
    char grant[sizeof(directory) + 8];
    struct nw_load l = {.name = name,
                        .so = nw_attack_path(so),
                        .slots = 2,
                        .memory = memory,
                        .threads = 32,
                        .timeout_ms = DEADLINE,
                        .profile = NW_PROFILE_FILES,
                        .directories = grant,
                        .cwd = directory};
    uint32_t deployment;

    snprintf(grant, sizeof(grant), "%s:rw", directory);
    deployment = nw_harness_load(&h, &l);
    if (!deployment)
        fail_msg("%s was refused: %s", name, h.message.text);
    return deployment;
}

static struct nw_answer receive(void)
{
    struct nw_answer answer = {0};

    assert_int_equal(nw_harness_try_receive(&h, 2 * DEADLINE, &answer), 0);
    return answer;
}

static struct nw_answer invoke(uint32_t deployment, const void *input, size_t length)
{
    const uint64_t id = nw_harness_send(&h, deployment, input, length);
    const struct nw_answer answer = receive();

    assert_int_equal(answer.id, id);
    return answer;
}

static void ask(uint32_t deployment, const char *input)
{
    free(invoke(deployment, input, strlen(input)).data);
}

/* Invokes a function that must succeed: its answer begins with this. */
static void ask_for(uint32_t deployment, const char *input, const char *expect)
{
    struct nw_answer a = invoke(deployment, input, strlen(input));

    if (a.status != NW_STATUS_OK || strncmp(a.data, expect, strlen(expect)) != 0)
        fail_msg("%s: %s", input, a.data);
    free(a.data);
}

/* Large payloads of every way: an input that is not taken, an output, both of nested calls. */
static void carry_much(uint32_t slow)
{
    struct nw_answer a;
    char *input = calloc(1, PAYLOAD);

    assert_non_null(input);
    a = invoke(slow, input, PAYLOAD);
    assert_int_equal(a.status, NW_STATUS_FUNCTION_FAILED);
    free(a.data);
    free(input);
    a = invoke(slow, "output 0", 8);
    assert_int_equal(a.status, NW_STATUS_OK);
    assert_int_equal(a.length, PAYLOAD);
    for (size_t k = 0; k < a.length; k++)
        assert_int_equal(a.data[k], 'x');
    free(a.data);
    ask_for(slow, "nested 0", "result 16777216");
}

/* Outputs of which each waits until the one before it has been read. */
static void wait_for_room(uint32_t slow)
{
    for (int i = 0; i < OUTPUTS; i++)
        nw_harness_send(&h, slow, "output 0", 8);
    for (int i = 0; i < OUTPUTS; i++) {
        struct nw_answer a = receive();

        assert_int_equal(a.status, NW_STATUS_OK);
        assert_int_equal(a.length, PAYLOAD);
        free(a.data);
    }
}

/* The file "large" of the directory, in the cache of the machine. */
static void make_large(void)
{
    static char piece[1 << 20];
    char path[sizeof(directory) + 8];
    int fd;

    snprintf(path, sizeof(path), "%s/large", directory);
    fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    assert_true(fd >= 0 && fchmod(fd, 0666) == 0);
    for (int i = 0; i < LARGE_MIB; i++)
        assert_int_equal(write(fd, piece, sizeof(piece)), sizeof(piece));
    close(fd);
}

/* More domains than keys, in each of which a thread spins or waits in a read. */
static void load_crowd(uint32_t crowd[CROWD])
{
    char text[32];

    for (int i = 0; i < CROWD; i++) {
        snprintf(text, sizeof(text), "crowd%d", i);
        crowd[i] = load(text, "turns", 64ul << 20);
        ask(crowd[i], i % 2 ? "spin 0" : "block 0");
    }
}

/* A function with a large snapshot comes and goes. */
static void snapshot_once(void)
{
    char so[512];
    const struct nw_load l = {
        .name = "keeper", .so = so, .env = "START=large", .slots = 1, .memory = 256ul << 20, .timeout_ms = DEADLINE};
    uint32_t deployment;

    snprintf(so, sizeof(so), "%s/test/worker/keeper.so", nw_attack_build());
    deployment = nw_harness_load(&h, &l);
    assert_int_not_equal(deployment, 0);
    assert_string_equal(h.loaded, "");
    nw_harness_tell(&h, NW_CONTROL_RETIRE, deployment);
    nw_harness_expect(&h, NW_CONTROL_RETIRED);
}

/* Everything several times: what takes long once may be the machine's doing. */
static void hostile_mix(void)
{
    static const char *const large[] = {"move 0", "unmap 0", "drop 0", "replace 0", "crash 0"};
    static const char *const greedy[] = {"mappings 0", "threads 0", "files 0", "heap 0", "log 0"};
    static const char *const lengthy[] = {"random 0", "unlink 0", "close 0", "replace 0", "rename 0", "truncate 0"};
    uint32_t hello = load("hello", NW_ATTACK_HELLO, 64ul << 20), hoard = load("hoard", "hoard", 3ul << 30);
    uint32_t storm = load("storm", "storm", 256ul << 20), flow = load("flow", "flow", 64ul << 20);
    uint32_t slow = load("slow", "lengthy", 256ul << 20);
    uint32_t crowd[CROWD];
    char text[64];

    load_crowd(crowd);
    for (int i = 0; i < 4 * TIMES; i++) {
        snprintf(text, sizeof(text), "storm 0 %x", i + 1);
        ask(storm, text);
        ask(hello, "x");
        ask(crowd[i % CROWD], "busy 0 5");
    }
    for (int i = 0; i < TIMES; i++) {
        snapshot_once();
        for (size_t k = 0; k < sizeof(large) / sizeof(large[0]); k++)
            ask(hoard, large[k]);
        for (size_t k = 0; k < sizeof(greedy) / sizeof(greedy[0]); k++)
            ask(flow, greedy[k]);
        for (size_t k = 0; k < sizeof(lengthy) / sizeof(lengthy[0]); k++) {
            make_large();
            ask_for(slow, lengthy[k], "result");
        }
        carry_much(slow);
        wait_for_room(slow);
    }
    ask(hello, "x");
}

/* Whether what a line of the worker's says is within the bound. */
static bool judge(const char *line, FILE *table)
{
    char kind[16], what[64], where[64];
    unsigned long longest, third;

    if (sscanf(line, "%15s %63s %63s %lu %lu", kind, what, where, &longest, &third) < 5 ||
        (strcmp(kind, "hold") != 0 && strcmp(kind, "stay") != 0 && strcmp(kind, "poll") != 0 &&
         strcmp(kind, "under") != 0))
        return true;
    fprintf(table, "%8lu %8lu  %s %s %s\n", third, longest, kind, what, where);
    if (strcmp(kind, "under") == 0)
        return false;
    return strncmp(what, "domain.", 7) == 0 || third <= (strcmp(kind, "stay") == 0 ? STAY_US : LOCK_US);
}

static void locks_are_held_briefly(void **state)
{
    static char text[1 << 20];
    char path[512];
    bool keyed = nw_mode_mpk_usable(path, sizeof(path)) != 0;
    int output = memfd_create("holds", MFD_CLOEXEC);
    unsigned over = 0;
    ssize_t n;
    FILE *table;

    (void)state;
    assert_non_null(mkdtemp(directory));
    setenv("NW_TEST_WORKER", "test/worker/nightward-worker-holds", 1);
    nw_harness_start_without(&h, keyed ? NW_MODE_MPK : NW_MODE_NONE, 2, NULL, output);
    hostile_mix();
    nw_harness_stop(&h);
    snprintf(path, sizeof(path), "rm -r %s", directory);
    assert_int_equal(system(path), 0);
    n = pread(output, text, sizeof(text) - 1, 0);
    text[n > 0 ? n : 0] = '\0';
    snprintf(path, sizeof(path), "%s/holds.txt", nw_attack_build());
    table = fopen(path, "w");
    assert_non_null(table);
    fprintf(table, "third and longest, in us of its thread's time\n");
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
        if (!judge(line, table)) {
            over++;
            print_error("%s\n", line);
        }
    fclose(table);
    assert_int_equal(over, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(locks_are_held_briefly)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
