/* The request as a function sees it that speaks HTTP: one record (common/http/record.h) before the body. */
#ifndef NW_ENGINE_GATEWAY_CONTEXT_H
#define NW_ENGINE_GATEWAY_CONTEXT_H

#include "engine/http/http.h"

/* Appends the record of a request whose head is complete to `out`; `path` is what stands behind the name of the
 * function. 0 or -ENOMEM. */
int nw__context_write(struct nw_buffer *out, struct nw_http_request *request, struct nw_http_text path,
                      struct nw_http_text query);

#endif
