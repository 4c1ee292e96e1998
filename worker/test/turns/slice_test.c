/* Who goes on when a quantum ends, and what the kernel is asked then. All around the executor is made up. */
#include "common/test/test.h"
#include "worker/account/ticks.h"
#include "worker/base/config.h"
#include "worker/base/lock.h"
#include "worker/domain/deployed.h"
#include "worker/domain/domain.h"
#include "worker/domain/executor.h"
#include "worker/domain/keys.h"
#include "worker/executor/ready.h"
#include "worker/executor/spent.h"
#include "worker/executor/wake.h"
#include "worker/tick/quantum.h"
#include "worker/watch/slice.h"
#include "worker/wire/link.h"

#define QUANTUM 200000ull
#define GIVEN   5000000ull /* ns that others have when the executor lets them */

static struct nw_deployed function = {.weight = 100};
static struct nw_domain domain = {.function = &function};
static struct nw_slot slot = {.domain = &domain, .pace = NW_PACE_LONG};
static struct nw_executor ex;
static bool ended, brief_waits, killed;
static unsigned yielded;
static uint64_t set_to;

int sched_yield(void)
{
    const uint64_t from = nw_ticks();

    assert_int_equal(pthread_mutex_trylock(&nw_monitor_lock), 0); /* nobody waits for who has yielded */
    pthread_mutex_unlock(&nw_monitor_lock);
    while (nw_ticks_to_ns(nw_ticks() - from) < GIVEN)
        ;
    yielded++;
    domain.state = killed ? NW_DOMAIN_DYING : NW_DOMAIN_LIVE;
    return 0;
}

bool nw_quantum_ended(const struct nw_executor *executor)
{
    (void)executor;
    return ended;
}

bool nw_quantum_set(struct nw_executor *executor, uint64_t quantum)
{
    (void)executor;
    set_to = quantum;
    return true;
}

void nw_quantum_count(struct nw_executor *executor)
{
    (void)executor;
}

uint32_t nw_domains_dying(void)
{
    return domain.state == NW_DOMAIN_DYING;
}

bool nw_key_usable(const struct nw_domain *whose)
{
    (void)whose;
    return true;
}

bool nw_keys_called_back(void)
{
    return false;
}

struct nw_domain *nw_keys_first_wanting(void)
{
    return NULL;
}

bool nw_links_have_work(void)
{
    return brief_waits;
}

bool nw_ready_any(void)
{
    return false;
}

bool nw_ready_brief(void)
{
    return false;
}

const struct nw_slot *nw_ready_first(void)
{
    return NULL;
}

struct nw_claim nw_ready_claim(const struct nw_slot *whose)
{
    (void)whose;
    return (struct nw_claim){0};
}

void nw_spent_charge(struct nw_deployed *whose, uint64_t ran, uint64_t now)
{
    (void)whose;
    (void)ran;
    (void)now;
}

bool nw_wake_is_led(void)
{
    return false;
}

/* The slot has run for longer than a quantum. */
static int begin(void **state)
{
    struct nw_config config = {.policy = NW_POLICY_LEVELS};

    (void)state;
    nw_config_set(&config);
    nw_ticks_measure();
    ended = true;
    brief_waits = killed = false;
    yielded = 0;
    set_to = 0;
    domain.state = NW_DOMAIN_LIVE;
    function.usage.ran = 0;
    ex = (struct nw_executor){.took = &function, .took_slot = &slot, .quantum = QUANTUM};
    ex.taken_at = ex.counted_at = nw_ticks() - nw_ticks_of_us(2 * QUANTUM / 1000);
    pthread_mutex_lock(&nw_monitor_lock);
    return 0;
}

static int end(void **state)
{
    (void)state;
    pthread_mutex_unlock(&nw_monitor_lock);
    return 0;
}

static void who_goes_on_lets_others_have_the_processor(void **state)
{
    (void)state;
    assert_true(nw_slice_goes_on(&ex, &slot));
    assert_int_equal(yielded, 1);
    assert_int_not_equal(set_to, 0);
}

static void what_others_have_is_not_its_time(void **state)
{
    (void)state;
    const uint64_t took = ex.taken_at;

    assert_true(nw_slice_goes_on(&ex, &slot));
    assert_true(nw_ticks_to_ns(ex.taken_at - took) >= GIVEN);
    assert_true(ex.counted_at >= ex.taken_at);
    assert_true(nw_ticks_to_ns(function.usage.ran) >= 2 * QUANTUM);
}

/* The executor is needed at once. */
static void who_makes_way_does_not(void **state)
{
    (void)state;
    brief_waits = true;
    assert_false(nw_slice_goes_on(&ex, &slot));
    assert_int_equal(yielded, 0);
}

static void nor_does_who_was_kicked_for_something_else(void **state)
{
    (void)state;
    ended = false;
    assert_true(nw_slice_goes_on(&ex, &slot));
    assert_int_equal(yielded, 0);
}

static void a_domain_that_dies_meanwhile_goes_no_further(void **state)
{
    (void)state;
    killed = true;
    assert_false(nw_slice_goes_on(&ex, &slot));
    assert_int_equal(yielded, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(who_goes_on_lets_others_have_the_processor, begin, end),
        cmocka_unit_test_setup_teardown(what_others_have_is_not_its_time, begin, end),
        cmocka_unit_test_setup_teardown(who_makes_way_does_not, begin, end),
        cmocka_unit_test_setup_teardown(nor_does_who_was_kicked_for_something_else, begin, end),
        cmocka_unit_test_setup_teardown(a_domain_that_dies_meanwhile_goes_no_further, begin, end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
