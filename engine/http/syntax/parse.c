/*
 * The parser of http/syntax/parse.h. A head (or trailer) is given to llhttp only when it is complete and every line of
 * it ends in CR LF, holds no other CR and is a field line as http/syntax/field.h has them; bodies of known length are
 * counted here; chunked bodies go through llhttp.
 */
#include "engine/http/syntax/parse.h"
#include "common/base/valid.h"
#include "common/base/without.h"
#include "engine/http/syntax/field.h"
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define EXTENSIONS_MAX 4096

enum phase { PHASE_HEAD, PHASE_LENGTH, PHASE_CHUNKED, PHASE_TRAILER, PHASE_BAD };
enum header { HEADER_OTHER, HEADER_HOST, HEADER_EXPECT, HEADER_REQUEST_ID, HEADER_TIMEOUT, HEADER_CODING };

/* Bytes of a body are owed, or lines of a head or trailer were looked at, only where they are awaited. */
bool nw_http_parser_is_valid(const struct nw_http_parser *parser)
{
    bool in_lines = parser->phase == PHASE_HEAD || parser->phase == PHASE_TRAILER;
    if (parser->phase == PHASE_BAD)
        return parser->why != NULL;
    if (parser->line_start > parser->scanned || (parser->scanned && !in_lines))
        return false;
    return parser->phase <= PHASE_TRAILER && (!parser->remaining || parser->phase == PHASE_LENGTH);
}

static struct nw_http_parser *self(llhttp_t *llhttp)
{
    return llhttp->data;
}

static enum nw_http_event bad(struct nw_http_parser *parser, enum nw_status status, const char *why)
{
    parser->phase = PHASE_BAD;
    parser->status = status;
    parser->why = why;
    return NW_HTTP_BAD;
}

static enum nw_http_event bad_for_llhttp(struct nw_http_parser *parser)
{
    const char *why = llhttp_get_error_reason(&parser->llhttp);
    return bad(parser, NW_STATUS_BAD_REQUEST, why && *why ? why : "it is not HTTP/1.1");
}

/* --- llhttp's callbacks --- */

static int on_url(llhttp_t *llhttp, const char *at, size_t length)
{
    self(llhttp)->target = (struct nw_http_text){at, length};
    return 0;
}

static bool text_is(const char *at, size_t length, const char *word)
{
    return length == strlen(word) && !strncasecmp(at, word, length);
}

static int on_header_field(llhttp_t *llhttp, const char *at, size_t length)
{
    struct nw_http_parser *parser = self(llhttp);
    parser->header = HEADER_OTHER;
    if (parser->phase != PHASE_HEAD)
        return 0;
    if (text_is(at, length, "host")) {
        parser->header = HEADER_HOST;
        parser->hosts++;
    } else if (text_is(at, length, "expect")) {
        parser->header = HEADER_EXPECT;
    } else if (text_is(at, length, "x-request-id")) {
        parser->header = HEADER_REQUEST_ID;
    } else if (text_is(at, length, "x-timeout")) {
        parser->header = HEADER_TIMEOUT;
    } else if (text_is(at, length, "transfer-encoding")) {
        parser->header = HEADER_CODING;
        parser->codings++;
    }
    return 0;
}

static int on_header_value(llhttp_t *llhttp, const char *at, size_t length)
{
    struct nw_http_parser *parser = self(llhttp);
    while (length && at[length - 1] == ' ')
        length--;
    if (parser->header == HEADER_EXPECT)
        parser->expects_continue = text_is(at, length, "100-continue");
    else if (parser->header == HEADER_REQUEST_ID)
        parser->request_id = (struct nw_http_text){at, length};
    else if (parser->header == HEADER_TIMEOUT)
        parser->timeout = (struct nw_http_text){at, length};
    else if (parser->header == HEADER_HOST)
        parser->host_wrong = parser->host_wrong ? parser->host_wrong : nw__http_host_wrong(at, length);
    else if (parser->header == HEADER_CODING)
        parser->only_chunked = parser->codings == 1 && text_is(at, length, "chunked");
    return 0;
}

static int on_headers_complete(llhttp_t *llhttp)
{
    self(llhttp)->upgrade = llhttp->upgrade;
    llhttp->upgrade = 0; /* an offer to speak something else is not taken up: the request is served as it is */
    return HPE_PAUSED;
}

static int on_extension(llhttp_t *llhttp, const char *at, size_t length)
{
    struct nw_http_parser *parser = self(llhttp);
    (void)at;
    parser->extensions += length;
    return parser->extensions > EXTENSIONS_MAX ? -1 : 0;
}

static int on_body(llhttp_t *llhttp, const char *at, size_t length)
{
    struct nw_http_parser *parser = self(llhttp);
    parser->body(parser->arg, at, length);
    return 0;
}

static int pause_parser(llhttp_t *llhttp)
{
    (void)llhttp;
    return HPE_PAUSED;
}

