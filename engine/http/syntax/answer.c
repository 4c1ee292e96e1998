/* See http/syntax/answer.h. */
#include "engine/http/syntax/answer.h"
#include "engine/http/syntax/field.h"
#include <string.h>
#include <strings.h>

/* Said by the engine alone. */
static const char *const engines[] = {
    "Connection", "Content-Length", "Date",    "Keep-Alive",        "Proxy-Connection",
    "TE",         "Trailer",        "Upgrade", "Transfer-Encoding", "X-Request-Id"};

static bool is_engines(const char *name)
{
    for (size_t i = 0; i < sizeof engines / sizeof engines[0]; i++)
        if (!strcasecmp(name, engines[i]))
            return true;
    return false;
}

/* Of what browsers ask before a page may see an answer (https://fetch.spec.whatwg.org). */
static bool is_of_cors(const char *name)
{
    static const char prefix[] = "Access-Control-";

    return !strncasecmp(name, prefix, sizeof prefix - 1);
}

static void put(struct nw_http_answer_head *head, const char *text, size_t length)
{
    memcpy(head->fields + head->length, text, length);
    head->length += length;
}

/* A line takes fewer bytes than its two texts in the record, so that all of them have room. */
_Static_assert(sizeof(": \r\n") - 1 < 2 * NW_RECORD_OVERHEAD, "a field is no longer than in the record");

static const char *add_field(struct nw_http_answer_head *head, const char *name, size_t name_length, const char *value,
                             size_t length)
{
    const size_t begin = head->length;
    const char *wrong;

    if (memchr(name, ':', name_length))
        return "the name of a header is no token";
    if (is_engines(name))
        return "it sets a header that is the engine's to set";
    if (head->typed && !strcasecmp(name, "Content-Type"))
        return "it has two Content-Types";
    put(head, name, name_length);
    put(head, ": ", 2);
    put(head, value, length);
    wrong = nw__http_field_wrong(head->fields + begin, head->length - begin);
    put(head, "\r\n", 2);
    head->typed |= !strcasecmp(name, "Content-Type");
    if (head->cors_left_out && is_of_cors(name))
        head->length = begin;
    return wrong;
}

const char *nw_http_answer_head(struct nw_http_answer_head *head, const char *bytes, size_t length)
{
    struct nw_record record;
    const char *wrong = NULL, *name;
    size_t name_length, value_length;

    head->status = 0;
    head->typed = false;
    head->length = 0;
    if (length > NW_ANSWER_MAX || nw_record_open(&record, bytes, length) < 0)
        return "its head is no record";
    head->status = (int)record.status;
    if (head->status && (head->status < 200 || head->status > 599))
        return "its status is not 200 to 599";
    while (!wrong && (name = nw_record_next(&record, &name_length))) {
        const char *value = nw_record_next(&record, &value_length);

        wrong = value ? add_field(head, name, name_length, value, value_length) : "a header has no value";
    }
    return wrong;
}
