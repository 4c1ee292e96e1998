/* Long work in pieces: chores, copies, memory that is given back. */
#include "common/base/clock.h"
#include "common/test/test.h"
#include "engine/base/bulk.h"
#include "engine/base/carry.h"
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define MANY  100
#define LARGE (4ul << 20)

struct counted {
    struct nw_chore chore;
    int steps, left;
};

static struct nw_list chores;
static int done;

static int set_up(void **state)
{
    (void)state;
    nw_list_init(&chores);
    done = 0;
    return 0;
}

static bool count(struct nw_chore *chore)
{
    struct counted *counted = nw_container(chore, struct counted, chore);
    counted->steps++;
    return --counted->left > 0;
}

static void chores_take_turns(void **state)
{
    struct counted all[MANY];

    (void)state;
    for (int i = 0; i < MANY; i++) {
        all[i] = (struct counted){.chore = {.step = count}, .left = 1000000};
        nw_chore_start(&chores, &all[i].chore);
    }
    while (!all[MANY - 1].steps)
        nw_chores_work(&chores);
    for (int i = 0; i < MANY; i++)
        assert_in_range(all[0].steps - all[i].steps, 0, 1);
    for (int i = 0; i < MANY; i++)
        nw_chore_stop(&all[i].chore);
    assert_true(nw_list_empty(&chores));
}

static bool take_all_the_time(struct nw_chore *chore)
{
    const uint64_t end = nw_clock_ns() + NW_CHORES_NS;

    while (nw_clock_ns() < end)
        ;
    return count(chore);
}

/* However much there is to do: what waits for the turn to end waits for one step. */
static void a_turn_begins_no_step_after_its_time(void **state)
{
    struct counted all[2];

    (void)state;
    for (int i = 0; i < 2; i++) {
        all[i] = (struct counted){.chore = {.step = take_all_the_time}, .left = MANY};
        nw_chore_start(&chores, &all[i].chore);
    }
    for (int turns = 1; turns <= 5; turns++) {
        nw_chores_work(&chores);
        assert_int_equal(all[0].steps + all[1].steps, turns);
    }
    for (int i = 0; i < 2; i++)
        nw_chore_stop(&all[i].chore);
}

static void a_stopped_chore_takes_no_step(void **state)
{
    struct counted stopped = {.chore = {.step = count}, .left = 2}, never = {.chore = {.step = count}};

    (void)state;
    nw_chore_start(&chores, &stopped.chore);
    nw_chore_stop(&stopped.chore);
    nw_chore_stop(&stopped.chore);
    nw_chore_stop(&never.chore);
    nw_chores_work(&chores);
    assert_int_equal(stopped.steps, 0);
}

static void carried(struct nw_carry *carry)
{
    (void)carry;
    done++;
}

static void set_bytes(char *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++)
        bytes[i] = (char)(i * 2654435761u >> 24);
}

/* One step of a large copy copies a piece, and no more. */
static void a_large_copy_is_made_in_pieces(void **state)
{
    char *from = malloc(LARGE), *to = calloc(1, LARGE);
    struct nw_carry carry = {.to = to, .from = from, .left = LARGE - 1, .done = carried};
    int steps = 0;

    (void)state;
    set_bytes(from, LARGE);
    from[LARGE - 1] = 1;
    nw_carry_start(&chores, &carry);
    assert_int_equal(carry.left, LARGE - 1);
    for (size_t left = carry.left; !done; left = carry.left) {
        nw_list_remove(&carry.chore.link);
        if (carry.chore.step(&carry.chore))
            nw_chore_start(&chores, &carry.chore);
        assert_true(left - carry.left <= NW_CARRY_PIECE);
        steps++;
    }
    assert_int_equal(steps, LARGE / NW_CARRY_PIECE);
    assert_int_equal(done, 1);
    assert_memory_equal(to, from, LARGE - 1);
    assert_int_equal(to[LARGE - 1], 0);
    assert_true(nw_list_empty(&chores));
    free(from);
    free(to);
}

static void a_small_copy_is_made_at_once(void **state)
{
    char from[] = "small", to[sizeof from] = "";
    struct nw_carry carry = {.to = to, .from = from, .left = sizeof from, .done = carried};

    (void)state;
    nw_carry_start(&chores, &carry);
    assert_int_equal(done, 1);
    assert_string_equal(to, from);
    assert_true(nw_list_empty(&chores));
}

static bool is_mapped(void *at)
{
    return msync(at, 4096, MS_ASYNC) == 0;
}

static void memory_is_given_back_in_pieces(void **state)
{
    char *memory = nw_bulk_new(LARGE + 1);

    (void)state;
    memset(memory, 1, LARGE + 1);
    nw_bulk_free(&chores, memory, LARGE + 1);
    assert_true(is_mapped(memory) && is_mapped(memory + LARGE));
    struct nw_chore *chore = nw_container(chores.next, struct nw_chore, link);
    nw_list_remove(&chore->link);
    assert_true(chore->step(chore));
    assert_true(is_mapped(memory) && is_mapped(memory + LARGE / 2));
    assert_false(is_mapped(memory + LARGE));
    nw_chore_start(&chores, chore);
    while (!nw_list_empty(&chores))
        nw_chores_work(&chores);
    assert_false(is_mapped(memory));
}

static void without_chores_memory_is_given_back_at_once(void **state)
{
    char *memory = nw_bulk_new(LARGE);

    (void)state;
    memset(memory, 1, LARGE);
    nw_bulk_free(NULL, memory, LARGE);
    assert_false(is_mapped(memory));
    memory = nw_bulk_new(1); /* and what is small always does */
    nw_bulk_free(&chores, memory, 1);
    nw_bulk_free(&chores, NULL, LARGE);
    assert_true(nw_list_empty(&chores));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(chores_take_turns, set_up),
        cmocka_unit_test_setup(a_turn_begins_no_step_after_its_time, set_up),
        cmocka_unit_test_setup(a_stopped_chore_takes_no_step, set_up),
        cmocka_unit_test_setup(a_large_copy_is_made_in_pieces, set_up),
        cmocka_unit_test_setup(a_small_copy_is_made_at_once, set_up),
        cmocka_unit_test_setup(memory_is_given_back_in_pieces, set_up),
        cmocka_unit_test_setup(without_chores_memory_is_given_back_at_once, set_up),
    };
    return cmocka_run_group_tests_name("engine/chores", tests, NULL, NULL);
}