static const llhttp_settings_t settings = {
    .on_url = on_url,
    .on_header_field = on_header_field,
    .on_header_value = on_header_value,
    .on_headers_complete = on_headers_complete,
    .on_chunk_extension_name = on_extension,
    .on_chunk_extension_value = on_extension,
    .on_chunk_header = pause_parser,
    .on_body = on_body,
    .on_message_complete = pause_parser,
};

void nw_http_parser_init(struct nw_http_parser *parser, size_t head_limit,
                         void (*body)(void *arg, const char *data, size_t length), void *arg)
{
    *parser = (struct nw_http_parser){.head_limit = head_limit, .body = body, .arg = arg, .phase = PHASE_HEAD};
}

void nw_http_parser_fini(struct nw_http_parser *parser)
{
    free(parser->tabless);
    parser->tabless = NULL;
}

/* Checks a line of a head or trailer, without its CR LF. */
static bool take_line(struct nw_http_parser *parser, const char *line, size_t length, bool is_request_line)
{
    const char *why;

    if (is_request_line)
        return true;
    if (*line == ' ' || *line == '\t') {
        if (nw_unchecked(NW_CHECK_FOLD))
            return true;
        bad(parser, NW_STATUS_BAD_REQUEST, "a header line is folded");
        return false;
    }
    why = nw__http_field_wrong(line, length);
    if (why)
        bad(parser, NW_STATUS_BAD_REQUEST, why);
    else
        parser->has_tab |= nw__http_field_has_tab(line, length);
    return !why;
}

/*
 * Looks for the empty line that ends a head or a trailer. Its end, 0 when it is not there yet, or SIZE_MAX after bad().
 */
static size_t find_end(struct nw_http_parser *parser, const char *data, size_t length)
{
    const char *lf;
    while ((lf = memchr(data + parser->scanned, '\n', length - parser->scanned))) {
        const char *line = data + parser->line_start;
        size_t size = (size_t)(lf - line);
        /* First, so that it does not matter how much of the head came at once. */
        if ((size_t)(lf - data) >= parser->head_limit)
            break;
        if (!size || line[size - 1] != '\r' || memchr(line, '\r', size - 1))
            return bad(parser, NW_STATUS_BAD_REQUEST, "a line of the head does not end in CR LF"), SIZE_MAX;
        parser->scanned = parser->line_start = (size_t)(lf - data) + 1;
        if (size == 1)
            return parser->scanned;
        if (!take_line(parser, line, size - 1, parser->phase == PHASE_HEAD && line == data))
            return SIZE_MAX;
    }
    if (!lf)
        parser->scanned = length;
    if (lf || parser->scanned > parser->head_limit)
        return bad(parser, NW_STATUS_HEADERS_TOO_LARGE, "the head is longer than the limit"), SIZE_MAX;
    return 0;
}

/* llhttp takes several spaces where the grammar has one. */
static bool request_line_is_strict(struct nw_http_text target)
{
    return target.length && target.at[-2] != ' ' && !memcmp(target.at + target.length, " HTTP/", 6);
}

/* What llhttp says about a complete head, checked and taken over. */
static enum nw_http_event take_head(struct nw_http_parser *parser)
{
    const llhttp_t *llhttp = &parser->llhttp;
    parser->method = llhttp->method;
    parser->is_1_0 = llhttp->http_minor == 0;
    parser->keep_alive = llhttp_should_keep_alive(llhttp);
    parser->chunked = llhttp->flags & F_CHUNKED;
    parser->content_length = llhttp->flags & F_CONTENT_LENGTH ? llhttp->content_length : 0;
    if (llhttp->http_major != 1)
        return bad(parser, NW_STATUS_BAD_REQUEST, "only HTTP/1.0 and HTTP/1.1 are spoken here");
    if (!request_line_is_strict(parser->target))
        return bad(parser, NW_STATUS_BAD_REQUEST, "the request line has more than one space between its parts");
    if (llhttp->method == HTTP_CONNECT)
        return bad(parser, NW_STATUS_BAD_METHOD, "this is no proxy");
    if ((llhttp->flags & F_TRANSFER_ENCODING) && (parser->is_1_0 || !parser->chunked || !parser->only_chunked))
        return bad(parser, NW_STATUS_BAD_REQUEST,
                   "Transfer-Encoding must be chunked, nothing else, and the version HTTP/1.1");
    if (parser->hosts > 1 || (!parser->hosts && !parser->is_1_0))
        return bad(parser, NW_STATUS_BAD_REQUEST, "a request needs exactly one Host header");
    if (parser->host_wrong)
        return bad(parser, NW_STATUS_BAD_REQUEST, parser->host_wrong);
    if (parser->is_1_0)
        parser->expects_continue = false;
    parser->remaining = parser->chunked ? 0 : parser->content_length;
    parser->extensions = 0;
    parser->phase = parser->chunked ? PHASE_CHUNKED : PHASE_LENGTH;
    return NW_HTTP_HEAD;
}

