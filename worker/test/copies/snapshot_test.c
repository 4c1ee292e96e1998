/* Domains that are made from a snapshot: what they remember, what they do not, and which functions have none. */
#include "common/base/clock.h"
#include "common/manifest/manifest.h"
#include "worker/snapshot/format.h"
#include "worker/test/whole.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#define MEMORY (64ull << 20)

static uint32_t load_with(struct nw_harness *h, uint64_t range, int *snapshot)
{
    const struct nw_load l = {
        .name = "keeper", .so = nw_test_so("keeper"), .memory = MEMORY, .range = range, .snapshot = snapshot};

    return nw_harness_load(h, &l);
}

static uint32_t load_at(struct nw_harness *h, uint64_t range)
{
    return load_with(h, range, NULL);
}

static uint32_t load(bool snapshots, const char *env)
{
    return nw_whole_must((struct nw_load){.so = "keeper",
                                          .env = env,
                                          .slots = 3,
                                          .memory = MEMORY,
                                          .profile = NW_PROFILE_FILES,
                                          .no_snapshots = !snapshots});
}

static void ask(uint32_t deployment, const char *input, char answer[128])
{
    struct nw_answer got = nw_harness_invoke(&nw_whole, deployment, input, strlen(input));

    snprintf(answer, 128, "%u %s", got.status, got.status == NW_STATUS_OK ? got.data : "");
    free(got.data);
}

static void crash(uint32_t deployment)
{
    struct nw_answer got = nw_harness_invoke(&nw_whole, deployment, "crash", 5);

    assert_int_equal(got.status, NW_STATUS_CRASHED);
    free(got.data);
}

/* What it drew at random when it was loaded says which start it comes from. */
static unsigned long drawn(uint32_t deployment)
{
    char answer[128];
    unsigned long value;
    unsigned status, heap, thread, count;

    ask(deployment, "", answer);
    assert_int_equal(sscanf(answer, "%u %lx %u %u %u", &status, &value, &heap, &thread, &count), 5);
    assert_int_equal(status, NW_STATUS_OK);
    assert_true(heap && thread);
    assert_int_equal(count, 1); /* nothing of an invocation is in a snapshot, or survives a crash */
    return value;
}

static unsigned long again(uint32_t deployment)
{
    crash(deployment);
    return drawn(deployment);
}

static void a_crashed_domain_comes_back_as_it_was_loaded(void **state)
{
    uint32_t deployment = load(true, NULL);
    unsigned long first = drawn(deployment);
    int came_back = 0;

    (void)state;
    assert_string_equal(nw_whole.loaded, "");
    for (int i = 0; i < 5; i++)
        came_back += again(deployment) == first;
    assert_in_range(came_back, 1, 5); /* where the last one is not gone in time it is loaded */
}

#define SOME_RANGE (NW_PLACES_START + 7 * NW_PLACE_SIZE + 5 * 4096)

/* A function has the same addresses in each worker, so that its snapshot can be used there. */
static void a_range_is_the_same_in_every_worker(void **state)
{
    struct nw_harness other;
    char here[128], there[128];

    (void)state;
    ask(load_at(&nw_whole, SOME_RANGE), "place", here);
    nw_harness_start(&other, nw_whole_mode, 2);
    there[0] = '\0';
    struct nw_answer got = nw_harness_invoke(&other, load_at(&other, SOME_RANGE), "place", 5);
    snprintf(there, sizeof(there), "%u %s", got.status, got.data);
    free(got.data);
    nw_harness_stop(&other);
    assert_string_equal(here, there);
}

/* The file of a snapshot of a function at SOME_RANGE, and what the function drew. */
static int take(unsigned long *value)
{
    uint32_t deployment = load_at(&nw_whole, SOME_RANGE);
    int file;

    assert_string_equal(nw_whole.loaded, "");
    assert_true(nw_whole.snapshot >= 0);
    *value = drawn(deployment);
    file = nw_whole.snapshot;
    nw_whole.snapshot = -1;
    return file;
}

static unsigned long drawn_in(struct nw_harness *h, uint32_t deployment)
{
    struct nw_answer got = nw_harness_invoke(h, deployment, "", 0);
    unsigned long value = 0;

    assert_int_equal(got.status, NW_STATUS_OK);
    assert_int_equal(sscanf(got.data, "%lx", &value), 1);
    free(got.data);
    return value;
}

static void says(struct nw_harness *h, uint32_t deployment, const char *input, const char *expect)
{
    struct nw_answer got = nw_harness_invoke(h, deployment, input, strlen(input));

    assert_int_equal(got.status, NW_STATUS_OK);
    assert_string_equal(got.data, expect);
    free(got.data);
}

