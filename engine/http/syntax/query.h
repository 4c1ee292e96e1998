/* Query strings: KEY=VALUE pairs joined by &, percent-encoded. */
#ifndef NW_ENGINE_HTTP_SYNTAX_QUERY_H
#define NW_ENGINE_HTTP_SYNTAX_QUERY_H

#include "common/base/buffer.h"
#include <stddef.h>

struct nw_query {
    const char *at;
    size_t length;
};

/*
 * Takes the next pair off `query`; `key` and `value` get it decoded and NUL-terminated. 1; 0 when there is none left;
 * -EINVAL for a bad escape or a NUL; -ENOMEM. A + stands for itself. Frees nothing: the buffers are the caller's.
 */
int nw_query_next(struct nw_query *query, struct nw_buffer *key, struct nw_buffer *value);

#endif
