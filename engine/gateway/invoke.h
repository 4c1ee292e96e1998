/* An HTTP request as an invocation: what the gateway and the admin API have in common. */
#ifndef NW_ENGINE_GATEWAY_INVOKE_H
#define NW_ENGINE_GATEWAY_INVOKE_H

#include "engine/http/http.h"
#include <stddef.h>

struct nw_engine;

/* Begins to serve a request whose head names a function. The request is answered in any case. */
void nw_http_invoke(struct nw_engine *engine, struct nw_http_request *request, const char *name, size_t length);

#endif
