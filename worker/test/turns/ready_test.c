/* Who has the next turn, of slots of domains that are made up: a domain is one party, and nothing of it waits for ever
 * for what another of its slots holds. */
#include "common/test/test.h"
#include "worker/account/ticks.h"
#include "worker/base/config.h"
#include "worker/base/now.h"
#include "worker/domain/deployed.h"
#include "worker/domain/domain.h"
#include "worker/domain/keys.h"
#include "worker/executor/ready.h"
#include "worker/executor/sleep.h"
#include "worker/executor/wake.h"
#include <string.h>

#define DOMAINS 2
#define SLOTS   6

static struct nw_domain domains[DOMAINS];
static struct nw_deployed functions[DOMAINS];

uint64_t nw_now(void)
{
    return 1;
}

bool nw_key_usable(const struct nw_domain *domain)
{
    (void)domain;
    return true;
}

void nw_key_want(struct nw_domain *domain, bool urgent)
{
    (void)domain;
    (void)urgent;
}

void nw_slot_result(struct nw_slot *slot, long result)
{
    (void)slot;
    (void)result;
}

static void policy(enum nw_policy which)
{
    struct nw_config config = {.mode = NW_MODE_NONE, .policy = which};

    nw_config_set(&config);
}

/* All slots run an invocation, and are brief. */
static int begin(void **state)
{
    (void)state;
    policy(NW_POLICY_LEVELS);
    memset(domains, 0, sizeof(domains));
    memset(functions, 0, sizeof(functions));
    for (int d = 0; d < DOMAINS; d++) {
        functions[d].timeout_ns = 1000000000;
        functions[d].weight = 100;
        functions[d].fair = 50;
        domains[d].state = NW_DOMAIN_LIVE;
        domains[d].loaded = true;
        domains[d].function = &functions[d];
        for (int i = 0; i < SLOTS; i++) {
            domains[d].slots[i].domain = &domains[d];
            domains[d].slots[i].state = NW_SLOT_RUNNING;
            domains[d].slots[i].sequence = 1;
        }
    }
    return 0;
}

static int end(void **state)
{
    (void)state;
    while (nw_ready_take())
        ;
    return 0;
}

static struct nw_slot *slot_of(int domain, int i)
{
    return &domains[domain].slots[i];
}

/* It ran until it was stopped. */
static void stop(struct nw_slot *slot)
{
    slot->used = 1000;
    slot->pace = NW_PACE_LONG;
    nw_ready(slot);
}

static void expect(struct nw_slot *slot)
{
    struct nw_slot *taken = nw_ready_take();

    assert_ptr_equal(taken, slot);
    if (taken)
        nw_slot_move(taken, NW_SLOT_RUNNING);
}

/* However many slots and threads one of them has. */
static void domains_take_turns(void **state)
{
    (void)state;
    for (int p = 0; p < NW_POLICIES; p++) {
        begin(state);
        policy((enum nw_policy)p);
        functions[1].timeout_ns += 100; /* by deadline, too, it comes behind the first slot of the other */
        for (int i = 0; i < 4; i++)
            nw_ready(slot_of(0, i));
        nw_ready(slot_of(1, 0));
        expect(slot_of(0, 0));
        functions[0].fair += 10; /* as who has run is charged */
        nw_unready_all(&domains[0]);
        nw_ready_all(&domains[0]);
        if (p != NW_POLICY_DEADLINE)
            expect(slot_of(1, 0));
        end(state);
    }
}

/* A thread that was stopped with a lock is not overtaken by what is brief once somebody waits for that. */
static void who_sleeps_lends_its_turn(void **state)
{
    (void)state;
    slot_of(0, 1)->sequence = 0; /* a thread of the function's own */
    stop(slot_of(0, 1));
    nw_ready(slot_of(0, 2));
    nw_ready(slot_of(1, 0));
    nw_ready(slot_of(1, 1));
    nw_sleep(slot_of(0, 0), NW_SLOT_FUTEX, 0);
    expect(slot_of(0, 1));
    stop(slot_of(0, 1)); /* for one turn */
    expect(slot_of(1, 0));
    expect(slot_of(0, 2));
    expect(slot_of(1, 1));
    expect(slot_of(0, 1));
    nw_sleepers_remove(slot_of(0, 0));
}

