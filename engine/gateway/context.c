/* See context.h. */
#include "engine/gateway/context.h"
#include "common/http/record.h"
#include "engine/http/syntax/head.h"
#include <errno.h>
#include <string.h>

/* No record of these texts is larger: each takes its own bytes, and so many more. */
static size_t most(struct nw_http_text head, size_t target)
{
    struct nw_http_text name, value, left = head;
    size_t texts = NW_REQUEST_TEXTS;

    while (nw_http_head_next(&left, &name, &value))
        texts += 2;
    return NW_RECORD_HEAD + texts * NW_RECORD_OVERHEAD + head.length + target + NW_HTTP_PEER_SIZE + NW_REQUEST_ID_MAX +
           NW_HTTP_METHOD_MAX;
}

static void add(struct nw_record_writer *writer, const char *text)
{
    nw_record_add(writer, text, strlen(text));
}

int nw__context_write(struct nw_buffer *out, struct nw_http_request *request, struct nw_http_text path,
                      struct nw_http_text query)
{
    struct nw_http_text head = request->fields, name, value;
    struct nw_record_writer writer;
    size_t room = most(head, request->target_length);

    if (nw_buffer_reserve(out, room) < 0)
        return -ENOMEM;
    nw_record_begin(&writer, out->data + out->length, room);
    add(&writer, request->id);
    add(&writer, "");
    add(&writer, request->method_name);
    nw_record_add(&writer, path.at, path.length);
    nw_record_add(&writer, query.at, query.length);
    add(&writer, nw_http_peer(request));
    while (nw_http_head_next(&head, &name, &value)) {
        nw_record_add(&writer, name.at, name.length);
        nw_record_add(&writer, value.at, value.length);
    }
    out->length += nw_record_end(&writer, 0);
    return 0;
}
