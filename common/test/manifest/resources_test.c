/* The table of resources is sound, and docs/reference/limits.md is what follows from it. */
#include "common/manifest/resources.h"
#include "common/test/test.h"
#include <errno.h>
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

static void what_is_held_is_read_as_it_was_written(void **state)
{
    static const char *const wrong[] = {"", "1", "1 2 3", " 1", "-1", "x"};
    uint64_t used[NW_RESOURCE_COUNT], read[NW_RESOURCE_COUNT];
    char text[NW_RESOURCES_TEXT + 1];

    (void)state;
    for (int i = 0; i < NW_RESOURCE_COUNT; i++)
        used[i] = UINT64_MAX - (uint64_t)i;
    nw_resources_format(used, text);
    assert_int_equal(nw_resources_parse(text, read), 0);
    assert_memory_equal(used, read, sizeof(used));
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_int_equal(nw_resources_parse(wrong[i], read), -EINVAL);
    strcat(text, " ");
    assert_int_equal(nw_resources_parse(text, read), -EINVAL);
}

static void the_document_is_current(void **state)
{
    char *made = NULL, *there = calloc(1, 1 << 20);
    size_t length = 0;
    FILE *to = open_memstream(&made, &length), *from = fopen("docs/reference/limits.md", "re");

    (void)state;
    assert_non_null(from);
    assert_non_null(there);
    nw_resources_document(to);
    fclose(to);
    assert_in_range(fread(there, 1, (1 << 20) - 1, from), 1, (1 << 20) - 2);
    fclose(from);
    if (strcmp(made, there) != 0)
        fail_msg("docs/reference/limits.md is stale: make docs/reference/limits.md");
    free(made);
    free(there);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_row_is_sound),
        cmocka_unit_test(what_is_held_is_read_as_it_was_written),
        cmocka_unit_test(the_document_is_current),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
