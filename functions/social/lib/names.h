/*
 * What users may be called and how long a text may be: the functions of the social network ask this of what clients
 * send, and each of them can be called by a client.
 */
#ifndef SOCIAL_NAMES_H
#define SOCIAL_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#define SOCIAL_NAME_MAX 32
#define SOCIAL_TEXT_MAX 1000
#define SOCIAL_URL_MAX  500

static inline bool social_is_name_byte(char byte)
{
    return byte && strchr("abcdefghijklmnopqrstuvwxyz0123456789_", byte);
}

/* How many bytes of the text, which ends with a NUL, could be a name. */
static inline size_t social_name_span(const char *text)
{
    size_t length = 0;

    while (social_is_name_byte(text[length]))
        length++;
    return length;
}

static inline bool social_is_name(const char *text)
{
    size_t length = social_name_span(text);

    return length > 0 && length <= SOCIAL_NAME_MAX && !text[length];
}

#endif
