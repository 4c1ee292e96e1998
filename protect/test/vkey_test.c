/* Tests of the table of virtual keys: its rules one by one, then many random steps against a model. */
#include "protect/gate/vkey.h"
#include "protect/test/fixture.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>

#include <cmocka.h>

#define ALL_KEYS 0xfffe

static struct nw_vkeys *new_table(uint16_t hardware)
{
    struct nw_vkeys *table = nw_vkeys_new(hardware);

    assert_non_null(table);
    return table;
}

static nw_vkey new_vkey(struct nw_vkeys *table)
{
    nw_vkey vkey = 0;

    assert_int_equal(nw_vkey_new(table, &vkey), 0);
    assert_true(vkey != 0);
    return vkey;
}

static nw_vkey new_bound(struct nw_vkeys *table)
{
    nw_vkey vkey = new_vkey(table), victim;

    assert_true(nw_vkey_bind(table, vkey, &victim) > 0);
    return vkey;
}

static void test_sets_of_keys(void **state)
{
    struct nw_vkeys *table = new_table(0x8010);
    nw_vkey a = new_vkey(table), b = new_vkey(table), victim;
    (void)state;

    assert_null(nw_vkeys_new(0));
    assert_int_equal(errno, EINVAL);
    assert_null(nw_vkeys_new(0x11));
    assert_int_equal(nw_vkey_hardware(table, a), 0);
    assert_int_equal(nw_vkey_bind(table, a, &victim), 4);
    assert_int_equal(nw_vkey_bind(table, b, &victim), 15);
    assert_int_equal(nw_vkey_bind(table, a, &victim), 4);
    assert_true(nw_vkey_holder(table, 4) == a);
    assert_true(nw_vkey_holder(table, 15) == b);
    assert_true(nw_vkey_holder(table, 5) == 0);
    assert_true(nw_vkey_holder(table, -1) == 0);
    assert_true(nw_vkey_holder(table, 16) == 0);
    nw_vkeys_free(table);
}

static void test_unknown_handles(void **state)
{
    struct nw_vkeys *table = new_table(ALL_KEYS);
    nw_vkey freed = new_bound(table), victim;
    (void)state;

    assert_int_equal(nw_vkey_free(table, freed), 0);
    const nw_vkey unknown[] = {0, 1, 4, freed, UINT64_MAX};
    for (int i = 0; i < 5; i++) {
        assert_int_equal(nw_vkey_bind(table, unknown[i], &victim), -EINVAL);
        assert_int_equal(nw_vkey_unbind(table, unknown[i]), -EINVAL);
        assert_int_equal(nw_vkey_pin(table, unknown[i]), -EINVAL);
        assert_int_equal(nw_vkey_unpin(table, unknown[i]), -EINVAL);
        assert_int_equal(nw_vkey_hardware(table, unknown[i]), -EINVAL);
        assert_int_equal(nw_vkey_free(table, unknown[i]), -EINVAL);
    }
    assert_true(nw_vkey_holder(table, 1) == 0);
    nw_vkeys_free(table);
}

static void test_a_pinned_key_stays(void **state)
{
    struct nw_vkeys *table = new_table(0x2);
    nw_vkey a = new_vkey(table), b = new_vkey(table), victim;
    (void)state;

    assert_int_equal(nw_vkey_pin(table, a), -EAGAIN);
    assert_int_equal(nw_vkey_unpin(table, a), -EINVAL);
    assert_int_equal(nw_vkey_bind(table, a, &victim), 1);
    assert_int_equal(nw_vkey_pin(table, a), 1);
    assert_int_equal(nw_vkey_pin(table, a), 1);
    assert_int_equal(nw_vkey_unpin(table, a), 0);
    assert_int_equal(nw_vkey_bind(table, b, &victim), -EBUSY);
    assert_int_equal(nw_vkey_unbind(table, a), -EBUSY);
    assert_int_equal(nw_vkey_free(table, a), -EBUSY);
    assert_int_equal(nw_vkey_unpin(table, a), 0);
    assert_int_equal(nw_vkey_unpin(table, a), -EINVAL);
    assert_int_equal(nw_vkey_bind(table, b, &victim), 0);
    assert_true(victim == a);
    assert_int_equal(nw_vkey_bind(table, b, &victim), 0); /* until the victim gives it up */
    assert_int_equal(nw_vkey_unbind(table, a), 0);
    assert_int_equal(nw_vkey_unbind(table, a), 0);
    assert_int_equal(nw_vkey_bind(table, b, &victim), 1);
    assert_int_equal(nw_vkey_free(table, b), 0);
    assert_int_equal(nw_vkey_bind(table, a, &victim), 1);
    nw_vkeys_free(table);
}

