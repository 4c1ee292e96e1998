/* See cors.h. What is repeated here of a request is the value of a header: it holds no control characters. */
#include "engine/gateway/cors.h"
#include "engine/http/syntax/head.h"
#include <string.h>

#define KEPT_SECONDS 600 /* so long a browser keeps the answer to a preflight */

static bool is_allowed(const char *origins, struct nw_http_text origin)
{
    while (*origins) {
        size_t length = strcspn(origins, ",");
        if (length == origin.length && !memcmp(origins, origin.at, length))
            return true;
        origins += length + (origins[length] == ',');
    }
    return false;
}

static int say(struct nw_http_request *request, const char *name, struct nw_http_text value)
{
    return nw_buffer_printf(&request->fields_said, "%s: %.*s\r\n", name, (int)value.length, value.at);
}

static int say_text(struct nw_http_request *request, const char *name, const char *value)
{
    return say(request, name, (struct nw_http_text){value, strlen(value)});
}

/* What a page may send, when its browser asks first. */
static int allow(struct nw_http_request *request, struct nw_http_text method, const char *methods)
{
    struct nw_http_text headers;
    int rc = methods ? say_text(request, "Access-Control-Allow-Methods", methods)
                     : say(request, "Access-Control-Allow-Methods", method);
    if (nw_http_head_find(request->fields, "Access-Control-Request-Headers", &headers))
        rc |= say(request, "Access-Control-Allow-Headers", headers);
    return rc | nw_buffer_printf(&request->fields_said, "Access-Control-Max-Age: %d\r\n", KEPT_SECONDS);
}

bool nw__cors_answer(struct nw_http_request *request, const char *origins, const char *methods)
{
    bool everybody = !strcmp(origins, "*"), asks;
    struct nw_http_text origin, method;
    int rc = everybody ? 0 : say_text(request, "Vary", "Origin");
    request->says_cors = true;
    if (!nw_http_head_find(request->fields, "Origin", &origin) || !(everybody || is_allowed(origins, origin)))
        return false;
    rc |= everybody ? say_text(request, "Access-Control-Allow-Origin", "*")
                    : say(request, "Access-Control-Allow-Origin", origin);
    asks = request->method == NW_HTTP_OPTIONS &&
           nw_http_head_find(request->fields, "Access-Control-Request-Method", &method);
    rc |= asks ? allow(request, method, methods) : say_text(request, "Access-Control-Expose-Headers", "*");
    if (rc < 0) /* half of it would say something else */
        request->fields_said.length = 0;
    if (asks)
        nw_http_answer(request, &(struct nw_http_answer){.http = 204});
    return asks;
}
