/* Answers: status line, headers, JSON errors. Not responsible for sending them (http/output.c). */
#include "engine/http/syntax/answer.h"
#include "engine/http/private.h"
#include "engine/http/syntax/json_text.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define JSON_TYPE "application/json"

static const char *reason_phrase(int http)
{
    static const struct {
        int http;
        const char *phrase;
    } phrases[] = {
        {200, "OK"},
        {201, "Created"},
        {202, "Accepted"},
        {203, "Non-Authoritative Information"},
        {204, "No Content"},
        {206, "Partial Content"},
        {300, "Multiple Choices"},
        {301, "Moved Permanently"},
        {302, "Found"},
        {303, "See Other"},
        {304, "Not Modified"},
        {307, "Temporary Redirect"},
        {308, "Permanent Redirect"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {406, "Not Acceptable"},
        {408, "Request Timeout"},
        {409, "Conflict"},
        {410, "Gone"},
        {412, "Precondition Failed"},
        {413, "Content Too Large"},
        {415, "Unsupported Media Type"},
        {416, "Range Not Satisfiable"},
        {422, "Unprocessable Content"},
        {426, "Upgrade Required"},
        {429, "Too Many Requests"},
        {431, "Request Header Fields Too Large"},
        {500, "Internal Server Error"},
        {501, "Not Implemented"},
        {502, "Bad Gateway"},
        {503, "Service Unavailable"},
        {504, "Gateway Timeout"},
        {508, "Loop Detected"},
    };
    for (size_t i = 0; i < sizeof phrases / sizeof phrases[0]; i++)
        if (phrases[i].http == http)
            return phrases[i].phrase;
    return "";
}

/* The head is written into a buffer that is large enough for the longest one: see the assertion below. */
static char *put(char *at, const char *text, size_t length)
{
    memcpy(at, text, length);
    return at + length;
}

static char *put_text(char *at, const char *text)
{
    return put(at, text, strlen(text));
}

static char *put_number(char *at, uint64_t number)
{
    char digits[20];
    int n = 0;
    do
        digits[n++] = (char)('0' + number % 10);
    while (number /= 10);
    while (n)
        *at++ = digits[--n];
    return at;
}

static const char *date_text(struct nw_http_server *server)
{
    time_t now = time(NULL);
    struct tm tm;
    if (now != server->date_second && gmtime_r(&now, &tm)) {
        strftime(server->date, sizeof server->date, "%a, %d %b %Y %H:%M:%S GMT", &tm);
        server->date_second = now;
    }
    return server->date;
}

#define CONTENT_TYPE_MAX 64
#define ALLOW_MAX        64
_Static_assert(NW_HTTP_HEAD_SIZE >= 160 + CONTENT_TYPE_MAX + ALLOW_MAX + NW_REQUEST_ID_MAX + 152,
               "fixed text, type, methods, id, numbers and date fit");

/* Where the head has room; false: there is no memory for it. */
static bool find_room(struct nw_http_request *r, size_t more)
{
    char *head = more ? malloc(NW_HTTP_HEAD_SIZE + more) : r->small_head;
    if (head)
        r->head = head;
    return head;
}

/* What comes before the bytes of a piece: of no bytes, the end. */
static char *put_chunk_size(char *at, size_t length)
{
    char digits[16];
    unsigned n = 0;
    do
        digits[n++] = "0123456789abcdef"[length % 16];
    while (length /= 16);
    while (n)
        *at++ = digits[--n];
    return put_text(at, "\r\n");
}

static void build_head(struct nw_http_request *r, int http, const struct nw_http_answer *answer)
{
    char *at = r->head;
    at = put_text(at, "HTTP/1.1 ");
    at = put_number(at, (uint64_t)http);
    *at++ = ' ';
    at = put_text(at, reason_phrase(http));
    at = put_text(at, "\r\nDate: ");
    at = put_text(at, date_text(r->conn->server));
    if (answer->content_type && !nw_http_is_bodiless(http)) {
        at = put_text(at, "\r\nContent-Type: ");
        at = put(at, answer->content_type, strnlen(answer->content_type, CONTENT_TYPE_MAX));
    }
    if (answer->more && !r->is_1_0) {
        at = put_text(at, "\r\nTransfer-Encoding: chunked");
    } else if (!answer->more && !nw_http_is_bodiless(http)) {
        at = put_text(at, "\r\nContent-Length: ");
        at = put_number(at, answer->length);
    }
    at = put_text(at, "\r\nX-Request-Id: ");
    at = put_text(at, r->id);
    if ((http == 405 || http == 204) && r->allow) {
        at = put_text(at, "\r\nAllow: ");
        at = put(at, r->allow, strnlen(r->allow, ALLOW_MAX));
    }
    if (http == 429 && r->retry_after) { /* else it is a function that says so, and when it may be over */
        at = put_text(at, "\r\nRetry-After: ");
        at = put_number(at, r->retry_after);
    }
    if (http == 426) /* with which goes an option of the connection, and what could be spoken */
        at = put_text(at, "\r\nUpgrade: HTTP/1.1\r\nConnection: Upgrade");
    if (!r->keep_alive)
        at = put_text(at, "\r\nConnection: close");
    else if (r->is_1_0)
        at = put_text(at, "\r\nConnection: keep-alive");
    at = put_text(at, "\r\n");
    if (answer->fields_length)
        at = put(at, answer->fields, answer->fields_length);
    if (r->fields_said.length)
        at = put(at, r->fields_said.data, r->fields_said.length);
    at = put_text(at, "\r\n");
    if (answer->more && !r->is_1_0 && !r->head_only)
        at = put_chunk_size(at, answer->length);
    r->head_length = (size_t)(at - r->head);
}

/* No further request is read, nor the rest of the body of this one. */
static void end_input(struct nw_http_request *r)
{
    struct nw_http_conn *conn = r->conn;
    nw__http_conn_move(conn, CONN_LAST_REQUEST);
    r->body_done = true;
    if (conn->current == r) {
        conn->current = NULL;
        conn->held = false;
    }
}

void nw_http_answer(struct nw_http_request *r, const struct nw_http_answer *answer)
{
    /* A client that waits for "100 Continue" may now send the body or not: only a new connection is unambiguous. */
    if ((r->expects_continue && !r->body_done) || r->conn->server->draining)
        r->keep_alive = false;
    /* The rest of a body that is over the limit is not read. */
    if (!r->body_done && r->content_length > r->body_limit)
        r->keep_alive = false;
    if (answer->more && r->is_1_0) /* nothing else ends the body of such an answer */
        r->keep_alive = false;
    if (!r->keep_alive)
        end_input(r);
    if (r->conn->current == r)
        r->conn->held = false; /* the rest of the body is read and thrown away */
    bool room = find_room(r, answer->fields_length + r->fields_said.length);
    if (!room)
        r->fields_said.length = 0;
    int http = !room ? 500 : answer->http ? answer->http : nw_status_info(answer->status)->http;
    r->http = http;
    build_head(r, http, room ? answer : &(struct nw_http_answer){.content_type = answer->content_type});
    r->body = answer->body;
    r->body_length = !room || r->head_only || nw_http_is_bodiless(http) ? 0 : answer->length;
    r->moved = answer->moved;
    r->more = room && !r->head_only ? answer->more : NULL;
    r->release = answer->release;
    r->release_arg = answer->release_arg;
    r->wants_continue = false;
    r->answered = true;
    nw__http_mark_dirty(r->conn);
}

void nw_http_answer_more(struct nw_http_request *r, const char *body, size_t length)
{
    char *at = r->head;
    if (!r->is_1_0)
        at = put_chunk_size(put_text(at, "\r\n"), length);
    if (!r->is_1_0 && !length)
        at = put_text(at, "\r\n");
    r->head_length = (size_t)(at - r->head);
    r->body = body;
    r->body_length = length;
    r->written = 0;
    if (!length)
        r->more = NULL;
    nw__http_mark_dirty(r->conn);
}

void nw_http_answer_copy(struct nw_http_request *r, enum nw_status status, const char *content_type, const void *text,
                         size_t length)
{
    r->text.length = 0;
    if (nw_buffer_append(&r->text, text, length) < 0) {
        status = NW_STATUS_INTERNAL;
        length = 0;
    }
    nw_http_answer(r, &(struct nw_http_answer){
                          .status = status, .content_type = content_type, .body = r->text.data, .length = length});
}

void nw_http_answer_text(struct nw_http_request *r, enum nw_status status, const char *content_type,
                         struct nw_buffer *text)
{
    nw_buffer_fini(&r->text);
    r->text = *text;
    *text = (struct nw_buffer){0};
    nw_http_answer(r,
                   &(struct nw_http_answer){
                       .status = status, .content_type = content_type, .body = r->text.data, .length = r->text.length});
}

void nw_http_answer_error(struct nw_http_request *r, enum nw_status status, const char *detail, size_t length)
{
    const struct nw_status_info *info = nw_status_info(status);
    struct nw_buffer *text = &r->text;
    text->length = 0;
    int rc = nw_buffer_printf(text, "{\"error\":{\"code\":\"%s\",\"message\":\"%s%s", info->code, info->text,
                              length ? ": " : "");
    rc |= nw_json_escape(text, detail, length);
    rc |= nw_buffer_printf(text, "\",\"function\":");
    if (*r->function)
        rc |= nw_buffer_printf(text, "\"%s\"", r->function);
    else
        rc |= nw_buffer_printf(text, "null");
    rc |= nw_buffer_printf(text, ",\"request_id\":\"%s\"}}\n", r->id);
    nw_http_answer(
        r, &(struct nw_http_answer){
               .status = status, .content_type = JSON_TYPE, .body = text->data, .length = rc < 0 ? 0 : text->length});
}

void nw_http_answer_failure(struct nw_http_request *r, enum nw_status status, const char *detail, size_t length,
                            const char *open)
{
    bool to_owner = r->conn->server->check_user && length;
    nw_http_answer_error(r, status, to_owner ? detail : open, to_owner ? length : strlen(open));
}
