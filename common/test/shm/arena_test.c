/* The arena against a model of who owns each 64 bytes, against hostile releases, and against fragmentation. */
#include "common/test/test.h"

#include "common/shm/arena.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MIB           (1024ul * 1024)
#define UNIT          64
#define SMALL         (256 * 1024ul) /* an arena that fills up soon */
#define MAX_LIVE      4096
#define NOT_OWNED     0
#define LARGEST_SMALL (64 * 1024ul)

struct live {
    uint64_t offset;
    size_t length;
};

/* The model: a list of live blocks, and for each unit of the arena the number of the block that owns it. */
struct model {
    struct nw_arena *arena;
    unsigned char *base;
    size_t size, used;
    uint32_t *owner;
    uint32_t next_owner;
    struct live live[MAX_LIVE];
    int n_live;
    uint64_t seed;
};

static struct model *model_new(size_t size)
{
    struct model *m = calloc(1, sizeof *m);
    m->base = aligned_alloc(4096, size);
    m->owner = calloc(size / UNIT, sizeof *m->owner);
    m->arena = nw_arena_new(m->base, size);
    assert_non_null(m->arena);
    m->size = size;
    m->seed = 0x2545f4914f6cdd1d;
    return m;
}

static void model_free(struct model *m)
{
    nw_arena_free(m->arena);
    free(m->owner);
    free(m->base);
    free(m);
}

static size_t units_of(size_t length)
{
    return (length + UNIT - 1) / UNIT;
}

/* Hands the units of a block over; every one of them must have been owned, or not owned, before. */
static void set_owner(struct model *m, const struct live *block, int was_owned, uint32_t owner)
{
    uint32_t *units = m->owner + block->offset / UNIT;
    size_t wrong = 0;
    for (size_t i = 0; i < units_of(block->length); i++) {
        wrong += (units[i] != NOT_OWNED) != was_owned;
        units[i] = owner;
    }
    assert_int_equal(wrong, 0);
}

/* Whether so many units in a row are free, by the model. */
static int has_room(const struct model *m, size_t units)
{
    size_t run = 0;
    for (size_t i = 0; i < m->size / UNIT && run < units; i++)
        run = m->owner[i] == NOT_OWNED ? run + 1 : 0;
    return run >= units;
}

static int model_alloc(struct model *m, size_t length)
{
    struct live block = {.length = length};
    int rc = nw_arena_alloc(m->arena, length, &block.offset);
    if (rc < 0) {
        assert_int_equal(rc, -ENOMEM);
        return rc;
    }
    assert_int_equal(block.offset % UNIT, 0);
    assert_true(block.offset + length <= m->size);
    assert_ptr_equal(nw_arena_at(m->arena, block.offset), m->base + block.offset);
    assert_int_equal(nw_arena_block_size(m->arena, block.offset), units_of(length) * UNIT);
    set_owner(m, &block, 0, ++m->next_owner);
    m->used += units_of(length) * UNIT;
    assert_int_equal(nw_arena_used(m->arena), m->used);
    m->live[m->n_live++] = block;
    return 0;
}

static void model_release(struct model *m, int index)
{
    struct live block = m->live[index];
    assert_int_equal(nw_arena_release(m->arena, block.offset), 0);
    set_owner(m, &block, 1, NOT_OWNED);
    m->used -= units_of(block.length) * UNIT;
    assert_int_equal(nw_arena_used(m->arena), m->used);
    m->live[index] = m->live[--m->n_live];
}

static void model_shrink(struct model *m, int index)
{
    struct live *block = &m->live[index], behind;
    size_t length = 1 + test_random(&m->seed) % (block->length + UNIT);
    size_t kept = units_of(length) < units_of(block->length) ? units_of(length) * UNIT : units_of(block->length) * UNIT;
    assert_int_equal(nw_arena_shrink(m->arena, block->offset, length), 0);
    assert_int_equal(nw_arena_block_size(m->arena, block->offset), kept);
    if (kept < units_of(block->length) * UNIT) {
        behind = (struct live){block->offset + kept, units_of(block->length) * UNIT - kept};
        set_owner(m, &behind, 1, NOT_OWNED);
        m->used -= behind.length;
        block->length = length;
    }
    assert_int_equal(nw_arena_used(m->arena), m->used);
}

/* Lengths of every magnitude are equally likely. */
static size_t random_length(struct model *m, size_t limit)
{
    size_t top = (size_t)1 << test_random(&m->seed) % 32;
    return 1 + test_random(&m->seed) % (top < limit ? top : limit);
}

