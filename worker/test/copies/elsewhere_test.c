/* A function that called others while it was loaded, which no function may, and is made from its snapshot in another
 * worker: what it knew of that worker's functions means others there. */
#include "common/test/test.h"
#include "worker/test/whole.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RANGE  (NW_PLACES_START + 7 * NW_PLACE_SIZE + 5 * 4096)
#define MEMORY (64ull << 20)

static uint32_t load_callee(struct nw_harness *h, const char *name)
{
    return nw_harness_load(
        h, &(struct nw_load){.name = name, .so = nw_test_so("keeper"), .memory = MEMORY, .no_snapshots = true});
}

static uint32_t load_caller(struct nw_harness *h, int *snapshot)
{
    return nw_harness_load(h, &(struct nw_load){.name = "keeper",
                                                .so = nw_test_so("keeper"),
                                                .env = "START=call",
                                                .memory = MEMORY,
                                                .range = RANGE,
                                                .snapshot = snapshot});
}

/* What somebody drew at random when it was loaded. */
static unsigned long drawn(struct nw_harness *h, uint32_t deployment, const char *input)
{
    struct nw_answer got = nw_harness_invoke(h, deployment, input, strlen(input));
    unsigned long value = 0;

    assert_int_equal(got.status, NW_STATUS_OK);
    if (sscanf(got.data, "%lx", &value) != 1)
        fail_msg("%s", got.data);
    free(got.data);
    return value;
}

static void loads_and_calls_one(struct nw_harness *h, int *snapshot)
{
    const uint32_t one = load_callee(h, "one"), caller = load_caller(h, snapshot);

    assert_int_not_equal(one, 0);
    assert_int_not_equal(caller, 0);
    assert_string_equal(h->loaded, "");
    assert_int_equal(drawn(h, caller, "call"), drawn(h, one, ""));
}

static void a_snapshot_knows_nothing_of_the_functions_beside_it(void **state)
{
    struct nw_harness other;

    (void)state;
    if (nw_whole_mode == NW_MODE_PROCESS) /* a worker has one function */
        return;
    loads_and_calls_one(&nw_whole, NULL);
    assert_true(nw_whole.snapshot >= 0);
    nw_harness_start(&other, nw_whole_mode, 2);
    assert_int_not_equal(load_callee(&other, "two"), 0);
    loads_and_calls_one(&other, &nw_whole.snapshot);
    assert_string_equal(other.unusable, "");
    nw_harness_stop(&other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_snapshot_knows_nothing_of_the_functions_beside_it, nw_whole_start,
                                        nw_whole_stop),
    };

    return NW_WHOLE_RUN(tests);
}
