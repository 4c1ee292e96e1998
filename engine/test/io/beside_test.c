/*
 * What an event loop offers beside connections: watches, bells, timers, and work on other threads. Tried as io_test.c
 * tries the rest.
 */
#include "engine/io/backend.h"
#include "engine/test/io/io_world.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

struct rung {
    int fd, times;
};

static void take_one_byte(void *arg)
{
    struct rung *rung = arg;
    char byte;
    rung->times += read(rung->fd, &byte, 1) == 1;
}

static struct rung rung;

static bool rung_thrice(struct world *world)
{
    (void)world;
    return rung.times == 3;
}

static void a_watch_calls_until_nothing_is_left(void **state)
{
    struct world *world = *state;
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    rung = (struct rung){.fd = fds[0]};
    struct nw_io_watch *watch = nw_io_watch_new(world->io, fds[0], take_one_byte, &rung);
    turn_a_while(world);
    assert_int_equal(write(fds[1], "abc", 3), 3);
    run_until(world, rung_thrice);
    nw_io_watch_free(watch);
    assert_int_equal(write(fds[1], "d", 1), 1);
    turn_a_while(world);
    assert_int_equal(rung.times, 3);
    close(fds[0]);
    close(fds[1]);
}

static bool got_rings(struct world *world)
{
    (void)world;
    return rung.times == 2 * (int)sizeof(uint64_t);
}

/* A pipe that never blocks, with a bell at its end and a watch that counts the bytes that come out of it. */
struct rope {
    int fds[2];
    struct nw_io_bell *bell;
    struct nw_io_watch *watch;
};

static struct rope rope_new(struct world *world)
{
    struct rope rope;
    assert_int_equal(pipe2(rope.fds, O_NONBLOCK | O_CLOEXEC), 0);
    rung = (struct rung){.fd = rope.fds[0]};
    rope.bell = nw_io_bell_new(world->io, rope.fds[1]);
    rope.watch = nw_io_watch_new(world->io, rope.fds[0], take_one_byte, &rung);
    assert_non_null(rope.bell);
    assert_non_null(rope.watch);
    return rope;
}

static void rope_free(struct rope *rope)
{
    nw_io_bell_free(rope->bell);
    nw_io_watch_free(rope->watch);
    close(rope->fds[0]);
    close(rope->fds[1]);
}

static void a_bell_rings_each_time(void **state)
{
    struct world *world = *state;
    struct rope rope = rope_new(world);
    nw_io_bell_ring(rope.bell);
    turn_a_while(world);
    assert_int_equal(rung.times, sizeof(uint64_t));
    nw_io_bell_ring(rope.bell);
    run_until(world, got_rings);
    assert_false(nw_io_has_queued(world->io));
    rope_free(&rope);
}

/* More of them than the ring has entries. */
static void many_bells_ring_in_one_turn(void **state)
{
    enum { BELLS = 1500 };
    struct world *world = *state;
    struct nw_io_bell *bells[BELLS];
    struct rope rope = rope_new(world);
    nw_io_watch_free(rope.watch);
    for (int i = 0; i < BELLS; i++)
        assert_non_null(bells[i] = nw_io_bell_new(world->io, rope.fds[1]));
    for (int i = 0; i < BELLS; i++)
        nw_io_bell_ring(bells[i]);
    turn_a_while(world);
    uint64_t one;
    for (int i = 0; i < BELLS; i++, one = 0)
        assert_true(read(rope.fds[0], &one, sizeof one) == sizeof one && one == 1);
    assert_int_equal(read(rope.fds[0], &one, sizeof one), -1);
    for (int i = 0; i < BELLS; i++)
        nw_io_bell_free(bells[i]);
    rope.watch = nw_io_watch_new(world->io, rope.fds[0], take_one_byte, &rung);
    rope_free(&rope);
}

/* What is written to a pipe that nobody reads is lost, and nothing waits for it. */
static void a_bell_that_nobody_reads_holds_nothing_up(void **state)
{
    struct world *world = *state;
    struct rope rope = rope_new(world);
    nw_io_watch_free(rope.watch);
    static const char bytes[65536];
    while (write(rope.fds[1], bytes, sizeof bytes) > 0)
        continue;
    assert_int_equal(errno, EAGAIN);
    nw_io_bell_ring(rope.bell);
    turn_a_while(world);
    assert_false(nw_io_has_queued(world->io));
    rope.watch = nw_io_watch_new(world->io, rope.fds[0], take_one_byte, &rung);
    rope_free(&rope);
}

