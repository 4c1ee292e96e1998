/* The channel: layout and sealing, two sides that sleep and wake each other, bounds of payloads, hostile doorbells. */
#include "common/test/test.h"

#include "common/base/atomic.h"
#include "common/shm/channel.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define DEADLINE_MS 20000
#define ROUNDS      5000
#define RACES       64
#define SWEEPS      40000
#define SECONDS     4

static const struct nw_geometry geometry = {.ring_capacity = 16, .arena_size = 64 * 1024};

struct sides {
    struct nw_channel engine, worker;
};

static struct sides sides_new(void)
{
    struct sides s;
    assert_int_equal(nw_channel_create(&s.engine, &geometry), 0);
    assert_int_equal(nw_channel_attach(&s.worker, &geometry, dup(s.engine.memfd), dup(s.engine.peer_doorbell),
                                       dup(s.engine.own_doorbell)),
                     0);
    return s;
}

static void sides_free(struct sides *s)
{
    nw_channel_close(&s->worker);
    nw_channel_close(&s->engine);
}

static int open_fds(void)
{
    int n = 0;
    for (int fd = 0; fd < 256; fd++)
        n += fcntl(fd, F_GETFD) >= 0;
    return n;
}

static int is_readable(int fd, int timeout_ms)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    return poll(&p, 1, timeout_ms);
}

static void payloads_reach_the_other_side(void **state)
{
    (void)state;
    struct sides s = sides_new();
    struct nw_channel *from[] = {&s.engine, &s.worker}, *to[] = {&s.worker, &s.engine};
    for (int i = 0; i < 2; i++) {
        struct nw_desc desc = {.id = 7, .length = 6}, got;
        assert_int_equal(nw_arena_alloc(from[i]->arena, 6, &desc.offset), 0);
        memcpy(nw_arena_at(from[i]->arena, desc.offset), i ? "worker" : "engine", 6);
        assert_int_equal(nw_channel_send(from[i], &desc), 0);
        assert_int_equal(nw_ring_pop(&to[i]->in, &got), 1);
        assert_memory_equal(nw_channel_payload(to[i], &got), i ? "worker" : "engine", 6);
    }
    sides_free(&s);
}

/* Every byte of both arenas and both rings is a byte of its own. */
static void parts_do_not_overlap(void **state)
{
    (void)state;
    struct sides s = sides_new();
    struct nw_desc desc = {.id = 1};
    for (int i = 0; i < 16; i++) {
        assert_int_equal(nw_ring_push(&s.engine.out, &desc), 0);
        assert_int_equal(nw_ring_push(&s.worker.out, &desc), 0);
    }
    uint64_t a, b;
    assert_int_equal(nw_arena_alloc(s.engine.arena, geometry.arena_size, &a), 0);
    assert_int_equal(nw_arena_alloc(s.worker.arena, geometry.arena_size, &b), 0);
    memset(nw_arena_at(s.engine.arena, a), 0xaa, geometry.arena_size);
    memset(nw_arena_at(s.worker.arena, b), 0xbb, geometry.arena_size);
    const unsigned char *from_engine = s.worker.peer_arena, *from_worker = s.engine.peer_arena;
    assert_int_equal(from_engine[0] + from_engine[geometry.arena_size - 1], 2 * 0xaa);
    assert_int_equal(from_worker[0] + from_worker[geometry.arena_size - 1], 2 * 0xbb);
    for (int i = 0; i < 16; i++) {
        assert_int_equal(nw_ring_pop(&s.worker.in, &desc), 1);
        assert_int_equal(desc.id, 1);
        assert_int_equal(nw_ring_pop(&s.engine.in, &desc), 1);
        assert_int_equal(desc.id, 1);
    }
    sides_free(&s);
}