/* It has the place of who sleeps, among those that are brief. */
static void what_is_lent_is_a_brief_turn(void **state)
{
    (void)state;
    stop(slot_of(0, 1));
    nw_ready(slot_of(1, 0));
    nw_ready(slot_of(1, 1));
    nw_sleep(slot_of(0, 0), NW_SLOT_FUTEX, 0);
    expect(slot_of(1, 0));
    expect(slot_of(0, 1));
    expect(slot_of(1, 1));
    nw_sleepers_remove(slot_of(0, 0));
}

/* ... and no more than that: others of the domain, and of others, have theirs. */
static void who_sleeps_for_a_time_lends_nothing(void **state)
{
    (void)state;
    stop(slot_of(0, 1));
    nw_sleep(slot_of(0, 0), NW_SLOT_SLEEP, 0);
    nw_ready(slot_of(1, 0));
    expect(slot_of(1, 0));
    expect(slot_of(0, 1));
    nw_sleepers_remove(slot_of(0, 0));
}

/* ... nor is anything lent from who was idle to who comes back: also then it has no less than those who stayed. */
static void a_lent_turn_saves_no_time(void **state)
{
    (void)state;
    functions[0].fair = 1000;
    functions[1].fair = 1;
    stop(slot_of(0, 1));
    expect(slot_of(0, 1));
    stop(slot_of(0, 1));
    slot_of(0, 0)->pace = NW_PACE_LONG;
    nw_sleep(slot_of(0, 0), NW_SLOT_FUTEX, 0);
    expect(slot_of(0, 1));
    stop(slot_of(1, 0));
    assert_true(functions[1].fair >= 1000);
    expect(slot_of(1, 0));
    nw_sleepers_remove(slot_of(0, 0));
}

static void threads_have_turns_beside_invocations(void **state)
{
    (void)state;
    slot_of(0, 5)->sequence = 0;
    nw_ready(slot_of(0, 5));
    for (int i = 0; i < 5; i++)
        nw_ready(slot_of(0, i));
    for (int i = 0; i < 3; i++)
        expect(slot_of(0, i));
    expect(slot_of(0, 5));
    expect(slot_of(0, 3));
    expect(slot_of(0, 4));
}

static void who_has_used_up_its_part_waits(void **state)
{
    (void)state;
    nw_limit_init(&functions[0].limit, 50, UINT64_MAX / 1000, nw_ticks());
    nw_ready(slot_of(0, 0));
    nw_ready(slot_of(1, 0));
    assert_true(nw_limit_charge(&functions[0].limit, (uint64_t)functions[0].limit.left + 1, nw_ticks()));
    nw_unready_all(&domains[0]);
    nw_ready(slot_of(0, 1));
    assert_int_equal(nw_ready_count(), 1);
    expect(slot_of(1, 0));
    expect(NULL);
    functions[0].limit.spent = false;
    nw_ready_again(&domains[0]);
    expect(slot_of(0, 0));
    expect(slot_of(0, 1));
}

/* A domain whose first deadline becomes an earlier one goes before others that it came behind. */
static void an_earlier_deadline_moves_a_domain_forward(void **state)
{
    (void)state;
    policy(NW_POLICY_DEADLINE);
    functions[1].timeout_ns = 2000000000;
    nw_ready(slot_of(1, 0));
    nw_ready(slot_of(0, 0));
    expect(slot_of(0, 0));
    expect(slot_of(1, 0));
    functions[0].timeout_ns = 3000000000;
    nw_ready(slot_of(1, 0));
    nw_ready(slot_of(0, 0));
    stop(slot_of(0, 1));
    slot_of(0, 2)->due = 1;
    nw_sleep(slot_of(0, 2), NW_SLOT_FUTEX, 0);
    expect(slot_of(0, 1));
    expect(slot_of(1, 0));
    expect(slot_of(0, 0));
    nw_sleepers_remove(slot_of(0, 2));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(domains_take_turns),
        TEST(who_sleeps_lends_its_turn),
        TEST(what_is_lent_is_a_brief_turn),
        TEST(who_sleeps_for_a_time_lends_nothing),
        TEST(a_lent_turn_saves_no_time),
        TEST(threads_have_turns_beside_invocations),
        TEST(who_has_used_up_its_part_waits),
        TEST(an_earlier_deadline_moves_a_domain_forward),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
