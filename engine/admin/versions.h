/* The versions of a function that the registry has, with how each differs from the one before. */
#ifndef NW_ENGINE_ADMIN_VERSIONS_H
#define NW_ENGINE_ADMIN_VERSIONS_H

struct nw_controller;
struct nw_http_request;

/* Answers a request for those of request->function. */
void nw__versions_begin(struct nw_controller *controller, struct nw_http_request *request);

#endif