static void payload_bounds(void **state)
{
    (void)state;
    struct sides s = sides_new();
    const uint64_t end = geometry.arena_size;
    const struct {
        uint64_t offset, length;
        int inside;
    } rows[] = {
        {0, 1, 1},
        {0, end, 1},
        {end - 1, 1, 1},
        {1, end, 0},
        {end, 1, 0},
        {end - 1, 2, 0},
        {0, end + 1, 0},
        {UINT64_MAX - 1, 1, 0},
        {UINT64_MAX - 1, 2, 0},
        {NW_OFFSET_INLINE, NW_INLINE_MAX + 1, 0},
        {1, UINT64_MAX, 0},
        {UINT64_MAX, UINT64_MAX, 0},
        {1ull << 63, 1ull << 63, 0},
        {0, 1ull << 32, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct nw_desc desc = {.offset = rows[i].offset, .length = rows[i].length};
        const void *expected = rows[i].inside ? s.engine.peer_arena + rows[i].offset : NULL;
        assert_ptr_equal(nw_channel_payload(&s.engine, &desc), expected);
    }
    struct nw_desc small = {.offset = NW_OFFSET_INLINE, .length = NW_INLINE_MAX};
    assert_ptr_equal(nw_channel_payload(&s.engine, &small), small.data);
    assert_false(nw_desc_has_block(&small));
    struct nw_desc nothing = {.offset = UINT64_MAX, .length = 0};
    assert_non_null(nw_channel_payload(&s.engine, &nothing));
    sides_free(&s);
}

static void rings_only_for_a_sleeper(void **state)
{
    (void)state;
    struct sides s = sides_new();
    struct nw_desc desc = {0};
    assert_int_equal(nw_channel_send(&s.engine, &desc), 0);
    assert_int_equal(is_readable(s.worker.own_doorbell, 0), 0);
    assert_false(nw_channel_may_sleep(&s.worker));
    assert_int_equal(nw_channel_send(&s.engine, &desc), 0);
    assert_int_equal(is_readable(s.worker.own_doorbell, 0), 0);
    assert_int_equal(nw_ring_pop(&s.worker.in, &desc), 1);
    assert_int_equal(nw_ring_pop(&s.worker.in, &desc), 1);
    assert_true(nw_channel_may_sleep(&s.worker));
    assert_int_equal(nw_channel_send(&s.engine, &desc), 0);
    assert_int_equal(is_readable(s.worker.own_doorbell, 0), 1);
    nw_channel_woke(&s.worker);
    assert_int_equal(is_readable(s.worker.own_doorbell, 0), 0);
    assert_int_equal(nw_channel_send(&s.engine, &desc), 0);
    assert_int_equal(is_readable(s.worker.own_doorbell, 0), 0);
    sides_free(&s);
}

static void *ring_later(void *channel)
{
    struct nw_channel *engine = channel;
    while (!nw_load_acquire(&engine->out.shared->consumer_sleeps)) /* stored by nw_channel_may_sleep */
        sched_yield();
    nw_channel_send(engine, &(struct nw_desc){.id = 7});
    return NULL;
}

static void sleeps_in_one_call(void **state)
{
    (void)state;
    struct sides s = sides_new();
    struct nw_desc desc;
    pthread_t thread;
    assert_int_equal(nw_channel_block(&s.worker), 0);
    assert_int_equal(pthread_create(&thread, NULL, ring_later, &s.engine), 0);
    assert_true(nw_channel_may_sleep(&s.worker));
    nw_channel_sleep(&s.worker);
    assert_int_equal(nw_ring_pop(&s.worker.in, &desc), 1);
    assert_int_equal(desc.id, 7);
    assert_int_equal(is_readable(s.worker.own_doorbell, 0), 0);
    assert_int_equal(s.worker.in.shared->consumer_sleeps, 0);
    pthread_join(thread, NULL);
    sides_free(&s);
}

static void further_channels_ring_the_doorbell_of_the_first(void **state)
{
    (void)state;
    struct sides s = sides_new();
    struct nw_channel engine, worker;
    struct nw_desc desc = {.id = 5};
    assert_int_equal(nw_channel_create_beside(&engine, &geometry, &s.engine), 0);
    assert_int_equal(nw_channel_attach(&worker, &geometry, dup(engine.memfd), -1, dup(engine.own_doorbell)), 0);
    assert_true(nw_channel_may_sleep(&s.worker));
    assert_true(nw_channel_may_sleep(&worker));
    assert_int_equal(nw_channel_send(&engine, &desc), 0);
    assert_int_equal(is_readable(s.worker.own_doorbell, 0), 1);
    assert_int_equal(nw_ring_pop(&s.worker.in, &desc), 0);
    assert_int_equal(nw_ring_pop(&worker.in, &desc), 1);
    assert_int_equal(desc.id, 5);
    assert_true(nw_channel_may_sleep(&engine));
    assert_int_equal(nw_channel_send(&worker, &desc), 0);
    assert_int_equal(is_readable(engine.own_doorbell, 0), 1);
    assert_int_equal(is_readable(s.engine.own_doorbell, 0), 0);
    nw_channel_close(&worker);
    nw_channel_close(&engine);
    nw_channel_woke(&s.worker);
    assert_true(nw_channel_may_sleep(&s.worker));
    assert_int_equal(nw_channel_send(&s.engine, &desc), 0); /* the first one's bell is still its own */
    assert_int_equal(is_readable(s.worker.own_doorbell, 0), 1);
    sides_free(&s);
}

static void does_not_sleep_on_an_impossible_index(void **state)
{
    (void)state;
    struct sides s = sides_new();
    struct nw_desc desc;
    s.engine.in.shared->tail = 5000;
    assert_false(nw_channel_may_sleep(&s.engine));
    assert_int_equal(nw_ring_pop(&s.engine.in, &desc), -EPROTO);
    sides_free(&s);
}

/* Takes one descriptor, sleeping on the doorbell when there is none. False when the deadline passes. */
static int receive(struct nw_channel *ch, struct nw_desc *desc)
{
    int rc;
    while ((rc = nw_ring_pop(&ch->in, desc)) == 0) {
        if (!nw_channel_may_sleep(ch))
            continue;
        int woken = is_readable(ch->own_doorbell, DEADLINE_MS);
        nw_channel_woke(ch);
        if (woken != 1)
            return 0;
    }
    return rc;
}

static void *echo(void *channel)
{
    struct nw_desc desc;
    for (int i = 0; i < ROUNDS; i++)
        if (receive(channel, &desc) != 1 || nw_channel_send(channel, &desc) != 0)
            break;
    return NULL;
}

static void sleepers_are_always_woken(void **state)
{
    (void)state;
    struct sides s = sides_new();
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, echo, &s.worker), 0);
    for (uint64_t i = 0; i < ROUNDS; i++) {
        struct nw_desc desc = {.id = i};
        assert_int_equal(nw_channel_send(&s.engine, &desc), 0);
        assert_int_equal(receive(&s.engine, &desc), 1);
        assert_int_equal(desc.id, i);
    }
    pthread_join(thread, NULL);
    sides_free(&s);
}

