/* The escaping of json_text.h. */
#include "engine/http/syntax/json_text.h"
#include <stdint.h>

/* Bytes of the well-formed UTF-8 sequence at the start of `text` (Unicode table 3-7), or 0. */
static size_t utf8_sequence(const unsigned char *text, size_t length)
{
    static const struct {
        unsigned char first_low, first_high, second_low, second_high, bytes;
    } forms[] = {
        {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3}, {0xe1, 0xec, 0x80, 0xbf, 3},
        {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3}, {0xf0, 0xf0, 0x90, 0xbf, 4},
        {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4},
    };
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        if (text[0] < forms[i].first_low || text[0] > forms[i].first_high)
            continue;
        if (length < forms[i].bytes || text[1] < forms[i].second_low || text[1] > forms[i].second_high)
            return 0;
        for (size_t k = 2; k < forms[i].bytes; k++)
            if ((text[k] & 0xc0) != 0x80)
                return 0;
        return forms[i].bytes;
    }
    return 0;
}

int nw_json_escape(struct nw_buffer *out, const char *text, size_t length)
{
    int rc = 0;
    for (size_t i = 0; i < length && !rc;) {
        unsigned char c = (unsigned char)text[i];
        size_t bytes = 1;
        if (c == '"' || c == '\\')
            rc = nw_buffer_printf(out, "\\%c", c);
        else if (c < 0x20 || c == 0x7f)
            rc = nw_buffer_printf(out, "\\u%04x", c);
        else if (c < 0x80)
            rc = nw_buffer_append(out, &c, 1);
        else if ((bytes = utf8_sequence((const unsigned char *)text + i, length - i)))
            rc = nw_buffer_append(out, text + i, bytes);
        else
            rc = nw_buffer_printf(out, "\\ufffd"), bytes = 1;
        i += bytes;
    }
    return rc;
}
