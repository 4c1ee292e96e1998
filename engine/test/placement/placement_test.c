/* Where the policy puts a replica, over seats that are only described. */
#include "common/manifest/control.h"
#include "common/test/test.h"
#include "engine/placement/addresses.h"
#include "engine/placement/blame.h"
#include "engine/placement/graph.h"
#include "engine/placement/heat.h"
#include "engine/placement/placement.h"
#include <stdio.h>

#define KEYS 13
#define MOST 4

static struct nw_placement_seat seats[MOST];
static size_t n_seats;
static bool fights; /* the key of what may move is taken from it again and again */

static int set_up(void **state)
{
    (void)state;
    n_seats = 0;
    fights = false;
    for (size_t i = 0; i < MOST; i++)
        seats[i] = (struct nw_placement_seat){.keys = KEYS};
    return 0;
}

static void goes_to(size_t seat, enum nw_placement_rule rule)
{
    struct nw_placement placement;
    assert_true(nw_placement_choose(seats, n_seats, MOST, &placement));
    assert_int_equal(placement.rule, rule);
    assert_int_equal(placement.seat, seat);
}

/* As many functions as given, one after the other; how many seats they need. */
static size_t seats_for(unsigned functions)
{
    struct nw_placement placement;
    for (unsigned i = 0; i < functions; i++) {
        assert_true(nw_placement_choose(seats, n_seats, MOST, &placement));
        n_seats += placement.seat == n_seats;
        seats[placement.seat].replicas++;
    }
    return n_seats;
}

static void a_worker_has_no_more_functions_than_keys(void **state)
{
    (void)state;
    assert_int_equal(seats_for(KEYS), 1);
    assert_int_equal(seats_for(1), 2);
    assert_int_equal(seats_for(2 * KEYS - 1), 3);
    for (size_t i = 0; i < n_seats; i++)
        assert_int_equal(seats[i].replicas, KEYS);
}

static void crowds_evenly_when_there_may_be_no_more_workers(void **state)
{
    (void)state;
    assert_int_equal(seats_for(MOST * KEYS), MOST);
    goes_to(0, NW_PLACED_CROWDED);
    seats_for(2 * MOST);
    for (size_t i = 0; i < MOST; i++)
        assert_int_equal(seats[i].replicas, KEYS + 2);
}

static void fills_the_fullest_first(void **state)
{
    (void)state;
    n_seats = 3;
    seats[0].replicas = 5;
    seats[1].replicas = 7;
    seats[2].replicas = KEYS;
    goes_to(1, NW_PLACED_FREE);
}

static void goes_where_its_callers_are_if_a_key_is_free(void **state)
{
    (void)state;
    n_seats = 3;
    seats[0].replicas = 9;
    seats[1].calls = 3;
    seats[2].calls = 4;
    goes_to(2, NW_PLACED_CALLERS);
    seats[2].replicas = KEYS;
    goes_to(1, NW_PLACED_CALLERS);
    seats[1].replicas = KEYS;
    goes_to(0, NW_PLACED_FREE);
}

static void a_new_version_goes_where_the_old_one_is_also_when_that_is_full(void **state)
{
    (void)state;
    n_seats = 2;
    seats[1].replicas = KEYS;
    seats[1].predecessor = true;
    goes_to(1, NW_PLACED_SUCCESSOR);
    seats[1].replicas++; /* another one is on its way there already */
    goes_to(0, NW_PLACED_FREE);
}

static void avoids_a_worker_that_keeps_ending_unless_there_is_no_other(void **state)
{
    (void)state;
    n_seats = MOST;
    for (size_t i = 1; i < MOST; i++)
        seats[i].ill = true;
    goes_to(0, NW_PLACED_FREE);
    seats[0].replicas = KEYS;
    goes_to(0, NW_PLACED_CROWDED);
    seats[0].ill = true;
    goes_to(1, NW_PLACED_CROWDED);
}

