/* The decoding of query.h. */
#include "engine/http/syntax/query.h"
#include <errno.h>
#include <string.h>

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static int decode(const char *text, size_t length, struct nw_buffer *out)
{
    out->length = 0;
    for (size_t i = 0; i < length; i++) {
        char c = text[i];
        if (c == '%') {
            int high = length - i > 2 ? hex_digit(text[i + 1]) : -1;
            int low = high >= 0 ? hex_digit(text[i + 2]) : -1;
            if (low < 0)
                return -EINVAL;
            c = (char)(high << 4 | low);
            i += 2;
        }
        if (!c)
            return -EINVAL;
        if (nw_buffer_append(out, &c, 1) < 0)
            return -ENOMEM;
    }
    return nw_buffer_append(out, "", 1);
}

int nw_query_next(struct nw_query *query, struct nw_buffer *key, struct nw_buffer *value)
{
    if (!query->length)
        return 0;
    const char *pair = query->at;
    const char *end = memchr(pair, '&', query->length);
    size_t length = end ? (size_t)(end - pair) : query->length;
    size_t taken = end ? length + 1 : length;
    query->at += taken;
    query->length -= taken;
    const char *equals = memchr(pair, '=', length);
    size_t key_length = equals ? (size_t)(equals - pair) : length;
    int rc = decode(pair, key_length, key);
    if (!rc)
        rc = decode(equals ? equals + 1 : pair, equals ? length - key_length - 1 : 0, value);
    return rc < 0 ? rc : 1;
}
