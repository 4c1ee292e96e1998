/* A time as flags and headers take it: a whole number and its unit, like 250ms, 2s or 1m. */
#ifndef NW_ENGINE_HTTP_SYNTAX_DURATION_H
#define NW_ENGINE_HTTP_SYNTAX_DURATION_H

#include <stddef.h>
#include <stdint.h>

#define NW_DURATION_MOST 3600000 /* ms; more is as much */

/* Its milliseconds, 1 to NW_DURATION_MOST; 0 when the text is no such time. */
uint64_t nw_http_duration(const char *text, size_t length);

#endif
