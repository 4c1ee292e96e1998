/* Versions that are kept in the registry beside the one that serves, and the line that a row has of its version. */
#include "engine/store/release.h"
#include "engine/test/store/registry_help.h"
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <setjmp.h>

#include <cmocka.h>

#define KILLS 20
#define KEEP  3

static char why[1024];

/* The hashes of code that was dropped by the last change. */
static char dropped[8][65];
static int n_dropped;

static void take_dropped(const struct nw_buffer *all)
{
    n_dropped = 0;
    for (size_t at = 0; at < all->length; at += 65)
        strcpy(dropped[n_dropped++], all->data + at);
}

static const char *routes; /* of what serves next */

/* Version `number` of a name serves; its code is made of its number. */
static void serve(struct nw_registry *registry, const char *name, unsigned number, unsigned last)
{
    struct nw_manifest manifest;
    struct nw_release release = {.number = number, .last = last, .at = 1000 + number};
    char code[64], sha256[65];
    snprintf(code, sizeof code, "code %u of %s", number, name);
    nw_manifest_init(&manifest);
    strcpy(manifest.name, name);
    manifest.slots = 1 + number % 64;
    assert_int_equal(nw_manifest_set(&manifest, "env", "KEY=a \"value\"", why, sizeof why), 0);
    assert_int_equal(nw_registry_store(registry, code, strlen(code), sha256, why, sizeof why), 0);
    assert_int_equal(nw_registry_hash(&manifest, sha256, release.hash), 0);
    struct nw_registry_change change = {.name = name,
                                        .manifest = &manifest,
                                        .sha256 = sha256,
                                        .why = why,
                                        .why_size = sizeof why,
                                        .release = &release,
                                        .routes = routes,
                                        .keep = KEEP};
    struct nw_registry_change *all = &change;
    nw_registry_apply(registry, &all, 1);
    assert_int_equal(change.rc, 0);
    take_dropped(&change.dropped);
    nw_buffer_fini(&change.dropped);
    nw_manifest_fini(&manifest);
}

/* --- what is there --- */

struct seen {
    unsigned serves, numbers[16], n;
    char name[64], sha256[16][65];
};

static void see(void *arg, const struct nw_registry_row *row)
{
    struct seen *seen = arg;
    assert_string_equal(row->manifest->name, seen->name);
    assert_int_equal(row->manifest->slots, 1 + row->release->number % 64);
    assert_int_equal(row->release->at, 1000 + row->release->number);
    assert_int_equal(strlen(row->release->hash), NW_RELEASE_HASH);
    if (row->serves)
        seen->serves = row->release->number;
    strcpy(seen->sha256[seen->n], row->sha256);
    seen->numbers[seen->n++] = row->release->number;
}

/* As "3: 1 2 3": the one that serves, and all. The code of each must be there. */
static const char *versions(struct nw_registry *registry, const char *name)
{
    static char text[128];
    struct seen seen = {.serves = 0};
    strcpy(seen.name, name);
    nw_registry_versions(registry, name, see, &seen);
    size_t used = (size_t)snprintf(text, sizeof text, "%u:", seen.serves);
    for (unsigned v = 0; v < 100; v++)
        for (unsigned i = 0; i < seen.n; i++)
            if (seen.numbers[i] == v)
                used += (size_t)snprintf(text + used, sizeof text - used, " %u", v);
    for (unsigned i = 0; i < seen.n; i++) {
        int fd = nw_registry_open_code(registry, seen.sha256[i], why, sizeof why);
        if (fd < 0)
            fail_msg("version %u: %s", seen.numbers[i], why);
        close(fd);
    }
    return text;
}

static void keeps_the_newest(void **state)
{
    (void)state;
    struct nw_registry *registry = open_registry();
    put(registry, "f-2", "beside it", 1); /* names that begin alike */
    put(registry, "f.2", "beside it", 1);
    put(registry, "f2", "beside it", 1);
    for (unsigned v = 1; v <= 5; v++) {
        serve(registry, "f", v, v);
        assert_int_equal(n_dropped, v > KEEP);
    }
    assert_string_equal(versions(registry, "f"), "5: 3 4 5");
    assert_int_equal(read_rows(registry).n, 4); /* those that serve */
    nw_registry_forget(registry, dropped[0]);
    assert_string_equal(versions(registry, "f"), "5: 3 4 5");
    serve(registry, "f", 3, 5); /* an older one again */
    assert_string_equal(versions(registry, "f"), "3: 3 4 5");
    assert_int_equal(n_dropped, 0);
    serve(registry, "f", 3, 5); /* the same once more */
    assert_string_equal(versions(registry, "f"), "3: 3 4 5");
    nw_registry_close(registry);
    registry = open_registry();
    assert_null(nw_registry_notice(registry));
    assert_string_equal(versions(registry, "f"), "3: 3 4 5");
    serve(registry, "f", 6, 6);
    assert_string_equal(versions(registry, "f"), "6: 4 5 6");
    assert_int_equal(change(registry, "f", NULL, NULL, why, sizeof why), 0);
    assert_string_equal(versions(registry, "f"), "0:");
    assert_int_equal(read_rows(registry).n, 3);
    nw_registry_close(registry);
    registry = open_registry();
    assert_int_equal(files_in_store(), 1); /* that of the others */
    nw_registry_close(registry);
}

static void read_first(void *arg, const struct nw_registry_row *row)
{
    *(struct nw_release *)arg = *row->release;
}