static void a_snapshot_serves_another_worker(void **state)
{
    struct nw_harness other;
    unsigned long value;
    int file = take(&value);
    uint32_t deployment;

    (void)state;
    nw_harness_start(&other, nw_whole_mode, 2);
    deployment = load_with(&other, SOME_RANGE, &file);
    assert_string_equal(other.unusable, "");
    assert_int_equal(other.snapshot, -1);
    assert_int_equal(drawn_in(&other, deployment), value);
    says(&other, deployment, "thread", "own");
    says(&other, deployment, "give", "zero");
    nw_harness_stop(&other);
    close(file);
}

static void hooks_are_called_before_it_and_in_every_instance(void **state)
{
    struct nw_harness other;
    uint32_t deployment = load_at(&nw_whole, SOME_RANGE);
    int file = fcntl(nw_whole.snapshot, F_DUPFD_CLOEXEC, 0);

    (void)state;
    says(&nw_whole, deployment, "hooks", "1 1");
    nw_harness_start(&other, nw_whole_mode, 2);
    deployment = load_with(&other, SOME_RANGE, &file);
    says(&other, deployment, "hooks", "1 1");
    nw_harness_stop(&other);
    close(file);
}

static void hooks_are_called_without_a_snapshot_too(void **state)
{
    uint32_t deployment = load(true, "START=thread");

    (void)state;
    says(&nw_whole, deployment, "hooks", "1 1");
}