static void begin_message(struct nw_http_parser *parser)
{
    llhttp_init(&parser->llhttp, HTTP_REQUEST, &settings);
    if (nw_unchecked(NW_CHECK_LENGTH))
        llhttp_set_lenient_chunked_length(&parser->llhttp, 1);
    parser->llhttp.data = parser;
    parser->header = HEADER_OTHER;
    parser->hosts = parser->codings = 0;
    parser->expects_continue = parser->only_chunked = parser->upgrade = false;
    parser->host_wrong = NULL;
    parser->request_id = parser->timeout = parser->target = (struct nw_http_text){NULL, 0};
}

static void forget_lines(struct nw_http_parser *parser)
{
    parser->scanned = parser->line_start = 0;
    parser->has_tab = false;
}

/* A copy of the head with spaces for the tabs that llhttp does not take, kept until the next one. NULL: no memory. */
static const char *copy_without_tabs(struct nw_http_parser *parser, const char *head, size_t length)
{
    free(parser->tabless);
    parser->tabless = malloc(length);
    if (parser->tabless)
        nw__http_field_replace_tabs(memcpy(parser->tabless, head, length), length);
    return parser->tabless;
}

static enum nw_http_event feed_head(struct nw_http_parser *parser, const char *data, size_t length, size_t *consumed)
{
    size_t end;
    bool has_tab;
    for (;;) {
        end = find_end(parser, data + *consumed, length - *consumed);
        if (end == SIZE_MAX)
            return NW_HTTP_BAD;
        if (!end)
            return NW_HTTP_MORE;
        has_tab = parser->has_tab;
        forget_lines(parser);
        if (end > 2)
            break;
        *consumed += end; /* RFC 9112 2.2: empty lines in front of a request are ignored */
    }
    begin_message(parser);
    data += *consumed;
    *consumed += end;
    if (has_tab && !(data = copy_without_tabs(parser, data, end)))
        return bad(parser, NW_STATUS_INTERNAL, "no memory is left for the head of this request");
    parser->fields.at = (const char *)memchr(data, '\n', end) + 1;
    parser->fields.length = end - (size_t)(parser->fields.at - data);
    if (llhttp_execute(&parser->llhttp, data, end) != HPE_PAUSED)
        return bad_for_llhttp(parser);
    return take_head(parser);
}

static enum nw_http_event feed_length(struct nw_http_parser *parser, const char *data, size_t length, size_t *consumed)
{
    size_t n = length < parser->remaining ? length : (size_t)parser->remaining;
    if (n)
        parser->body(parser->arg, data, n);
    parser->remaining -= n;
    *consumed = n;
    if (parser->remaining)
        return NW_HTTP_MORE;
    parser->phase = PHASE_HEAD;
    return NW_HTTP_END;
}

static enum nw_http_event feed_chunked(struct nw_http_parser *parser, const char *data, size_t length, size_t *consumed)
{
    llhttp_t *llhttp = &parser->llhttp;
    *consumed = length;
    if (llhttp_get_errno(llhttp) == HPE_PAUSED)
        llhttp_resume(llhttp);
    llhttp_errno_t rc = llhttp_execute(llhttp, data, length);
    if (rc == HPE_OK)
        return NW_HTTP_MORE;
    if (rc != HPE_PAUSED)
        return bad_for_llhttp(parser);
    *consumed = (size_t)(llhttp_get_error_pos(llhttp) - data);
    if (parser->phase == PHASE_TRAILER) {
        parser->phase = PHASE_HEAD;
        return NW_HTTP_END;
    }
    parser->chunk = llhttp->content_length;
    if (!parser->chunk)
        parser->phase = PHASE_TRAILER;
    return NW_HTTP_CHUNK;
}

/* The lines behind the last chunk are checked like a head, then llhttp reads over them. */
static enum nw_http_event feed_trailer(struct nw_http_parser *parser, const char *data, size_t length, size_t *consumed)
{
    *consumed = 0;
    size_t end = find_end(parser, data, length);
    if (end == SIZE_MAX)
        return NW_HTTP_BAD;
    if (!end)
        return NW_HTTP_MORE;
    forget_lines(parser);
    enum nw_http_event event = feed_chunked(parser, data, end, consumed);
    if (event == NW_HTTP_MORE)
        return bad(parser, NW_STATUS_BAD_REQUEST, "the trailer does not end");
    return event;
}

static enum nw_http_event feed(struct nw_http_parser *parser, const char *data, size_t length, size_t *consumed)
{
    *consumed = 0;
    switch (parser->phase) {
    case PHASE_HEAD:
        return feed_head(parser, data, length, consumed);
    case PHASE_LENGTH:
        return feed_length(parser, data, length, consumed);
    case PHASE_CHUNKED:
        return feed_chunked(parser, data, length, consumed);
    case PHASE_TRAILER:
        return feed_trailer(parser, data, length, consumed);
    default:
        return NW_HTTP_BAD;
    }
}

enum nw_http_event nw_http_parser_feed(struct nw_http_parser *parser, const char *data, size_t length, size_t *consumed)
{
    nw_check_valid(nw_http_parser, parser);
    enum nw_http_event event = feed(parser, data, length, consumed);
    nw_check_valid(nw_http_parser, parser);
    nw_check_that(*consumed <= length);
    return event;
}
