/*
 * docs/reference/gate-operations.md ends with the table of ops.h: `op_doc --print` prints that, and the test compares
 * it with what the repository holds.
 */
#include "common/test/test.h"
#include "worker/test/gate/op_table.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_NAME "docs/reference/gate-operations.md"

static const char head[] = "| operation | arguments | what it does |\n| --- | --- | --- |\n";

/* NULL: the column stays empty. */
static const char *kind_name(enum op_kind kind)
{
    switch (kind) {
    case OP_ANY:
        return "value";
    case OP_FLAG:
        return "flag";
    case OP_ROUTE:
        return "route";
    case OP_SOURCE:
        return "source";
    case OP_OVERLONG:
        return "overlong source";
    case OP_SINK:
        return "sink";
    case OP_NAME:
        return "name";
    case OP_TEXT:
        return "text";
    case OP_RECORD:
        return "record";
    case OP_NONE:
    case OP_UNUSED:
        break;
    }
    return NULL;
}

static void print_argument(FILE *to, const struct op_argument *arg, const char **comma)
{
    const char *kind = kind_name(arg->kind);

    if (!kind)
        return;
    fprintf(to, "%s`%s`: %s", *comma, arg->name, kind);
    if (arg->max && arg->max != UINT64_MAX)
        fprintf(to, " of %s%llu bytes", arg->kind == OP_RECORD ? "" : "at most ", (unsigned long long)arg->max);
    *comma = "; ";
}

static char *table(void)
{
    char *text = NULL;
    size_t size;
    FILE *to = open_memstream(&text, &size);

    fputs(head, to);
    for (size_t i = 0; i < sizeof(op_rows) / sizeof(op_rows[0]); i++) {
        const struct op_row *op = &op_rows[i];
        const char *comma = "";

        fprintf(to, "| %s | ", op->name);
        print_argument(to, &op->scalar, &comma);
        print_argument(to, &op->pairs[0], &comma);
        print_argument(to, &op->pairs[1], &comma);
        fprintf(to, " | %s |\n", op->what);
    }
    fclose(to);
    return text;
}

static void the_document_ends_with_the_table(void **state)
{
    static char stored[65536];
    FILE *file = fopen(FILE_NAME, "r");
    char *text = table(), *found;

    (void)state;
    assert_non_null(file);
    stored[fread(stored, 1, sizeof(stored) - 1, file)] = '\0';
    fclose(file);
    found = strstr(stored, head);
    if (!found || strcmp(found, text) != 0)
        fail_msg("%s", FILE_NAME " does not end with what build/test/worker/op_doc --print prints");
    free(text);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_document_ends_with_the_table)};

    if (argc > 1 && strcmp(argv[1], "--print") == 0)
        return fputs(table(), stdout) < 0;
    return cmocka_run_group_tests_name("worker/op_doc", tests, NULL, NULL);
}
