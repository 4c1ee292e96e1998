/* See record.h. */
#include "common/http/record.h"
#include <errno.h>
#include <string.h>

#define VERSION 1

struct head {
    uint16_t version, status;
    uint32_t texts;
};

_Static_assert(sizeof(struct head) == NW_RECORD_HEAD, "the head has no holes");

void nw_record_begin(struct nw_record_writer *writer, char *at, size_t room)
{
    *writer = (struct nw_record_writer){.at = at, .room = room, .length = NW_RECORD_HEAD};
}

bool nw_record_add(struct nw_record_writer *writer, const char *text, size_t length)
{
    size_t left = writer->room - writer->length;
    const uint32_t size = (uint32_t)length;
    char *at = writer->at + writer->length;

    if (left < NW_RECORD_OVERHEAD || length > left - NW_RECORD_OVERHEAD || length > UINT32_MAX)
        return false;
    memcpy(at, &size, sizeof size);
    if (length)
        memcpy(at + sizeof size, text, length);
    at[sizeof size + length] = '\0';
    writer->length += NW_RECORD_OVERHEAD + length;
    writer->texts++;
    return true;
}

size_t nw_record_end(struct nw_record_writer *writer, unsigned status)
{
    const struct head head = {VERSION, (uint16_t)(status < UINT16_MAX ? status : UINT16_MAX), writer->texts};

    memcpy(writer->at, &head, sizeof head);
    return writer->length;
}

/* The bytes that the text at `at` takes of the `left` ones; 0: it is none. */
static size_t text_size(const char *at, size_t left)
{
    uint32_t length;

    if (left < NW_RECORD_OVERHEAD)
        return 0;
    memcpy(&length, at, sizeof length);
    if (length > left - NW_RECORD_OVERHEAD || at[sizeof length + length] != '\0' ||
        memchr(at + sizeof length, '\0', length))
        return 0;
    return NW_RECORD_OVERHEAD + (size_t)length;
}

int nw_record_open(struct nw_record *record, const char *bytes, size_t length)
{
    struct head head;
    size_t at = NW_RECORD_HEAD, size;

    if (length < NW_RECORD_HEAD)
        return -EPROTO;
    memcpy(&head, bytes, sizeof head);
    if (head.version != VERSION)
        return -EPROTO;
    for (uint32_t i = 0; i < head.texts; i++, at += size)
        if (!(size = text_size(bytes + at, length - at)))
            return -EPROTO;
    if (at != length)
        return -EPROTO;
    *record = (struct nw_record){.at = bytes + NW_RECORD_HEAD, .left = head.texts, .status = head.status};
    return 0;
}

const char *nw_record_next(struct nw_record *record, size_t *length)
{
    const char *text = record->at + sizeof(uint32_t);
    uint32_t size;

    if (!record->left)
        return NULL;
    memcpy(&size, record->at, sizeof size);
    record->left--;
    record->at += NW_RECORD_OVERHEAD + (size_t)size;
    *length = size;
    return text;
}