static void test_least_recently_used_is_the_victim(void **state)
{
    struct nw_vkeys *table = new_table(0xe);
    nw_vkey a = new_bound(table), b = new_bound(table), c = new_bound(table), d = new_vkey(table), victim;
    (void)state;

    assert_int_equal(nw_vkey_bind(table, d, &victim), 0);
    assert_true(victim == a);
    nw_vkey_pin(table, a);
    assert_int_equal(nw_vkey_bind(table, d, &victim), 0);
    assert_true(victim == b);
    nw_vkey_unpin(table, a);
    nw_vkey_bind(table, b, &victim);
    assert_int_equal(nw_vkey_bind(table, d, &victim), 0);
    assert_true(victim == c);
    nw_vkeys_free(table);
}

#define VKEYS 40

struct model {
    nw_vkey vkey;
    int hardware;
    int pins;
};

static void check_model(const struct nw_vkeys *table, const struct model *model)
{
    for (int i = 0; i < VKEYS; i++) {
        assert_int_equal(nw_vkey_hardware(table, model[i].vkey), model[i].hardware);
        assert_int_equal(nw_vkey_pinned(table, model[i].vkey), model[i].pins > 0);
        if (model[i].hardware != 0)
            assert_true(nw_vkey_holder(table, model[i].hardware) == model[i].vkey);
    }
}

static struct model *model_of(struct model *model, nw_vkey vkey)
{
    for (int i = 0; i < VKEYS; i++) {
        if (model[i].vkey == vkey)
            return &model[i];
    }
    fail_msg("no such victim");
    return NULL;
}

/* Binds as a caller would, evicting when asked to. */
static void step_bind(struct nw_vkeys *table, struct model *model, struct model *one)
{
    nw_vkey victim;
    int key = nw_vkey_bind(table, one->vkey, &victim);
    int held = 0, pinned = 0;

    for (int i = 0; i < VKEYS; i++) {
        held += model[i].hardware != 0;
        pinned += model[i].pins > 0;
    }
    if (key == -EBUSY) {
        assert_int_equal(pinned, 15);
        return;
    }
    if (key == 0) {
        assert_int_equal(held, 15);
        struct model *loser = model_of(model, victim);
        assert_true(loser->hardware != 0 && loser->pins == 0);
        assert_int_equal(nw_vkey_unbind(table, victim), 0);
        loser->hardware = 0;
        key = nw_vkey_bind(table, one->vkey, &victim);
    }
    assert_true(key > 0);
    if (one->hardware != 0)
        assert_int_equal(key, one->hardware);
    one->hardware = key;
}

static void step(struct nw_vkeys *table, struct model *model, struct model *one, unsigned int what)
{
    bool busy = one->pins > 0;

    switch (what) {
    case 0:
        assert_int_equal(nw_vkey_unbind(table, one->vkey), busy ? -EBUSY : 0);
        one->hardware = busy ? one->hardware : 0;
        return;
    case 1:
        assert_int_equal(nw_vkey_free(table, one->vkey), busy ? -EBUSY : 0);
        if (!busy)
            *one = (struct model){.vkey = new_vkey(table)};
        return;
    case 2:
    case 3:
        assert_int_equal(nw_vkey_unpin(table, one->vkey), busy ? 0 : -EINVAL);
        one->pins -= busy;
        return;
    case 4:
    case 5:
    case 6:
        assert_int_equal(nw_vkey_pin(table, one->vkey), one->hardware != 0 ? one->hardware : -EAGAIN);
        one->pins += one->hardware != 0;
        return;
    }
    step_bind(table, model, one);
}

static void test_random_steps(void **state)
{
    struct nw_vkeys *table = new_table(ALL_KEYS);
    struct model model[VKEYS];
    uint64_t random = 7;
    (void)state;

    for (int i = 0; i < VKEYS; i++)
        model[i] = (struct model){.vkey = new_vkey(table)};
    for (int round = 0; round < 100000; round++) {
        step(table, model, &model[next_random(&random) % VKEYS], next_random(&random) % 12);
        check_model(table, model);
    }
    nw_vkeys_free(table);
}

static void test_many_handles(void **state)
{
    enum { MANY = 3000 };
    static nw_vkey vkeys[MANY];
    struct nw_vkeys *table = new_table(ALL_KEYS);
    (void)state;

    for (int i = 0; i < MANY; i++) {
        vkeys[i] = new_vkey(table);
        for (int j = 0; j < i; j++)
            assert_true(vkeys[i] != vkeys[j]);
    }
    for (int i = 0; i < MANY; i += 2)
        assert_int_equal(nw_vkey_free(table, vkeys[i]), 0);
    for (int i = 0; i < MANY; i++)
        assert_int_equal(nw_vkey_hardware(table, vkeys[i]), i % 2 ? 0 : -EINVAL);
    nw_vkeys_free(table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sets_of_keys),       cmocka_unit_test(test_unknown_handles),
        cmocka_unit_test(test_a_pinned_key_stays), cmocka_unit_test(test_least_recently_used_is_the_victim),
        cmocka_unit_test(test_random_steps),       cmocka_unit_test(test_many_handles),
    };
    return cmocka_run_group_tests_name("protect/vkey", tests, NULL, NULL);
}
