/* The lines that functions wrote, a page at a time. */
#ifndef NW_ENGINE_ADMIN_LOGS_LOGS_H
#define NW_ENGINE_ADMIN_LOGS_LOGS_H

#include "engine/http/syntax/query.h"
#include <stddef.h>

struct nw_controller;
struct nw_http_request;

/* Answers GET /v1/logs/NAME?after=POSITION&since=US&request=ID&limit=N&wait=MS. */
void nw_logs_begin(struct nw_controller *controller, struct nw_http_request *request, const char *name, size_t length,
                   struct nw_query query);

#endif
