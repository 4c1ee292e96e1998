/* The HTTP parser alone: every way to cut a stream, at the edge of unreadable memory; and the small decoders. */
#include "engine/http/syntax/json_text.h"
#include "engine/http/syntax/parse.h"
#include "engine/http/syntax/query.h"
#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <setjmp.h>

#include <cmocka.h>

#define PAGE 4096

/* The text, its last byte right in front of a page that cannot be read. */
static char *flush_against_the_edge(const char *text, size_t length)
{
    static char *pages;
    if (!pages) {
        pages = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        assert_int_equal(mprotect(pages + 2 * PAGE, PAGE, PROT_NONE), 0);
    }
    return memcpy(pages + 2 * PAGE - length, text, length);
}

/* What happened, as text: H head, c chunk, E end, B bad, and the body between. */
struct record {
    struct nw_http_parser parser;
    char text[512];
};

static void body(void *arg, const char *data, size_t length)
{
    struct record *record = arg;
    strncat(record->text, data, length);
}

static void note(struct record *record, enum nw_http_event event)
{
    static const char letters[] = {
        [NW_HTTP_HEAD] = 'H', [NW_HTTP_CHUNK] = 'c', [NW_HTTP_END] = 'E', [NW_HTTP_BAD] = 'B'};
    strncat(record->text, &letters[event], 1);
}

/* Feeds bytes until no more are wanted; the number taken. */
static size_t feed(struct record *record, const char *data, size_t length)
{
    size_t used = 0, consumed;
    for (;;) {
        const char *at = flush_against_the_edge(data + used, length - used);
        enum nw_http_event event = nw_http_parser_feed(&record->parser, at, length - used, &consumed);
        used += consumed;
        if (event == NW_HTTP_MORE)
            return used;
        note(record, event);
        if (event == NW_HTTP_BAD)
            return length;
    }
}

static const char *parse_cut(const char *text, size_t cut)
{
    static struct record record;
    memset(&record, 0, sizeof record);
    nw_http_parser_init(&record.parser, 1024, body, &record);
    size_t used = feed(&record, text, cut);
    if (!record.parser.why)
        feed(&record, text + used, strlen(text) - used);
    nw_http_parser_fini(&record.parser);
    return record.text;
}

static void expect_events(const char *text, const char *events)
{
    for (size_t cut = 0; cut <= strlen(text); cut++)
        assert_string_equal(parse_cut(text, cut), events);
}

#define HEAD "POST / HTTP/1.1\r\nHost: a\r\n"

static void finds_where_requests_end(void **state)
{
    (void)state;
    expect_events(HEAD "\r\n", "HE");
    expect_events("\r\n\r\n" HEAD "\r\n\r\n" HEAD "\r\n", "HEHE");
    expect_events(HEAD "Content-Length: 3\r\n\r\nabc" HEAD "Content-Length: 0\r\n\r\n" HEAD "\r\n", "HabcEHEHE");
    expect_events(HEAD "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n00002\r\nde\r\n0\r\n\r\n" HEAD "\r\n",
                  "HcabccdecEHE");
    expect_events(HEAD "Transfer-Encoding: chunked\r\n\r\n1;ext=\"a\"\r\nx\r\n0;y\r\nA: b\r\nC: d\r\n\r\n" HEAD "\r\n",
                  "HcxcEHE");
    expect_events("GET / HTTP/1.0\r\n\r\n", "HE");
}

