/* See series.h. */
#include "deploy/top/series.h"
#include <stdlib.h>
#include <string.h>

/* Behind the quoted text that begins here, or NULL when it does not end. */
static const char *behind_quoted(const char *at, const char *end)
{
    for (at++; at < end && *at != '"'; at++)
        if (*at == '\\')
            at++;
    return at < end ? at + 1 : NULL;
}

/* The brace that ends labels, or NULL. */
static const char *end_of_labels(const char *at, const char *end)
{
    while (at && at < end && *at != '}')
        at = *at == '"' ? behind_quoted(at, end) : at + 1;
    return at && at < end ? at : NULL;
}

static bool read_line(const char *at, const char *end, struct nw__series *series)
{
    char number[64], *rest;
    *series = (struct nw__series){.name = at, .name_length = strcspn(at, "{ \n")};
    at += series->name_length;
    if (!series->name_length || *series->name == '#')
        return false;
    if (*at == '{') {
        const char *brace = end_of_labels(++at, end);
        if (!brace)
            return false;
        series->labels = at;
        series->labels_length = (size_t)(brace - at);
        at = brace + 1;
    }
    size_t length = (size_t)(end - at);
    if (*at != ' ' || length >= sizeof number)
        return false;
    memcpy(number, at, length);
    number[length] = '\0';
    series->value = strtod(number, &rest);
    return rest > number + 1 && !*rest;
}

bool nw__series_next(const char **text, struct nw__series *series)
{
    while (**text) {
        const char *line = *text, *end = strchrnul(line, '\n');
        *text = *end ? end + 1 : end;
        if (read_line(line, end, series))
            return true;
    }
    return false;
}

bool nw__series_is(const struct nw__series *series, const char *name)
{
    return series->name_length == strlen(name) && !memcmp(series->name, name, series->name_length);
}

/* `at` is the quote in front of it. */
static void copy_value(const char *at, char value[NW__LABEL_SIZE])
{
    size_t n = 0;
    for (at++; *at != '"' && n < NW__LABEL_SIZE - 1; at++) {
        if (*at == '\\')
            at++;
        value[n++] = *at;
    }
    value[n] = '\0';
}

bool nw__series_label(const struct nw__series *series, const char *label, char value[NW__LABEL_SIZE])
{
    const char *at = series->labels, *end = at + series->labels_length;
    size_t length = strlen(label);
    while (at && at < end) {
        const char *equals = memchr(at, '=', (size_t)(end - at));
        if (!equals || equals + 1 >= end || equals[1] != '"')
            return false;
        if ((size_t)(equals - at) == length && !memcmp(at, label, length)) {
            copy_value(equals + 1, value);
            return true;
        }
        at = behind_quoted(equals + 1, end);
        at = at && at < end && *at == ',' ? at + 1 : at;
    }
    return false;
}
