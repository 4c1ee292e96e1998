/*
 * Shares of domains: no domain takes what is kept for another, none holds more than its limit, and what a domain held
 * is free again when it ends. Random changes against a model that counts. And how many func workers one needs.
 */
#include "common/test/test.h"
#include "worker/account/demand.h"
#include "worker/account/denied.h"
#include "worker/account/log_share.h"
#include "worker/account/share.h"
#include "worker/base/now.h"
#include <errno.h>
#include <string.h>

#define DOMAINS 12
#define ROUNDS  200000
#define R       NW_RESOURCE_DESCRIPTORS

#define MEMORY (64ul << 20)

static struct nw_account accounts[DOMAINS];
static char why[256];

static uint64_t now = 1;
static unsigned lines; /* that were to be logged */

uint64_t nw_now(void)
{
    return now;
}

bool nw_may_log(struct nw_log_share *share, const char *name)
{
    (void)share;
    (void)name;
    lines++;
    return false;
}

uint64_t nw__log_share_lines(const struct nw_log_share *share)
{
    (void)share;
    return lines;
}

static uint64_t share(void)
{
    return nw_resources[R].share;
}

static void open_domain(struct nw_account *a)
{
    assert_int_equal(nw_share_open(a, MEMORY, why, sizeof(why)), 0);
}

static void close_all(void)
{
    for (int i = 0; i < DOMAINS; i++)
        nw_share_close(&accounts[i]);
}

static void nobody_takes_another_ones_share(void **state)
{
    uint64_t n = 0;

    (void)state;
    nw_share_room(R, share() * 8 + 10);
    open_domain(&accounts[0]);
    open_domain(&accounts[1]);
    while (nw_share_take(&accounts[0], R, 1) == 0)
        n++;
    assert_in_range(n, share(), nw_resources[R].limit);
    for (uint64_t i = 0; i < share(); i++)
        assert_int_equal(nw_share_take(&accounts[1], R, 1), 0);
    close_all();
}

/* Half of the room is kept for domains that are not there yet: what is held beyond shares never keeps them out. */
static void the_next_domains_find_their_share(void **state)
{
    (void)state;
    nw_share_room(R, share() * 2 * 8);
    for (int i = 0; i < 8; i++) {
        open_domain(&accounts[i]);
        assert_int_equal(nw_share_take(&accounts[i], R, share()), 0);
        while (nw_share_take(&accounts[i], R, 1) == 0)
            continue;
    }
    close_all();
}

static void a_domain_without_a_share_is_refused(void **state)
{
    (void)state;
    nw_share_room(R, share() * 2);
    open_domain(&accounts[0]);
    open_domain(&accounts[1]);
    assert_int_equal(nw_share_open(&accounts[2], MEMORY, why, sizeof(why)), -EAGAIN);
    assert_non_null(strstr(why, nw_resources[R].name));
    assert_non_null(strstr(why, nw_resources[R].room));
    assert_int_equal(nw_share_take(&accounts[2], R, 1), -EMFILE);
    nw_share_close(&accounts[1]);
    open_domain(&accounts[2]);
    close_all();
}

static void limits_are_those_of_the_function(void **state)
{
    const enum nw_resource held = NW_RESOURCE_HELD_BYTES;

    (void)state;
    open_domain(&accounts[0]);
    assert_int_equal(nw_share_take(&accounts[0], held, MEMORY), 0);
    assert_int_equal(nw_share_take(&accounts[0], held, 1), -ENOMEM);
    nw_share_give(&accounts[0], held, 1);
    assert_int_equal(nw_share_take(&accounts[0], held, UINT64_MAX), -ENOMEM);
    assert_int_equal(nw_share_take(&accounts[0], held, 1), 0);
    close_all();
}

struct model {
    uint64_t used[DOMAINS];
    bool open[DOMAINS];
};

static void compare(const struct model *m, uint64_t room)
{
    uint64_t beyond = 0, present = 0;

    for (int i = 0; i < DOMAINS; i++) {
        assert_int_equal(nw_share_used(&accounts[i], R), m->used[i]);
        assert_in_range(m->used[i], 0, nw_resources[R].limit);
        beyond += m->used[i] > share() ? m->used[i] - share() : 0;
        present += m->open[i];
    }
    assert_true(beyond + present * share() <= room);
}

static void change(struct model *m, uint64_t *random)
{
    unsigned i = (unsigned)(test_random(random) % DOMAINS);
    uint64_t n = test_random(random) % 40;

    switch (test_random(random) % 16) {
    case 0:
        if (!m->open[i]) {
            m->open[i] = nw_share_open(&accounts[i], MEMORY, why, sizeof(why)) == 0;
        }
        break;
    case 1:
        nw_share_close(&accounts[i]);
        m->used[i] = m->open[i] = 0;
        break;
    case 2 ... 7:
        n = n < m->used[i] ? n : m->used[i];
        nw_share_give(&accounts[i], R, n);
        m->used[i] -= n;
        break;
    default:
        if (nw_share_take(&accounts[i], R, n) == 0)
            m->used[i] += n;
        else
            assert_true(!m->open[i] || m->used[i] + n > share());
    }
}

static void it_adds_up(void **state)
{
    const uint64_t room = share() * 20 + 7;
    struct model m = {0};
    uint64_t random = 1;

    (void)state;
    nw_share_room(R, room);
    for (int i = 0; i < ROUNDS; i++) {
        change(&m, &random);
        compare(&m, room);
    }
    close_all();
}

