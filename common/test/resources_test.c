/* The table of resources is sound, and docs/limits.md is what follows from it. */
#include "common/resources.h"
#include "common/test/test.h"
#include <stdlib.h>
#include <string.h>

static void each_row_is_sound(void **state)
{
    (void)state;
    for (int i = 0; i < NW_RESOURCE_COUNT; i++) {
        const struct nw_resource_terms *r = &nw_resources[i];

        assert_true(r->limit > 0 && r->share <= r->limit);
        assert_true(r->refusal >= 0);
        assert_true(r->name[0] && r->unit[0] && r->words[0]);
        for (int k = 0; k < i; k++)
            assert_string_not_equal(r->name, nw_resources[k].name);
    }
}

static void the_document_is_current(void **state)
{
    char *made = NULL, *there = calloc(1, 1 << 20);
    size_t length = 0;
    FILE *to = open_memstream(&made, &length), *from = fopen("docs/limits.md", "re");

    (void)state;
    assert_non_null(from);
    assert_non_null(there);
    nw_resources_document(to);
    fclose(to);
    assert_in_range(fread(there, 1, (1 << 20) - 1, from), 1, (1 << 20) - 2);
    fclose(from);
    if (strcmp(made, there) != 0)
        fail_msg("docs/limits.md is stale: make docs/limits.md");
    free(made);
    free(there);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_row_is_sound),
        cmocka_unit_test(the_document_is_current),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
