/* See logs.h. A page is a list of lines and the position behind them, from which the next one goes on. */
#include "engine/admin/logs/logs.h"
#include "engine/control/controller.h"
#include "engine/http/http.h"
#include "engine/logs/logs.h"
#include "engine/serve/engine.h"
#include "engine/serve/function.h"
#include "engine/versions/deployment.h"
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAGE_MOST 1000
#define WAIT_MOST 25000 /* below the time that an idle connection is kept */
#define WRONG                                                                                                         \
    "the query may have after=POSITION, since=TIME in microseconds since 1970, request=ID, limit=N with N from 1 to " \
    "1000, and wait=MS with up to 25000"

/* A request for lines, from its head until it is answered. */
struct asked {
    struct nw_log_reader reader; /* first: it is freed by that */
    struct nw_controller *controller;
    struct nw_http_request *request;
    uint64_t wait;
    bool reading; /* the logs have it */
};

static void fail(struct nw_http_request *request, enum nw_status status, const char *why)
{
    nw_http_answer_error(request, status, why, strlen(why));
}

static int number(const char *text, uint64_t most, uint64_t *value)
{
    char *end;
    errno = 0;
    *value = strtoull(text, &end, 10);
    return isdigit((unsigned char)*text) && !*end && !errno && *value <= most ? 0 : -EINVAL;
}

static int set(struct asked *asked, const char *key, const char *value)
{
    struct nw_log_query *query = &asked->reader.query;
    uint64_t given;
    if (!strcmp(key, "request"))
        return (size_t)snprintf(query->request, sizeof query->request, "%s", value) < sizeof query->request ? 0
                                                                                                            : -EINVAL;
    if (!strcmp(key, "after"))
        return number(value, UINT64_MAX / 2, &query->after);
    if (!strcmp(key, "wait"))
        return number(value, WAIT_MOST, &asked->wait);
    if (!strcmp(key, "limit")) {
        int rc = number(value, PAGE_MOST, &given);
        query->most = given;
        return given ? rc : -EINVAL;
    }
    if (strcmp(key, "since") || number(value, UINT64_MAX / 2, &given) < 0)
        return -EINVAL;
    nw_log_time(query->since, given);
    return 0;
}

static int read_query(struct asked *asked, struct nw_query query)
{
    struct nw_buffer key = {0}, value = {0};
    int rc;
    asked->reader.query.most = PAGE_MOST;
    while ((rc = nw_query_next(&query, &key, &value)) > 0)
        if ((rc = set(asked, key.data, value.data)) < 0)
            break;
    nw_buffer_fini(&key);
    nw_buffer_fini(&value);
    return rc;
}

static void asked_free(struct asked *asked)
{
    nw_buffer_fini(&asked->reader.page.lines);
    free(asked);
}

static void answer(struct asked *asked)
{
    struct nw_log_page *page = &asked->reader.page;
    struct nw_buffer text = {0};
    int rc = nw_buffer_printf(&text, "{\"lines\":[");
    rc |= nw_buffer_append(&text, page->lines.data, page->lines.length);
    rc |= nw_buffer_printf(&text, "],\"next\":%llu,\"more\":%s}\n", (unsigned long long)page->next,
                           page->more ? "true" : "false");
    if (rc)
        fail(asked->request, NW_STATUS_INTERNAL, "out of memory");
    else
        nw_http_answer_text(asked->request, NW_STATUS_OK, "application/json", &text);
    nw_buffer_fini(&text);
}

static bool is_there(const struct asked *asked)
{
    const char *name = asked->reader.function;
    return nw_function_find(&asked->controller->engine, name, strlen(name)) != NULL;
}

static void read_done(struct nw_log_reader *reader, int error)
{
    struct asked *asked = nw_container(reader, struct asked, reader);
    char why[160];
    snprintf(why, sizeof why, "its log cannot be read: %s", strerror(-error));
    if (!is_there(asked))
        fail(asked->request, NW_STATUS_NOT_FOUND, "");
    else if (error)
        fail(asked->request, NW_STATUS_INTERNAL, why);
    else
        answer(asked);
    asked_free(asked);
}

static void client_gone(struct nw_http_request *request)
{
    struct asked *asked = request->user;
    if (asked->reading)
        nw_log_reader_leave(asked->controller->deployments.logs, &asked->reader);
    else
        asked_free(asked);
}

static void request_end(struct nw_http_request *request)
{
    struct asked *asked = request->user;
    asked->reader.done = read_done;
    asked->reader.until = nw_io_now(asked->controller->engine.io) + asked->wait;
    asked->reading = true;
    if (nw_logs_read(asked->controller->deployments.logs, &asked->reader) == 0)
        return;
    fail(request, NW_STATUS_UNAVAILABLE, "too many clients read logs");
    asked_free(asked);
}

static const struct nw_http_handler handler = {
    .reserve = nw_http_reserve_nothing, .data = nw_http_pass_over, .end = request_end, .gone = client_gone};

void nw_logs_begin(struct nw_controller *controller, struct nw_http_request *request, const char *name, size_t length,
                   struct nw_query query)
{
    struct nw_function *function = nw_function_find(&controller->engine, name, length);
    struct asked *asked = function ? calloc(1, sizeof *asked) : NULL;
    if (!asked) {
        fail(request, function ? NW_STATUS_INTERNAL : NW_STATUS_NOT_FOUND, function ? "out of memory" : "");
        return;
    }
    snprintf(request->function, sizeof request->function, "%s", function->name);
    snprintf(asked->reader.function, sizeof asked->reader.function, "%s", function->name);
    asked->controller = controller;
    asked->request = request;
    if (read_query(asked, query) < 0 || !controller->deployments.logs) {
        bool wrong = controller->deployments.logs;
        fail(request, wrong ? NW_STATUS_BAD_REQUEST : NW_STATUS_UNAVAILABLE,
             wrong ? WRONG : "no logs are kept: the log of nightward up says why");
        asked_free(asked);
        return;
    }
    request->user = asked;
    request->handler = &handler;
}