/* Many rings in a row: the sender goes through them from one end, the sleeper from the other, and where they meet
 * they race. */
struct race {
    struct nw_channel sender[RACES], sleeper[RACES];
    bool sleeps[RACES];
    bool over; /* written by the sleeper between two sweeps */
    pthread_barrier_t barrier;
};

static void *send_to_all(void *arg)
{
    struct race *race = arg;
    const struct nw_desc desc = {0};
    for (;;) {
        pthread_barrier_wait(&race->barrier);
        if (race->over)
            return NULL;
        for (int i = 0; i < RACES; i++)
            nw_channel_send(&race->sender[i], &desc);
        pthread_barrier_wait(&race->barrier);
    }
}

/* A reader that may sleep must have been rung, and so be no longer marked asleep; otherwise its message would never
 * be read. */
static void sweep_once(struct race *race)
{
    pthread_barrier_wait(&race->barrier);
    for (int i = RACES - 1; i >= 0; i--)
        race->sleeps[i] = nw_channel_may_sleep(&race->sleeper[i]);
    pthread_barrier_wait(&race->barrier);
    int slept_through = 0;
    for (int i = 0; i < RACES; i++) {
        struct nw_desc desc;
        struct nw_ring *in = &race->sleeper[i].in;
        slept_through += race->sleeps[i] && in->shared->consumer_sleeps;
        in->shared->consumer_sleeps = 0;
        assert_int_equal(nw_ring_pop(in, &desc), 1);
    }
    assert_int_equal(slept_through, 0);
}

static void nobody_sleeps_through_a_message(void **state)
{
    (void)state;
    static struct race race;
    size_t ring_size = (nw_ring_size(2) + 63) & ~63ul;
    char *rings = aligned_alloc(64, RACES * ring_size);
    memset(rings, 0, RACES * ring_size);
    int doorbell = eventfd(0, EFD_NONBLOCK);
    for (int i = 0; i < RACES; i++) {
        struct nw_ring_shared *shared = (struct nw_ring_shared *)(rings + (size_t)i * ring_size);
        nw_ring_init(&race.sender[i].out, shared, 2);
        nw_ring_init(&race.sleeper[i].in, shared, 2);
        race.sender[i].peer_doorbell = doorbell;
    }
    pthread_t thread;
    pthread_barrier_init(&race.barrier, NULL, 2);
    assert_int_equal(pthread_create(&thread, NULL, send_to_all, &race), 0);
    /* On a busy machine the two seldom run at once: then fewer sweeps must do. */
    time_t end = time(NULL) + SECONDS;
    for (int sweep = 0; sweep < SWEEPS && time(NULL) < end; sweep++)
        sweep_once(&race);
    race.over = true;
    pthread_barrier_wait(&race.barrier);
    pthread_join(thread, NULL);
    pthread_barrier_destroy(&race.barrier);
    close(doorbell);
    free(rings);
}

static void hostile_doorbells_block_nobody(void **state)
{
    (void)state;
    struct sides s = sides_new();
    struct nw_desc desc = {0};
    /* A worker can make what it has of the doorbells blocking, and fill them. */
    assert_int_equal(fcntl(s.worker.peer_doorbell, F_SETFL, 0), 0);
    nw_channel_woke(&s.engine);
    uint64_t most = UINT64_MAX - 1;
    while (write(s.worker.own_doorbell, &most, sizeof most) > 0)
        continue;
    assert_int_equal(errno, EAGAIN);
    assert_int_equal(fcntl(s.worker.own_doorbell, F_SETFL, 0), 0);
    assert_true(nw_channel_may_sleep(&s.worker));
    assert_int_equal(nw_channel_send(&s.engine, &desc), 0);
    sides_free(&s);
}

