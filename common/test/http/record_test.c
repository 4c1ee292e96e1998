/* Records come out as they went in, and nothing else is one. */
#include "common/test/test.h"

#include "common/http/record.h"
#include <errno.h>
#include <string.h>

static size_t write_record(char *at, size_t room, const char *const *texts, size_t n)
{
    struct nw_record_writer writer;

    nw_record_begin(&writer, at, room);
    for (size_t i = 0; i < n; i++)
        assert_true(nw_record_add(&writer, texts[i], strlen(texts[i])));
    return nw_record_end(&writer, 404);
}

static const char *const texts[] = {"GET", "", "a=b"};

static void what_was_written_is_read(void **state)
{
    (void)state;
    char bytes[64];
    struct nw_record record;
    size_t length = write_record(bytes, sizeof bytes, texts, 3), size;

    assert_int_equal(nw_record_open(&record, bytes, length), 0);
    assert_int_equal(record.status, 404);
    assert_int_equal(record.left, 3);
    for (size_t i = 0; i < 3; i++) {
        assert_string_equal(nw_record_next(&record, &size), texts[i]);
        assert_int_equal(size, strlen(texts[i]));
    }
    assert_null(nw_record_next(&record, &size));
}

static void a_text_that_does_not_fit_changes_nothing(void **state)
{
    (void)state;
    char bytes[NW_RECORD_HEAD + 3 * NW_RECORD_OVERHEAD + 6];
    struct nw_record_writer writer;

    nw_record_begin(&writer, bytes, sizeof bytes);
    assert_true(nw_record_add(&writer, "12345", 5));
    assert_false(nw_record_add(&writer, "123456789abcdef", 12));
    assert_false(nw_record_add(&writer, "", SIZE_MAX));
    assert_true(nw_record_add(&writer, "1", 1));
    assert_true(nw_record_add(&writer, "", 0));
    assert_false(nw_record_add(&writer, "", 0));
    assert_int_equal(nw_record_end(&writer, 0), sizeof bytes);
}

/* Each length but the right one is wrong, and so is each byte of the version, of a length and of an end. */
static void what_is_cut_or_changed_is_no_record(void **state)
{
    (void)state;
    char bytes[64];
    struct nw_record record;
    size_t length = write_record(bytes, sizeof bytes, texts, 3);

    for (size_t cut = 0; cut < sizeof bytes; cut++)
        assert_int_equal(nw_record_open(&record, bytes, cut), cut == length ? 0 : -EPROTO);
    const size_t places[] = {0, 1, 4, 5, 6, 7, 8, 9, 10, 11, 15, 16, 20, 21, 28};
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        bytes[places[i]] ^= 0x40;
        assert_int_equal(nw_record_open(&record, bytes, length), -EPROTO);
        bytes[places[i]] ^= 0x40;
    }
    bytes[13] = '\0';
    assert_int_equal(nw_record_open(&record, bytes, length), -EPROTO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_written_is_read),
        cmocka_unit_test(a_text_that_does_not_fit_changes_nothing),
        cmocka_unit_test(what_is_cut_or_changed_is_no_record),
    };
    return cmocka_run_group_tests_name("record", tests, NULL, NULL);
}
