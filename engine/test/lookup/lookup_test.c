/* Finding members by key, and in the order of their names, beside a plain array of them. */
#include "common/test/test.h"
#include "engine/base/list.h"
#include "engine/lookup/order.h"
#include "engine/lookup/table.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MANY  3000
#define STEPS 40000

struct member {
    struct nw_table_node node;
    char name[16];
    bool in, met;
};

static struct member members[MANY];
static struct nw_table table;

static struct nw_order order;

static uint64_t hash_of(const char *name)
{
    return nw_table_hash(name, strlen(name));
}

static int set_up(void **state)
{
    (void)state;
    table = (struct nw_table){0};
    memset(members, 0, sizeof members);
    for (unsigned i = 0; i < MANY; i++)
        snprintf(members[i].name, sizeof members[i].name, "f%05u", i * 7919 % MANY);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    nw_table_fini(&table);
    nw_order_fini(&order);
    assert_null(nw_order_behind(&order, ""));
    return 0;
}

static struct member *find(const char *name)
{
    for (struct nw_table_node *node = nw_table_first(&table, hash_of(name)); node; node = nw_table_next(node))
        if (!strcmp(nw_container(node, struct member, node)->name, name))
            return nw_container(node, struct member, node);
    return NULL;
}

static void turn(struct member *member)
{
    if (member->in) {
        nw_table_remove(&table, &member->node);
        nw_order_remove(&order, member->name);
    } else {
        assert_int_equal(nw_table_add(&table, &member->node, hash_of(member->name)), 0);
        assert_int_equal(nw_order_add(&order, member->name), 0);
    }
    member->in = !member->in;
}

static void meet(void *arg, struct nw_table_node *node)
{
    struct member *member = nw_container(node, struct member, node);
    assert_false(member->met);
    member->met = true;
    ++*(size_t *)arg;
}

/* Whatever the state of its growth is: each member once, and nobody else. */
static void expect_each_once(void)
{
    size_t n = 0, in = 0;
    for (unsigned i = 0; i < MANY; i++)
        members[i].met = false;
    nw_table_each(&table, meet, &n);
    for (unsigned i = 0; i < MANY; i++) {
        assert_int_equal(members[i].met, members[i].in);
        assert_ptr_equal(find(members[i].name), members[i].in ? &members[i] : NULL);
        in += members[i].in;
    }
    assert_int_equal(n, in);
    assert_int_equal(table.n, in);
}

static void expect_in_order(void)
{
    const char *before = "";
    size_t n = 0;
    for (const char *name; (name = nw_order_behind(&order, before)); n++) {
        assert_true(strcmp(before, name) < 0);
        assert_true(nw_container(name, struct member, name)->in);
        before = name;
    }
    assert_int_equal(n, table.n);
}

static void finds_what_is_in_it(void **state)
{
    (void)state;
    srand(1);
    assert_null(find("f00000"));
    assert_null(nw_order_behind(&order, ""));
    for (unsigned step = 0; step < STEPS; step++) {
        struct member *member = &members[(unsigned)rand() % (step < 200 ? 100 : MANY)];
        turn(member);
        assert_ptr_equal(find(member->name), member->in ? member : NULL);
        if (table.n_old || step % 1000 == 0) /* while it grows, and now and then */
            expect_each_once();
        if (step % 1000 == 0 || step < 200)
            expect_in_order();
    }
}

/* Members with the same hash are told apart by who looks for one. */
static void keeps_members_of_one_hash(void **state)
{
    (void)state;
    for (unsigned i = 0; i < MANY; i++)
        assert_int_equal(nw_table_add(&table, &members[i].node, i % 3), 0);
    size_t n = 0;
    for (struct nw_table_node *node = nw_table_first(&table, 1); node; node = nw_table_next(node))
        n++;
    assert_int_equal(n, MANY / 3);
    nw_table_remove(&table, &members[1].node);
    n = 0;
    for (struct nw_table_node *node = nw_table_first(&table, 1); node; node = nw_table_next(node))
        n++;
    assert_int_equal(n, MANY / 3 - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(finds_what_is_in_it, set_up, tear_down),
        cmocka_unit_test_setup_teardown(keeps_members_of_one_hash, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("engine lookup", tests, NULL, NULL);
}
