/* Walks through lists from which members are removed meanwhile. */
#include "common/test/test.h"
#include "engine/base/list.h"
#include <stdlib.h>
#include <string.h>

#define MEMBERS 4
#define TOO_FAR 100 /* visits, after which the walk is taken for endless */

struct member {
    struct nw_list link;
    char name;
};

struct fixture {
    struct nw_list list, other;
    struct member *members[MEMBERS];
    char seen[TOO_FAR + 1];
    size_t n_seen;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    nw_list_init(&f->list);
    nw_list_init(&f->other);
    for (int i = 0; i < MEMBERS; i++) {
        f->members[i] = calloc(1, sizeof *f->members[i]);
        f->members[i]->name = (char)('a' + i);
        nw_list_append(&f->list, &f->members[i]->link);
    }
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    bool ended = !nw__list_cursors;
    for (int i = 0; i < MEMBERS; i++)
        free(f->members[i]);
    free(f);
    return ended ? 0 : -1;
}

static char see(struct fixture *f, struct nw_list *at)
{
    char name = nw_container(at, struct member, link)->name;
    if (f->n_seen == TOO_FAR)
        fail_msg("the walk does not end: %s", f->seen);
    f->seen[f->n_seen++] = name;
    return name;
}

static void discard(struct fixture *f, int i)
{
    nw_list_remove(&f->members[i]->link);
    free(f->members[i]);
    f->members[i] = NULL;
}

static void the_next_member_may_go(void **state)
{
    struct fixture *f = *state;
    nw_list_each(&f->list, at, cursor) if (see(f, at) == 'a') discard(f, 1);
    assert_string_equal(f->seen, "acd");
}

static void every_member_may_go(void **state)
{
    struct fixture *f = *state;
    nw_list_each(&f->list, at, cursor)
    {
        see(f, at);
        for (int i = 0; i < MEMBERS; i++)
            discard(f, i);
    }
    assert_string_equal(f->seen, "a");
    assert_true(nw_list_empty(&f->list));
}

static void members_may_move_to_another_list(void **state)
{
    struct fixture *f = *state;
    nw_list_each(&f->list, at, cursor) if (see(f, at) == 'b')
    {
        nw_list_remove(&f->members[2]->link);
        nw_list_append(&f->other, &f->members[2]->link);
    }
    assert_string_equal(f->seen, "abd");
}

static void all_may_be_spliced_away(void **state)
{
    struct fixture *f = *state;
    nw_list_each(&f->list, at, cursor) if (see(f, at) == 'b') nw_list_splice(&f->other, &f->list);
    assert_string_equal(f->seen, "ab");
    nw_list_each(&f->other, at, cursor) see(f, at);
    assert_string_equal(f->seen, "ababcd");
}

static void the_head_may_go_with_the_last(void **state)
{
    struct fixture *f = *state;
    struct nw_list *head = malloc(sizeof *head);
    nw_list_init(head);
    nw_list_splice(head, &f->list);
    nw_list_each(head, at, cursor) if (see(f, at) == 'd')
    {
        for (int i = 0; i < MEMBERS; i++)
            discard(f, i);
        free(head);
    }
    assert_string_equal(f->seen, "abcd");
}

/* The inner walk takes the member that the outer one comes to next. */
static void walks_nest(void **state)
{
    struct fixture *f = *state;
    nw_list_each(&f->list, at, cursor) if (see(f, at) == 'a')
        nw_list_each(&f->list, inner, within) if (see(f, inner) == 'b')
    {
        discard(f, 1);
        discard(f, 2);
    }
    assert_string_equal(f->seen, "aabdd");
}

static char leaves_early(struct fixture *f)
{
    nw_list_each(&f->list, at, cursor) if (see(f, at) == 'b') return 'b';
    return 0;
}

/* A walk that was left early is forgotten; otherwise a later removal would write to its record on a stack frame that
 * is gone. */
static void a_walk_may_be_left(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(leaves_early(f), 'b');
    assert_null(nw__list_cursors);
    nw_list_each(&f->list, at, cursor)
    {
        if (see(f, at) == 'a')
            continue;
        break;
    }
    assert_null(nw__list_cursors);
    assert_string_equal(f->seen, "abab");
}

/* What nw_check_valid asks in debug builds. */
static void a_member_that_its_neighbour_does_not_know_is_not_valid(void **state)
{
    struct fixture *f = *state;
    struct nw_list never_added = {NULL, NULL};
    assert_true(nw_list_is_valid(&f->list));
    assert_true(nw_list_is_valid(&f->members[1]->link));
    f->members[2]->link.prev = &f->list;
    assert_false(nw_list_is_valid(&f->members[1]->link));
    f->members[2]->link.prev = &f->members[1]->link;
    assert_false(nw_list_is_valid(&never_added));
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(the_next_member_may_go),
        CASE(every_member_may_go),
        CASE(members_may_move_to_another_list),
        CASE(all_may_be_spliced_away),
        CASE(walks_nest),
        CASE(a_walk_may_be_left),
        CASE(the_head_may_go_with_the_last),
        CASE(a_member_that_its_neighbour_does_not_know_is_not_valid),
    };
    return cmocka_run_group_tests_name("list", tests, NULL, NULL);
}