static void refuses_what_is_malformed(void **state)
{
    (void)state;
    expect_events("GET / HTTP/1.1\nHost: a\r\n\r\n", "B");
    expect_events(HEAD "A: b\r\n c\r\n\r\n", "B");
    expect_events(HEAD "A: b\n\r\n", "B");
    expect_events(HEAD "Transfer-Encoding: chunked\r\n\r\n0\r\nA: b\n\r\n", "HcB");
    expect_events(HEAD "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", "B");
    expect_events(HEAD "Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "B");
    expect_events(HEAD "Transfer-Encoding: chunked\r\n\r\n0\r\n\n", "HcB");
    expect_events("GET / HTTP/1.1\r\n\r\n", "B");
}

/* Each row is one line that may not be in a head; in a trailer neither, but for Host. */
static void refuses_bad_field_lines(void **state)
{
    static const char *const lines[] = {
        ": x",      ":",     " : x",      "\t: x",   "A : b",        "A\t: b",   "A",      "A b: c",
        "A\x80: b", "A(: b", "A: b\x01c", "A: \x7f", "A: b\x1b[31m", "\"A\": b", "A,B: c",
    };
    char text[256];

    (void)state;
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        snprintf(text, sizeof text, HEAD "%s\r\nContent-Length: 0\r\n\r\n", lines[i]);
        expect_events(text, "B");
        snprintf(text, sizeof text, "POST / HTTP/1.1\r\n%s\r\nHost: a\r\n\r\n", lines[i]);
        expect_events(text, "B");
        snprintf(text, sizeof text, HEAD "Transfer-Encoding: chunked\r\n\r\n0\r\n%s\r\n\r\n", lines[i]);
        expect_events(text, "HcB");
    }
}

static void takes_a_host_and_nothing_else(void **state)
{
    static const char *const good[] = {"", "a", "a:80", "127.0.0.1:8080", "[::1]:80", "a.b-c_d~e", "%41"};
    static const char *const wrong[] = {"a b", "a, b", "a,b", "a/b", "u@a", "a\xc3\xa9", "a?", "a\tb", "a;b", "a\\b"};
    char text[256];

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        snprintf(text, sizeof text, "GET / HTTP/1.1\r\nHost: %s\r\n\r\n", good[i]);
        expect_events(text, "HE");
    }
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        snprintf(text, sizeof text, "GET / HTTP/1.1\r\nHost: %s\r\n\r\n", wrong[i]);
        expect_events(text, "B");
    }
}

static void takes_tabs_around_values(void **state)
{
    (void)state;
    expect_events(HEAD "Content-Length:\t1 \t\r\n\r\na", "HaE");
    expect_events(HEAD "Transfer-Encoding: \tchunked\t\r\n\r\n1\r\na\r\n0\r\nA:\tb\t\r\n\r\n", "HcacE");
    expect_events("POST / HTTP/1.1\r\nHost:\ta\t\r\nA: b\tc\r\nConnection:\tclose\t\r\n\r\n", "HE");
    expect_events(HEAD "Content-Length: 1\t1\r\n\r\na", "B");
}

static struct nw_http_parser parse_head(const char *text)
{
    struct record record = {.text = ""};
    size_t consumed;
    nw_http_parser_init(&record.parser, 1024, body, &record);
    nw_http_parser_feed(&record.parser, text, strlen(text), &consumed);
    return record.parser;
}

static void describes_the_head(void **state)
{
    (void)state;
    const char *text = "PUT /a?b HTTP/1.1\r\nhOST: x\r\nExpect: 100-Continue\r\nX-Request-ID: id 1\r\n"
                       "Content-Length: 18446744073709551615\r\nConnection: close\r\n\r\n";
    struct nw_http_parser parser = parse_head(text);
    assert_int_equal(parser.method, HTTP_PUT);
    assert_int_equal(parser.target.length, 4);
    assert_memory_equal(parser.target.at, "/a?b", 4);
    assert_memory_equal(parser.request_id.at, "id 1", 4);
    assert_true(parser.expects_continue);
    assert_false(parser.keep_alive);
    assert_true(parser.content_length == UINT64_MAX);
}

static void limits_the_head(void **state)
{
    (void)state;
    char text[2048] = HEAD;
    memset(text + strlen(text), 'a', 1500);
    struct nw_http_parser parser = parse_head(text);
    assert_int_equal(parser.status, NW_STATUS_HEADERS_TOO_LARGE);
    strcpy(text, HEAD);
    while (strlen(text) < 1100)
        strcat(text, "A: b\r\n");
    strcat(text, "\r\n");
    parser = parse_head(text);
    assert_int_equal(parser.status, NW_STATUS_HEADERS_TOO_LARGE);
}