/* Versions that have requests stay, however old they are. */
static void keeps_what_has_requests(void **state)
{
    (void)state;
    struct nw_registry *registry = open_registry();
    routes = NULL;
    for (unsigned v = 1; v <= 12; v++) {
        routes = v >= 3 ? "=v2:90,v3:10 old=v1:100" : NULL;
        serve(registry, "f", v, v);
    }
    assert_string_equal(versions(registry, "f"), "12: 1 2 3 10 11 12");
    routes = "=v2:100";
    serve(registry, "f", 13, 13);
    assert_string_equal(versions(registry, "f"), "13: 2 11 12 13");
    routes = NULL;
    serve(registry, "f", 14, 14);
    assert_string_equal(versions(registry, "f"), "14: 12 13 14");
    nw_registry_close(registry);
}

/* A row without a line is the first version of its name, and stays when there is another one. */
static void reads_rows_of_before(void **state)
{
    (void)state;
    struct nw_registry *registry = open_registry();
    struct nw_release release = {.number = 0};
    put(registry, "f", "code", 1);
    nw_registry_versions(registry, "f", read_first, &release);
    assert_int_equal(release.number, 1);
    assert_int_equal(release.last, 1);
    assert_int_equal(release.at, 0);
    serve(registry, "f", 2, 2);
    struct nw_release both[2] = {{.number = 0}};
    nw_registry_versions(registry, "f", read_first, &both[0]); /* the kept one comes last */
    assert_int_equal(both[0].number, 1);
    nw_registry_close(registry);
}

static _Noreturn void serve_until_killed(int pipe_fd, unsigned first)
{
    struct nw_registry *registry = open_registry();
    for (unsigned i = first;; i++) {
        serve(registry, "f", i, i);
        for (int k = 0; k < n_dropped; k++)
            nw_registry_forget(registry, dropped[k]);
        if (write(pipe_fd, &i, sizeof i) != sizeof i)
            _exit(1);
    }
}

/* After a kill the last version that was reported serves, or the next one, and those before it are there with their
 * code, and nothing else. */
static void survives_kills(void **state)
{
    (void)state;
    unsigned last = KEEP, reported;
    struct nw_registry *registry = open_registry();
    srand(1);
    for (unsigned v = 1; v <= KEEP; v++)
        serve(registry, "f", v, v);
    nw_registry_close(registry);
    for (int round = 0; round < KILLS; round++) {
        int fds[2];
        assert_int_equal(pipe(fds), 0);
        pid_t pid = fork();
        if (!pid)
            serve_until_killed(fds[1], last + 1);
        close(fds[1]);
        struct timespec pause = {0, (rand() % 10000) * 1000l};
        assert_int_equal(read(fds[0], &reported, sizeof reported), sizeof reported);
        nanosleep(&pause, NULL);
        kill(pid, SIGKILL);
        last = reported;
        while (read(fds[0], &reported, sizeof reported) == sizeof reported)
            last = reported;
        close(fds[0]);
        waitpid(pid, NULL, 0);
        registry = open_registry();
        assert_null(nw_registry_notice(registry));
        assert_null(store_notice(registry));
        struct seen seen = {.name = "f"};
        nw_registry_versions(registry, "f", see, &seen);
        assert_true(seen.serves == last || seen.serves == last + 1);
        assert_int_equal(seen.n, KEEP);
        for (unsigned i = 0; i < seen.n; i++)
            assert_true(seen.numbers[i] <= seen.serves && seen.numbers[i] + KEEP > seen.serves);
        versions(registry, "f");
        assert_int_equal(files_in_store(), KEEP);
        nw_registry_close(registry);
        last = seen.serves;
    }
}

static void reads_only_what_it_prints(void **state)
{
    (void)state;
    static const char *const bad[] = {"",
                                      "v1",
                                      "1 1 0 0123456789ab",
                                      "v0 0 0 0123456789ab",
                                      "v2 1 0 0123456789ab",
                                      "v01 1 0 0123456789ab",
                                      "v1 1 0 0123456789AB",
                                      "v1 1 0 0123456789abc",
                                      "v1 1 0 0123456789a",
                                      "v1 1  0 0123456789ab",
                                      "v+1 1 0 0123456789ab",
                                      "v4294967296 4294967296 0 0123456789ab",
                                      "v1 1 99999999999999999999 0123456789ab",
                                      "v1 1 -1 0123456789ab",
                                      "v1 1 0 0123456789ab "};
    struct nw_release release, again;
    const char *read;
    struct nw_buffer line = {0};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (nw_release_parse(&release, bad[i], &read) != -EINVAL)
            fail_msg("\"%s\" was read", bad[i]);
    assert_int_equal(nw_release_parse(&release, "v4294967295 4294967295 1796041234 0123456789ab", &read), 0);
    assert_null(read);
    assert_int_equal(nw_release_print(&release, "=v1:100", &line), 0);
    assert_int_equal(nw_release_parse(&again, line.data, &read), 0);
    assert_string_equal(read, "=v1:100");
    assert_memory_equal(&again, &release, sizeof release);
    nw_buffer_fini(&line);
    assert_int_equal(nw_release_kept_number("f@v12"), 12);
    assert_int_equal(nw_release_kept_number("f@v012"), 0);
    assert_int_equal(nw_release_kept_number("f@w1"), 0);
    assert_int_equal(nw_release_kept_number("f"), 0);
    assert_int_equal(nw_release_kept_number("f@v"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(keeps_the_newest, set_up, tear_down),
        cmocka_unit_test_setup_teardown(keeps_what_has_requests, set_up, tear_down),
        cmocka_unit_test_setup_teardown(reads_rows_of_before, set_up, tear_down),
        cmocka_unit_test_setup_teardown(survives_kills, set_up, tear_down),
        cmocka_unit_test(reads_only_what_it_prints),
    };
    return cmocka_run_group_tests_name("engine versions that are kept", tests, NULL, NULL);
}
