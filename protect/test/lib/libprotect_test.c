/*
 * Tests of libprotect as a program sees it. What must not be reachable is read in a forked child, which reports by its
 * exit status whether the read came back or was answered with SIGSEGV and SEGV_PKUERR.
 */
#include "common/base/atomic.h"
#include "include/nightward/protect.h"
#include "protect/test/fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { PAGE = 4096, MOST = 16, REACHED = 40, REFUSED = 41, OTHER_FAULT = 42 };

static int limit;

static void need_keys(void **state)
{
    limit = nw_pkey_limit();
    (void)state;
    if (limit > 0)
        return;
    print_message("libprotect cannot work on this machine: %s\n", strerror(-limit));
    skip();
}

static volatile int *new_pages(size_t count)
{
    void *pages = mmap(NULL, count * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    assert_true(pages != MAP_FAILED);
    return pages;
}

static nw_pkey new_key(void)
{
    nw_pkey key = 0;

    assert_int_equal(nw_pkey_alloc(0, NW_PKEY_NO_ACCESS, &key), 0);
    assert_true(key != 0);
    return key;
}

/* A key with one page that holds `value`. */
static nw_pkey new_key_on(volatile int *page, int value)
{
    nw_pkey key = new_key();

    *page = value;
    assert_int_equal(nw_pkey_mprotect((void *)page, PAGE, PROT_READ | PROT_WRITE, key), 0);
    return key;
}

static void on_fault(int number, siginfo_t *info, void *context)
{
    (void)number, (void)context;
    _exit(info->si_code == SEGV_PKUERR ? REFUSED : OTHER_FAULT);
}

/* In a child: a fault ends it with a status that says which. */
static void catch_faults(void)
{
    struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};
    sigaction(SIGSEGV, &action, NULL);
}

