/* Tests of the list of mappings: random changes against a model that knows every single page. */
#include "worker/range/region.h"

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
        [NW_REGION_FILE] = {false, false, true},  [NW_REGION_SHARED] = {false, false, true},
        [NW_REGION_CODE] = {false, false, false}, [NW_REGION_OWN_CODE] = {false, false, false},
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
    bool own;
    struct nw_region_origin origin;
};

static int apply(struct nw_regions *regions, const struct change *c)
{
    uintptr_t start = BASE + c->first * PAGE;
    size_t length = c->count * PAGE;

    if (c->what == ADD)
        return nw_regions_add(regions, start, length, c->prot, c->kind, c->own ? NULL : &c->origin);
    if (c->what == REMOVE)
        return nw_regions_remove(regions, start, length, c->own);
    return nw_regions_set_prot(regions, start, length, c->prot);
}

static int cost(const struct nw_regions *regions, const struct change *c, struct nw_regions_cost *told)
{
    uintptr_t start = BASE + c->first * PAGE;
    size_t length = c->count * PAGE;

    if (c->what == ADD)
        return nw_regions_cost_of_add(regions, start, length, c->prot, c->kind, c->own ? NULL : &c->origin, told);
    if (c->what == REMOVE)
        return nw_regions_cost_of_remove(regions, start, length, c->own, told);
    return nw_regions_cost_of_prot(regions, start, length, c->prot, told);
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

/* In place where it can be, sometimes; else one of a few origins, as if of few files. */
static bool random_origin(const struct nw_regions *regions, struct change *c, uint64_t *random)
{
    uintptr_t start = BASE + c->first * PAGE;

    c->origin = (struct nw_region_origin){2 + next_random(random) % 2, c->first * PAGE, next_random(random) % 2, false};
    return nw_regions_is_own(regions, start, c->count * PAGE) && next_random(random) % 4;
}

static void run_random_changes(size_t max, uint64_t seed, size_t *refused)
{
    struct nw_regions regions;
    struct page pages[PAGES] = {{0}};
    uint64_t random = seed;

    assert_int_equal(nw_regions_init(&regions, BASE, END, max, true), 0);
    for (int round = 0; round < ROUNDS; round++) {
        struct change change = random_change(&random);
        struct page before[PAGES];
        struct nw_regions_cost told_cost = {0};
        change.own = random_origin(&regions, &change, &random);
        memcpy(before, pages, sizeof pages);
        int expected = model_apply(pages, &change);
        int told = cost(&regions, &change, &told_cost);
        if (told == -ENOMEM && expected == 0) {
            assert_true(regions.count + 2 > max);
            memcpy(pages, before, sizeof pages);
            expected = -ENOMEM;
            ++*refused;
        }
        assert_int_equal(told, expected);
        assert_int_equal(apply(&regions, &change), expected);
        if (expected == 0) {
            assert_int_equal(told_cost.charged, regions.charged);
            assert_int_equal(told_cost.count, regions.count);
        }
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
    run_random_changes(9, 2, &refused);
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
    struct nw_regions_cost cost;
    (void)state;

    assert_int_equal(nw_regions_init(&regions, BASE, END, 8, true), 0);
    assert_int_equal(nw_regions_add(&regions, BASE, END - BASE, R, NW_REGION_ANON, NULL), 0);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        uintptr_t start = bad[i].start;
        size_t length = bad[i].length;
        assert_int_equal(nw_regions_add(&regions, start, length, RW, NW_REGION_ANON, NULL), -EINVAL);
        assert_int_equal(nw_regions_remove(&regions, start, length, true), -EINVAL);
        assert_int_equal(nw_regions_set_prot(&regions, start, length, RW), -EINVAL);
        assert_int_equal(nw_regions_cost_of_add(&regions, start, length, RW, NW_REGION_ANON, NULL, &cost), -EINVAL);
        assert_int_equal(regions.count, 1);
    }
    assert_int_equal(nw_regions_add(&regions, BASE, PAGE, 0x1000000 | RW, NW_REGION_ANON, NULL), -EINVAL);
    assert_int_equal(nw_regions_set_prot(&regions, BASE, PAGE, -1), -EINVAL);
    assert_int_equal(nw_regions_add(&regions, BASE, PAGE, R, NW_REGION_KINDS, NULL), -EINVAL);
    assert_int_equal(nw_regions_add(&regions, BASE, PAGE, R, (enum nw_region_kind) - 1, NULL), -EINVAL);
    assert_false(nw_regions_covers(&regions, BASE, SIZE_MAX, R));
    assert_false(nw_regions_covers(&regions, END - 1, 2, R));
    assert_false(nw_regions_covers(&regions, BASE - 1, 2, R));
    assert_false(nw_regions_covers(&regions, SIZE_MAX, 1, R));
    assert_true(nw_regions_covers(&regions, BASE, END - BASE, R));
    assert_true(nw_regions_covers(&regions, END - 1, 1, R));
    assert_true(nw_regions_covers(&regions, 0, 0, RW));
    nw_regions_fini(&regions);
}

#define STRANGE_FIRST 20 /* pages that come from a file, and are never the range's own again */
#define STRANGE_END   26

/* Something happens to some pages, which are all the range's own or all not. */
static void change_some(struct nw_regions *regions, uint64_t *random)
{
    const bool own = next_random(random) % 4 != 0;
    const size_t low = !own ? STRANGE_FIRST : next_random(random) % 2 ? 0 : STRANGE_END;
    const size_t high = !own ? STRANGE_END : low ? PAGES : STRANGE_FIRST;
    const size_t first = low + next_random(random) % (high - low), n = 1 + next_random(random) % (high - first);
    const struct nw_region_origin origin = nw_regions_new_origin(regions, false, false);
    const int prot = next_random(random) % 3 ? RW : next_random(random) % 2 ? R : PROT_NONE;

    switch (next_random(random) % 3) {
    case 0:
        nw_regions_add(regions, BASE + first * PAGE, n * PAGE, prot, NW_REGION_ANON, own ? NULL : &origin);
        break;
    case 1:
        nw_regions_remove(regions, BASE + first * PAGE, n * PAGE, own);
        break;
    default:
        nw_regions_set_prot(regions, BASE + first * PAGE, n * PAGE, prot);
    }
}

/* Entry by entry it becomes what it was, whatever happened meanwhile. */
static void test_what_was_comes_back(void **state)
{
    struct nw_regions regions;
    struct nw_region was[PAGES + 1];
    struct nw_regions_cost cost;
    uint64_t random = 4;
    (void)state;

    for (int round = 0; round < 2000; round++) {
        assert_int_equal(nw_regions_init(&regions, BASE, END, PAGES, true), 0);
        const struct nw_region_origin file = nw_regions_new_origin(&regions, false, false);
        for (int i = 0; i < 20; i++)
            change_some(&regions, &random);
        assert_int_equal(nw_regions_add(&regions, BASE + STRANGE_FIRST * PAGE, (STRANGE_END - STRANGE_FIRST) * PAGE, R,
                                        NW_REGION_FILE, &file),
                         0);
        const size_t count = regions.count;
        const uint64_t charged = regions.charged;
        memcpy(was, regions.regions, count * sizeof was[0]);
        for (int i = 0; i < 20; i++)
            change_some(&regions, &random);
        for (size_t i = 0; i < count; i++) {
            assert_int_equal(nw_regions_cost_of_restore(&regions, &was[i], &cost), 0);
            assert_int_equal(nw_regions_restore(&regions, &was[i]), 0);
            assert_int_equal(cost.charged, regions.charged);
            assert_int_equal(cost.count, regions.count);
            assert_true(nw_regions_is_valid(&regions));
        }
        assert_int_equal(regions.count, count);
        assert_int_equal(regions.charged, charged);
        assert_memory_equal(regions.regions, was, count * sizeof was[0]);
        nw_regions_fini(&regions);
    }
}

/* What is not the range's own any more does not become that by being recorded. */
static void test_what_is_not_its_own_does_not_come_back(void **state)
{
    const struct nw_region whole = {
        .start = BASE, .end = END, .origin = {.offset = BASE, .joins = true}, .kind = NW_REGION_GAP};
    struct nw_regions regions;
    struct nw_region bad = whole;
    (void)state;

    assert_int_equal(nw_regions_init(&regions, BASE, END, 8, true), 0);
    assert_int_equal(nw_regions_restore(&regions, &whole), 0);
    bad.end = END + PAGE;
    assert_int_equal(nw_regions_restore(&regions, &bad), -EINVAL);
    const struct nw_region_origin file = nw_regions_new_origin(&regions, true, false);
    assert_int_equal(nw_regions_add(&regions, BASE, PAGE, R, NW_REGION_FILE, &file), 0);
    assert_int_equal(nw_regions_restore(&regions, &whole), -EINVAL);
    assert_int_equal(regions.count, 2);
    nw_regions_fini(&regions);
}

static void test_bad_ranges_to_manage(void **state)
{
    struct nw_regions regions;
    (void)state;

    assert_int_equal(nw_regions_init(&regions, 0, END, 8, true), -EINVAL);
    assert_int_equal(nw_regions_init(&regions, END, BASE, 8, true), -EINVAL);
    assert_int_equal(nw_regions_init(&regions, BASE, BASE, 8, true), -EINVAL);
    assert_int_equal(nw_regions_init(&regions, BASE, END + 1, 8, true), -EINVAL);
    assert_int_equal(nw_regions_init(&regions, BASE, END, 0, true), -EINVAL);
}

static void test_gap_arguments(void **state)
{
    struct nw_regions regions;
    uintptr_t address = 1;
    (void)state;

    assert_int_equal(nw_regions_init(&regions, BASE, END, 8, true), 0);
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
    struct nw_regions_cost cost;
    (void)state;

    assert_int_equal(nw_regions_init(&regions, BASE, END, 8, true), 0);
    assert_int_equal(nw_regions_add(&regions, BASE, 4 * PAGE, PROT_NONE, NW_REGION_ANON, NULL), 0);
    assert_int_equal(regions.charged, 0);
    assert_int_equal(nw_regions_cost_of_prot(&regions, BASE, 2 * PAGE, RW, &cost), 0);
    assert_int_equal(cost.charged, 2 * PAGE);
    assert_int_equal(nw_regions_set_prot(&regions, BASE, 2 * PAGE, RW), 0);
    assert_int_equal(nw_regions_set_prot(&regions, BASE, 4 * PAGE, PROT_NONE), 0);
    assert_int_equal(regions.charged, 2 * PAGE);
    assert_int_equal(nw_regions_add(&regions, BASE, PAGE, PROT_NONE, NW_REGION_ANON, NULL), 0);
    assert_int_equal(regions.charged, PAGE);
    nw_regions_fini(&regions);
}

static void file_page(struct nw_regions *regions, size_t page, uint64_t id, size_t at)
{
    const struct nw_region_origin origin = {id, at * PAGE, true, false};

    assert_int_equal(nw_regions_add(regions, BASE + page * PAGE, PAGE, R, NW_REGION_FILE, &origin), 0);
}

/* Parts of a file are one mapping only in the order in which they are in the file, and gaps count as well. */
static void test_count_of_a_file(void **state)
{
    struct nw_regions regions;
    (void)state;

    assert_int_equal(nw_regions_init(&regions, BASE, END, PAGES, true), 0);
    assert_int_equal(regions.count, 1);
    file_page(&regions, 4, 2, 4);
    assert_int_equal(regions.count, 3);
    file_page(&regions, 6, 2, 6);
    assert_int_equal(regions.count, 5);
    file_page(&regions, 5, 2, 5);
    assert_int_equal(regions.count, 3);
    file_page(&regions, 5, 2, 4);
    assert_int_equal(regions.count, 5);
    file_page(&regions, 5, 3, 5);
    assert_int_equal(regions.count, 5);
    file_page(&regions, 5, 2, 5);
    assert_int_equal(regions.count, 3);
    assert_int_equal(nw_regions_at(&regions, BASE)->end, BASE + 4 * PAGE);
    assert_null(nw_regions_find(&regions, BASE));
    /* What was writable stays cut, even if it is as it was. */
    assert_int_equal(nw_regions_set_prot(&regions, BASE + 4 * PAGE, 3 * PAGE, RW), 0);
    assert_int_equal(nw_regions_set_prot(&regions, BASE + 5 * PAGE, PAGE, RW), 0);
    assert_int_equal(regions.count, 3);
    assert_int_equal(nw_regions_set_prot(&regions, BASE + 5 * PAGE, PAGE, R), 0);
    assert_int_equal(nw_regions_set_prot(&regions, BASE + 5 * PAGE, PAGE, RW), 0);
    assert_int_equal(regions.count, 5);
    nw_regions_fini(&regions);
}

/* Memory of the range's own is one mapping again, however it was cut; a strange gap makes it strange. */
static void test_count_of_own_memory(void **state)
{
    struct nw_regions regions;
    (void)state;

    assert_int_equal(nw_regions_init(&regions, BASE, END, PAGES, true), 0);
    for (size_t i = 0; i < PAGES; i += 2)
        assert_int_equal(nw_regions_add(&regions, BASE + i * PAGE, PAGE, RW, NW_REGION_ANON, NULL), 0);
    assert_int_equal(regions.count, PAGES);
    for (size_t i = 1; i < PAGES; i += 2)
        assert_int_equal(nw_regions_add(&regions, BASE + i * PAGE, PAGE, RW, NW_REGION_ANON, NULL), 0);
    assert_int_equal(regions.count, 1);
    file_page(&regions, 5, 2, 5);
    assert_int_equal(nw_regions_remove(&regions, BASE + 5 * PAGE, PAGE, false), 0);
    assert_false(nw_regions_is_own(&regions, BASE + 5 * PAGE, PAGE));
    assert_int_equal(nw_regions_add(&regions, BASE + 5 * PAGE, PAGE, RW, NW_REGION_ANON, NULL), -EINVAL);
    assert_int_equal(nw_regions_remove(&regions, BASE + 4 * PAGE, PAGE, true), 0);
    assert_true(nw_regions_is_own(&regions, BASE + 4 * PAGE, 2 * PAGE));
    nw_regions_fini(&regions);
}

/* Memory is untouched until it is accessible, and again once it is unmapped; part of a file never is. */
static void test_untouched_memory(void **state)
{
    struct nw_regions regions;
    const struct nw_region_origin file = {7, 0, true, false};

    (void)state;
    assert_int_equal(nw_regions_init(&regions, BASE, END, PAGES, true), 0);
    assert_true(nw_regions_is_untouched(&regions, BASE, END - BASE));
    assert_int_equal(nw_regions_add(&regions, BASE, 4 * PAGE, PROT_NONE, NW_REGION_ANON, NULL), 0);
    assert_true(nw_regions_is_untouched(&regions, BASE, 8 * PAGE));
    assert_int_equal(nw_regions_set_prot(&regions, BASE + PAGE, PAGE, RW), 0);
    assert_int_equal(nw_regions_set_prot(&regions, BASE + PAGE, PAGE, PROT_NONE), 0);
    assert_false(nw_regions_is_untouched(&regions, BASE, 4 * PAGE));
    assert_true(nw_regions_is_untouched(&regions, BASE + 2 * PAGE, 2 * PAGE));
    assert_int_equal(nw_regions_remove(&regions, BASE, 4 * PAGE, true), 0);
    assert_true(nw_regions_is_untouched(&regions, BASE, 4 * PAGE));
    assert_int_equal(nw_regions_add(&regions, BASE, PAGE, PROT_NONE, NW_REGION_FILE, &file), 0);
    assert_false(nw_regions_is_untouched(&regions, BASE, PAGE));
    nw_regions_fini(&regions);
}

/* A part that is charged is found wherever it lies; of a file that is when it may be written. */
static void test_what_is_charged(void **state)
{
    struct nw_regions regions;
    const struct nw_region_origin file = {7, 0, true, false};

    (void)state;
    assert_int_equal(nw_regions_init(&regions, BASE, END, PAGES, true), 0);
    assert_false(nw_regions_is_charged(&regions, BASE, END - BASE));
    assert_int_equal(nw_regions_add(&regions, BASE, 4 * PAGE, R, NW_REGION_FILE, &file), 0);
    assert_false(nw_regions_is_charged(&regions, BASE, END - BASE));
    assert_int_equal(nw_regions_set_prot(&regions, BASE + 2 * PAGE, PAGE, RW), 0);
    assert_int_equal(nw_regions_set_prot(&regions, BASE + 2 * PAGE, PAGE, R), 0);
    assert_true(nw_regions_is_charged(&regions, BASE, END - BASE));
    assert_true(nw_regions_is_charged(&regions, BASE + 2 * PAGE, PAGE));
    assert_false(nw_regions_is_charged(&regions, BASE, 2 * PAGE));
    assert_false(nw_regions_is_charged(&regions, BASE + 3 * PAGE, END - BASE - 3 * PAGE));
    assert_false(nw_regions_is_charged(&regions, END, PAGE));
    nw_regions_fini(&regions);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_changes),
        cmocka_unit_test(test_hostile_ranges),
        cmocka_unit_test(test_what_was_comes_back),
        cmocka_unit_test(test_what_is_not_its_own_does_not_come_back),
        cmocka_unit_test(test_bad_ranges_to_manage),
        cmocka_unit_test(test_gap_arguments),
        cmocka_unit_test(test_charge_survives_loss_of_rights),
        cmocka_unit_test(test_count_of_a_file),
        cmocka_unit_test(test_count_of_own_memory),
        cmocka_unit_test(test_untouched_memory),
        cmocka_unit_test(test_what_is_charged),
    };
    return cmocka_run_group_tests_name("worker/region", tests, NULL, NULL);
}
