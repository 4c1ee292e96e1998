/* See exchange.h. */
#include "worker/stub/exchange.h"
#include "worker/base/ops.h"
#include "worker/stub/gate.h"
#include <errno.h>
#include <nightward/function.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define EXPORT __attribute__((visibility("default")))
#define MOST   (4ul << 20) /* bytes of a request, whose head the engine limits to a MiB */

static __thread struct nw__exchange *current;

void nw__exchange_own(struct nw__exchange *exchange)
{
    current = exchange;
}

void nw__exchange_fini(struct nw__exchange *exchange)
{
    free(exchange->request);
    free(exchange->answer);
}

int nw__exchange_close(struct nw__exchange *exchange)
{
    long error = exchange->lost ? -ENOMEM : 0;

    if (exchange->said && !error) {
        size_t length = nw_record_end(&exchange->writer, exchange->status);

        error = nw__gate_call(NW_OP_ANSWER, 0, exchange->answer, length, NULL, 0, NULL);
    }
    memset(exchange->texts, 0, sizeof exchange->texts);
    exchange->fields.left = exchange->rest.left = 0;
    exchange->passed = 0;
    exchange->asked = exchange->said = exchange->lost = false;
    return (int)error;
}

/* --- the request --- */

static bool make_room(struct nw__exchange *x, size_t size)
{
    char *grown = size <= x->request_room ? x->request : size <= MOST ? realloc(x->request, size) : NULL;

    if (!grown)
        return false;
    x->request = grown;
    x->request_room = size > x->request_room ? size : x->request_room;
    return true;
}

/* Takes the record, a piece at a time. Its length; 0: there is none. */
static size_t take(struct nw__exchange *x)
{
    size_t taken = 0, size = NW_REQUEST_PIECE;

    while (taken < size) {
        long length;

        if (!make_room(x, size))
            return 0;
        length = nw__gate_call(NW_OP_REQUEST, (uint32_t)taken, x->request + taken, size - taken, NULL, 0, NULL);
        if (length < 0)
            return 0;
        size = (size_t)length;
        taken += NW_REQUEST_PIECE;
    }
    return size;
}

/* The exchange of this thread, with its request; NULL: this thread has none. */
static struct nw__exchange *asked(void)
{
    struct nw__exchange *x = current;
    struct nw_record record;
    size_t length;

    if (!x || x->asked)
        return x;
    x->asked = true;
    length = take(x);
    if (!length || nw_record_open(&record, x->request, length) < 0 || record.left < NW_REQUEST_TEXTS)
        return x;
    for (unsigned i = 0; i < NW_REQUEST_TEXTS; i++)
        x->texts[i] = nw_record_next(&record, &length);
    x->fields = x->rest = record;
    return x;
}

static const char *text_of(enum nw_request_text which)
{
    const struct nw__exchange *x = asked();

    return x && x->texts[which] ? x->texts[which] : "";
}

EXPORT const char *nw_request_method(void)
{
    return text_of(NW_REQUEST_METHOD);
}

EXPORT const char *nw_request_path(void)
{
    return text_of(NW_REQUEST_PATH);
}

EXPORT const char *nw_request_query(void)
{
    return text_of(NW_REQUEST_QUERY);
}

EXPORT const char *nw_request_client(void)
{
    return text_of(NW_REQUEST_CLIENT);
}

EXPORT const char *nw_request_id(void)
{
    return text_of(NW_REQUEST_ID);
}

EXPORT const char *nw_request_caller(void)
{
    return text_of(NW_REQUEST_CALLER);
}

/* The next field; false: there is none. */
static bool next_field(struct nw_record *fields, const char **name, const char **value)
{
    size_t length;

    *name = nw_record_next(fields, &length);
    *value = nw_record_next(fields, &length);
    return *name && *value;
}

EXPORT const char *nw_request_header(const char *name)
{
    const struct nw__exchange *x = asked();
    struct nw_record fields = {0};
    const char *at, *value;

    if (x)
        fields = x->fields;
    while (next_field(&fields, &at, &value))
        if (!strcasecmp(at, name))
            return value;
    return NULL;
}

/* Goes on where the last one was found, as whoever wants all of them asks in their order. */
EXPORT int nw_request_header_at(size_t i, const char **name, const char **value)
{
    struct nw__exchange *x = asked();

    if (!x)
        return -1;
    if (i < x->passed) {
        x->rest = x->fields;
        x->passed = 0;
    }
    do {
        if (!next_field(&x->rest, name, value))
            return -1;
    } while (x->passed++ < i);
    return 0;
}

/* --- the answer --- */

/* Begins what is said of an answer. NULL: this thread has none, or no memory. */
static struct nw__exchange *saying(void)
{
    struct nw__exchange *x = current;

    if (!x || x->said)
        return x;
    if (!x->answer)
        x->answer = malloc(NW_ANSWER_MAX);
    x->lost |= !x->answer;
    if (!x->answer)
        return NULL;
    nw_record_begin(&x->writer, x->answer, NW_ANSWER_MAX);
    x->status = 0;
    x->said = true;
    return x;
}

EXPORT int nw_answer_status(int status)
{
    struct nw__exchange *x = saying();

    if (!x)
        return -1;
    x->status = status > 0 ? (unsigned)status : UINT16_MAX;
    return 0;
}

EXPORT int nw_answer_header(const char *name, const char *value)
{
    struct nw__exchange *x = saying();
    struct nw_record_writer before;

    if (!x)
        return -1;
    before = x->writer;
    if (nw_record_add(&x->writer, name, strlen(name)) && nw_record_add(&x->writer, value, strlen(value)))
        return 0;
    x->writer = before;
    return -1;
}
