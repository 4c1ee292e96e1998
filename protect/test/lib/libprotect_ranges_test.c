/* Tests of libprotect's record of pages: many random changes against a model that knows the key of every page. */
#include "protect/lib/ranges.h"
#include "protect/test/fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>

#include <cmocka.h>

enum { PAGES = 64, KEYS = 5, PAGE = 4096 };

/* Keys that share a chain with others, and one that does not. 0 is no key. */
static const nw_vkey keys[KEYS] = {0, 7, 7 + NW__RANGE_CHAINS, 7 + 2 * NW__RANGE_CHAINS, 8};

struct model {
    nw_vkey vkey[PAGES];
    int protection[PAGES];
};

static void check_chain(const struct nw__ranges *ranges, const struct model *model, nw_vkey vkey)
{
    const struct nw__range *range = nw__ranges_first(ranges, vkey);
    size_t pages = 0;

    for (; range != NULL; range = nw__ranges_next(range)) {
        assert_true(range->vkey == vkey);
        assert_true(range->start < range->end);
        pages += (range->end - range->start) / PAGE;
    }
    for (int i = 0; i < PAGES; i++)
        pages -= model->vkey[i] == vkey;
    assert_int_equal(pages, 0);
}

static void check(const struct nw__ranges *ranges, const struct model *model)
{
    for (int i = 0; i < PAGES; i++) {
        uintptr_t address = (uintptr_t)i * PAGE;
        size_t at = nw__ranges_above(ranges, address);
        bool recorded = at < ranges->count && ranges->sorted[at]->start <= address;
        assert_int_equal(recorded, model->vkey[i] != 0);
        if (recorded) {
            assert_true(ranges->sorted[at]->vkey == model->vkey[i]);
            assert_int_equal(ranges->sorted[at]->protection, model->protection[i]);
        }
    }
    for (int i = 1; i < KEYS; i++)
        check_chain(ranges, model, keys[i]);
}

static void assign(struct nw__ranges *ranges, struct model *model, uint64_t *random)
{
    int start = next_random(random) % PAGES, end = start + 1 + next_random(random) % (PAGES - start);
    int protection = next_random(random) % 8;
    nw_vkey vkey = keys[next_random(random) % KEYS];

    assert_int_equal(nw__ranges_prepare(ranges), 0);
    nw__ranges_assign(ranges, (uintptr_t)start * PAGE, (uintptr_t)end * PAGE, protection, vkey);
    for (int i = start; i < end; i++) {
        model->vkey[i] = vkey;
        model->protection[i] = protection;
    }
}

static void forget(struct nw__ranges *ranges, struct model *model, nw_vkey vkey)
{
    nw__ranges_forget(ranges, vkey);
    for (int i = 0; i < PAGES; i++) {
        if (model->vkey[i] == vkey)
            model->vkey[i] = 0;
    }
}

static void test_random_changes(void **state)
{
    struct nw__ranges ranges = {0};
    struct model model = {0};
    uint64_t random = 11;
    (void)state;

    for (int round = 0; round < 20000; round++) {
        if (next_random(&random) % 16 == 0)
            forget(&ranges, &model, keys[1 + next_random(&random) % (KEYS - 1)]);
        else
            assign(&ranges, &model, &random);
        check(&ranges, &model);
    }
    nw__ranges_fini(&ranges);
    assert_int_equal(ranges.count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_random_changes)};
    return cmocka_run_group_tests_name("protect/libprotect_ranges", tests, NULL, NULL);
}