static void starts_no_worker_while_none_can_be_started(void **state)
{
    (void)state;
    assert_int_equal(seats_for(KEYS), 1);
    n_seats = 2;
    seats[1].ill = true; /* it keeps ending: that is its own affair */
    goes_to(2, NW_PLACED_STARTED);
    seats[1].stuck = true;
    goes_to(0, NW_PLACED_CROWDED);
}

static void a_seat_has_one_replica_of_a_version(void **state)
{
    struct nw_placement placement;
    (void)state;
    n_seats = 1;
    seats[0].has = true;
    goes_to(1, NW_PLACED_STARTED);
    assert_false(nw_placement_choose(seats, 1, 1, &placement));
}

static void without_keys_one_worker_has_many(void **state)
{
    (void)state;
    for (size_t i = 0; i < MOST; i++)
        seats[i].keys = 0;
    assert_int_equal(seats_for(NW_PLACEMENT_UNKEYED), 1);
    assert_int_equal(seats_for(1), 2);
}

static void moves_to(size_t from, size_t seat, enum nw_placement_rule rule)
{
    struct nw_placement placement;
    seats[from].has = true;
    assert_true(nw_placement_improve(seats, n_seats, MOST, from, fights, &placement));
    assert_int_equal(placement.seat, seat);
    assert_int_equal(placement.rule, rule);
}

static void stays(size_t from)
{
    struct nw_placement placement;
    seats[from].has = true;
    assert_false(nw_placement_improve(seats, n_seats, MOST, from, fights, &placement));
}

static void moves_to_its_callers_if_they_call_often(void **state)
{
    (void)state;
    n_seats = 2;
    stays(0);
    seats[1].calls = 3;
    stays(0);
    seats[1].calls = 1000;
    moves_to(0, 1, NW_PLACED_CALLERS);
    seats[1].replicas = KEYS;
    stays(0);
}

static void moves_out_of_a_crowd_where_a_key_is_free(void **state)
{
    (void)state;
    n_seats = 2;
    seats[0].replicas = KEYS;
    stays(0);
    seats[0].replicas++;
    moves_to(0, 1, NW_PLACED_FREE);
    seats[1].replicas = KEYS;
    stays(0);
}

static void gathers_in(size_t from, size_t seat)
{
    moves_to(from, seat, NW_PLACED_GATHERED);
    seats[from].has = false;
}

static void moves_out_of_a_worker_that_is_not_needed(void **state)
{
    (void)state;
    n_seats = 3;
    seats[0].replicas = 7;
    seats[1].replicas = seats[2].replicas = 6;
    stays(1); /* it would stay without replicas, too */
    seats[1].has = false;
    seats[1].grown = seats[2].grown = true;
    gathers_in(1, 0);
    seats[0].replicas = 8; /* there is no room for all of them */
    gathers_in(2, 1);
    stays(1); /* of two that are alike the first stays */
    seats[1].has = false;
    seats[2].replicas = 5;
    gathers_in(2, 0);
    seats[0].shares = true; /* something would stay behind */
    gathers_in(2, 1);
    seats[0].shares = false;
    seats[0].ill = true;
    gathers_in(2, 1);
    seats[1].ill = true;
    stays(2);
}

static void moves_from_where_more_are_busy_than_there_are_keys(void **state)
{
    (void)state;
    seats_for(MOST * KEYS);
    for (size_t i = 0; i < n_seats; i++)
        seats[i].replicas += 20;
    seats[0].hot = KEYS + 1;
    seats[1].hot = KEYS;
    seats[2].hot = KEYS - 1;
    seats[3].hot = KEYS - 2;
    stays(0); /* others fight, it does not */
    fights = true;
    stays(1); /* it is only seldom that one wants a key that another has */
    moves_to(0, 3, NW_PLACED_COOLER);
    seats[3].replicas = NW_PLACEMENT_UNKEYED;
    moves_to(0, 2, NW_PLACED_COOLER);
    seats[2].hot = KEYS;
    stays(0);
    seats[3].replicas = KEYS - 1;
    seats[3].hot = KEYS - 1;
    moves_to(0, 3, NW_PLACED_FREE);
}

