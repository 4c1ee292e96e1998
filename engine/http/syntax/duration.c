/* See duration.h. */
#include "engine/http/syntax/duration.h"
#include <string.h>

static uint64_t unit(const char *text, size_t length)
{
    if (length == 2 && !memcmp(text, "ms", 2))
        return 1;
    if (length == 1 && *text == 's')
        return 1000;
    return length == 1 && *text == 'm' ? 60000 : 0;
}

uint64_t nw_http_duration(const char *text, size_t length)
{
    uint64_t number = 0;
    size_t digits = 0;
    for (; digits < length && text[digits] >= '0' && text[digits] <= '9'; digits++)
        number = number > NW_DURATION_MOST ? number : number * 10 + (uint64_t)(text[digits] - '0');
    number *= digits ? unit(text + digits, length - digits) : 0;
    return number > NW_DURATION_MOST ? NW_DURATION_MOST : number;
}