static int is_live(const struct model *m, uint64_t offset)
{
    for (int i = 0; i < m->n_live; i++)
        if (m->live[i].offset == offset)
            return 1;
    return 0;
}

static void hostile_release(struct model *m)
{
    uint64_t offset = test_random(&m->seed);
    switch (test_random(&m->seed) % 4) {
    case 0:
        break;
    case 1:
        offset %= m->size + 2 * UNIT;
        break;
    case 2:
        offset = offset % (m->size / UNIT + 2) * UNIT;
        break;
    default:
        offset = m->n_live ? m->live[offset % (unsigned)m->n_live].offset + UNIT : UINT64_MAX;
    }
    if (is_live(m, offset))
        return;
    assert_int_equal(nw_arena_release(m->arena, offset), -EINVAL);
    assert_int_equal(nw_arena_block_size(m->arena, offset), 0);
    assert_int_equal(nw_arena_used(m->arena), m->used);
}

static void release_all(struct model *m)
{
    while (m->n_live)
        model_release(m, (int)(test_random(&m->seed) % (unsigned)m->n_live));
}

static void churn_agrees_with_the_model(void **state)
{
    (void)state;
    struct model *m = model_new(SMALL);
    int full = 0;
    for (int i = 0; i < 60000; i++) {
        if (test_random(&m->seed) % 100 < 52 && m->n_live < MAX_LIVE)
            full += model_alloc(m, random_length(m, SMALL)) < 0;
        else if (m->n_live && test_random(&m->seed) % 8 == 0)
            model_shrink(m, (int)(test_random(&m->seed) % (unsigned)m->n_live));
        else if (m->n_live)
            model_release(m, (int)(test_random(&m->seed) % (unsigned)m->n_live));
        hostile_release(m);
    }
    assert_true(full > 100);
    release_all(m);
    assert_int_equal(model_alloc(m, SMALL), 0);
    model_free(m);
}

static void says_full_only_when_nothing_fits(void **state)
{
    (void)state;
    struct model *m = model_new(16 * 4096);
    int full = 0;
    for (int i = 0; i < 60000; i++) {
        size_t length = 1 + test_random(&m->seed) % 8192;
        if (m->n_live && test_random(&m->seed) % 8 == 0)
            model_shrink(m, (int)(test_random(&m->seed) % (unsigned)m->n_live));
        if (test_random(&m->seed) % 2 && m->n_live < MAX_LIVE) {
            int rc = model_alloc(m, length);
            full += rc < 0;
            if (rc < 0)
                assert_false(has_room(m, units_of(length)));
        } else if (m->n_live) {
            model_release(m, (int)(test_random(&m->seed) % (unsigned)m->n_live));
        }
    }
    assert_true(full > 100);
    release_all(m);
    model_free(m);
}

/* Small blocks that live long are made while large ones come and go; the room for large ones must stay whole. */
static void large_blocks_fit_beside_many_small_ones(void **state)
{
    (void)state;
    struct model *m = model_new(64 * MIB);
    for (int i = 0; i < 2000; i++) {
        struct live large[3];
        for (int n = 0; n < 3; n++) {
            large[n].length = LARGEST_SMALL + test_random(&m->seed) % (16 * MIB - LARGEST_SMALL);
            assert_int_equal(nw_arena_alloc(m->arena, large[n].length, &large[n].offset), 0);
            assert_int_equal(nw_arena_alloc(m->arena, 1 + test_random(&m->seed) % 256, &(uint64_t){0}), 0);
        }
        for (int n = 0; n < 3; n++)
            assert_int_equal(nw_arena_release(m->arena, large[n].offset), 0);
    }
    model_free(m);
}

/* Two free blocks of about the same size, of which only the one that was released first is large enough. */
static void looks_past_a_block_that_is_a_little_too_small(void **state)
{
    (void)state;
    static const size_t units[] = {67, 1, 64, 1};
    struct model *m = model_new(4096 * 4);
    uint64_t at[4], offset;
    for (int i = 0; i < 4; i++)
        assert_int_equal(nw_arena_alloc(m->arena, units[i] * UNIT, &at[i]), 0);
    assert_int_equal(nw_arena_alloc(m->arena, m->size - nw_arena_used(m->arena), &offset), 0);
    assert_int_equal(nw_arena_release(m->arena, at[0]), 0);
    assert_int_equal(nw_arena_release(m->arena, at[2]), 0);
    assert_int_equal(nw_arena_alloc(m->arena, 66 * UNIT, &offset), 0);
    assert_int_equal(offset, at[0]);
    model_free(m);
}

