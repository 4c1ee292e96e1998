/* See http/syntax/field.h. */
#include "engine/http/syntax/field.h"
#include <string.h>

#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
#define DIGITS  "0123456789"

/* RFC 9110, 5.6.2 */
static const char token[] = LETTERS DIGITS "!#$%&'*+-.^_`|~";

/* RFC 3986, 3.2.2 and 3.2.3: names, addresses in brackets, ports; without the sub-delims, which no host's name has. */
static const char host_and_port[] = LETTERS DIGITS "-._~%[]:";

static bool is_of(const char *set, char c)
{
    return c != '\0' && strchr(set, c) != NULL;
}

static size_t span(const char *set, const char *text, size_t length)
{
    size_t n = 0;

    while (n < length && is_of(set, text[n]))
        n++;
    return n;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static bool is_control(char c)
{
    return ((unsigned char)c < 0x20 && c != '\t') || c == 0x7f;
}

const char *nw__http_field_wrong(const char *line, size_t length)
{
    size_t name = span(token, line, length);

    if (name == 0)
        return "a header line has no name";
    if (name == length || line[name] != ':')
        return "the name of a header is no token with a colon right behind it";
    for (size_t i = name; i < length; i++)
        if (is_control(line[i]))
            return "the value of a header holds a control character";
    return NULL;
}

/* Where the white space around the value lies: [*from, *value) and [*end, length). */
static void find_value(const char *line, size_t length, size_t *from, size_t *value, size_t *end)
{
    *from = *value = span(token, line, length) + 1;
    while (*value < length && is_blank(line[*value]))
        (*value)++;
    for (*end = length; *end > *value && is_blank(line[*end - 1]);)
        (*end)--;
}

bool nw__http_field_has_tab(const char *line, size_t length)
{
    size_t from, value, end;

    find_value(line, length, &from, &value, &end);
    return memchr(line + from, '\t', value - from) || memchr(line + end, '\t', length - end);
}

static void replace_tabs_of_line(char *line, size_t length)
{
    size_t from, value, end;

    if (nw__http_field_wrong(line, length)) /* the request line */
        return;
    find_value(line, length, &from, &value, &end);
    memset(line + from, ' ', value - from);
    memset(line + end, ' ', length - end);
}

void nw__http_field_replace_tabs(char *head, size_t length)
{
    char *end = head + length;

    for (char *lf; (lf = memchr(head, '\n', (size_t)(end - head))); head = lf + 1)
        if (lf > head)
            replace_tabs_of_line(head, (size_t)(lf - head) - 1);
}

const char *nw__http_host_wrong(const char *host, size_t length)
{
    return span(host_and_port, host, length) == length ? NULL : "the Host header is not the name of one host";
}
