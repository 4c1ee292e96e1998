/* From HTTP to an invocation and back, as invoke.h tells. */
#include "engine/invoke.h"
#include "engine/dispatch.h"
#include "engine/functions.h"
#include "engine/link.h"
#include <errno.h>
#include <string.h>

#define OUTPUT_TYPE "application/octet-stream"
#define REASON_MAX  1000 /* bytes of a worker's reason that a client is told */

static void output_written(void *arg, uint64_t offset)
{
    nw_link_drop(arg, offset);
}

static void answer_output(struct nw_http_request *request, const struct nw_result *result)
{
    if (!result->link) {
        nw_http_answer_copy(request, NW_STATUS_OK, OUTPUT_TYPE, result->data, result->length);
        return;
    }
    nw_http_answer(request, &(struct nw_http_answer){.status = NW_STATUS_OK,
                                                     .content_type = OUTPUT_TYPE,
                                                     .body = result->data,
                                                     .length = result->length,
                                                     .release = output_written,
                                                     .release_arg = result->link,
                                                     .release_cookie = result->offset});
}

static void invocation_done(void *arg, const struct nw_result *result)
{
    struct nw_http_request *request = arg;
    request->user = NULL;
    if (result->status == NW_STATUS_OK) {
        answer_output(request, result);
        return;
    }
    char reason[REASON_MAX];
    size_t length = result->length < sizeof reason ? result->length : sizeof reason;
    memcpy(reason, result->data, length); /* the worker may change it while it is looked at */
    if (result->link)
        nw_link_drop(result->link, result->offset);
    nw_http_answer_error(request, result->status, reason, length);
}

static void room_there(void *arg)
{
    nw_http_resume(arg);
}

static const struct nw_invocation_owner owner = {.room = room_there, .done = invocation_done};

static void gone(struct nw_http_request *request)
{
    struct nw_invocation *inv = request->user;
    request->user = NULL;
    nw_invoke_abandon(inv);
}

static int reserve(struct nw_http_request *request, uint64_t total)
{
    int rc = nw_invoke_reserve(request->user, total, request->chunked);
    if (rc == -ECANCELED) /* answered */
        return 0;
    if (rc != -E2BIG)
        return rc;
    gone(request);
    nw_http_answer_error(request, NW_STATUS_TOO_LARGE, "", 0);
    return 0;
}

static void take(struct nw_http_request *request, const char *data, size_t length)
{
    nw_invoke_write(request->user, data, length);
}

static void end(struct nw_http_request *request)
{
    nw_invoke_end(request->user);
}

static const struct nw_http_handler handler = {.reserve = reserve, .data = take, .end = end, .gone = gone};

void nw_http_invoke(struct nw_engine *engine, struct nw_http_request *request, const char *name, size_t length)
{
    enum nw_status status;
    const char *reason;
    if (nw_manifest_check_name(name, length) == 0) {
        memcpy(request->function, name, length);
        request->function[length] = '\0';
    }
    if (engine->drain_deadline) {
        nw_http_answer_error(request, NW_STATUS_DRAINING, "", 0);
        return;
    }
    struct nw_function *function = *request->function ? nw_function_find(engine, name, length) : NULL;
    request->handler = &handler;
    request->user = nw_invoke_begin(function, 0, &owner, request, &status, &reason);
    if (!request->user)
        nw_http_answer_error(request, status, reason, strlen(reason));
}