static unsigned lines_of(struct nw_account *a)
{
    lines = 0;
    nw_denied_say(a);
    return lines;
}

/* Once a second, as long as there is something new; and whose fault it is. */
static void what_was_denied_is_said(void **state)
{
    struct nw_denied *denied = &accounts[0].denied;

    (void)state;
    nw_share_room(R, 0);
    open_domain(&accounts[0]);
    assert_int_equal(nw_share_take(&accounts[0], R, 1), 0);
    assert_int_equal(lines_of(&accounts[0]), 0);
    assert_int_equal(nw_share_take(&accounts[0], R, nw_resources[R].limit), -EMFILE);
    assert_int_equal(denied->own, 1u << R);
    assert_int_equal(denied->room, 0);
    assert_int_equal(lines_of(&accounts[0]), 1);
    nw_share_room(R, share());
    assert_int_equal(nw_share_take(&accounts[0], R, share() + 1), -EMFILE);
    assert_int_equal(denied->own, 0);
    assert_int_equal(denied->room, 1u << R);
    assert_int_equal(lines_of(&accounts[0]), 0);
    now += 1000000000;
    assert_int_equal(lines_of(&accounts[0]), 1);
    now += 1000000000;
    assert_int_equal(lines_of(&accounts[0]), 0);
    close_all();
}

#define TICK_NS 2000000ull
#define SLOTS   64

static struct nw_demand demand;

/* So many func workers are busy for so long, and so many invocations wait. */
static void pass(uint32_t busy, uint64_t waiting, uint64_t ms)
{
    for (uint64_t end = now + ms * 1000000; now < end; now += TICK_NS)
        nw_demand_sample(&demand, busy, waiting, now);
}

static void as_many_func_workers_are_kept_as_are_busy_and_some_more(void **state)
{
    (void)state;
    demand = (struct nw_demand){.sampled_at = now};
    assert_int_equal(nw_demand_keeps(&demand, SLOTS), 1);
    pass(8, 0, 10000);
    assert_int_equal(nw_demand_keeps(&demand, SLOTS), 10);
    assert_int_equal(nw_demand_keeps(&demand, 4), 4);
    pass(100, 0, 10000);
    assert_int_equal(nw_demand_keeps(&demand, SLOTS), SLOTS);
}

/* A tenth of the time one is busy, in turns: that is one. */
static void brief_invocations_need_one(void **state)
{
    (void)state;
    demand = (struct nw_demand){.sampled_at = now};
    for (int i = 0; i < 1000; i++) {
        pass(1, 0, 2);
        pass(0, 0, 18);
        assert_int_equal(nw_demand_keeps(&demand, SLOTS), 1);
    }
}

static void the_demand_falls_when_nothing_runs(void **state)
{
    uint32_t before = SLOTS;

    (void)state;
    demand = (struct nw_demand){.sampled_at = now};
    pass(SLOTS, 0, 10000);
    for (int i = 0; i < 50; i++) {
        pass(0, 0, 100);
        assert_true(nw_demand_keeps(&demand, SLOTS) <= before);
        before = nw_demand_keeps(&demand, SLOTS);
    }
    assert_int_equal(before, 1);
}

/* The watch does not look at what is idle: the first look after an hour must not count that hour as busy. */
static void a_look_after_a_long_time_counts_what_is_now(void **state)
{
    (void)state;
    demand = (struct nw_demand){.sampled_at = now};
    pass(SLOTS, 0, 10000);
    now += 3600000000000ull;
    nw_demand_sample(&demand, 2, 0, now);
    assert_int_equal(nw_demand_keeps(&demand, SLOTS), 2);
}

static void more_are_made_for_those_that_wait_for_something(void **state)
{
    (void)state;
    demand = (struct nw_demand){.sampled_at = now};
    assert_true(nw_demand_grows(&demand, 1, 2));
    assert_false(nw_demand_grows(&demand, 2, 2));
    assert_false(nw_demand_grows(&demand, 9, 2));
}

static void more_are_made_when_the_first_waits_long(void **state)
{
    (void)state;
    demand = (struct nw_demand){.sampled_at = now};
    for (uint64_t first = 1; first < 100; first++) {
        pass(2, first, 8);
        assert_false(nw_demand_grows(&demand, 2, 2));
    }
    pass(2, 100, 14);
    assert_true(nw_demand_grows(&demand, 2, 2));
    pass(2, 0, 14);
    assert_false(nw_demand_grows(&demand, 2, 2));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_many_func_workers_are_kept_as_are_busy_and_some_more),
        cmocka_unit_test(brief_invocations_need_one),
        cmocka_unit_test(the_demand_falls_when_nothing_runs),
        cmocka_unit_test(a_look_after_a_long_time_counts_what_is_now),
        cmocka_unit_test(more_are_made_for_those_that_wait_for_something),
        cmocka_unit_test(more_are_made_when_the_first_waits_long),
        cmocka_unit_test(nobody_takes_another_ones_share),
        cmocka_unit_test(the_next_domains_find_their_share),
        cmocka_unit_test(a_domain_without_a_share_is_refused),
        cmocka_unit_test(limits_are_those_of_the_function),
        cmocka_unit_test(what_was_denied_is_said),
        cmocka_unit_test(it_adds_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