static int status_of(pid_t child)
{
    int status;

    assert_true(child > 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

/* How an access of this thread would end. */
static int try_access(volatile int *address, bool write)
{
    pid_t child = fork();

    if (child == 0) {
        catch_faults();
        if (write)
            *address = 1;
        else
            (void)*address;
        _exit(REACHED);
    }
    return status_of(child);
}

static void open_all(nw_pkey *keys)
{
    for (int i = 0; i < limit; i++) {
        keys[i] = new_key();
        assert_int_equal(nw_pkey_set(keys[i], 0), 0);
    }
}

static void close_all(const nw_pkey *keys)
{
    for (int i = 0; i < limit; i++) {
        assert_int_equal(nw_pkey_set(keys[i], NW_PKEY_NO_ACCESS), 0);
        assert_int_equal(nw_pkey_free(keys[i]), 0);
    }
}

static void drop_page(volatile int *page, nw_pkey key)
{
    assert_int_equal(nw_pkey_munmap((void *)page, PAGE), 0);
    assert_int_equal(nw_pkey_free(key), 0);
}

static void test_rights(void **state)
{
    need_keys(state);
    volatile int *page = new_pages(1);
    nw_pkey key = new_key_on(page, 5);

    assert_int_equal(nw_pkey_get(key), NW_PKEY_NO_ACCESS);
    assert_int_equal(try_access(page, false), REFUSED);
    assert_int_equal(nw_pkey_set(key, NW_PKEY_NO_WRITE), 0);
    assert_int_equal(nw_pkey_get(key), NW_PKEY_NO_WRITE);
    assert_int_equal(*page, 5);
    assert_int_equal(try_access(page, true), REFUSED);
    assert_int_equal(nw_pkey_set(key, 0), 0);
    assert_int_equal(nw_pkey_get(key), 0);
    *page = 6;
    assert_int_equal(nw_pkey_set(key, NW_PKEY_NO_ACCESS | NW_PKEY_NO_WRITE), 0);
    assert_int_equal(nw_pkey_get(key), NW_PKEY_NO_ACCESS);
    assert_int_equal(try_access(page, false), REFUSED);
    assert_int_equal(nw_pkey_mprotect((void *)page, PAGE, PROT_READ, NW_PKEY_DEFAULT), 0);
    assert_int_equal(*page, 6);
    drop_page(page, key);
}

static void test_an_evicted_key_is_out_of_reach(void **state)
{
    need_keys(state);
    volatile int *page = new_pages(1);
    nw_pkey key = new_key_on(page, 77), others[MOST];

    assert_int_equal(nw_pkey_set(key, 0), 0);
    assert_int_equal(*page, 77);
    assert_int_equal(nw_pkey_set(key, NW_PKEY_NO_ACCESS), 0);
    open_all(others);
    assert_int_equal(try_access(page, false), REFUSED); /* with rights to every hardware key that is lent */
    assert_int_equal(nw_pkey_set(key, 0), -EBUSY);
    assert_int_equal(nw_pkey_get(key), NW_PKEY_NO_ACCESS);
    close_all(others);
    assert_int_equal(nw_pkey_set(key, 0), 0);
    assert_int_equal(*page, 77);
    assert_int_equal(nw_pkey_set(key, NW_PKEY_NO_ACCESS), 0);
    drop_page(page, key);
}

static void test_exhaustion(void **state)
{
    need_keys(state);
    nw_pkey keys[MOST], unmade = 0;

    open_all(keys);
    assert_int_equal(nw_pkey_alloc(0, 0, &unmade), -EBUSY);
    assert_true(unmade == 0);
    assert_int_equal(nw_pkey_set(keys[0], NW_PKEY_NO_WRITE), 0);
    assert_int_equal(nw_pkey_set(keys[0], NW_PKEY_NO_ACCESS), 0);
    assert_int_equal(nw_pkey_alloc(0, 0, &unmade), 0);
    assert_int_equal(nw_pkey_set(keys[0], 0), -EBUSY);
    assert_int_equal(nw_pkey_set(unmade, NW_PKEY_NO_ACCESS), 0);
    assert_int_equal(nw_pkey_set(keys[0], 0), 0);
    assert_int_equal(nw_pkey_free(unmade), 0);
    close_all(keys);
}

static void test_many_keys(void **state)
{
    enum { MANY = 300 };
    static nw_pkey keys[MANY];
    need_keys(state);
    volatile int *pages = new_pages(MANY);
    uint64_t random = 3;

    for (int i = 0; i < MANY; i++)
        keys[i] = new_key_on(pages + i * (PAGE / 4), i);
    for (int round = 0; round < 2000; round++) {
        int i = next_random(&random) % MANY;
        assert_int_equal(nw_pkey_set(keys[i], NW_PKEY_NO_WRITE), 0);
        assert_int_equal(pages[i * (PAGE / 4)], i);
        assert_int_equal(nw_pkey_set(keys[i], NW_PKEY_NO_ACCESS), 0);
    }
    for (int i = 0; i < MANY; i += 10)
        assert_int_equal(try_access(pages + i * (PAGE / 4), false), REFUSED);
    for (int i = 0; i < MANY; i++)
        drop_page(pages + i * (PAGE / 4), keys[i]);
}

static void test_pages_that_change_keys(void **state)
{
    need_keys(state);
    volatile int *pages = new_pages(8);
    nw_pkey a = new_key(), b = new_key(), others[MOST];
    int step = PAGE / 4;

    assert_int_equal(nw_pkey_mprotect((void *)pages, 8 * PAGE, PROT_READ | PROT_WRITE, a), 0);
    assert_int_equal(nw_pkey_mprotect((void *)(pages + 2 * step), 2 * PAGE, PROT_READ, b), 0);
    assert_int_equal(nw_pkey_mprotect((void *)(pages + 5 * step), 1, PROT_READ, NW_PKEY_DEFAULT), 0);
    assert_int_equal(nw_pkey_munmap((void *)(pages + 6 * step), PAGE), 0);
    for (int round = 0; round < 2; round++) {
        assert_int_equal(nw_pkey_set(a, 0), 0);
        for (int i = 0; i < 8; i++) {
            int expected = i == 2 || i == 3 ? REFUSED : i == 6 ? OTHER_FAULT : REACHED;
            assert_int_equal(try_access(pages + i * step, false), expected);
        }
        assert_int_equal(nw_pkey_set(a, NW_PKEY_NO_ACCESS), 0);
        assert_int_equal(nw_pkey_set(b, 0), 0);
        assert_int_equal(try_access(pages, false), REFUSED);
        assert_int_equal(try_access(pages + 2 * step, false), REACHED);
        assert_int_equal(try_access(pages + 2 * step, true), OTHER_FAULT);
        assert_int_equal(nw_pkey_set(b, NW_PKEY_NO_ACCESS), 0);
        open_all(others); /* so that the second round moves everything there and back */
        close_all(others);
    }
    assert_int_equal(nw_pkey_free(a), 0);
    assert_int_equal(nw_pkey_free(b), 0);
    munmap((void *)pages, 8 * PAGE);
}

static void test_freeing(void **state)
{
    need_keys(state);
    volatile int *page = new_pages(1);
    nw_pkey key = new_key_on(page, 1), others[MOST];

    assert_int_equal(nw_pkey_set(key, NW_PKEY_NO_WRITE), 0);
    assert_int_equal(nw_pkey_free(key), -EBUSY);
    assert_int_equal(*page, 1);
    assert_int_equal(nw_pkey_set(key, NW_PKEY_NO_ACCESS), 0);
    assert_int_equal(nw_pkey_free(key), 0);
    assert_int_equal(nw_pkey_free(key), -EINVAL);
    assert_int_equal(nw_pkey_set(key, 0), -EINVAL);
    assert_int_equal(nw_pkey_set(key, NW_PKEY_NO_ACCESS), -EINVAL);
    assert_int_equal(nw_pkey_get(key), -EINVAL);
    open_all(others);
    assert_int_equal(try_access(page, false), REFUSED);
    close_all(others);
    assert_int_equal(nw_pkey_mprotect((void *)page, PAGE, PROT_READ, key), -EINVAL);
    assert_int_equal(nw_pkey_mprotect((void *)page, PAGE, PROT_READ, NW_PKEY_DEFAULT), 0);
    assert_int_equal(*page, 1);
    munmap((void *)page, PAGE);
}

static void test_misuse(void **state)
{
    need_keys(state);
    char *pages = (char *)new_pages(3);
    nw_pkey key = new_key(), unmade = 0;

    errno = 99;
    assert_int_equal(nw_pkey_alloc(1, 0, &unmade), -EINVAL);
    assert_int_equal(nw_pkey_alloc(0, 4, &unmade), -EINVAL);
    assert_int_equal(nw_pkey_set(key, 4), -EINVAL);
    assert_int_equal(nw_pkey_set(NW_PKEY_DEFAULT, 0), -EINVAL);
    assert_int_equal(nw_pkey_get(NW_PKEY_DEFAULT), -EINVAL);
    assert_int_equal(nw_pkey_free(NW_PKEY_DEFAULT), -EINVAL);
    assert_int_equal(nw_pkey_set(key ^ 1, 0), -EINVAL);
    assert_int_equal(nw_pkey_mprotect(pages + 1, PAGE, PROT_READ, key), -EINVAL);
    assert_int_equal(nw_pkey_mprotect(pages, SIZE_MAX, PROT_READ, key), -EINVAL);
    assert_int_equal(nw_pkey_mprotect(NULL, SIZE_MAX, PROT_READ, key), -EINVAL);
    assert_int_equal(nw_pkey_mprotect(pages, PAGE, 0x1000, key), -EINVAL);
    assert_int_equal(nw_pkey_mprotect(pages, 0, PROT_READ, key), 0);
    assert_int_equal(nw_pkey_munmap(pages, 0), -EINVAL);
    munmap(pages + PAGE, PAGE);
    assert_int_equal(nw_pkey_mprotect(pages, 3 * PAGE, PROT_READ, key), -ENOMEM);
    assert_int_equal(errno, 99);
    pages[0] = pages[2 * PAGE] = 1;
    munmap(pages, 3 * PAGE);
    assert_int_equal(nw_pkey_free(key), 0);
}

/* A shared mapping of a read-only file cannot become writable; pages before it are reached first. */
static void test_a_change_that_fails_half_way(void **state)
{
    need_keys(state);
    volatile int *pages = new_pages(3);
    nw_pkey key = new_key(), other = new_key(), others[MOST];
    int step = PAGE / 4, memory = memfd_create("read-only", 0);
    char path[64];

    snprintf(path, sizeof path, "/proc/self/fd/%d", memory);
    assert_int_equal(ftruncate(memory, PAGE), 0);
    int file = open(path, O_RDONLY);
    assert_true(mmap((void *)(pages + 2 * step), PAGE, PROT_READ, MAP_SHARED | MAP_FIXED, file, 0) != MAP_FAILED);
    assert_int_equal(nw_pkey_mprotect((void *)pages, PAGE, PROT_READ | PROT_WRITE, other), 0);
    assert_int_equal(nw_pkey_set(other, 0), 0);
    assert_int_equal(nw_pkey_set(key, 0), 0);
    assert_int_equal(nw_pkey_mprotect((void *)pages, 3 * PAGE, PROT_READ | PROT_WRITE, key), -EACCES);
    assert_int_equal(try_access(pages, false), REACHED);
    assert_int_equal(nw_pkey_set(other, NW_PKEY_NO_ACCESS), 0);
    assert_int_equal(try_access(pages, false), REFUSED);
    assert_int_equal(try_access(pages + step, false), REFUSED); /* in no key before: left without access */
    assert_int_equal(nw_pkey_set(key, NW_PKEY_NO_ACCESS), 0);
    open_all(others);
    assert_int_equal(try_access(pages + step, false), REFUSED);
    close_all(others);
    assert_int_equal(nw_pkey_free(key), 0);
    assert_int_equal(nw_pkey_munmap((void *)pages, 3 * PAGE), 0);
    assert_int_equal(nw_pkey_free(other), 0);
    close(file);
    close(memory);
}

static void test_a_key_whose_pages_vanished(void **state)
{
    need_keys(state);
    volatile int *page = new_pages(1);
    nw_pkey key = new_key_on(page, 1), others[MOST];

    assert_int_equal(nw_pkey_set(key, 0), 0);
    assert_int_equal(nw_pkey_set(key, NW_PKEY_NO_ACCESS), 0);
    munmap((void *)page, PAGE);
    for (int i = 0; i < limit; i++)
        others[i] = new_key();
    for (int i = 0; i < limit - 1; i++)
        assert_int_equal(nw_pkey_set(others[i], 0), 0);
    assert_int_equal(nw_pkey_set(others[limit - 1], 0), -ENOMEM); /* the one that cannot be evicted */
    assert_int_equal(nw_pkey_munmap((void *)page, PAGE), 0);
    assert_int_equal(nw_pkey_set(others[limit - 1], 0), 0);
    close_all(others);
    assert_int_equal(nw_pkey_free(key), 0);
}

struct holder {
    nw_pkey key;
    int to_holder[2], from_holder[2];
};

static void say(int fd)
{
    assert_int_equal(write(fd, "x", 1), 1);
}

static void hear(int fd)
{
    char byte;
    assert_int_equal(read(fd, &byte, 1), 1);
}

/* Opens the key, says so, and ends when told to, without closing it. */
static void *hold(void *argument)
{
    struct holder *holder = argument;

    if (nw_pkey_set(holder->key, 0) != 0)
        return NULL;
    say(holder->from_holder[1]);
    hear(holder->to_holder[0]);
    return holder;
}

static pthread_t start_holder(struct holder *holder, nw_pkey key)
{
    pthread_t thread;

    holder->key = key;
    assert_int_equal(pipe(holder->to_holder) | pipe(holder->from_holder), 0);
    assert_int_equal(nw_pkey_thread_create(&thread, NULL, hold, holder), 0);
    hear(holder->from_holder[0]);
    return thread;
}

static void end_holder(struct holder *holder, pthread_t thread)
{
    void *result;

    say(holder->to_holder[1]);
    assert_int_equal(pthread_join(thread, &result), 0);
    assert_ptr_equal(result, holder);
    for (int i = 0; i < 2; i++) {
        close(holder->to_holder[i]);
        close(holder->from_holder[i]);
    }
}

static void test_a_thread_pins_until_it_ends(void **state)
{
    need_keys(state);
    struct holder holder;
    volatile int *page = new_pages(1);
    nw_pkey key = new_key_on(page, 1), others[MOST];
    pthread_t thread = start_holder(&holder, key);

    assert_int_equal(nw_pkey_get(key), NW_PKEY_NO_ACCESS);
    assert_int_equal(try_access(page, false), REFUSED);
    assert_int_equal(nw_pkey_free(key), -EBUSY);
    for (int i = 0; i < limit; i++) {
        others[i] = new_key();
        assert_int_equal(nw_pkey_set(others[i], 0), i < limit - 1 ? 0 : -EBUSY);
    }
    end_holder(&holder, thread);
    assert_int_equal(nw_pkey_set(others[limit - 1], 0), 0);
    close_all(others);
    drop_page(page, key);
}

static void *read_page(void *page)
{
    (void)*(volatile int *)page;
    return NULL;
}

struct inherited {
    nw_pkey key;
    volatile int *page;
};

static void *call_and_read(void *argument)
{
    struct inherited *inherited = argument;

    if (nw_pkey_get(inherited->key) != NW_PKEY_NO_ACCESS)
        _exit(OTHER_FAULT);
    return read_page((void *)inherited->page);
}

static void test_threads_start_without_rights(void **state)
{
    need_keys(state);
    volatile int *page = new_pages(1);
    struct inherited inherited = {new_key_on(page, 1), page};
    pthread_t thread;

    assert_int_equal(nw_pkey_set(inherited.key, 0), 0);
    for (int way = 0; way < 2; way++) {
        pid_t child = fork();
        if (child == 0) {
            catch_faults();
            if (way == 0)
                nw_pkey_thread_create(&thread, NULL, read_page, (void *)page);
            else
                pthread_create(&thread, NULL, call_and_read, &inherited);
            pthread_join(thread, NULL);
            _exit(REACHED);
        }
        assert_int_equal(status_of(child), REFUSED);
    }
    assert_int_equal(nw_pkey_set(inherited.key, NW_PKEY_NO_ACCESS), 0);
    drop_page(page, inherited.key);
}

/* In the child: what the forking thread held is held, what another held is not, and all of it can be used. */
static int use_after_fork(nw_pkey mine, const volatile int *page, nw_pkey theirs)
{
    nw_pkey keys[MOST];

    if (nw_pkey_get(mine) != 0 || *page != 9 || nw_pkey_free(mine) != -EBUSY || nw_pkey_free(theirs) != 0)
        return 1;
    for (int i = 0; i < limit - 1; i++) {
        if (nw_pkey_alloc(0, 0, &keys[i]) != 0)
            return 2;
    }
    if (nw_pkey_alloc(0, 0, &keys[limit - 1]) != -EBUSY)
        return 3;
    if (nw_pkey_set(mine, NW_PKEY_NO_ACCESS) != 0 || nw_pkey_alloc(0, 0, &keys[limit - 1]) != 0)
        return 4;
    return 0;
}

static void test_fork(void **state)
{
    need_keys(state);
    struct holder holder;
    volatile int *page = new_pages(1);
    nw_pkey mine = new_key_on(page, 9), theirs = new_key();
    pthread_t thread = start_holder(&holder, theirs);

    assert_int_equal(nw_pkey_set(mine, 0), 0);
    pid_t child = fork();
    if (child == 0)
        _exit(use_after_fork(mine, page, theirs));
    assert_int_equal(status_of(child), 0);
    assert_int_equal(nw_pkey_free(theirs), -EBUSY);
    assert_int_equal(*page, 9);
    end_holder(&holder, thread);
    assert_int_equal(nw_pkey_set(mine, NW_PKEY_NO_ACCESS), 0);
    drop_page(page, mine);
    assert_int_equal(nw_pkey_free(theirs), 0);
}

enum { RACERS = 4, RACE_KEYS = 40, RACE_STEPS = 3000 };

static struct {
    nw_pkey keys[RACE_KEYS];
    volatile int *pages;
    volatile int done[RACE_KEYS];
    volatile int wrong;
} race;

static volatile int *race_page(int i)
{
    return race.pages + i * (PAGE / 4);
}

/* Opens keys at random and counts on their pages; the first word of each must be its own number. */
static void *run_race(void *seed)
{
    uint64_t random = (uintptr_t)seed;

    for (int step = 0; step < RACE_STEPS; step++) {
        int i = next_random(&random) % RACE_KEYS;
        if (nw_pkey_set(race.keys[i], 0) != 0 || nw_load_relaxed(race_page(i)) != i)
            nw_fetch_add(&race.wrong, 1);
        nw_fetch_add(race_page(i) + 1, 1);
        nw_fetch_add(&race.done[i], 1);
        nw_pkey_set(race.keys[i], NW_PKEY_NO_ACCESS);
    }
    return NULL;
}

/* Makes and frees keys meanwhile, and takes pages in and out of them. */
static void *run_churn(void *page)
{
    for (int step = 0; step < RACE_STEPS / 4; step++) {
        nw_pkey key;
        bool fine = nw_pkey_alloc(0, 0, &key) == 0 && nw_pkey_mprotect(page, PAGE, PROT_READ | PROT_WRITE, key) == 0;
        nw_store_relaxed((int *)page, step);
        fine = fine && nw_pkey_set(key, NW_PKEY_NO_ACCESS) == 0 && nw_pkey_free(key) == 0 &&
               nw_pkey_mprotect(page, PAGE, PROT_READ | PROT_WRITE, NW_PKEY_DEFAULT) == 0;
        if (!fine || nw_load_relaxed((int *)page) != step)
            nw_fetch_add(&race.wrong, 1);
    }
    return NULL;
}

static void test_eviction_races(void **state)
{
    need_keys(state);
    pthread_t threads[RACERS + 1];
    volatile int *churned = new_pages(1);

    race.pages = new_pages(RACE_KEYS);
    for (int i = 0; i < RACE_KEYS; i++)
        race.keys[i] = new_key_on(race_page(i), i);
    for (uintptr_t i = 0; i < RACERS; i++)
        assert_int_equal(nw_pkey_thread_create(&threads[i], NULL, run_race, (void *)(i + 1)), 0);
    assert_int_equal(nw_pkey_thread_create(&threads[RACERS], NULL, run_churn, (void *)churned), 0);
    for (int i = 0; i <= RACERS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(race.wrong, 0);
    for (int i = 0; i < RACE_KEYS; i++) {
        assert_int_equal(nw_pkey_set(race.keys[i], 0), 0);
        assert_int_equal(race_page(i)[1], race.done[i]);
        assert_int_equal(nw_pkey_set(race.keys[i], NW_PKEY_NO_ACCESS), 0);
        drop_page(race_page(i), race.keys[i]);
    }
    munmap((void *)churned, PAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rights),
        cmocka_unit_test(test_an_evicted_key_is_out_of_reach),
        cmocka_unit_test(test_exhaustion),
        cmocka_unit_test(test_many_keys),
        cmocka_unit_test(test_pages_that_change_keys),
        cmocka_unit_test(test_freeing),
        cmocka_unit_test(test_misuse),
        cmocka_unit_test(test_a_change_that_fails_half_way),
        cmocka_unit_test(test_a_key_whose_pages_vanished),
        cmocka_unit_test(test_a_thread_pins_until_it_ends),
        cmocka_unit_test(test_threads_start_without_rights),
        cmocka_unit_test(test_fork),
        cmocka_unit_test(test_eviction_races),
    };
    return cmocka_run_group_tests_name("protect/libprotect", tests, NULL, NULL);
}
