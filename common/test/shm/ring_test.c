/* The ring against a reference queue, against hostile indices and descriptors, between two threads, two processes. */
#include "common/test/test.h"

#include "common/base/atomic.h"
#include "common/shm/ring.h"
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define CAPACITY       8
#define LARGE_CAPACITY 256 /* where two sides run at once: fewer switches between them on a busy machine */
#define MESSAGES       200000

struct pair {
    struct nw_ring_shared *shared;
    struct nw_ring producer, consumer;
};

/* Both views of a ring whose indices stand at `start`, in memory that a forked child shares. */
static struct pair pair_of(uint32_t capacity, uint32_t start)
{
    struct pair pair;
    pair.shared = mmap(NULL, nw_ring_size(capacity), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(pair.shared, MAP_FAILED);
    nw_ring_init(&pair.producer, pair.shared, capacity);
    nw_ring_init(&pair.consumer, pair.shared, capacity);
    pair.producer.own = pair.producer.peer = pair.consumer.own = pair.consumer.peer = start;
    pair.shared->head = pair.shared->tail = start;
    return pair;
}

static struct pair pair_new(uint32_t start)
{
    return pair_of(CAPACITY, start);
}

static void pair_free(struct pair *pair)
{
    munmap(pair->shared, nw_ring_size(pair->producer.capacity));
}

/* Every field depends on the number, so that a mixed-up or torn descriptor shows. */
static struct nw_desc desc_of(uint64_t n)
{
    return (struct nw_desc){.id = n,
                            .offset = n * 3,
                            .length = ~n,
                            .kind = (uint32_t)n,
                            .target = (uint32_t)(n >> 7),
                            .status = (uint32_t)(n * 31),
                            .name_len = 1,
                            .depth = 2,
                            .data = {(unsigned char)n, [NW_INLINE_MAX - 1] = (unsigned char)(n + 1)}};
}

static void assert_desc(const struct nw_desc *desc, uint64_t n)
{
    struct nw_desc expected = desc_of(n);
    assert_memory_equal(desc, &expected, sizeof expected);
}

static void check_model(uint32_t start)
{
    struct pair pair = pair_new(start);
    uint64_t pushed = 0, popped = 0, seed = 88172645463325252u;
    for (int i = 0; i < 100000; i++) {
        struct nw_desc desc = desc_of(pushed);
        if (test_random(&seed) % 16 < 8) {
            int expected = pushed - popped == CAPACITY ? -EAGAIN : 0;
            assert_int_equal(nw_ring_push(&pair.producer, &desc), expected);
            pushed += expected == 0;
        } else {
            int expected = pushed != popped;
            assert_int_equal(nw_ring_pop(&pair.consumer, &desc), expected);
            if (expected)
                assert_desc(&desc, popped++);
        }
        if (test_random(&seed) % 8 == 0)
            assert_int_equal(nw_ring_space(&pair.producer), CAPACITY - (pushed - popped));
    }
    assert_true(popped > 10000);
    pair_free(&pair);
}

static void agrees_with_a_queue(void **state)
{
    (void)state;
    check_model(0);
}

static void agrees_with_a_queue_when_indices_wrap(void **state)
{
    (void)state;
    check_model(UINT32_MAX - 1000);
    check_model(UINT32_MAX);
    check_model(INT32_MAX - 5u);
}

static void full_ring_refuses_and_keeps_what_it_has(void **state)
{
    (void)state;
    struct pair pair = pair_new(UINT32_MAX - 3);
    struct nw_desc desc;
    for (uint64_t n = 0; n < CAPACITY; n++) {
        desc = desc_of(n);
        assert_int_equal(nw_ring_push(&pair.producer, &desc), 0);
    }
    desc = desc_of(99);
    assert_int_equal(nw_ring_push(&pair.producer, &desc), -EAGAIN);
    assert_int_equal(nw_ring_space(&pair.producer), 0);
    for (uint64_t n = 0; n < CAPACITY; n++) {
        assert_int_equal(nw_ring_pop(&pair.consumer, &desc), 1);
        assert_desc(&desc, n);
    }
    assert_int_equal(nw_ring_pop(&pair.consumer, &desc), 0);
    assert_int_equal(nw_ring_space(&pair.producer), CAPACITY);
    pair_free(&pair);
}

static void producer_refuses_impossible_heads(void **state)
{
    (void)state;
    static const uint32_t wrong[] = {1, 2, 100, 0x7fffffff, 0x80000000, 0xfffffff0, (uint32_t)-CAPACITY - 1};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct pair pair = pair_new(50);
        struct nw_desc desc = desc_of(0);
        for (int n = 0; n < CAPACITY; n++)
            assert_int_equal(nw_ring_push(&pair.producer, &desc), 0);
        pair.shared->head = pair.producer.own + wrong[i];
        assert_int_equal(nw_ring_space(&pair.producer), -EPROTO);
        assert_int_equal(nw_ring_push(&pair.producer, &desc), -EPROTO);
        pair_free(&pair);
    }
}

static void producer_refuses_a_head_that_moves_back(void **state)
{
    (void)state;
    struct pair pair = pair_new(50);
    struct nw_desc desc = desc_of(0);
    for (int n = 0; n < CAPACITY; n++)
        assert_int_equal(nw_ring_push(&pair.producer, &desc), 0);
    pair.shared->head = 54;
    assert_int_equal(nw_ring_space(&pair.producer), 4);
    pair.shared->head = 53;
    assert_int_equal(nw_ring_space(&pair.producer), -EPROTO);
    pair_free(&pair);
}

