/* The status of the host, with all workers. Not responsible for what is said of each (json.c). */
#ifndef NW_ENGINE_ADMIN_STATUS_H
#define NW_ENGINE_ADMIN_STATUS_H

struct nw_controller;
struct nw_http_request;

/* Answers GET /v1/status once the request is complete. */
void nw__status_begin(struct nw_controller *controller, struct nw_http_request *request);

#endif