static void starts_a_worker_for_what_fights(void **state)
{
    (void)state;
    n_seats = 1;
    seats[0].replicas = seats[0].hot = KEYS + 1;
    stays(0);
    fights = true;
    moves_to(0, 1, NW_PLACED_STARTED);
    seats[0].stuck = true;
    stays(0);
}

static void every_rule_says_why(void **state)
{
    (void)state;
    for (unsigned rule = 0; rule < NW_PLACED_RULES; rule++)
        assert_non_null(nw_placement_reason((enum nw_placement_rule)rule));
}

static void each_version_has_its_own_addresses_until_all_are_dealt(void **state)
{
    static bool dealt[NW_PLACES];
    struct nw_addresses addresses;
    (void)state;
    nw_addresses_init(&addresses);
    for (size_t i = 0; i < NW_PLACES; i++) {
        uint64_t range = nw_addresses_deal(&addresses), place = (range - NW_PLACES_START) / NW_PLACE_SIZE;
        assert_true(nw_place_fits(range));
        assert_false(dealt[place]);
        dealt[place] = true;
    }
    assert_true(nw_place_fits(nw_addresses_deal(&addresses)));
}

/* What a worker would have to refuse. */
static void a_range_lies_within_its_place(void **state)
{
    const uint64_t last = NW_PLACES_START + (NW_PLACES - 1) * NW_PLACE_SIZE;
    (void)state;
    assert_true(nw_place_fits(NW_PLACES_START));
    assert_true(nw_place_fits(last + NW_PLACE_SIZE / 2 - 4096));
    assert_false(nw_place_fits(last + NW_PLACE_SIZE / 2));
    assert_false(nw_place_fits(last + NW_PLACE_SIZE));
    assert_false(nw_place_fits(NW_PLACES_START - 4096));
    assert_false(nw_place_fits(NW_PLACES_START + 1));
    assert_false(nw_place_fits(0));
}

static void blames_what_completed_least_and_was_blamed_before(void **state)
{
    const struct nw_suspect idle = {0}, busy = {3, 100, 9}, deadly = {1, 0, 0}, again = {1, 0, 1};
    (void)state;
    assert_true(nw_blame_more(&busy, &idle));
    assert_false(nw_blame_more(&idle, &busy));
    assert_false(nw_blame_more(&idle, &idle));
    assert_true(nw_blame_more(&deadly, &busy));
    assert_false(nw_blame_more(&busy, &deadly));
    assert_true(nw_blame_more(&again, &deadly));
    assert_false(nw_blame_more(&deadly, &again));
}

static struct nw_heat heat;

/* The worker has counted so much, so many ms later. */
static void counts(uint32_t calls, uint64_t rekeyed, uint64_t ms)
{
    static uint64_t now = 1000;
    now += ms;
    nw_heat_note(&heat, calls, rekeyed, now);
}

static void is_hot_while_it_is_called_often(void **state)
{
    (void)state;
    heat = (struct nw_heat){0};
    counts(1000, 1000, 0);
    assert_false(heat.hot || heat.fights); /* since when, nobody knows */
    counts(2000, 1001, 1000);
    assert_true(heat.hot && !heat.fights);
    counts(2000, 1001, 1); /* messages that come at once say nothing */
    assert_true(heat.hot);
    counts(2010, 1040, 1000);
    assert_true(!heat.hot && heat.fights);
    counts(2, 1, 1000); /* a new domain */
    assert_false(heat.hot || heat.fights);
    counts(2000, 100, 1000);
    assert_true(heat.hot && heat.fights);
    nw_heat_cool(&heat, heat.at + 1000);
    assert_true(heat.hot && heat.fights);
    nw_heat_cool(&heat, heat.at + 5000);
    assert_false(heat.hot || heat.fights);
}

static unsigned callers_of(const struct nw_graph *graph, const char *callee)
{
    unsigned n = 0;
    for (struct nw_edge *edge = nw_graph_callers(graph, callee); edge; edge = nw_graph_callers_next(edge))
        n++;
    return n;
}

