/* Tests of the list of mappings: random changes against a model that knows every single page. */
#include "worker/region.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#define PAGES  48
#define PAGE   ((size_t)NW_REGION_PAGE)
#define BASE   ((uintptr_t)0x10000000)
#define END    (BASE + PAGES * PAGE)
#define ROUNDS 60000

#define R  PROT_READ
#define RW (PROT_READ | PROT_WRITE)
#define RX (PROT_READ | PROT_EXEC)

struct page {
    bool mapped, charged;
    int prot;
    enum nw_region_kind kind;
};

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state >> 11;
}

static bool charges(enum nw_region_kind kind, int prot)
{
    static const struct {
        bool none, read, write;
    } table[NW_REGION_KINDS] = {
        [NW_REGION_ANON] = {false, true, true},   [NW_REGION_STACK] = {false, true, true},
        [NW_REGION_FILE] = {false, false, true},  [NW_REGION_SHARED] = {true, true, true},
        [NW_REGION_CODE] = {false, false, false}, [NW_REGION_OWN_CODE] = {true, true, true},
    };
    return prot & PROT_WRITE ? table[kind].write : prot != PROT_NONE ? table[kind].read : table[kind].none;
}

static bool allowed(enum nw_region_kind kind, int prot)
{
    bool code = kind == NW_REGION_CODE || kind == NW_REGION_OWN_CODE;

    return !(prot & (code ? PROT_WRITE : PROT_EXEC));
}

static void compare_with_model(const struct nw_regions *regions, const struct page *pages)
{
    uint64_t charged = 0;

    assert_true(nw_regions_is_valid(regions));
    for (size_t i = 0; i < PAGES; i++) {
        uintptr_t address = BASE + i * PAGE;
        const struct nw_region *region = nw_regions_find(regions, address + (i * 85) % PAGE);
        assert_int_equal(region != NULL, pages[i].mapped);
        if (region == NULL)
            continue;
        assert_true(region->start <= address && address < region->end);
        assert_int_equal(region->prot, pages[i].prot);
        assert_int_equal(region->kind, pages[i].kind);
        assert_int_equal(region->charged, pages[i].charged);
        charged += pages[i].charged ? PAGE : 0;
    }
    assert_int_equal(regions->charged, charged);
}

static bool model_covers(const struct page *pages, size_t first, size_t last, int prot)
{
    for (size_t i = first; i < last; i++) {
        if (!pages[i].mapped || (pages[i].prot & prot) != prot)
            return false;
    }
    return true;
}

static void check_covers(const struct nw_regions *regions, const struct page *pages, uint64_t *random)
{
    size_t from = next_random(random) % (PAGES * PAGE), length = 1 + next_random(random) % (8 * PAGE);
    static const int prots[] = {PROT_NONE, R, RW, RX};
    int prot = prots[next_random(random) % 4];
    bool expected =
        from + length <= PAGES * PAGE && model_covers(pages, from / PAGE, (from + length + PAGE - 1) / PAGE, prot);

    assert_int_equal(nw_regions_covers(regions, BASE + from, length, prot), expected);
}

static bool model_free(const struct page *pages, size_t first, size_t count)
{
    for (size_t i = first; i < first + count; i++) {
        if (i >= PAGES || pages[i].mapped)
            return false;
    }
    return true;
}

static void check_gap(const struct nw_regions *regions, const struct page *pages, uint64_t *random)
{
    size_t count = 1 + next_random(random) % 6, step = (size_t)1 << next_random(random) % 3;
    enum nw_region_order order = next_random(random) % 2 ? NW_REGION_TOP_DOWN : NW_REGION_BOTTOM_UP;
    size_t hint = next_random(random) % (PAGES + 4), expected = PAGES;
    uintptr_t address = 0;

    for (size_t n = 0; n < PAGES && expected == PAGES; n++) {
        size_t at = order == NW_REGION_TOP_DOWN ? PAGES - 1 - n : n;
        if ((BASE / PAGE + at) % step == 0 && model_free(pages, at, count))
            expected = at;
    }
    if ((BASE / PAGE + hint) % step == 0 && model_free(pages, hint, count))
        expected = hint;
    int result = nw_regions_find_gap(regions, count * PAGE, step * PAGE, BASE + hint * PAGE, order, &address);
    assert_int_equal(result, expected == PAGES ? -ENOMEM : 0);
    if (result == 0)
        assert_int_equal(address, BASE + expected * PAGE);
}

