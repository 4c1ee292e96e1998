/* The routes of gateway.h, and its sockets. */
#include "engine/gateway/gateway.h"
#include "common/base/buffer.h"
#include "common/base/log.h"
#include "engine/gateway/access.h"
#include "engine/gateway/invoke.h"
#include "engine/http/http.h"
#include "engine/http/listen.h"
#include "engine/serve/engine.h"
#include "engine/serve/role.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#define OWN_FDS       512 /* kept back from connections: workers, the store, control sockets */
#define PIPELINE      64
#define FUNCTION_PATH "/function/"
#define LAMBDA_PATH   "/2015-03-31/functions/" /* NAME/invocations, as clients of AWS Lambda call a function */
#define LAMBDA_END    "/invocations"

static int sockets[NW_CHANNELS_MAX][NW_LISTEN_MAX]; /* of each thread, for each of the addresses */

struct path {
    const char *at;
    size_t length;
};

/* Bytes in front of the path: scheme and host of an absolute target (RFC 9112 3.2.2), which a query may follow at once.
 */
static size_t host_length(const char *target, size_t length)
{
    size_t at = 0;
    for (int slashes = 0; at < length; at++) {
        slashes += target[at] == '/';
        if (target[at] == '?' || (target[at] == '/' && (at == 0 || slashes == 3)))
            break;
    }
    return at;
}

/* The path of a target, without a query. */
static struct path path_of(const struct nw_http_request *request)
{
    size_t skipped = host_length(request->target, request->target_length);
    struct path path = {request->target + skipped, request->target_length - skipped};
    for (size_t i = 0; i < path.length; i++)
        if (path.at[i] == '?')
            path.length = i;
    return path;
}

static bool path_is(struct path path, const char *text)
{
    return path.length == strlen(text) && !memcmp(path.at, text, path.length);
}

static void answer_text(struct nw_http_request *request, const char *text)
{
    nw_http_answer_copy(request, NW_STATUS_OK, "text/plain", text, strlen(text));
}

static void readyz(struct nw_engine *engine, struct nw_http_request *request)
{
    const char *why = engine->draining ? "the engine is shutting down" : engine->role->unready(engine);
    if (why)
        nw_http_answer_error(request, NW_STATUS_UNAVAILABLE, why, strlen(why));
    else
        answer_text(request, "ready\n");
}

static void wrong_method(struct nw_http_request *request, const char *allow)
{
    request->allow = allow;
    nw_http_answer_error(request, NW_STATUS_BAD_METHOD, "", 0);
}

/* Takes `prefix` off a path; false: it does not begin with it. */
static bool strip(struct path *path, const char *prefix)
{
    const size_t length = strlen(prefix);
    if (path->length < length || memcmp(path->at, prefix, length))
        return false;
    path->at += length;
    path->length -= length;
    return true;
}

static void lambda(struct nw_engine *engine, struct nw_http_request *request, struct path path)
{
    const size_t end = strlen(LAMBDA_END);
    if (path.length < end || memcmp(path.at + path.length - end, LAMBDA_END, end) ||
        memchr(path.at, '/', path.length - end))
        nw_http_answer_error(request, NW_STATUS_NO_ROUTE, "", 0);
    else if (request->method != NW_HTTP_POST)
        wrong_method(request, "POST");
    else
        nw_http_invoke(engine, request, path.at, path.length - end);
}

static bool is_websocket(const struct nw_http_request *request)
{
    struct nw_http_text protocol;
    return request->upgrade && nw_http_head_find(request->fields, "Upgrade", &protocol) &&
           nw_http_text_is(protocol, "websocket");
}

static void head(void *arg, struct nw_http_request *request)
{
    struct nw_engine *engine = arg;
    struct path path = path_of(request);
    bool is_get = request->method == NW_HTTP_GET;
    if (is_websocket(request)) {
        nw_http_answer_error(request, NW_STATUS_UPGRADE, "", 0);
    } else if (strip(&path, FUNCTION_PATH)) {
        nw_http_invoke(engine, request, path.at, path.length);
    } else if (strip(&path, LAMBDA_PATH)) {
        lambda(engine, request, path);
    } else if (!path_is(path, "/healthz") && !path_is(path, "/readyz")) {
        nw_http_answer_error(request, NW_STATUS_NO_ROUTE, "", 0);
    } else if (!is_get) {
        wrong_method(request, "GET, HEAD");
    } else if (path_is(path, "/healthz")) {
        answer_text(request, "ok\n");
    } else {
        readyz(engine, request);
    }
}