static void a_graph_has_what_was_found_and_what_was_seen(void **state)
{
    (void)state;
    struct nw_graph graph = {0};
    struct nw_edges one, other;
    nw_edges_init(&one);
    nw_edges_init(&other);
    nw_graph_found(&graph, &one, "b,c,*");
    nw_graph_found(&graph, &other, "-");
    nw_graph_found(&graph, &other, "!its section is damaged, it says");
    nw_graph_seen(&graph, &one, "b", 3);
    nw_graph_seen(&graph, &other, "b", 1);
    nw_graph_seen(&graph, &other, "d", 2);
    assert_int_equal(one.n, 2);
    assert_int_equal(other.n, 2);
    assert_int_equal(callers_of(&graph, "b"), 2);
    assert_int_equal(callers_of(&graph, "c"), 1);
    assert_ptr_equal(nw_graph_callers(&graph, "c")->caller, &one);
    assert_int_equal(callers_of(&graph, "*"), 0);
    struct nw_edge *first = nw_edge_at(one.list.next), *last = nw_edge_at(other.list.prev);
    assert_string_equal(first->callee, "b");
    assert_true(first->found && first->calls == 3);
    assert_string_equal(last->callee, "d");
    assert_true(!last->found && last->calls == 2);
    nw_graph_forget(&graph, &one);
    assert_int_equal(callers_of(&graph, "b"), 1);
    assert_int_equal(callers_of(&graph, "c"), 0);
    nw_graph_forget(&graph, &other);
    assert_true(nw_list_empty(&other.list));
    nw_graph_fini(&graph);
}

/* A worker may say that a function calls thousands. */
static void a_caller_has_so_many_edges_at_most(void **state)
{
    (void)state;
    struct nw_graph graph = {0};
    struct nw_edges caller;
    char name[16];
    nw_edges_init(&caller);
    for (int i = 0; i < 2 * NW_EDGES_MAX; i++) {
        snprintf(name, sizeof name, "f%d", i);
        nw_graph_seen(&graph, &caller, name, 1);
    }
    assert_int_equal(caller.n, NW_EDGES_MAX);
    assert_int_equal(callers_of(&graph, "f63"), 1);
    assert_int_equal(callers_of(&graph, "f64"), 0);
    nw_graph_forget(&graph, &caller);
    nw_graph_fini(&graph);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_graph_has_what_was_found_and_what_was_seen),
        cmocka_unit_test(a_caller_has_so_many_edges_at_most),
        cmocka_unit_test(blames_what_completed_least_and_was_blamed_before),
        cmocka_unit_test(each_version_has_its_own_addresses_until_all_are_dealt),
        cmocka_unit_test(a_range_lies_within_its_place),
        cmocka_unit_test_setup(a_worker_has_no_more_functions_than_keys, set_up),
        cmocka_unit_test_setup(crowds_evenly_when_there_may_be_no_more_workers, set_up),
        cmocka_unit_test_setup(fills_the_fullest_first, set_up),
        cmocka_unit_test_setup(goes_where_its_callers_are_if_a_key_is_free, set_up),
        cmocka_unit_test_setup(a_new_version_goes_where_the_old_one_is_also_when_that_is_full, set_up),
        cmocka_unit_test_setup(avoids_a_worker_that_keeps_ending_unless_there_is_no_other, set_up),
        cmocka_unit_test_setup(starts_no_worker_while_none_can_be_started, set_up),
        cmocka_unit_test_setup(a_seat_has_one_replica_of_a_version, set_up),
        cmocka_unit_test_setup(without_keys_one_worker_has_many, set_up),
        cmocka_unit_test_setup(moves_to_its_callers_if_they_call_often, set_up),
        cmocka_unit_test_setup(moves_out_of_a_crowd_where_a_key_is_free, set_up),
        cmocka_unit_test_setup(moves_out_of_a_worker_that_is_not_needed, set_up),
        cmocka_unit_test_setup(moves_from_where_more_are_busy_than_there_are_keys, set_up),
        cmocka_unit_test_setup(starts_a_worker_for_what_fights, set_up),
        cmocka_unit_test(is_hot_while_it_is_called_often),
        cmocka_unit_test(every_rule_says_why),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
