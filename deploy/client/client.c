/* The admin API's client, by libcurl. Not responsible for what the answers mean. */
#include "deploy/client/client.h"
#include "deploy/base/say.h"
#include "deploy/base/state.h"
#include <curl/curl.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define CONNECT_TIMEOUT_S 5L

static size_t on_body(char *data, size_t size, size_t n, void *arg)
{
    struct nw_reply *reply = arg;

    return nw_buffer_append(&reply->body, data, size * n) == 0 ? size * n : 0;
}

static size_t on_header(char *data, size_t size, size_t n, void *arg)
{
    static const char name[] = "X-Request-Id:";
    struct nw_reply *reply = arg;
    size_t length = size * n, start = sizeof name - 1, out = 0;

    if (length < start || strncasecmp(data, name, start) != 0)
        return length;
    while (start < length && data[start] == ' ')
        start++;
    while (start < length && data[start] > ' ' && out < sizeof reply->request_id - 1)
        reply->request_id[out++] = data[start++];
    reply->request_id[out] = '\0';
    return length;
}

_Noreturn static void no_answer(CURLcode rc, const char *socket, long os_error)
{
    if (rc == CURLE_COULDNT_CONNECT)
        nw_fail(NW_EXIT_SYSTEM,
                "cannot reach the engine at %s: %s; run `nightward up`, or name its state directory with --state",
                socket, os_error ? strerror((int)os_error) : "nobody listens");
    nw_fail(NW_EXIT_SYSTEM, "no whole answer from the engine at %s: %s; did it end meanwhile?", socket,
            curl_easy_strerror(rc));
}

static void set_request(CURL *curl, const struct nw_request *request, const char *url, struct curl_slist *headers)
{
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    if (request->body) {
        curl_easy_setopt(curl, CURLOPT_POST, 1L);
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, request->body);
        curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body_length);
    }
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, request->method);
}

/* *os_error is why connecting failed, or 0. */
static CURLcode perform(CURL *curl, const char *socket, struct nw_reply *reply, long *os_error)
{
    CURLcode rc;

    curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, socket);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, CONNECT_TIMEOUT_S);
    curl_easy_setopt(curl, CURLOPT_PROXY, "");
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, reply);
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, reply);
    rc = curl_easy_perform(curl);
    curl_easy_getinfo(curl, CURLINFO_OS_ERRNO, os_error);
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &reply->http);
    return rc;
}

void nw_client_send(const char *state, const struct nw_request *request, struct nw_reply *reply)
{
    char *socket = nw_state_socket(state);
    struct nw_buffer url = {0};
    CURL *curl = curl_easy_init();
    /* No "Expect: 100-continue" for a large body: the engine reads it, whatever it answers. */
    struct curl_slist *headers = curl_slist_append(NULL, "Expect:");
    long os_error = 0;

    *reply = (struct nw_reply){0};
    if (!curl || !headers || nw_buffer_printf(&url, "http://nightward%s", request->path) < 0)
        nw_fail(NW_EXIT_SYSTEM, "cannot make a request: %s", strerror(ENOMEM));
    set_request(curl, request, url.data, headers);
    CURLcode rc = perform(curl, socket, reply, &os_error);
    curl_slist_free_all(headers);
    curl_easy_cleanup(curl);
    curl_global_cleanup();
    nw_buffer_fini(&url);
    if (rc != CURLE_OK)
        no_answer(rc, socket, os_error);
    free(socket);
}

void nw_reply_fini(struct nw_reply *reply)
{
    nw_buffer_fini(&reply->body);
}

void nw_client_escape(struct nw_buffer *to, const char *text)
{
    char *escaped = curl_easy_escape(NULL, text, 0);

    if (!escaped || nw_buffer_printf(to, "%s", escaped) < 0) /* unlike _append it keeps a NUL behind the text */
        nw_fail(NW_EXIT_SYSTEM, "cannot make a request: %s", strerror(ENOMEM));
    curl_free(escaped);
}
