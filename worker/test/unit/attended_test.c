/* The list of domains that the control thread looks at. */
#include "common/test/test.h"
#include "worker/domain/attended.h"
#include <stdlib.h>

#define DOMAINS 5

static struct nw_domain *domains[DOMAINS];
static unsigned quiet; /* a bit for each */

static int set_up(void **state)
{
    (void)state;
    for (unsigned i = 0; i < DOMAINS; i++) {
        domains[i] = calloc(1, sizeof(*domains[i]));
        domains[i]->index = i;
    }
    return 0;
}

static bool is_quiet(const struct nw_domain *domain)
{
    return quiet >> domain->index & 1;
}

static void drop(unsigned which)
{
    quiet = which;
    nw_attended_drop(is_quiet);
}

/* A bit for each that is there, in their order. */
static unsigned there(void)
{
    unsigned seen = 0;

    for (struct nw_domain *d = nw_attended_after(NULL); d; d = nw_attended_after(d)) {
        assert_false(seen >> d->index & 1);
        assert_true(d->attended);
        seen |= 1u << d->index;
    }
    return seen;
}

static int tear_down(void **state)
{
    (void)state;
    drop(~0u);
    for (unsigned i = 0; i < DOMAINS; i++)
        free(domains[i]);
    return 0;
}

static void has_each_once(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 2 * DOMAINS; i++)
        nw_attend(domains[i % DOMAINS]);
    assert_int_equal(there(), (1u << DOMAINS) - 1);
}

static void one_goes_wherever_it_is(void **state)
{
    (void)state;
    for (unsigned gone = 0; gone < DOMAINS; gone++) {
        unsigned left = ((1u << DOMAINS) - 1) & ~(1u << gone);

        for (unsigned i = 0; i < DOMAINS; i++)
            nw_attend(domains[i]);
        nw_unattend(domains[gone]);
        nw_unattend(domains[gone]);
        assert_false(domains[gone]->attended);
        assert_int_equal(there(), left);
        nw_attend(domains[gone]);
        assert_int_equal(there(), left | 1u << gone);
    }
}

static void drops_what_is_quiet_wherever_it_is(void **state)
{
    (void)state;
    for (unsigned which = 0; which < 1u << DOMAINS; which++) {
        for (unsigned i = 0; i < DOMAINS; i++)
            nw_attend(domains[i]);
        drop(which);
        assert_int_equal(there(), ((1u << DOMAINS) - 1) & ~which);
        for (unsigned i = 0; i < DOMAINS; i++)
            assert_int_equal(domains[i]->attended, !(which >> i & 1));
    }
}

static void a_walk_meets_what_is_added_meanwhile(void **state)
{
    unsigned n = 0;

    (void)state;
    nw_attend(domains[0]);
    for (struct nw_domain *d = nw_attended_after(NULL); d; d = nw_attended_after(d), n++)
        if (d->index + 1 < DOMAINS)
            nw_attend(domains[d->index + 1]);
    assert_int_equal(n, DOMAINS);
    drop(1u << (DOMAINS - 1)); /* the last one goes, so the next one added comes behind another */
    nw_attend(domains[DOMAINS - 1]);
    assert_int_equal(there(), (1u << DOMAINS) - 1);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(has_each_once),
        CASE(one_goes_wherever_it_is),
        CASE(drops_what_is_quiet_wherever_it_is),
        CASE(a_walk_meets_what_is_added_meanwhile),
    };
    return cmocka_run_group_tests_name("attended", tests, NULL, NULL);
}
