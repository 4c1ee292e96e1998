/*
 * The HTTP parser: a stream gives the same requests with the same bodies, however it is cut into pieces. Otherwise
 * requests could be smuggled past a proxy.
 */
#include "common/base/buffer.h"
#include "common/test/fuzz.h"
#include "engine/http/syntax/parse.h"
#include <string.h>

#define HEAD_LIMIT 512

/* Everything that a stream turned out to mean, as text. */
struct meaning {
    struct nw_buffer text;
};

static void body(void *arg, const char *data, size_t length)
{
    struct meaning *meaning = arg;
    NW_FUZZ_CHECK(nw_buffer_append(&meaning->text, data, length) == 0);
}

/* As the gateway looks at them. */
static void describe_fields(struct nw_buffer *text, struct nw_http_text fields)
{
    struct nw_http_text name, value;
    while (nw_http_head_next(&fields, &name, &value)) {
        NW_FUZZ_CHECK(name.length && !memchr(value.at, '\n', value.length));
        NW_FUZZ_CHECK(nw_buffer_append(text, name.at, name.length) == 0);
        NW_FUZZ_CHECK(nw_buffer_append(text, value.at, value.length) == 0);
    }
}

static void describe(struct meaning *meaning, enum nw_http_event event, const struct nw_http_parser *parser)
{
    struct nw_buffer *text = &meaning->text;
    if (event == NW_HTTP_HEAD) {
        NW_FUZZ_CHECK(nw_buffer_printf(text, "[head %u %d %d %d %d %llu ", parser->method, parser->is_1_0,
                                       parser->keep_alive, parser->chunked, parser->expects_continue,
                                       (unsigned long long)parser->content_length) == 0);
        NW_FUZZ_CHECK(nw_buffer_append(text, parser->target.at, parser->target.length) == 0);
        NW_FUZZ_CHECK(nw_buffer_append(text, parser->request_id.at, parser->request_id.length) == 0);
        NW_FUZZ_CHECK(!parser->chunked || !parser->content_length);
        describe_fields(text, parser->fields);
    } else if (event == NW_HTTP_CHUNK) {
        NW_FUZZ_CHECK(nw_buffer_printf(text, "[chunk %llu", (unsigned long long)parser->chunk) == 0);
    } else if (event == NW_HTTP_END) {
        NW_FUZZ_CHECK(nw_buffer_printf(text, "[end") == 0);
    } else {
        NW_FUZZ_CHECK(nw_buffer_printf(text, "[bad %d %s", parser->status, parser->why) == 0);
    }
    NW_FUZZ_CHECK(nw_buffer_append(text, "]", 1) == 0);
}

/* Feeds pieces as a connection does: what was not consumed comes again with what is new, and lies elsewhere then. */
static void read_in_pieces(struct meaning *meaning, const uint8_t *data, size_t size, size_t piece)
{
    struct nw_http_parser parser;
    struct nw_buffer stash = {0};
    enum nw_http_event event = NW_HTTP_MORE;
    nw_http_parser_init(&parser, HEAD_LIMIT, body, meaning);
    for (size_t at = 0; at < size && event != NW_HTTP_BAD;) {
        size_t length = size - at < piece ? size - at : piece, consumed, used = 0;
        NW_FUZZ_CHECK(nw_buffer_append(&stash, data + at, length) == 0);
        at += length;
        char *copy = malloc(stash.length);
        NW_FUZZ_CHECK(copy);
        memcpy(copy, stash.data, stash.length);
        do {
            event = nw_http_parser_feed(&parser, copy + used, stash.length - used, &consumed);
            used += consumed;
            NW_FUZZ_CHECK(used <= stash.length);
            if (event != NW_HTTP_MORE)
                describe(meaning, event, &parser);
        } while (event != NW_HTTP_MORE && event != NW_HTTP_BAD);
        free(copy);
        nw_buffer_consume(&stash, used);
        NW_FUZZ_CHECK(event == NW_HTTP_BAD || stash.length <= HEAD_LIMIT);
    }
    nw_http_parser_fini(&parser);
    nw_buffer_fini(&stash);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const size_t pieces[] = {1, 2, 7, 64};
    struct meaning whole = {0};
    read_in_pieces(&whole, data, size, size ? size : 1);
    for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++) {
        struct meaning cut = {0};
        read_in_pieces(&cut, data, size, pieces[i]);
        NW_FUZZ_CHECK(cut.text.length == whole.text.length);
        NW_FUZZ_CHECK(!cut.text.length || !memcmp(cut.text.data, whole.text.data, cut.text.length));
        nw_buffer_fini(&cut.text);
    }
    nw_buffer_fini(&whole.text);
    return 0;
}