static void consumer_refuses_impossible_tails(void **state)
{
    (void)state;
    static const uint32_t wrong[] = {CAPACITY + 1, 100, 0x7fffffff, 0x80000000, UINT32_MAX, (uint32_t)-CAPACITY};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct pair pair = pair_new(50);
        struct nw_desc desc = desc_of(7);
        pair.shared->tail = 50 + wrong[i];
        assert_int_equal(nw_ring_pop(&pair.consumer, &desc), -EPROTO);
        assert_desc(&desc, 7);
        pair_free(&pair);
    }
}

static void own_index_is_never_read_back(void **state)
{
    (void)state;
    struct pair pair = pair_new(0);
    struct nw_desc desc = desc_of(1);
    pair.shared->tail = 5;
    assert_int_equal(nw_ring_push(&pair.producer, &desc), 0);
    assert_int_equal(pair.shared->tail, 1);
    pair.shared->head = 77;
    assert_int_equal(nw_ring_pop(&pair.consumer, &desc), 1);
    assert_int_equal(pair.shared->head, 1);
    pair_free(&pair);
}

static void popped_descriptor_is_a_copy(void **state)
{
    (void)state;
    struct pair pair = pair_new(0);
    struct nw_desc desc = desc_of(3);
    assert_int_equal(nw_ring_push(&pair.producer, &desc), 0);
    assert_int_equal(nw_ring_pop(&pair.consumer, &desc), 1);
    memset(pair.shared->desc, 0xff, CAPACITY * sizeof(struct nw_desc));
    assert_desc(&desc, 3);
    pair_free(&pair);
}

static void push_all(struct nw_ring *ring)
{
    for (uint64_t n = 0; n < MESSAGES; n++) {
        struct nw_desc desc = desc_of(n);
        while (nw_ring_push(ring, &desc) == -EAGAIN)
            sched_yield();
    }
}

static void pop_all(struct nw_ring *ring)
{
    for (uint64_t n = 0; n < MESSAGES; n++) {
        struct nw_desc desc;
        int rc;
        while ((rc = nw_ring_pop(ring, &desc)) == 0)
            sched_yield();
        assert_int_equal(rc, 1);
        assert_desc(&desc, n);
    }
}

static void *producer_thread(void *ring)
{
    push_all(ring);
    return NULL;
}

static void two_threads_keep_order_and_content(void **state)
{
    (void)state;
    struct pair pair = pair_of(LARGE_CAPACITY, UINT32_MAX - MESSAGES / 2);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, producer_thread, &pair.producer), 0);
    pop_all(&pair.consumer);
    pthread_join(thread, NULL);
    pair_free(&pair);
}

static void two_processes_keep_order_and_content(void **state)
{
    (void)state;
    struct pair pair = pair_of(LARGE_CAPACITY, UINT32_MAX - MESSAGES / 2);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        push_all(&pair.producer);
        _exit(0);
    }
    pop_all(&pair.consumer);
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    pair_free(&pair);
}

static _Noreturn void scribble(struct nw_ring_shared *shared)
{
    uint64_t seed = 4101842887655102017u;
    for (;;) {
        nw_store_relaxed(&shared->tail, (uint32_t)test_random(&seed) % 32);
        nw_store_relaxed(&shared->head, (uint32_t)test_random(&seed));
        nw_store_relaxed(&shared->desc[test_random(&seed) % CAPACITY].length, test_random(&seed));
    }
}

/* Whatever the peer writes, and whenever: each call ends with one of its three answers and no index runs away. */
static void survives_a_peer_that_scribbles(void **state)
{
    (void)state;
    struct pair pair = pair_new(0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        scribble(pair.shared);
    int refused = 0;
    /* At least until one impossible index of the peer, which may start late, has been noticed. */
    for (int i = 0; i < MESSAGES || !refused; i++) {
        struct nw_desc desc = desc_of(1);
        uint32_t before = pair.consumer.own;
        int rc = nw_ring_pop(&pair.consumer, &desc);
        assert_true(rc == 1 || rc == 0 || rc == -EPROTO);
        assert_int_equal(pair.consumer.own - before, rc == 1);
        assert_true(pair.consumer.peer - pair.consumer.own <= CAPACITY);
        rc = nw_ring_push(&pair.producer, &desc);
        assert_true(rc == 0 || rc == -EAGAIN || rc == -EPROTO);
        assert_true(pair.producer.own - pair.producer.peer <= CAPACITY);
        refused += rc == -EPROTO;
    }
    kill(pid, SIGKILL);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    pair_free(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_a_queue),
        cmocka_unit_test(agrees_with_a_queue_when_indices_wrap),
        cmocka_unit_test(full_ring_refuses_and_keeps_what_it_has),
        cmocka_unit_test(producer_refuses_impossible_heads),
        cmocka_unit_test(producer_refuses_a_head_that_moves_back),
        cmocka_unit_test(consumer_refuses_impossible_tails),
        cmocka_unit_test(own_index_is_never_read_back),
        cmocka_unit_test(popped_descriptor_is_a_copy),
        cmocka_unit_test(two_threads_keep_order_and_content),
        cmocka_unit_test(two_processes_keep_order_and_content),
        cmocka_unit_test(survives_a_peer_that_scribbles),
    };
    return cmocka_run_group_tests_name("ring", tests, NULL, NULL);
}
