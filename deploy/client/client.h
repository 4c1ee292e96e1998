/* HTTP to the engine over its admin socket. */
#ifndef NW_DEPLOY_CLIENT_CLIENT_H
#define NW_DEPLOY_CLIENT_CLIENT_H

#include "common/base/buffer.h"

struct nw_reply {
    long http; /* status code */
    struct nw_buffer body;
    char request_id[80]; /* "" when the engine gave none */
};

struct nw_request {
    const char *method;
    const char *path; /* with query */
    const void *body;
    size_t body_length;
};

/*
 * Sends a request to the engine on the state directory and waits for the whole answer. Ends the process with 111 when
 * there is none, naming the socket. The reply is freed with nw_reply_fini.
 */
void nw_client_send(const char *state, const struct nw_request *request, struct nw_reply *reply);
void nw_reply_fini(struct nw_reply *reply);

/* Adds `text` to a query or path, escaped. Ends the process with 111 when there is no memory. */
void nw_client_escape(struct nw_buffer *to, const char *text);

#endif