struct change {
    enum { ADD, REMOVE, PROT } what;
    size_t first, count;
    int prot;
    enum nw_region_kind kind;
};

static int apply(struct nw_regions *regions, const struct change *c)
{
    uintptr_t start = BASE + c->first * PAGE;

    if (c->what == ADD)
        return nw_regions_add(regions, start, c->count * PAGE, c->prot, c->kind);
    if (c->what == REMOVE)
        return nw_regions_remove(regions, start, c->count * PAGE);
    return nw_regions_set_prot(regions, start, c->count * PAGE, c->prot);
}

static int cost(const struct nw_regions *regions, const struct change *c, uint64_t *charged)
{
    uintptr_t start = BASE + c->first * PAGE;

    if (c->what == ADD)
        return nw_regions_cost_of_add(regions, start, c->count * PAGE, c->prot, c->kind, charged);
    if (c->what == REMOVE)
        return nw_regions_cost_of_remove(regions, start, c->count * PAGE, charged);
    return nw_regions_cost_of_prot(regions, start, c->count * PAGE, c->prot, charged);
}

/* Changes the model; returns what the real thing must return as long as there is room for regions. */
static int model_apply(struct page *pages, const struct change *c)
{
    if (c->first + c->count > PAGES)
        return -EINVAL;
    for (size_t i = c->first; i < c->first + c->count; i++) {
        if (c->what == PROT && !pages[i].mapped)
            return -ENOMEM;
    }
    for (size_t i = c->first; i < c->first + c->count; i++) {
        if ((c->what == ADD && !allowed(c->kind, c->prot)) || (c->what == PROT && !allowed(pages[i].kind, c->prot)))
            return -EACCES;
    }
    for (size_t i = c->first; i < c->first + c->count; i++) {
        if (c->what == PROT) {
            pages[i].prot = c->prot;
            pages[i].charged |= charges(pages[i].kind, c->prot);
        } else {
            pages[i] = (struct page){c->what == ADD, c->what == ADD && charges(c->kind, c->prot), c->prot, c->kind};
        }
    }
    return 0;
}

static struct change random_change(uint64_t *random)
{
    static const int prots[] = {PROT_NONE, R, RW, RX, R, RW};

    return (struct change){
        .what = next_random(random) % 3,
        .first = next_random(random) % PAGES,
        .count = 1 + next_random(random) % 9,
        .prot = prots[next_random(random) % 6],
        .kind = (enum nw_region_kind)(next_random(random) % NW_REGION_KINDS),
    };
}

static void run_random_changes(size_t max, uint64_t seed, size_t *refused)
{
    struct nw_regions regions;
    struct page pages[PAGES] = {{0}};
    uint64_t random = seed;

    assert_int_equal(nw_regions_init(&regions, BASE, END, max), 0);
    for (int round = 0; round < ROUNDS; round++) {
        struct change change = random_change(&random);
        struct page before[PAGES];
        uint64_t charged = 0;
        memcpy(before, pages, sizeof pages);
        int expected = model_apply(pages, &change);
        int told = cost(&regions, &change, &charged);
        if (told == -ENOMEM && expected == 0) {
            assert_true(regions.count + 2 > max);
            memcpy(pages, before, sizeof pages);
            expected = -ENOMEM;
            ++*refused;
        }
        assert_int_equal(told, expected);
        assert_int_equal(apply(&regions, &change), expected);
        if (expected == 0)
            assert_int_equal(charged, regions.charged);
        compare_with_model(&regions, pages);
        check_covers(&regions, pages, &random);
        check_gap(&regions, pages, &random);
    }
    nw_regions_fini(&regions);
}

static void test_random_changes(void **state)
{
    size_t refused = 0;
    (void)state;

    run_random_changes(PAGES, 1, &refused);
    assert_int_equal(refused, 0);
    run_random_changes(7, 2, &refused);
    assert_true(refused > 100);
    run_random_changes(1, 3, &refused);
}

