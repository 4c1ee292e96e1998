/* The little HTTP/1.1 that the load client speaks: requests with a body out, responses with a Content-Length in. */
#ifndef NW_ENGINE_TEST_E2E_TOOLS_LOAD_HTTP_H
#define NW_ENGINE_TEST_E2E_TOOLS_LOAD_HTTP_H

#include <stdbool.h>
#include <stddef.h>

struct load_target {
    char host[64];
    char port[8];
    const char *path;
    const char *unix_path; /* connect there instead of host and port, when not NULL */
    bool chunked;
    int patience_s; /* limit of every wait; 0: ten seconds */
};

struct load_connection {
    int fd;
    char *in; /* bytes received and not consumed yet */
    size_t have;
    size_t consumed; /* of `in`: the response returned last */
    size_t capacity;
};

struct load_response {
    int status;
    bool close; /* the server will close the connection */
    const char *body;
    size_t length;
};

/* Reads "127.0.0.1:80" or "[::1]:80". False when it is neither. `path` must outlive the target. */
bool load_target_parse(struct load_target *target, const char *address, const char *path);

/* Connects, with the target's limit for every later wait. False when that fails; nothing is left open. */
bool load_connect(struct load_connection *connection, const struct load_target *target);
void load_close(struct load_connection *connection);

/* Sends one request. False when the connection is broken. */
bool load_send(struct load_connection *connection, const struct load_target *target, const char *body, size_t length);

/* Reads one response; its body is valid until the next call. False when the connection ends, stays silent, or what
 * comes is not HTTP. */
bool load_receive(struct load_connection *connection, struct load_response *response);

#endif
