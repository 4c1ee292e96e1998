/* The growing byte buffer of buffer.h. */
#include "common/base/buffer.h"
#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SMALLEST 64

void nw_buffer_fini(struct nw_buffer *buffer)
{
    free(buffer->data);
    *buffer = (struct nw_buffer){0};
}

int nw_buffer_reserve(struct nw_buffer *buffer, size_t extra)
{
    if (extra <= buffer->capacity - buffer->length)
        return 0;
    if (extra > SIZE_MAX / 2 - buffer->length)
        return -ENOMEM;
    size_t wanted = buffer->length + extra;
    size_t capacity = buffer->capacity ? buffer->capacity : SMALLEST;
    while (capacity < wanted)
        capacity *= 2;
    char *data = realloc(buffer->data, capacity);
    if (!data)
        return -ENOMEM;
    buffer->data = data;
    buffer->capacity = capacity;
    return 0;
}

int nw_buffer_append(struct nw_buffer *buffer, const void *data, size_t length)
{
    if (!length)
        return 0;
    int rc = nw_buffer_reserve(buffer, length);
    if (rc < 0)
        return rc;
    memcpy(buffer->data + buffer->length, data, length);
    buffer->length += length;
    return 0;
}

int nw_buffer_printf(struct nw_buffer *buffer, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int length = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (length < 0)
        return -ENOMEM;
    int rc = nw_buffer_reserve(buffer, (size_t)length + 1);
    if (rc < 0)
        return rc;
    va_start(args, format);
    vsnprintf(buffer->data + buffer->length, (size_t)length + 1, format, args);
    va_end(args);
    buffer->length += (size_t)length;
    return 0;
}

void nw_buffer_consume(struct nw_buffer *buffer, size_t length)
{
    if (length >= buffer->length) {
        buffer->length = 0;
        return;
    }
    if (!length)
        return;
    buffer->length -= length;
    memmove(buffer->data, buffer->data + length, buffer->length);
}