/* Its descriptor may be somebody else's by the time that the turn ends. */
static void a_bell_that_is_freed_does_not_ring(void **state)
{
    struct world *world = *state;
    struct rope rope = rope_new(world);
    nw_io_bell_ring(rope.bell);
    int rang = nw_io_has_queued(world->io) ? 0 : (int)sizeof(uint64_t); /* libuv's rings at once */
    nw_io_bell_free(rope.bell);
    turn_a_while(world);
    assert_int_equal(rung.times, rang);
    rope.bell = nw_io_bell_new(world->io, rope.fds[1]);
    rope_free(&rope);
}

static int fired;

static void count_fired(void *arg)
{
    (void)arg;
    fired++;
}

static bool fired_thrice(struct world *world)
{
    (void)world;
    return fired >= 3;
}

static void a_timer_repeats_until_it_is_freed(void **state)
{
    struct world *world = *state;
    struct nw_io_timer *timer = nw_io_timer_new(world->io, count_fired, NULL);
    fired = 0;
    nw_io_timer_start(timer, 0, 2);
    run_until(world, fired_thrice);
    nw_io_timer_free(timer);
    int before = fired;
    turn_a_while(world);
    assert_int_equal(fired, before);
}

static int worked, done;

static void work(void *arg)
{
    (void)arg;
    __atomic_add_fetch(&worked, 1, __ATOMIC_RELAXED); /* several run at once */
}

static void count_done(void *arg)
{
    (void)arg;
    done++;
}

static bool five_done(struct world *world)
{
    (void)world;
    return done == 5;
}

static void work_runs_on_another_thread(void **state)
{
    struct world *world = *state;
    worked = done = 0;
    for (int i = 0; i < 5; i++)
        assert_int_equal(nw_io_offload(world->io, work, count_done, NULL), 0);
    run_until(world, five_done);
    assert_int_equal(worked, 5);
}

static int expected; /* jobs */

static void wait_for_other(void *arg)
{
    const int *ends = arg;
    char byte;
    if (read(ends[0], &byte, 1) == 1)
        __atomic_add_fetch(&worked, 1, __ATOMIC_RELAXED);
}

static void let_other_go(void *arg)
{
    const int *ends = arg;
    if (write(ends[1], "x", 1) == 1)
        __atomic_add_fetch(&worked, 1, __ATOMIC_RELAXED);
}

static void let_all_go(void *arg)
{
    static const char many[12];
    const int *ends = arg;
    if (write(ends[1], many, (size_t)expected - 1) == expected - 1)
        __atomic_add_fetch(&worked, 1, __ATOMIC_RELAXED);
}

static bool two_done(struct world *world)
{
    (void)world;
    return done == 2;
}

static bool all_done(struct world *world)
{
    (void)world;
    return done == expected;
}

/* More jobs than threads stay wait for one that comes last; libuv has four threads, and no more. */
static void many_jobs_wait_for_the_last(void **state)
{
    enum { JOBS = 12 };
    struct world *world = *state;
    const char *io = getenv("NW_TEST_IO");
    int ends[2];
    expected = io && !strcmp(io, "uring") ? JOBS : 4;
    assert_int_equal(pipe(ends), 0);
    for (int turn = 0; turn < 2; turn++) {
        worked = done = 0;
        for (int i = 1; i < expected; i++)
            assert_int_equal(nw_io_offload(world->io, wait_for_other, count_done, ends), 0);
        assert_int_equal(nw_io_offload(world->io, let_all_go, count_done, ends), 0);
        run_until(world, all_done);
        assert_int_equal(worked, expected);
    }
    close(ends[0]);
    close(ends[1]);
}

/* The second time a thread is there already. */
static void work_does_not_wait_for_other_work(void **state)
{
    struct world *world = *state;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    for (int i = 0; i < 2; i++) {
        worked = done = 0;
        assert_int_equal(nw_io_offload(world->io, wait_for_other, count_done, ends), 0);
        assert_int_equal(nw_io_offload(world->io, let_other_go, count_done, ends), 0);
        run_until(world, two_done);
        assert_int_equal(worked, 2);
    }
    close(ends[0]);
    close(ends[1]);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, world_set_up, world_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_watch_calls_until_nothing_is_left), CASE(a_bell_rings_each_time),
        CASE(many_bells_ring_in_one_turn),         CASE(a_bell_that_nobody_reads_holds_nothing_up),
        CASE(a_bell_that_is_freed_does_not_ring),  CASE(a_timer_repeats_until_it_is_freed),
        CASE(work_runs_on_another_thread),         CASE(work_does_not_wait_for_other_work),
        CASE(many_jobs_wait_for_the_last),
    };
    const char *io = getenv("NW_TEST_IO");
    int failed = cmocka_run_group_tests_name("beside connections", tests, NULL, NULL);
    if (!io || strcmp(io, "uring"))
        return failed;
    world_single_shot = true;
    return failed + cmocka_run_group_tests_name("beside connections, single shot", tests, NULL, NULL);
}