static void limits_chunk_extensions(void **state)
{
    (void)state;
    char text[8192] = HEAD "Transfer-Encoding: chunked\r\n\r\n1;";
    memset(text + strlen(text), 'a', 5000);
    struct record record = {.text = ""};
    size_t consumed = 0, used = 0;
    enum nw_http_event event;
    nw_http_parser_init(&record.parser, 1024, body, &record);
    while ((event = nw_http_parser_feed(&record.parser, text + used, strlen(text) - used, &consumed)) == NW_HTTP_HEAD)
        used += consumed;
    assert_int_equal(event, NW_HTTP_BAD);
}

/* What nw_check_valid asks in debug builds. */
static void a_head_has_no_body_that_is_still_to_come(void **state)
{
    struct record record = {0};
    (void)state;
    nw_http_parser_init(&record.parser, 100, body, &record);
    assert_int_equal(feed(&record, "GET", 3), 0);
    assert_true(nw_http_parser_is_valid(&record.parser));
    record.parser.remaining = 1;
    assert_false(nw_http_parser_is_valid(&record.parser));
    record.parser.remaining = 0;
    record.parser.line_start = record.parser.scanned + 1;
    assert_false(nw_http_parser_is_valid(&record.parser));
}

static void expect_escaped(const char *text, size_t length, const char *escaped)
{
    struct nw_buffer out = {0};
    assert_int_equal(nw_json_escape(&out, text, length), 0);
    assert_int_equal(out.length, strlen(escaped));
    assert_memory_equal(out.data, escaped, out.length);
    nw_buffer_fini(&out);
}

static void escapes_hostile_text(void **state)
{
    (void)state;
    expect_escaped("a\"b\\c\n\x7f", 7, "a\\\"b\\\\c\\u000a\\u007f");
    expect_escaped("\0", 1, "\\u0000");
    expect_escaped("\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", 9, "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80");
    expect_escaped("\xc0\xaf", 2, "\\ufffd\\ufffd");            /* overlong */
    expect_escaped("\xed\xa0\x80", 3, "\\ufffd\\ufffd\\ufffd"); /* surrogate */
    expect_escaped("\xe2\x82", 2, "\\ufffd\\ufffd");            /* cut off */
    expect_escaped("\xf4\x90\x80\x80", 4, "\\ufffd\\ufffd\\ufffd\\ufffd");
}

static void decodes_queries(void **state)
{
    (void)state;
    const char *text = "slots=8&env=A%3db%26c+d&flag&=x&bad=%2";
    struct nw_query query = {text, strlen(text)};
    struct nw_buffer key = {0}, value = {0};
    static const char *const pairs[][2] = {{"slots", "8"}, {"env", "A=b&c+d"}, {"flag", ""}, {"", "x"}};
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(nw_query_next(&query, &key, &value), 1);
        assert_string_equal(key.data, pairs[i][0]);
        assert_string_equal(value.data, pairs[i][1]);
    }
    assert_int_equal(nw_query_next(&query, &key, &value), -EINVAL);
    query = (struct nw_query){"a=%00", 5};
    assert_int_equal(nw_query_next(&query, &key, &value), -EINVAL);
    query = (struct nw_query){"", 0};
    assert_int_equal(nw_query_next(&query, &key, &value), 0);
    nw_buffer_fini(&key);
    nw_buffer_fini(&value);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_where_requests_end),
        cmocka_unit_test(refuses_what_is_malformed),
        cmocka_unit_test(refuses_bad_field_lines),
        cmocka_unit_test(takes_a_host_and_nothing_else),
        cmocka_unit_test(takes_tabs_around_values),
        cmocka_unit_test(describes_the_head),
        cmocka_unit_test(limits_the_head),
        cmocka_unit_test(limits_chunk_extensions),
        cmocka_unit_test(a_head_has_no_body_that_is_still_to_come),
        cmocka_unit_test(escapes_hostile_text),
        cmocka_unit_test(decodes_queries),
    };
    return cmocka_run_group_tests_name("engine parsers", tests, NULL, NULL);
}