/* The same file but for some bytes, sealed again. */
static int changed(int file, off_t at, const void *bytes, size_t size, off_t length)
{
    int copy = memfd_create("changed", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    char page[4096];

    for (off_t done = 0; done < length;) {
        ssize_t n = pread(file, page, length - done < 4096 ? (size_t)(length - done) : 4096, done);

        assert_true(n > 0);
        assert_int_equal(write(copy, page, (size_t)n), n);
        done += n;
    }
    assert_int_equal(pwrite(copy, bytes, size, at), size);
    assert_int_equal(fcntl(copy, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW), 0);
    return copy;
}

static off_t size_of(int file)
{
    return lseek(file, 0, SEEK_END);
}

/* It is told why, in words that begin like this, loads the function, and takes a snapshot anew. */
static void is_discarded(int file, const char *why)
{
    struct nw_harness other;
    uint32_t deployment;

    nw_harness_start(&other, nw_whole_mode, 2);
    deployment = load_with(&other, SOME_RANGE, &file);
    assert_int_not_equal(deployment, 0);
    assert_string_equal(other.loaded, "");
    assert_true(other.snapshot >= 0);
    says(&other, deployment, "hooks", "1 1");
    if (strncmp(other.unusable, why, strlen(why)) != 0)
        fail_msg("%s", other.unusable);
    nw_harness_stop(&other);
    close(file);
}

#define TAIL(member) (end - (off_t)sizeof(struct nw_file_tail) + (off_t)offsetof(struct nw_file_tail, member))

static void a_bad_snapshot_is_discarded_and_another_taken(void **state)
{
    static const char foreign[] = "it was taken on another machine, or with another version of Nightward or the kernel";
    const uint64_t bad = ~0ull, range = SOME_RANGE + NW_PLACE_SIZE;
    unsigned long value;
    int file = take(&value);
    const off_t end = size_of(file);

    (void)state;
    is_discarded(changed(file, TAIL(machine), &bad, sizeof(bad), end), foreign);
    is_discarded(changed(file, TAIL(range), &range, sizeof(range), end), foreign);
    is_discarded(changed(file, TAIL(contents), &bad, sizeof(bad), end), "it is damaged");
    is_discarded(changed(file, TAIL(n_parts), &bad, sizeof(uint32_t), end), "it is damaged");
    is_discarded(changed(file, TAIL(flows[0].rsp), &bad, sizeof(bad), end), "it is damaged");
    is_discarded(changed(file, TAIL(flows[1].mxcsr), &bad, sizeof(uint32_t), end), "it is damaged");
    is_discarded(changed(file, 0, &bad, sizeof(bad), end - 1), "it is damaged");
    close(file);
}

/* It passes all checks, but its func worker has no thread-local variables. */
static void a_snapshot_in_which_nothing_can_run_is_discarded(void **state)
{
    const uint64_t bad = 8;
    unsigned long value;
    int file = take(&value), worse;
    const off_t end = size_of(file);
    struct nw_harness other;
    uint32_t deployment;

    (void)state;
    worse = changed(file, TAIL(flows[1].fs), &bad, sizeof(bad), end);
    nw_harness_start(&other, nw_whole_mode, 2);
    deployment = load_with(&other, SOME_RANGE, &worse);
    assert_int_not_equal(deployment, 0);
    assert_string_equal(other.unusable, "");
    for (int i = 0; i < 30 && !other.unusable[0]; i++) {
        struct nw_answer got = nw_harness_invoke(&other, deployment, "", 0);

        if (got.status == NW_STATUS_OK) /* loaded: it has been discarded, or its place was not free in time */
            free(nw_harness_invoke(&other, deployment, "crash", 5).data);
        free(got.data);
        nw_harness_listen(&other);
    }
    assert_int_not_equal(drawn_in(&other, deployment), value);
    assert_string_equal(other.unusable, "what was made from it crashed each time before it had answered");
    nw_harness_listen(&other);
    assert_true(other.snapshot >= 0); /* another was taken */
    nw_harness_stop(&other);
    close(worse);
    close(file);
}

/* It passes all checks, but its first flow has no thread-local variables: the domain ends while the engine waits. */
static void a_snapshot_that_does_not_come_up_is_discarded(void **state)
{
    const uint64_t bad = 8;
    unsigned long value;
    int file = take(&value);
    const off_t end = size_of(file);

    (void)state;
    is_discarded(changed(file, TAIL(flows[0].fs), &bad, sizeof(bad), end), "SIGSEGV at address");
    close(file);
}

/* Its snapshot is not to blame for what an invocation does. */
static void a_function_that_serves_keeps_its_snapshot(void **state)
{
    uint32_t deployment = load(true, NULL);

    (void)state;
    for (int i = 0; i < 6; i++) {
        drawn(deployment);
        crash(deployment);
    }
    nw_harness_listen(&nw_whole);
    assert_string_equal(nw_whole.unusable, "");
}

/* Three domains made from it are lost before they serve, by the function's own doing. After a while another is taken,
 * since a domain that was loaded has served meanwhile. */
static void a_snapshot_that_was_given_up_is_taken_again(void **state)
{
    const uint64_t end = nw_clock_ns() + 20000000000ull;
    uint32_t deployment = load(true, NULL);
    unsigned long last = drawn(deployment), now;

    (void)state;
    for (int i = 0; i < 4; i++)
        crash(deployment);
    now = drawn(deployment);
    assert_int_not_equal(now, last);
    do {
        last = now;
        now = again(deployment);
    } while (now != last && nw_clock_ns() < end);
    assert_int_equal(now, last);
}

/* As an upgrade of a library does: the last but one of the table is a file of the host. */
static void where_a_library_was_changed_a_snapshot_is_discarded(void **state)
{
    const off_t last = -(off_t)(sizeof(struct nw_file_tail) + 2 * sizeof(struct nw_library));
    unsigned long value;
    int file = take(&value);
    const off_t end = size_of(file);
    struct nw_library library;
    char why[512];

    (void)state;
    assert_int_equal(pread(file, &library, sizeof(library), end + last), sizeof(library));
    assert_int_equal(library.kind, NW_LIBRARY_PATH_OF);
    snprintf(why, sizeof(why), "%s is not the file any more that it was", library.path);
    library.changed_ns++;
    is_discarded(changed(file, end + last, &library, sizeof(library), end), why);
    snprintf(why, sizeof(why), "%.200s.gone cannot be opened any more", library.path);
    strcat(library.path, ".gone");
    is_discarded(changed(file, end + last, &library, sizeof(library), end), why);
    close(file);
}

static void where_its_addresses_are_taken_it_serves_without_a_snapshot(void **state)
{
    uint32_t second;
    unsigned long before;

    (void)state;
    if (nw_whole_mode == NW_MODE_PROCESS) /* a worker has one function */
        return;
    load_at(&nw_whole, SOME_RANGE);
    second = load_at(&nw_whole, SOME_RANGE + 4096);
    assert_int_not_equal(second, 0);
    assert_string_equal(nw_whole.loaded, "in this worker something else lies at its addresses");
    before = drawn(second);
    assert_int_not_equal(again(second), before);
}

/* As when a function is deployed again and the last version of it is still there. */
static void one_that_came_with_it_waits_until_its_addresses_are_free(void **state)
{
    struct nw_harness other;
    unsigned long value;
    int file = take(&value);
    uint32_t last, deployment;

    (void)state;
    nw_harness_start(&other, nw_whole_mode, 2);
    if (nw_whole_mode != NW_MODE_PROCESS) { /* there a worker has one function */
        last = load_with(&other, SOME_RANGE, &file);
        deployment = load_with(&other, SOME_RANGE, &file);
        assert_string_equal(other.loaded, "");
        assert_int_not_equal(drawn_in(&other, deployment), value);
        nw_harness_tell(&other, NW_CONTROL_RETIRE, last);
        nw_harness_expect(&other, NW_CONTROL_RETIRED);
        free(nw_harness_invoke(&other, deployment, "crash", 5).data);
        assert_int_equal(drawn_in(&other, deployment), value);
        assert_int_equal(other.snapshot, -1);
        assert_string_equal(other.unusable, "");
    }
    nw_harness_stop(&other);
    close(file);
}

static void addresses_that_no_engine_deals_are_refused(void **state)
{
    static const uint64_t ranges[] = {NW_PLACES_START + 1, NW_PLACES_START + NW_PLACE_SIZE / 2, 4096,
                                      NW_PLACES_START + NW_PLACES * NW_PLACE_SIZE, UINT64_MAX - 4095};

    (void)state;
    for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++)
        assert_int_equal(load_at(&nw_whole, ranges[i]), 0);
}