/* Connections get what the process may open, less what the engine itself needs. */
static unsigned connections_most(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return OWN_FDS;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    return limit.rlim_cur > 2 * OWN_FDS ? (unsigned)(limit.rlim_cur - OWN_FDS) : (unsigned)(limit.rlim_cur / 2);
}

void nw_gateway_open(struct nw_engine *engine)
{
    const struct nw_options *options = &engine->options;
    const struct nw_http_limits limits = {
        .head = options->header_limit,
        .body = options->body_limit,
        .head_ms = options->header_timeout,
        .body_ms = options->body_timeout,
        .idle_ms = options->idle_timeout,
        .write_ms = options->write_timeout,
        .pipeline = PIPELINE,
        .connections = connections_most() / (unsigned)options->threads,
    };
    engine->gateway = nw_http_server_new(engine->io, &engine->wheel, &limits, head, engine);
    if (!engine->gateway)
        nw_die_system("cannot serve HTTP: out of memory");
    if (options->access_log)
        nw__access_start(engine);
}

void nw_gateway_serve(struct nw_engine *engine, unsigned thread)
{
    const struct nw_options *options = &engine->options;
    for (int i = 0; i < options->n_listen; i++)
        if (nw_http_server_listen(engine->gateway, sockets[thread][i]) < 0)
            nw_die_system("cannot listen on %s", options->listen[i]);
}

/* One more socket on each of the addresses, whose ports are known now. */
static void listen_again(const char *addresses, int *of_thread)
{
    struct nw_buffer names = {0};
    char address[128];
    while (*addresses) {
        size_t length = strcspn(addresses, "\n");
        snprintf(address, sizeof address, "%.*s", (int)length, addresses);
        *of_thread++ = nw_listen_tcp(address, NW_LISTEN_AGAIN, &names);
        addresses += length + 1;
    }
    nw_buffer_fini(&names);
}

/* The sockets of all threads, one behind the other. */
static int *socket_at(const struct nw_options *options, unsigned i)
{
    unsigned n = (unsigned)options->n_listen;
    return i < n * options->threads ? &sockets[i / n][i % n] : NULL;
}

int nw_gateway_socket(const struct nw_engine *engine, unsigned i)
{
    const int *at = socket_at(&engine->options, i);
    return at ? *at : -1;
}

static void adopt(const struct nw_options *options, const int *held, struct nw_buffer *addresses)
{
    struct nw_buffer again = {0}; /* those of the other threads have the same addresses */
    int *at;
    for (unsigned i = 0; (at = socket_at(options, i)); i++) {
        *at = held[i];
        nw_listen_adopt(held[i], options->listen[i % (unsigned)options->n_listen],
                        i < (unsigned)options->n_listen ? addresses : &again);
    }
    nw_buffer_fini(&again);
    nw_buffer_append(addresses, "", 1);
}

static void listen_anew(const struct nw_options *options, struct nw_buffer *addresses)
{
    enum nw_listen_how how = options->threads > 1 ? NW_LISTEN_FIRST : NW_LISTEN_ALONE;
    for (int i = 0; i < options->n_listen; i++)
        sockets[0][i] = nw_listen_tcp(options->listen[i], how, addresses);
    nw_buffer_append(addresses, "", 1);
    for (uint64_t i = 1; i < options->threads; i++)
        listen_again(addresses->data, sockets[i]);
}

char *nw_gateway_start(struct nw_engine *engine, const int *held, unsigned n_held)
{
    const struct nw_options *options = &engine->options;
    struct nw_buffer addresses = {0};
    if (n_held && n_held == options->threads * (unsigned)options->n_listen)
        adopt(options, held, &addresses);
    else
        listen_anew(options, &addresses);
    nw_gateway_open(engine);
    nw_gateway_serve(engine, 0);
    return addresses.data;
}
