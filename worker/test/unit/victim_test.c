/* Whose key is taken: of a domain in which nothing runs or waits, and of those of the one that was used longest ago. */
#include "common/test/test.h"
#include "worker/base/config.h"
#include "worker/base/now.h"
#include "worker/domain/deployed.h"
#include "worker/domain/domain.h"
#include "worker/domain/keys.h"
#include "worker/run/victim.h"
#include <stdio.h>
#include <string.h>

#define DOMAINS 3
#define LATER   1000000000ull

static struct nw_domain domains[DOMAINS], wants;
static struct nw_deployed function;

uint64_t nw_now(void)
{
    return LATER;
}

/* Each has a key, and was used in this order. */
static int begin(void **state)
{
    char why[256];

    (void)state;
    memset(domains, 0, sizeof(domains));
    memset(&function, 0, sizeof(function));
    wants.key_urgent = true;
    for (int i = 0; i < DOMAINS; i++) {
        domains[i].state = NW_DOMAIN_LIVE;
        domains[i].slots_end = 2;
        domains[i].function = &function;
        assert_int_equal(nw_share_open(&domains[i].account, 0, why, sizeof(why)), 0);
        assert_true(nw_key_hold(&domains[i]));
        domains[i].key = domains[i].held_key;
        nw_key_give(&domains[i]);
    }
    nw__victim(&wants, LATER);
    return 0;
}

static int end(void **state)
{
    (void)state;
    for (int i = 0; i < DOMAINS; i++) {
        nw_key_forget(&domains[i]);
        nw_share_close(&domains[i].account);
    }
    return 0;
}

static void one_that_was_used_longest_ago(void **state)
{
    (void)state;
    assert_ptr_equal(nw__victim(&wants, LATER), &domains[0]);
    nw_key_used(&domains[0]);
    assert_ptr_equal(nw__victim(&wants, LATER), &domains[1]);
}

static void none_that_nested_calls_use(void **state)
{
    (void)state;
    domains[0].slots[1].sequence += 2; /* one that began and ended */
    assert_ptr_equal(nw__victim(&wants, LATER), &domains[1]);
    nw_key_used(&domains[1]);
    assert_ptr_equal(nw__victim(&wants, LATER), &domains[2]);
    nw_key_used(&domains[2]);
    assert_ptr_equal(nw__victim(&wants, LATER), &domains[0]);
}

static void none_that_is_about_to_run(void **state)
{
    (void)state;
    domains[0].slots[1].state = NW_SLOT_READY;
    assert_ptr_equal(nw__victim(&wants, LATER), &domains[1]);
    domains[1].n_key_waiters = 1;
    assert_ptr_equal(nw__victim(&wants, LATER), &domains[2]);
    domains[2].slots[0].state = NW_SLOT_RUNNING;
    assert_ptr_equal(nw__victim(&wants, LATER), &domains[0]); /* all are busy: the first again */
}

/* Its slots are not about to run: it has used up its part of a processor. */
static void one_that_may_not_run(void **state)
{
    (void)state;
    domains[0].slots[1].state = NW_SLOT_READY;
    function.limit.spent = true;
    assert_ptr_equal(nw__victim(&wants, LATER), &domains[0]);
}

static void a_key_is_charged_to_who_holds_it(void **state)
{
    (void)state;
    assert_int_equal(nw_share_used(&domains[0].account, NW_RESOURCE_KEYS), 1);
    nw_key_forget(&domains[0]);
    assert_int_equal(nw_share_used(&domains[0].account, NW_RESOURCE_KEYS), 0);
    nw_share_close(&domains[0].account);
    assert_false(nw_key_hold(&domains[0]));
    assert_int_equal(domains[0].held_key, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(one_that_was_used_longest_ago), TEST(none_that_nested_calls_use),       TEST(none_that_is_about_to_run),
        TEST(one_that_may_not_run),          TEST(a_key_is_charged_to_who_holds_it),
    };

    if (nw_keys_take() != 0) {
        puts("1..0 # SKIP this machine has no protection keys");
        return 77;
    }
    return cmocka_run_group_tests_name("worker/victim", tests, NULL, NULL);
}
