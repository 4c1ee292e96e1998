/*
 * Which pages may call a function from a browser (CORS, https://fetch.spec.whatwg.org): those of the origins that it is
 * deployed with (its key `cors`). The engine says so in every answer to such a page, and answers what a browser asks
 * before it sends a request (a preflight) itself.
 */
#ifndef NW_ENGINE_GATEWAY_CORS_H
#define NW_ENGINE_GATEWAY_CORS_H

#include "engine/http/http.h"
#include <stdbool.h>

/* For a request whose head is complete, of a function with these origins: "*" or "a,b"; `methods` are those that it
 * takes, NULL: every one. True: it was a preflight, and is answered. */
bool nw__cors_answer(struct nw_http_request *request, const char *origins, const char *methods);

#endif