static void test_hostile_ranges(void **state)
{
    static const struct {
        uintptr_t start;
        size_t length;
    } bad[] = {
        {BASE + 1, PAGE},        {BASE, 1},        {BASE, 0},
        {BASE - PAGE, PAGE},     {END, PAGE},      {BASE - PAGE, 2 * PAGE},
        {END - PAGE, 2 * PAGE},  {BASE, SIZE_MAX}, {BASE, -PAGE},
        {BASE, -BASE},           {0, PAGE},        {BASE + PAGE, -2 * PAGE},
        {END - PAGE, -PAGE},     {-PAGE, PAGE},    {-PAGE, 2 * PAGE},
        {BASE, (size_t)1 << 63}, {SIZE_MAX, PAGE},
    };
    struct nw_regions regions;
    uint64_t charged;
    (void)state;

    assert_int_equal(nw_regions_init(&regions, BASE, END, 8), 0);
    assert_int_equal(nw_regions_add(&regions, BASE, END - BASE, R, NW_REGION_ANON), 0);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        uintptr_t start = bad[i].start;
        size_t length = bad[i].length;
        assert_int_equal(nw_regions_add(&regions, start, length, RW, NW_REGION_ANON), -EINVAL);
        assert_int_equal(nw_regions_remove(&regions, start, length), -EINVAL);
        assert_int_equal(nw_regions_set_prot(&regions, start, length, RW), -EINVAL);
        assert_int_equal(nw_regions_cost_of_add(&regions, start, length, RW, NW_REGION_ANON, &charged), -EINVAL);
        assert_int_equal(regions.count, 1);
    }
    assert_int_equal(nw_regions_add(&regions, BASE, PAGE, 0x1000000 | RW, NW_REGION_ANON), -EINVAL);
    assert_int_equal(nw_regions_set_prot(&regions, BASE, PAGE, -1), -EINVAL);
    assert_int_equal(nw_regions_add(&regions, BASE, PAGE, R, NW_REGION_KINDS), -EINVAL);
    assert_int_equal(nw_regions_add(&regions, BASE, PAGE, R, (enum nw_region_kind) - 1), -EINVAL);
    assert_false(nw_regions_covers(&regions, BASE, SIZE_MAX, R));
    assert_false(nw_regions_covers(&regions, END - 1, 2, R));
    assert_false(nw_regions_covers(&regions, BASE - 1, 2, R));
    assert_false(nw_regions_covers(&regions, SIZE_MAX, 1, R));
    assert_true(nw_regions_covers(&regions, BASE, END - BASE, R));
    assert_true(nw_regions_covers(&regions, END - 1, 1, R));
    assert_true(nw_regions_covers(&regions, 0, 0, RW));
    nw_regions_fini(&regions);
}

static void test_bad_ranges_to_manage(void **state)
{
    struct nw_regions regions;
    (void)state;

    assert_int_equal(nw_regions_init(&regions, 0, END, 8), -EINVAL);
    assert_int_equal(nw_regions_init(&regions, END, BASE, 8), -EINVAL);
    assert_int_equal(nw_regions_init(&regions, BASE, BASE, 8), -EINVAL);
    assert_int_equal(nw_regions_init(&regions, BASE, END + 1, 8), -EINVAL);
    assert_int_equal(nw_regions_init(&regions, BASE, END, 0), -EINVAL);
}