static void size_is_sealed(void **state)
{
    (void)state;
    struct sides s = sides_new();
    assert_int_equal(ftruncate(s.worker.memfd, 0), -1);
    assert_int_equal(errno, EPERM);
    assert_int_equal(ftruncate(s.worker.memfd, 1 << 30), -1);
    assert_int_equal(errno, EPERM);
    assert_int_equal(fcntl(s.worker.memfd, F_ADD_SEALS, F_SEAL_WRITE), -1);
    sides_free(&s);
}

static void fds_are_close_on_exec(void **state)
{
    (void)state;
    struct sides s = sides_new();
    const int fds[] = {s.engine.memfd, s.engine.own_doorbell, s.engine.peer_doorbell};
    for (int i = 0; i < 3; i++)
        assert_int_equal(fcntl(fds[i], F_GETFD), FD_CLOEXEC);
    sides_free(&s);
}

static void refuses_odd_geometry(void **state)
{
    (void)state;
    static const struct nw_geometry wrong[] = {
        {0, 0, 4096}, {1, 0, 4096},  {3, 0, 4096},        {1u << 21, 0, 4096}, {0xffffffff, 0, 0}, {16, 0, 0},
        {16, 0, 100}, {16, 0, 4097}, {16, 0, 1ull << 40}, {16, 0, UINT64_MAX}, {16, 0, ~4095ull},
    };
    int before = open_fds();
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct nw_channel ch;
        assert_int_equal(nw_channel_create(&ch, &wrong[i]), -EINVAL);
        assert_int_equal(nw_channel_attach(&ch, &wrong[i], -1, -1, -1), -EINVAL);
    }
    assert_int_equal(open_fds(), before);
}

static void attach_refuses_other_memory(void **state)
{
    (void)state;
    struct nw_channel engine, worker;
    assert_int_equal(nw_channel_create(&engine, &geometry), 0);
    int before = open_fds();

    struct nw_geometry larger = geometry;
    larger.arena_size += 4096;
    assert_int_equal(nw_channel_attach(&worker, &larger, engine.memfd, -1, -1), -EINVAL);

    int unsealed = memfd_create("unsealed", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    assert_int_equal(ftruncate(unsealed, (off_t)engine.map_size), 0);
    assert_int_equal(nw_channel_attach(&worker, &geometry, unsealed, -1, -1), -EINVAL);
    close(unsealed);

    assert_true(nw_channel_attach(&worker, &geometry, engine.own_doorbell, -1, -1) < 0);
    assert_int_equal(nw_channel_attach(&worker, &geometry, -1, -1, -1), -EBADF);
    assert_int_equal(open_fds(), before);
    nw_channel_close(&engine);
}

static void create_leaves_nothing_open_when_fds_run_out(void **state)
{
    (void)state;
    struct rlimit limit, tight;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    int before = open_fds();
    int lowest_free = dup(0);
    close(lowest_free);
    for (int spare = 0; spare < 3; spare++) {
        struct nw_channel ch;
        tight = (struct rlimit){(rlim_t)(lowest_free + spare), limit.rlim_max};
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &tight), 0);
        int rc = nw_channel_create(&ch, &geometry);
        setrlimit(RLIMIT_NOFILE, &limit);
        assert_int_equal(rc, -EMFILE);
        assert_int_equal(open_fds(), before);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(payloads_reach_the_other_side),
        cmocka_unit_test(parts_do_not_overlap),
        cmocka_unit_test(payload_bounds),
        cmocka_unit_test(rings_only_for_a_sleeper),
        cmocka_unit_test(sleeps_in_one_call),
        cmocka_unit_test(further_channels_ring_the_doorbell_of_the_first),
        cmocka_unit_test(does_not_sleep_on_an_impossible_index),
        cmocka_unit_test(sleepers_are_always_woken),
        cmocka_unit_test(nobody_sleeps_through_a_message),
        cmocka_unit_test(hostile_doorbells_block_nobody),
        cmocka_unit_test(size_is_sealed),
        cmocka_unit_test(fds_are_close_on_exec),
        cmocka_unit_test(refuses_odd_geometry),
        cmocka_unit_test(attach_refuses_other_memory),
        cmocka_unit_test(create_leaves_nothing_open_when_fds_run_out),
    };
    return cmocka_run_group_tests_name("channel", tests, NULL, NULL);
}
