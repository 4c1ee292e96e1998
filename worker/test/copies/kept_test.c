/* What a snapshot costs the function whose it is: memory, and code that is kept for it, count like its own. */
#include "common/base/clock.h"
#include "common/manifest/manifest.h"
#include "worker/test/whole.h"
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define MEMORY        (64ull << 20)
#define KEEPER_IMAGES 20            /* of as much code as it maps, one after the other ... */
#define KEEPER_CODE   (7ull << 20)  /* ... of at least so many bytes each */
#define WRITTEN       (64ull << 20) /* at the start, when it is large */

static uint32_t load(const char *env)
{
    return nw_whole_must(
        (struct nw_load){.so = "keeper", .env = env, .slots = 3, .memory = MEMORY, .profile = NW_PROFILE_FILES});
}

static unsigned number(uint32_t deployment, const char *input)
{
    struct nw_answer got = nw_harness_invoke(&nw_whole, deployment, input, strlen(input));
    unsigned n;

    assert_int_equal(got.status, NW_STATUS_OK);
    assert_int_equal(sscanf(got.data, "%u", &n), 1);
    free(got.data);
    return n;
}

static void crash(uint32_t deployment)
{
    struct nw_answer got = nw_harness_invoke(&nw_whole, deployment, "crash", 5);

    assert_int_equal(got.status, NW_STATUS_CRASHED);
    free(got.data);
}

/* Code that was mapped at the start, and is kept for the snapshot, is within the function's memory; later it is gone.
 */
static void code_that_is_kept_counts(void **state)
{
    uint32_t deployment = load("START=code");

    (void)state;
    assert_string_equal(nw_whole.loaded, "");
    assert_in_range(number(deployment, "mapped"), 1, MEMORY / KEEPER_CODE);
    assert_int_equal(number(deployment, "code"), KEEPER_IMAGES);
    crash(deployment);
    assert_int_equal(number(deployment, "code"), KEEPER_IMAGES);
}

static void without_a_snapshot_no_code_is_kept(void **state)
{
    uint32_t deployment = load("START=thread");

    (void)state;
    assert_string_not_equal(nw_whole.loaded, "");
    assert_int_equal(number(deployment, "code"), KEEPER_IMAGES);
}

static uint32_t load_large(struct nw_harness *h, uint64_t memory, int *snapshot)
{
    const struct nw_load l = {.name = "keeper",
                              .so = nw_test_so("keeper"),
                              .env = "START=large",
                              .memory = memory,
                              .range = NW_PLACES_START,
                              .snapshot = snapshot};
    uint32_t deployment;

    deployment = nw_harness_load(h, &l);
    assert_int_not_equal(deployment, 0);
    return deployment;
}

/* Waits until the worker reports that the function holds as much memory again. */
static void holds_twice(struct nw_harness *h)
{
    while (h->holds.memory < 2 * WRITTEN)
        nw_harness_expect(h, NW_CONTROL_HOLDS);
}

/* In the domain of which it was taken, and in one that was made from it. */
static void a_snapshot_counts_as_memory(void **state)
{
    struct nw_harness other;
    int file;

    (void)state;
    load_large(&nw_whole, 4 * WRITTEN, NULL);
    assert_string_equal(nw_whole.loaded, "");
    holds_twice(&nw_whole);
    file = fcntl(nw_whole.snapshot, F_DUPFD_CLOEXEC, 0);
    nw_harness_start(&other, nw_whole_mode, 2);
    load_large(&other, 4 * WRITTEN, &file);
    assert_string_equal(other.unusable, "");
    holds_twice(&other);
    nw_harness_stop(&other);
    close(file);
}

static void a_snapshot_that_does_not_fit_is_not_taken(void **state)
{
    static const char why[] =
        "its memory limit leaves no room for a copy of what it wrote while it was loaded; raise memory";
    struct nw_harness other;
    struct nw_answer got;
    int file;

    (void)state;
    load_large(&nw_whole, 4 * WRITTEN, NULL);
    file = fcntl(nw_whole.snapshot, F_DUPFD_CLOEXEC, 0);
    nw_harness_start(&other, nw_whole_mode, 2);
    got = nw_harness_invoke(&other, load_large(&other, 2 * WRITTEN + (5ull << 20), &file), "", 0);
    assert_int_equal(got.status, NW_STATUS_OK); /* but for its stacks it would fit */
    free(got.data);
    assert_string_equal(other.unusable, "it needs more memory than the function may have");
    assert_string_equal(other.loaded, why);
    nw_harness_stop(&other);
    close(file);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, nw_whole_start, nw_whole_stop)
    const struct CMUnitTest tests[] = {
        TEST(code_that_is_kept_counts),
        TEST(without_a_snapshot_no_code_is_kept),
        TEST(a_snapshot_counts_as_memory),
        TEST(a_snapshot_that_does_not_fit_is_not_taken),
    };

    return NW_WHOLE_RUN(tests);
}
