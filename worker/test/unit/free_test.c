/*
 * The list of free func workers: each is taken by one thread at a time, whoever owns the lock and whoever takes it
 * away meanwhile. Executors take and give back as fast as they can, and another thread whenever one owns the lock.
 */
#include "common/base/atomic.h"
#include "common/test/test.h"
#include "worker/base/config.h"
#include "worker/domain/domain.h"
#include "worker/domain/executor.h"
#include "worker/domain/free.h"
#include <pthread.h>
#include <string.h>

#define SLOTS  3
#define ROUNDS 6000000
#define IN_ROW 2000 /* more than it takes to own the lock */

static struct nw_domain domain;
static struct nw_executor executors[2];
static uint32_t taken[SLOTS], wrong, owned;

static void fill(void **state)
{
    (void)state;
    memset(&domain, 0, sizeof(domain));
    domain.state = NW_DOMAIN_LIVE;
    for (int i = 0; i < SLOTS; i++) {
        domain.slots[i].domain = &domain;
        domain.slots[i].state = NW_SLOT_RUNNING;
        nw_free_push(&domain.slots[i], NULL);
    }
}

static void take_and_give(struct nw_executor *ex)
{
    struct nw_slot *slot = nw_free_pop(&domain, ex);
    uint32_t *mine;

    if (!slot)
        return;
    mine = &taken[slot - domain.slots];
    if (nw_exchange(mine, 1u)) /* pairs with the store below: nobody else has it */
        nw_store_relaxed(&wrong, 1u);
    nw_store_release(mine, 0u); /* pairs with the exchange above */
    nw_free_push(slot, ex);
}

static void *executor(void *ex)
{
    for (int i = 0; i < ROUNDS; i++) {
        take_and_give(ex);
        if (nw_load_relaxed(&domain.free_owner) == ex)
            nw_store_relaxed(&owned, 1u);
    }
    return NULL;
}

static void *somebody_else(void *stop)
{
    while (!nw_load_acquire((uint32_t *)stop)) /* stored when the executors are done */
        if (nw_load_relaxed(&domain.free_owner))
            take_and_give(NULL);
    return NULL;
}

static void run_beside(unsigned n)
{
    pthread_t threads[2], other;
    uint32_t stop = 0;

    owned = 0;
    pthread_create(&other, NULL, somebody_else, &stop);
    for (unsigned i = 0; i < n; i++)
        pthread_create(&threads[i], NULL, executor, &executors[i]);
    for (unsigned i = 0; i < n; i++)
        pthread_join(threads[i], NULL);
    nw_store_release(&stop, 1u); /* loaded by the other thread */
    pthread_join(other, NULL);
    assert_int_equal(wrong, 0);
    assert_int_equal(domain.n_free, SLOTS);
    for (int i = 0; i < SLOTS; i++)
        assert_non_null(nw_free_pop(&domain, NULL));
    assert_null(nw_free_pop(&domain, NULL));
}

static void one_executor_owns_and_loses_the_lock(void **state)
{
    fill(state);
    run_beside(1);
    assert_int_equal(owned, 1);
}

static void two_executors_and_another_thread(void **state)
{
    fill(state);
    run_beside(2);
}

static void who_takes_it_in_a_row_owns_it_until_another_comes(void **state)
{
    fill(state);
    for (int i = 0; i < IN_ROW; i++)
        take_and_give(&executors[0]);
    assert_ptr_equal(domain.free_owner, &executors[0]);
    take_and_give(&executors[1]);
    assert_null(domain.free_owner);
    for (int i = 0; i < IN_ROW; i++)
        take_and_give(&executors[i % 2]);
    assert_null(domain.free_owner);
}

static void nothing_is_taken_without_a_key(void **state)
{
    fill(state);
    nw__config.keyed = true;
    assert_null(nw_free_pop(&domain, &executors[0]));
    domain.key = 3;
    assert_non_null(nw_free_pop(&domain, &executors[0]));
    domain.state = NW_DOMAIN_DYING;
    assert_null(nw_free_pop(&domain, &executors[0]));
    assert_non_null(nw_free_drain(&domain));
    nw__config.keyed = false;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_takes_it_in_a_row_owns_it_until_another_comes),
        cmocka_unit_test(one_executor_owns_and_loses_the_lock),
        cmocka_unit_test(two_executors_and_another_thread),
        cmocka_unit_test(nothing_is_taken_without_a_key),
    };

    nw_free_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
