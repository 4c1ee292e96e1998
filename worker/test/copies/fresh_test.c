/* Fresh functions: each invocation finds its domain as it was when it had been loaded, whatever the one before did. */
#include "common/manifest/manifest.h"
#include "worker/test/whole.h"
#include <fcntl.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define MEMORY (96ull << 20)
#define SECRET 32
#define TURNED 0x5a /* the function XORs its input with this to get the secret */
#define PIECE  (1ul << 20)

static uint32_t load(const char *env)
{
    return nw_whole_try((struct nw_load){
        .so = "planter", .env = env, .slots = 1, .memory = MEMORY, .profile = NW_PROFILE_FILES, .fresh = true});
}

static void must_answer(uint32_t deployment, const char *input, size_t length, const char *expected)
{
    struct nw_answer got = nw_harness_invoke(&nw_whole, deployment, input, length);

    assert_int_equal(got.status, NW_STATUS_OK);
    assert_string_equal(got.data, expected);
    free(got.data);
}

static void must_say(uint32_t deployment, const char *input, const char *expected)
{
    must_answer(deployment, input, strlen(input), expected);
}

/* ---- all memory of the worker ---- */

static void make_secret(char plain[SECRET], char turned[SECRET])
{
    for (int i = 0; i < SECRET; i++) {
        plain[i] = (char)('A' + (i * 7 + nw_whole.pid) % 26);
        turned[i] = (char)(plain[i] ^ TURNED);
    }
}

/* Pieces overlap, so that none hides what lies across two of them. */
static unsigned count_in(int mem, uint64_t start, uint64_t end, const char *secret)
{
    static char piece[PIECE];
    unsigned found = 0;

    for (uint64_t at = start; at < end; at += PIECE - SECRET) {
        const size_t length = end - at < PIECE ? end - at : PIECE;
        ssize_t n = pread(mem, piece, length, (off_t)at);

        for (char *from = piece; n > 0 && (from = memmem(from, (size_t)(piece + n - from), secret, SECRET)); from++)
            found++;
    }
    return found;
}

/* How often a secret is in the memory of the worker: of its monitor, too. */
static unsigned count_secrets(const char *secret)
{
    char path[64], line[512], rights[8];
    uint64_t start, stop;
    unsigned found = 0;
    FILE *maps;
    int mem;

    snprintf(path, sizeof(path), "/proc/%d/mem", nw_whole.pid);
    mem = open(path, O_RDONLY | O_CLOEXEC);
    snprintf(path, sizeof(path), "/proc/%d/maps", nw_whole.pid);
    maps = fopen(path, "re");
    if (mem < 0 || !maps) {
        print_message("the memory of another process cannot be read here\n");
        skip();
    }
    while (fgets(line, sizeof(line), maps))
        if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %7s", &start, &stop, rights) == 3 && rights[0] == 'r')
            found += count_in(mem, start, stop, secret);
    fclose(maps);
    close(mem);
    return found;
}

/* Mappings of the worker. */
static unsigned count_mappings(void)
{
    char path[64];
    unsigned n = 0;
    FILE *maps;

    snprintf(path, sizeof(path), "/proc/%d/maps", nw_whole.pid);
    maps = fopen(path, "re");
    assert_non_null(maps);
    for (int c; (c = getc(maps)) != EOF;)
        n += c == '\n';
    fclose(maps);
    return n;
}

static void nothing_of_an_invocation_is_left(void **state)
{
    uint32_t deployment = load(NULL);
    char plain[SECRET], turned[SECRET];
    unsigned mappings = 0;

    (void)state;
    assert_int_not_equal(deployment, 0);
    make_secret(plain, turned);
    must_say(deployment, "look", "nothing");
    for (int i = 0; i < 5; i++) {
        must_answer(deployment, turned, SECRET, "planted");
        must_say(deployment, "look", "nothing");
        assert_int_equal(count_secrets(plain), 0);
        if (i == 1)
            mappings = count_mappings();
    }
    assert_in_range(count_mappings(), 1, mappings + 2); /* of the monitor's own */
}

/* What is left is found as long as the function is not fresh: so the search finds something. */
static void the_search_finds_what_is_left(void **state)
{
    char plain[SECRET], turned[SECRET];
    uint32_t deployment =
        nw_whole_must((struct nw_load){.so = "planter", .slots = 1, .memory = MEMORY, .profile = NW_PROFILE_FILES});

    (void)state;
    make_secret(plain, turned);
    must_answer(deployment, turned, SECRET, "planted");
    assert_true(count_secrets(plain) > 100);
    must_say(deployment, "look", "a file");
}

static void what_a_domain_cannot_take_back_ends_it(void **state)
{
    static const char *const left[][2] = {{"thread", "left"}, {"alarm", "set"}, {"code", "mapped"}};
    uint32_t deployment = load(NULL);

    (void)state;
    for (size_t i = 0; i < sizeof(left) / sizeof(left[0]); i++) {
        must_say(deployment, left[i][0], left[i][1]);
        must_say(deployment, "look", "nothing");
        must_say(deployment, "has-alarm", "none");
    }
}

static void after_a_crash_it_is_fresh(void **state)
{
    uint32_t deployment = load(NULL);

    (void)state;
    for (int i = 0; i < 3; i++) {
        struct nw_answer got = nw_harness_invoke(&nw_whole, deployment, "crash", 5);

        assert_int_equal(got.status, NW_STATUS_CRASHED);
        free(got.data);
        must_say(deployment, "look", "nothing");
    }
}

/* The domain is made anew, and what it ran has failed. */
static void a_thread_that_waits_ends_what_runs(void **state)
{
    uint32_t deployment = load(NULL);
    struct nw_answer got;

    (void)state;
    must_say(deployment, "look", "nothing");
    got = nw_harness_invoke(&nw_whole, deployment, "wait", 4);
    assert_int_equal(got.status, NW_STATUS_CRASHED);
    assert_non_null(strstr(got.data, "waited for an invocation while one ran"));
    free(got.data);
    nw_harness_expect(&nw_whole, NW_CONTROL_TORN_DOWN);
    must_say(deployment, "look", "nothing");
}

static void it_does_not_wait_for_itself(void **state)
{
    uint32_t deployment = load(NULL);

    (void)state;
    must_say(deployment, "self", "refused");
    must_say(deployment, "look", "nothing");
}

static void without_a_snapshot_it_is_refused(void **state)
{
    (void)state;
    assert_int_equal(load("START=thread"), 0);
    assert_non_null(strstr(nw_whole.message.text, "no snapshot can be taken: it started threads while it was loaded"));
}

/* Invocations that wait for one another's end are all answered. */
static void one_runs_at_a_time(void **state)
{
    uint32_t deployment = load(NULL);

    (void)state;
    for (int i = 0; i < 50; i++)
        nw_harness_send(&nw_whole, deployment, "look", 4);
    for (int i = 0; i < 50; i++) {
        struct nw_answer got = nw_harness_receive(&nw_whole);

        assert_int_equal(got.status, NW_STATUS_OK);
        assert_string_equal(got.data, "nothing");
        free(got.data);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, nw_whole_start, nw_whole_stop)
    const struct CMUnitTest tests[] = {
        TEST(nothing_of_an_invocation_is_left),       TEST(the_search_finds_what_is_left),
        TEST(what_a_domain_cannot_take_back_ends_it), TEST(after_a_crash_it_is_fresh),
        TEST(a_thread_that_waits_ends_what_runs),     TEST(it_does_not_wait_for_itself),
        TEST(without_a_snapshot_it_is_refused),       TEST(one_runs_at_a_time),
    };

    return NW_WHOLE_RUN(tests);
}
