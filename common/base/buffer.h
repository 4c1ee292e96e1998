/* A growing byte buffer. A failed growth leaves it as it was. */
#ifndef NW_COMMON_BASE_BUFFER_H
#define NW_COMMON_BASE_BUFFER_H

#include <stddef.h>

struct nw_buffer {
    char *data; /* NULL while empty */
    size_t length;
    size_t capacity;
};

void nw_buffer_fini(struct nw_buffer *buffer);

/* Makes room for `extra` more bytes. 0 or -ENOMEM. */
int nw_buffer_reserve(struct nw_buffer *buffer, size_t extra);

/* Adds bytes, or formatted text (its NUL is kept behind the end, not counted). 0 or -ENOMEM. */
int nw_buffer_append(struct nw_buffer *buffer, const void *data, size_t length);
int nw_buffer_printf(struct nw_buffer *buffer, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Drops `length` bytes at the front. */
void nw_buffer_consume(struct nw_buffer *buffer, size_t length);

#endif