static void without_snapshots_it_is_loaded_again(void **state)
{
    uint32_t deployment = load(false, NULL);
    unsigned long first = drawn(deployment);

    (void)state;
    assert_int_not_equal(again(deployment), first);
}

static void memory_of_a_snapshot_is_memory_like_any_other(void **state)
{
    uint32_t deployment = load(true, NULL);
    char answer[128];

    (void)state;
    for (int i = 0; i < 3; i++) {
        ask(deployment, "give", answer);
        assert_string_equal(answer, "0 zero");
        ask(deployment, "thread", answer);
        assert_string_equal(answer, "0 own");
        crash(deployment);
    }
}

/* It is told why, and the function serves nevertheless. */
static void what_cannot_be_taken_is_found_out(void **state)
{
    static const char *const starts[][2] = {
        {"START=thread", "it started threads while it was loaded"},
        {"START=file", "it opened files while it was loaded"},
        {"START=hidden", "it shares memory with files, or has memory that it cannot read"},
        {"START=timer", "it set a timer while it was loaded, or a signal waits for it"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++) {
        uint32_t deployment = load(true, starts[i][0]);
        unsigned long first = drawn(deployment);

        assert_string_equal(nw_whole.loaded, starts[i][1]);
        assert_int_not_equal(again(deployment), first);
        nw_harness_tell(&nw_whole, NW_CONTROL_RETIRE, deployment);
        nw_harness_expect(&nw_whole, NW_CONTROL_RETIRED);
    }
}

/* As where the kernel seals its own mappings. */
static void forbid_moves(void)
{
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mremap, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const struct sock_fprog program = {sizeof(filter) / sizeof(filter[0]), filter};

    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0)
        _exit(1);
}

/* It makes domains from its own, and says nothing of those of others. */
static void where_the_vdso_stays_snapshots_are_not_handed_around(void **state)
{
    struct nw_harness other;
    unsigned long value, own;
    int file = take(&value);
    uint32_t deployment;

    (void)state;
    nw_harness_before_exec = forbid_moves;
    nw_harness_start(&other, nw_whole_mode, 2);
    nw_harness_before_exec = NULL;
    deployment = load_with(&other, SOME_RANGE, &file);
    assert_int_not_equal(deployment, 0);
    own = drawn_in(&other, deployment);
    assert_int_not_equal(own, value);
    nw_harness_listen(&other);
    assert_string_equal(other.loaded, "");
    assert_string_equal(other.unusable, "");
    assert_int_equal(other.snapshot, -1);
    nw_harness_stop(&other);
    close(file);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, nw_whole_start, nw_whole_stop)
    const struct CMUnitTest tests[] = {
        TEST(a_crashed_domain_comes_back_as_it_was_loaded),
        TEST(a_range_is_the_same_in_every_worker),
        TEST(a_snapshot_serves_another_worker),
        TEST(hooks_are_called_before_it_and_in_every_instance),
        TEST(hooks_are_called_without_a_snapshot_too),
        TEST(a_bad_snapshot_is_discarded_and_another_taken),
        TEST(a_snapshot_in_which_nothing_can_run_is_discarded),
        TEST(a_snapshot_that_does_not_come_up_is_discarded),
        TEST(a_function_that_serves_keeps_its_snapshot),
        TEST(a_snapshot_that_was_given_up_is_taken_again),
        TEST(where_a_library_was_changed_a_snapshot_is_discarded),
        TEST(where_its_addresses_are_taken_it_serves_without_a_snapshot),
        TEST(one_that_came_with_it_waits_until_its_addresses_are_free),
        TEST(addresses_that_no_engine_deals_are_refused),
        TEST(without_snapshots_it_is_loaded_again),
        TEST(memory_of_a_snapshot_is_memory_like_any_other),
        TEST(what_cannot_be_taken_is_found_out),
        TEST(where_the_vdso_stays_snapshots_are_not_handed_around),
    };

    return NW_WHOLE_RUN(tests);
}
