/* Many functions of one template: only the number differs, and what is no template is refused. */
#include "common/test/test.h"

#include "bench/many/variant.h"
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MARK "nightward variant here:" /* and a NUL */

/* Writes a file that the caller removes. */
static void write_template(char *path, const void *bytes, size_t length)
{
    int fd = mkstemp(strcpy(path, "/tmp/nightward-variant-XXXXXX"));

    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, length), length);
    close(fd);
}

static int open_template(struct nw_variant *variant, const void *bytes, size_t length)
{
    char path[64];
    int error;

    write_template(path, bytes, length);
    error = nw__variant_init(variant, path);
    unlink(path);
    return error;
}

static void only_the_number_differs(void **state)
{
    static const char bytes[] = "before" MARK "\0........after";
    struct nw_variant variant;
    uint64_t number = 0x1122334455667788;

    (void)state;
    assert_int_equal(open_template(&variant, bytes, sizeof bytes), 0);
    assert_int_equal(variant.length, sizeof bytes);
    assert_memory_equal(variant.bytes, bytes, sizeof bytes);
    nw__variant_number(&variant, 1);
    nw__variant_number(&variant, number);
    assert_memory_equal(variant.bytes, bytes, 6 + sizeof MARK);
    assert_memory_equal(variant.bytes + 6 + sizeof MARK, &number, 8);
    assert_string_equal(variant.bytes + 6 + sizeof MARK + 8, "after");
    nw__variant_fini(&variant);
}

static void what_is_no_template_is_refused(void **state)
{
    static const char none[64] = "nightward variant";
    static const char twice[] = MARK "\0........" MARK "\0........";
    static const char cut_off[] = "before" MARK "\0....";
    struct nw_variant variant;

    (void)state;
    assert_int_equal(open_template(&variant, none, sizeof none), -EINVAL);
    assert_int_equal(open_template(&variant, twice, sizeof twice), -EINVAL);
    assert_int_equal(open_template(&variant, cut_off, sizeof cut_off), -EINVAL);
    assert_int_equal(open_template(&variant, "", 0), -EINVAL);
    assert_int_equal(nw__variant_init(&variant, "/nowhere/at/all"), -ENOENT);
    assert_null(variant.bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_the_number_differs),
        cmocka_unit_test(what_is_no_template_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