static void limits_of_a_length(void **state)
{
    (void)state;
    struct model *m = model_new(4096);
    uint64_t offset;
    assert_int_equal(nw_arena_alloc(m->arena, 0, &offset), -EINVAL);
    assert_int_equal(nw_arena_alloc(m->arena, 4097, &offset), -E2BIG);
    assert_int_equal(nw_arena_alloc(m->arena, SIZE_MAX, &offset), -E2BIG);
    assert_int_equal(nw_arena_alloc(m->arena, 4096, &offset), 0);
    assert_int_equal(nw_arena_alloc(m->arena, 1, &offset), -ENOMEM);
    model_free(m);
}

static void second_release_is_refused(void **state)
{
    (void)state;
    struct model *m = model_new(4096);
    uint64_t a, b;
    assert_int_equal(nw_arena_alloc(m->arena, 100, &a), 0);
    assert_int_equal(nw_arena_alloc(m->arena, 100, &b), 0);
    assert_int_equal(nw_arena_release(m->arena, b), 0);
    assert_int_equal(nw_arena_release(m->arena, b), -EINVAL);
    assert_int_equal(nw_arena_release(m->arena, a), 0);
    assert_int_equal(nw_arena_release(m->arena, a), -EINVAL);
    assert_int_equal(nw_arena_used(m->arena), 0);
    model_free(m);
}

static void shrinking_takes_the_end_of_a_live_block(void **state)
{
    (void)state;
    struct model *m = model_new(4096);
    uint64_t a, b, c;
    assert_int_equal(nw_arena_alloc(m->arena, 30 * UNIT, &a), 0);
    assert_int_equal(nw_arena_alloc(m->arena, 34 * UNIT, &b), 0);
    assert_int_equal(nw_arena_shrink(m->arena, a, 0), -EINVAL);
    assert_int_equal(nw_arena_shrink(m->arena, a + UNIT, 1), -EINVAL);
    assert_int_equal(nw_arena_shrink(m->arena, a, SIZE_MAX), 0);
    assert_int_equal(nw_arena_alloc(m->arena, 1, &c), -ENOMEM);
    assert_int_equal(nw_arena_shrink(m->arena, a, UNIT + 1), 0);
    assert_int_equal(nw_arena_alloc(m->arena, 28 * UNIT, &c), 0);
    assert_int_equal(c, a + 2 * UNIT);
    assert_int_equal(nw_arena_shrink(m->arena, b, 1), 0);
    assert_int_equal(nw_arena_release(m->arena, a), 0);
    assert_int_equal(nw_arena_release(m->arena, c), 0);
    assert_int_equal(nw_arena_release(m->arena, b), 0);
    assert_int_equal(nw_arena_alloc(m->arena, 4096, &a), 0);
    model_free(m);
}

/* The peer can write every byte of the arena; the bookkeeping must not live there. */
static void scribbled_payloads_change_nothing(void **state)
{
    (void)state;
    struct model *m = model_new(SMALL);
    for (int i = 0; i < 5000; i++) {
        if (test_random(&m->seed) % 2 && m->n_live < MAX_LIVE)
            model_alloc(m, random_length(m, 4096));
        else if (m->n_live)
            model_release(m, (int)(test_random(&m->seed) % (unsigned)m->n_live));
        memset(m->base + test_random(&m->seed) % (SMALL - 4096), (int)test_random(&m->seed), 4096);
    }
    release_all(m);
    model_free(m);
}

static void refuses_odd_sizes(void **state)
{
    (void)state;
    static const size_t wrong[] = {0, 64, 4095, 4097, SIZE_MAX, SIZE_MAX - 4095};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        errno = 0;
        assert_null(nw_arena_new(NULL, wrong[i]));
        assert_int_equal(errno, EINVAL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(churn_agrees_with_the_model),
        cmocka_unit_test(says_full_only_when_nothing_fits),
        cmocka_unit_test(large_blocks_fit_beside_many_small_ones),
        cmocka_unit_test(looks_past_a_block_that_is_a_little_too_small),
        cmocka_unit_test(limits_of_a_length),
        cmocka_unit_test(second_release_is_refused),
        cmocka_unit_test(shrinking_takes_the_end_of_a_live_block),
        cmocka_unit_test(scribbled_payloads_change_nothing),
        cmocka_unit_test(refuses_odd_sizes),
    };
    return cmocka_run_group_tests_name("arena", tests, NULL, NULL);
}
