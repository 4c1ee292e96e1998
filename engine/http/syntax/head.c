/* See http/syntax/head.h. */
#include "engine/http/syntax/head.h"
#include <string.h>
#include <strings.h>

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static struct nw_http_text trim(const char *at, const char *end)
{
    while (at < end && is_blank(*at))
        at++;
    while (end > at && is_blank(end[-1]))
        end--;
    return (struct nw_http_text){at, (size_t)(end - at)};
}

/* Whatever has no colon, like the line of the request, is no field. */
bool nw_http_head_next(struct nw_http_text *head, struct nw_http_text *name, struct nw_http_text *value)
{
    const char *lf;

    while ((lf = head->length ? memchr(head->at, '\n', head->length) : NULL)) {
        const char *line = head->at, *end = lf > line ? lf - 1 : lf; /* without CR LF */
        const char *colon = memchr(line, ':', (size_t)(end - line));

        head->length -= (size_t)(lf + 1 - line);
        head->at = lf + 1;
        if (!colon)
            continue;
        *name = (struct nw_http_text){line, (size_t)(colon - line)};
        *value = trim(colon + 1, end);
        return true;
    }
    return false;
}

bool nw_http_text_is(struct nw_http_text text, const char *word)
{
    return text.length == strlen(word) && !strncasecmp(text.at, word, text.length);
}

bool nw_http_head_find(struct nw_http_text head, const char *name, struct nw_http_text *value)
{
    struct nw_http_text at;

    while (nw_http_head_next(&head, &at, value))
        if (nw_http_text_is(at, name))
            return true;
    return false;
}
