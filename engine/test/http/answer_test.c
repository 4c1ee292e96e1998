/* What a function says of its answer is sent as it is, or not at all. */
#include "common/test/test.h"

#include "engine/http/syntax/answer.h"
#include "engine/http/syntax/head.h"
#include <string.h>

static struct nw_http_answer_head head;

/* Up to a NULL. */
static const char *read_answer(unsigned status, const char *const *texts)
{
    char bytes[NW_ANSWER_MAX];
    struct nw_record_writer writer;

    nw_record_begin(&writer, bytes, sizeof bytes);
    for (; *texts; texts++)
        assert_true(nw_record_add(&writer, *texts, strlen(*texts)));
    return nw_http_answer_head(&head, bytes, nw_record_end(&writer, status));
}

#define READ(status, ...) read_answer(status, (const char *const[]){__VA_ARGS__, NULL})

static void expect_fields(const char *fields)
{
    assert_int_equal(head.length, strlen(fields));
    assert_memory_equal(head.fields, fields, head.length);
}

static void takes_status_and_headers(void **state)
{
    (void)state;
    assert_null(READ(0, NULL));
    assert_int_equal(head.status, 0);
    expect_fields("");
    assert_null(READ(404, "Set-Cookie", "a=b; Path=/", "Set-Cookie", "c", "x-empty", ""));
    assert_int_equal(head.status, 404);
    assert_false(head.typed);
    expect_fields("Set-Cookie: a=b; Path=/\r\nSet-Cookie: c\r\nx-empty: \r\n");
    assert_null(READ(599, "content-type", "text/html"));
    assert_true(head.typed);
    assert_null(READ(200, "X-Tab", "a\tb", "X-Text", "gr\xc3\xbc\xc3\x9f"));
}

static void refuses_a_status_that_ends_no_request(void **state)
{
    (void)state;
    const unsigned bad[] = {1, 99, 100, 101, 103, 199, 600, 999, 65535, 70000};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_string_equal(READ(bad[i], NULL), "its status is not 200 to 599");
}

static void refuses_what_could_smuggle(void **state)
{
    (void)state;
    static const char *const bad[][2] = {
        {"X-A", "b\r\nContent-Length: 0"},
        {"X-A", "b\nc"},
        {"X-A", "b\rc"},
        {"X-A", "\x7f"},
        {"X-A", "\x01"},
        {"X-A\r\nX-B", "c"},
        {"X A", "b"},
        {"", "b"},
        {"X-A:", "b"},
        {"X-A ", "b"},
        {" X-A", "b"},
        {"Content-Length", "3"},
        {"content-length", "3"},
        {"Connection", "close"},
        {"UPGRADE", "h2c"},
        {"Keep-Alive", "1"},
        {"Transfer-Encoding", "chunked"},
        {"Trailer", "X-A"},
        {"TE", "trailers"},
        {"Date", "now"},
        {"Proxy-Connection", "close"},
        {"X-Request-Id", "mine"},
        {"gr\xc3\xbc", "ss"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_non_null(READ(200, "X-Good", "1", bad[i][0], bad[i][1]));
    assert_string_equal(READ(200, "Content-Type", "a/b", "content-type", "a/b"), "it has two Content-Types");
    assert_string_equal(READ(200, "X-A"), "a header has no value");
}

static void leaves_out_what_the_engine_says_of_pages(void **state)
{
    (void)state;
    head.cors_left_out = true;
    assert_null(READ(0, "X-A", "a", "access-control-allow-ORIGIN", "*", "Access-Control-Max-Age", "1", "X-B", "b",
                     "Access-Control", "c"));
    expect_fields("X-A: a\r\nX-B: b\r\nAccess-Control: c\r\n");
    assert_non_null(READ(0, "Access-Control-Allow-Origin", "a\nb"));
    head.cors_left_out = false;
    assert_null(READ(0, "Access-Control-Allow-Origin", "*"));
    expect_fields("Access-Control-Allow-Origin: *\r\n");
}

static void refuses_what_is_no_record(void **state)
{
    (void)state;
    static char bytes[NW_ANSWER_MAX + 1] = {1};
    static const char inside[] = "\x01\0\0\0\x02\0\0\0"
                                 "\x03\0\0\0a\0b\0"
                                 "\x01\0\0\0c";

    assert_null(nw_http_answer_head(&head, bytes, NW_RECORD_HEAD));
    for (size_t length = 0; length <= sizeof bytes; length++)
        if (length != NW_RECORD_HEAD)
            assert_non_null(nw_http_answer_head(&head, bytes, length));
    assert_non_null(nw_http_answer_head(&head, inside, sizeof inside));
}

static void finds_the_fields_of_a_head(void **state)
{
    (void)state;
    static const char text[] = "Host: a\r\nX-Tabs:\t \tb c \t\r\nX-Empty:\r\nx-colons: http://d:1\r\n\r\n";
    struct nw_http_text lines = {text, sizeof text - 1}, name, value;

    assert_true(nw_http_head_find(lines, "X-TABS", &value));
    assert_int_equal(value.length, 3);
    assert_memory_equal(value.at, "b c", 3);
    assert_true(nw_http_head_find(lines, "x-empty", &value));
    assert_int_equal(value.length, 0);
    assert_true(nw_http_head_find(lines, "X-Colons", &value));
    assert_memory_equal(value.at, "http://d:1", value.length);
    assert_false(nw_http_head_find(lines, "X-Tab", &value));
    for (unsigned n = 0; n < 4; n++)
        assert_true(nw_http_head_next(&lines, &name, &value));
    assert_false(nw_http_head_next(&lines, &name, &value));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_status_and_headers),   cmocka_unit_test(refuses_a_status_that_ends_no_request),
        cmocka_unit_test(refuses_what_could_smuggle), cmocka_unit_test(leaves_out_what_the_engine_says_of_pages),
        cmocka_unit_test(refuses_what_is_no_record),  cmocka_unit_test(finds_the_fields_of_a_head),
    };
    return cmocka_run_group_tests_name("answer", tests, NULL, NULL);
}