static void test_gap_arguments(void **state)
{
    struct nw_regions regions;
    uintptr_t address = 1;
    (void)state;

    assert_int_equal(nw_regions_init(&regions, BASE, END, 8), 0);
    assert_int_equal(nw_regions_find_gap(&regions, 0, PAGE, 0, NW_REGION_TOP_DOWN, &address), -EINVAL);
    assert_int_equal(nw_regions_find_gap(&regions, 1, PAGE, 0, NW_REGION_TOP_DOWN, &address), -EINVAL);
    assert_int_equal(nw_regions_find_gap(&regions, PAGE, 0, 0, NW_REGION_TOP_DOWN, &address), -EINVAL);
    assert_int_equal(nw_regions_find_gap(&regions, PAGE, 3 * PAGE, 0, NW_REGION_TOP_DOWN, &address), -EINVAL);
    assert_int_equal(nw_regions_find_gap(&regions, -PAGE, PAGE, 0, NW_REGION_TOP_DOWN, &address), -ENOMEM);
    assert_int_equal(nw_regions_find_gap(&regions, -PAGE, PAGE, BASE, NW_REGION_BOTTOM_UP, &address), -ENOMEM);
    assert_int_equal(nw_regions_find_gap(&regions, PAGE, (size_t)1 << 63, 0, NW_REGION_BOTTOM_UP, &address), -ENOMEM);
    assert_int_equal(nw_regions_find_gap(&regions, END - BASE, PAGE, 7, NW_REGION_TOP_DOWN, &address), 0);
    assert_int_equal(address, BASE);
    assert_int_equal(nw_regions_find_gap(&regions, PAGE, PAGE, -PAGE, NW_REGION_TOP_DOWN, &address), 0);
    assert_int_equal(address, END - PAGE);
    nw_regions_fini(&regions);
}

/* A domain that fills memory, makes it read-only and asks for more must not get past its limit. */
static void test_charge_survives_loss_of_rights(void **state)
{
    struct nw_regions regions;
    uint64_t charged;
    (void)state;

    assert_int_equal(nw_regions_init(&regions, BASE, END, 8), 0);
    assert_int_equal(nw_regions_add(&regions, BASE, 4 * PAGE, PROT_NONE, NW_REGION_ANON), 0);
    assert_int_equal(regions.charged, 0);
    assert_int_equal(nw_regions_cost_of_prot(&regions, BASE, 2 * PAGE, RW, &charged), 0);
    assert_int_equal(charged, 2 * PAGE);
    assert_int_equal(nw_regions_set_prot(&regions, BASE, 2 * PAGE, RW), 0);
    assert_int_equal(nw_regions_set_prot(&regions, BASE, 4 * PAGE, PROT_NONE), 0);
    assert_int_equal(regions.charged, 2 * PAGE);
    assert_int_equal(nw_regions_add(&regions, BASE, PAGE, PROT_NONE, NW_REGION_ANON), 0);
    assert_int_equal(regions.charged, PAGE);
    nw_regions_fini(&regions);
}

/* The walk over a range, and that equal neighbours have become one. */
static void test_walk(void **state)
{
    struct nw_regions regions;
    (void)state;

    assert_int_equal(nw_regions_init(&regions, BASE, END, 8), 0);
    assert_int_equal(nw_regions_add(&regions, BASE, PAGE, R, NW_REGION_FILE), 0);
    assert_int_equal(nw_regions_add(&regions, BASE + 2 * PAGE, PAGE, R, NW_REGION_FILE), 0);
    assert_int_equal(nw_regions_add(&regions, BASE + 4 * PAGE, PAGE, R, NW_REGION_FILE), 0);
    assert_int_equal(nw_regions_from(&regions, BASE + PAGE)->start, BASE + 2 * PAGE);
    assert_int_equal(nw_regions_from(&regions, BASE + 3 * PAGE - 1)->start, BASE + 2 * PAGE);
    assert_null(nw_regions_from(&regions, BASE + 5 * PAGE));
    assert_null(nw_regions_find(&regions, BASE + PAGE));
    assert_int_equal(nw_regions_add(&regions, BASE + PAGE, PAGE, R, NW_REGION_FILE), 0);
    assert_int_equal(regions.count, 2);
    assert_int_equal(regions.regions[0].end, BASE + 3 * PAGE);
    nw_regions_fini(&regions);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_changes),
        cmocka_unit_test(test_hostile_ranges),
        cmocka_unit_test(test_bad_ranges_to_manage),
        cmocka_unit_test(test_gap_arguments),
        cmocka_unit_test(test_charge_survives_loss_of_rights),
        cmocka_unit_test(test_walk),
    };
    return cmocka_run_group_tests_name("worker/region", tests, NULL, NULL);
}
