/*
 * One HTTP/1.1 connection of a load client: the same request again and again, one at a time, without blocking. Knows
 * nothing of when requests are due or how long they took.
 */
#ifndef NW_BENCH_TOOLS_HTTP_CLIENT_H
#define NW_BENCH_TOOLS_HTTP_CLIENT_H

#include <llhttp.h>
#include <netdb.h>
#include <stdbool.h>
#include <stddef.h>

/* Where requests go and what they are. */
struct nw_http_request {
    struct addrinfo *address;
    char *bytes;
    size_t length;
    char expected[24]; /* the body of the right answer; empty: any */
};

/* A POST of these bytes to "http://HOST[:PORT][/PATH]". 0; -EINVAL when the URL is not of that form; -ENOENT when the
 * host has no address. Freed by nw_http_request_fini. */
int nw_http_request_post(struct nw_http_request *request, const char *url, const void *body, size_t size);

/* The same with any `size` bytes. */
int nw_http_request_init(struct nw_http_request *request, const char *url, size_t size);
void nw_http_request_fini(struct nw_http_request *request);

enum nw_http_outcome {
    NW_HTTP_PENDING,
    NW_HTTP_ANSWERED,
    NW_HTTP_FAILED, /* broken, not HTTP, or a status but 2xx */
};

struct nw_http_client {
    int fd;      /* -1: not connected */
    size_t sent; /* of the request under way */
    bool busy, complete;
    int status;    /* of the last answer; -1: the connection broke */
    char body[24]; /* its beginning */
    size_t body_length;
    llhttp_t parser;
};

/* Connects, waiting for it. 0 or negative errno. */
int nw__http_client_open(struct nw_http_client *client, const struct nw_http_request *request);
void nw__http_client_close(struct nw_http_client *client);

/* Begins a request on a client that is open and not busy. */
enum nw_http_outcome nw__http_client_begin(struct nw_http_client *client, const struct nw_http_request *request);

/* What an edge-triggered event calls: sends and receives what it can. After an answer or a failure the client is not
 * busy, and closed unless the server keeps the connection. */
enum nw_http_outcome nw__http_client_continue(struct nw_http_client *client, const struct nw_http_request *request);

/* Whether the body of the last answer is the one that the request expects. */
bool nw__http_client_as_expected(const struct nw_http_client *client, const struct nw_http_request *request);

#endif
