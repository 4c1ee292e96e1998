/*
 * GET /metrics, of the admin socket and, where that was asked for, of a port of its own. Not responsible for what is
 * said there (metrics/).
 */
#ifndef NW_ENGINE_ADMIN_METRICS_H
#define NW_ENGINE_ADMIN_METRICS_H

struct nw_controller;
struct nw_http_request;

/* Answers once the request is complete. */
void nw__metrics_begin(struct nw_controller *controller, struct nw_http_request *request);

/* Serves it, and nothing else, on the address of --metrics, to everybody who can connect there. Ends the process with a
 * message when it cannot. */
void nw__metrics_listen(struct nw_controller *controller);

#endif
