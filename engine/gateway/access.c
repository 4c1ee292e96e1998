/* See access.h. Names of members are those that tools for logfmt and JSON know from other servers. */
#include "engine/gateway/access.h"
#include "common/base/clock.h"
#include "common/base/log.h"
#include "engine/http/http.h"
#include "engine/http/syntax/json_text.h"
#include "engine/logs/access.h"
#include "engine/logs/line.h"
#include "engine/serve/engine.h"
#include <errno.h>
#include <string.h>

/* A text from a client, as a JSON string, which is one of logfmt, too. */
static int add_quoted(struct nw_buffer *line, const char *text)
{
    int rc = nw_buffer_append(line, "\"", 1);
    rc |= nw_json_escape(line, text, strlen(text));
    return rc | nw_buffer_append(line, "\"", 1);
}

static int add_text(struct nw_buffer *line, bool json, const char *key, const char *text)
{
    int rc = nw_buffer_printf(line, json ? "\"%s\":" : "%s=", key);
    return rc | add_quoted(line, text) | nw_buffer_append(line, json ? "," : " ", 1);
}

/* The client's port is of use to nobody. 499, as nginx has it: the client left before it was answered. */
static void ended(void *arg, struct nw_http_request *request)
{
    struct nw_engine *engine = arg;
    bool json = nw_log_format() == NW_LOG_JSON;
    uint64_t took = nw_clock_ns() - request->began;
    struct nw_buffer line = {0};
    char time[NW_LOG_TIME];
    nw_log_time(time, nw_log_now());
    size_t sent = request->written > request->head_length ? request->written - request->head_length : 0;
    int rc = json ? nw_buffer_append(&line, "{", 1) : 0;
    rc |= add_text(&line, json, "time", time);
    rc |= add_text(&line, json, "client", nw_http_peer(request));
    rc |= add_text(&line, json, "method", request->method_name ? request->method_name : "-");
    rc |= add_text(&line, json, "path", request->path ? request->path : "-");
    rc |= add_text(&line, json, "function", request->function);
    rc |= add_text(&line, json, "request_id", request->id);
    rc |= nw_buffer_printf(&line,
                           json ? "\"status\":%d,\"bytes\":%zu,\"duration\":%llu.%06llu}\n"
                                : "status=%d bytes=%zu duration=%llu.%06llu\n",
                           request->answered ? request->http : 499, sent, (unsigned long long)(took / 1000000000),
                           (unsigned long long)(took / 1000 % 1000000));
    if (!rc)
        nw_access_add(engine->access, line.data, line.length);
    nw_buffer_fini(&line);
}

void nw__access_start(struct nw_engine *engine)
{
    const char *path = engine->options.access_log;
    engine->access = nw_access_new(engine->io, path);
    if (!engine->access)
        nw_die_system("cannot write the access log %s: %s", path, strerror(errno));
    nw_http_server_watch(engine->gateway, ended, engine);
}
