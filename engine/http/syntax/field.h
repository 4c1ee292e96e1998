/*
 * Field lines of heads and trailers, where llhttp 6 takes more, or less, than RFC 9110 and 9112 say: it takes lines
 * without a name and any Host, and refuses a tab as white space around what it understands itself. Pure functions.
 */
#ifndef NW_ENGINE_HTTP_SYNTAX_FIELD_H
#define NW_ENGINE_HTTP_SYNTAX_FIELD_H

#include <stdbool.h>
#include <stddef.h>

/* What is wrong with a field line, without its CR LF; NULL when it has a name that is a token, a colon right behind it
 * and a value without control characters. */
const char *nw__http_field_wrong(const char *line, size_t length);

/* Whether a tab stands before or behind the value of a field line that is not wrong. */
bool nw__http_field_has_tab(const char *line, size_t length);

/* Replaces such tabs by spaces in all lines of a head or trailer. They end in CR LF, and none is wrong. */
void nw__http_field_replace_tabs(char *head, size_t length);

/* What is wrong with the value of a Host field; NULL when it may be the name of a host, with a port or without. */
const char *nw__http_host_wrong(const char *host, size_t length);

#endif
