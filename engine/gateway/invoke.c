/* From HTTP to an invocation and back, as invoke.h tells. */
#include "engine/gateway/invoke.h"
#include "common/base/log.h"
#include "engine/dispatch/expire.h"
#include "engine/dispatch/invoke.h"
#include "engine/gateway/context.h"
#include "engine/gateway/cors.h"
#include "engine/gateway/failures.h"
#include "engine/gateway/output.h"
#include "engine/http/syntax/answer.h"
#include "engine/http/syntax/duration.h"
#include "engine/serve/engine.h"
#include "engine/serve/function.h"
#include "engine/serve/link.h"
#include "engine/serve/queue.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define REASON_MAX NW_FAILURE_REASON /* bytes of a worker's reason that are looked at */
#define NO_TIME    "X-Timeout: give a time with its unit, like 250ms, 2s or 1m"
#define NO_PATH                                                                                                       \
    "this function is deployed, but does not speak HTTP (http: true): such functions cannot see a path behind their " \
    "name"
#define METHODS "GET, HEAD, OPTIONS, POST" /* of functions that see nothing but a body */

/* The public learns a code and the id of the request, and `open`. The reason is found by that id, in the log and the
 * admin API. */
static void answer_failure(struct nw_engine *engine, struct nw_function *function, struct nw_http_request *request,
                           enum nw_status status, const char *reason, size_t length, const char *open)
{
    if (status == NW_STATUS_OVERLOADED)
        request->retry_after = function->current ? nw_invoke_retry_after(function) : 1;
    if (status == NW_STATUS_DEADLINE) { /* the caller's own affair: it may know, and nothing has failed */
        nw_http_answer_error(request, status, reason, length);
        return;
    }
    if (nw_status_info(status)->http >= 500)
        nw__failure_note(engine, function, request->id, status, reason, length);
    nw_http_answer_failure(request, status, reason, length, open);
}

/* The engine's own words, by what it knows: those of a worker may say more than is for everybody. */
static void say_openly(const struct nw_invocation *inv, const struct nw_result *result, char open[NW_LIMIT_TEXT])
{
    *open = '\0';
    if (result->open)
        snprintf(open, NW_LIMIT_TEXT, "%s", result->data);
    else if (result->status == NW_STATUS_TIMEOUT && inv->queue)
        nw_invocation_limit(inv, open, "its timeout", inv->queue->version->timeout_ms, "in a worker");
}

static void drop(const struct nw_result *result)
{
    if (result->link)
        nw_link_drop(result->link, result->offset);
}

/* A function has said something of its answer: as it is, or as what was wrong with it. */
static void answer_as_said(struct nw_http_request *request, struct nw_invocation *inv, const struct nw_result *result)
{
    static const char failed[] = "faas_func_call returned an error, and gave an answer of its own";
    char record[NW_ANSWER_MAX];
    struct nw_http_answer_head head;
    size_t length = result->head_length <= sizeof record ? result->head_length : 0;
    memcpy(record, result->head, length); /* the worker may change it while it is looked at */
    head.cors_left_out = request->says_cors;
    const char *wrong = nw_http_answer_head(&head, record, length);
    if (wrong) {
        drop(result);
        inv->ended = NW_STATUS_BAD_ANSWER;
        answer_failure(inv->engine, inv->function, request, NW_STATUS_BAD_ANSWER, wrong, strlen(wrong), "");
        return;
    }
    if (result->status != NW_STATUS_OK)
        nw__failure_note(inv->engine, inv->function, request->id, result->status, failed, strlen(failed));
    nw__output_answer(request, inv->function, result, &head);
}

static void invocation_done(void *arg, const struct nw_result *result)
{
    struct nw_http_request *request = arg;
    struct nw_invocation *inv = request->user;
    static const struct nw_http_answer_head nothing; /* of a function that could have said something */
    bool answered = result->status == NW_STATUS_OK || result->status == NW_STATUS_FUNCTION_FAILED;
    request->user = NULL;
    if (result->head_length && answered) {
        answer_as_said(request, inv, result);
        return;
    }
    if (result->status == NW_STATUS_OK) {
        nw__output_answer(request, inv->function, result, inv->context ? &nothing : NULL);
        return;
    }
    char reason[REASON_MAX], open[NW_LIMIT_TEXT];
    size_t length = result->length < sizeof reason ? result->length : sizeof reason;
    memcpy(reason, result->data, length); /* the worker may change it while it is looked at */
    drop(result);
    say_openly(inv, result, open);
    answer_failure(inv->engine, inv->function, request, result->status, reason, length, open);
}

static void abandon(struct nw_http_request *request, enum nw_outcome outcome)
{
    struct nw_invocation *inv = request->user;
    request->user = NULL;
    nw_invoke_abandon(inv, outcome);
}

static void gone(struct nw_http_request *request)
{
    abandon(request, NW_OUTCOME_CANCELLED);
}

static void give_up(struct nw_http_request *request, enum nw_status status, const char *why)
{
    abandon(request, nw_status_info(status)->outcome);
    nw_http_answer_error(request, status, why, strlen(why));
}

static void cut(void *arg)
{
    give_up(arg, NW_STATUS_BODY_TIMEOUT, "the body arrives too slowly while memory for bodies is short");
}

static void no_memory(struct nw_http_request *request)
{
    give_up(request, NW_STATUS_UNAVAILABLE, "no memory is left for its input");
}

/* The record of the request, if there is one, goes in front of the body, as soon as that has room. Until then it is in
 * request->text, which is not empty while it is owed. 0; -EAGAIN of nw_invoke_write; -ECANCELED: answered. */
static int write_context(struct nw_http_request *request)
{
    int rc = 0;
    if (request->text.length)
        rc = nw_invoke_write(request->user, request->text.data, request->text.length);
    request->text.length = 0;
    if (rc != -ENOMEM)
        return rc;
    no_memory(request);
    return -ECANCELED;
}

static void room_there(void *arg)
{
    struct nw_http_request *request = arg;
    if (write_context(request) != 0)
        return;
    if (request->body_done)
        nw_invoke_end(request->user);
    else
        nw_http_resume(request);
}

static const char *id_of(const void *arg)
{
    const struct nw_http_request *request = arg;
    return request->id;
}

static const struct nw_invocation_owner owner = {
    .room = room_there, .cut = cut, .done = invocation_done, .request = id_of};

/* 0; -EAGAIN: room_there comes; -ECANCELED: answered. */
static int make_room(struct nw_http_request *request, uint64_t total, bool grows)
{
    const struct nw_invocation *inv = request->user;
    int rc = nw_invoke_reserve(request->user, inv->context + total, grows);
    if (rc == 0)
        return write_context(request);
    if (rc != -E2BIG)
        return rc;
    give_up(request, NW_STATUS_TOO_LARGE, "");
    return -ECANCELED;
}

static int reserve(struct nw_http_request *request, uint64_t total)
{
    int rc = make_room(request, total, request->chunked);
    return rc == -ECANCELED ? 0 : rc;
}

static void take(struct nw_http_request *request, const char *data, size_t length)
{
    int rc = nw_invoke_write(request->user, data, length);
    if (rc == -EAGAIN)
        nw_http_pause(request);
    else if (rc < 0)
        no_memory(request);
}

/* Of a request without a body no room was asked for yet. */
static void end(struct nw_http_request *request)
{
    if (request->text.length == 0 || make_room(request, 0, false) == 0)
        nw_invoke_end(request->user);
}

static const struct nw_http_handler handler = {.reserve = reserve, .data = take, .end = end, .gone = gone};

/* The function that is named up to a slash, as NAME, NAME@ALIAS or NAME@v3; NULL when there is none; request->function
 * is its name, if that is one. */
static struct nw_function *find(struct nw_engine *engine, struct nw_http_request *request, const char *name,
                                size_t length)
{
    const char *slash = memchr(name, '/', length);
    length = slash ? (size_t)(slash - name) : length;
    if (nw_manifest_check_callee(name, length) < 0)
        return NULL;
    memcpy(request->function, name, length);
    request->function[length] = '\0';
    return nw_function_choose(engine, name, length);
}

/* Functions that do not speak HTTP do not see the query of a request. Logged once for each, so that whoever wrote one
 * that expects it finds out. */
static void say_query(struct nw_function *function, const struct nw_http_request *request)
{
    bool sees = function->current && function->current->http;
    if (sees || function->query_said || !memchr(request->target, '?', request->target_length))
        return;
    function->query_said = true;
    nw_log(NW_LOG_INFO,
           "function \"%s\" is called with a query, which it cannot see; input is the body alone (http: false)",
           function->name);
}

/* Answers what a function that sees nothing but the body cannot; false: it can. */
static bool answer_for_it(struct nw_http_request *request, const char *path, size_t length)
{
    request->allow = METHODS;
    if (memchr(path, '/', length))
        nw_http_answer_error(request, NW_STATUS_NO_ROUTE, NO_PATH, strlen(NO_PATH));
    else if (request->method == NW_HTTP_OPTIONS)
        nw_http_answer(request, &(struct nw_http_answer){.http = 204});
    else if (request->method != NW_HTTP_GET && request->method != NW_HTTP_POST)
        nw_http_answer_error(request, NW_STATUS_BAD_METHOD, "", 0);
    else
        return false;
    return true;
}

/* Keeps what a function sees of its request but the body. False: there is no memory for it. */
static bool keep_context(struct nw_http_request *request, const char *path, const char *end)
{
    const char *target_end = request->target + request->target_length;
    const char *query = memchr(request->target, '?', request->target_length);
    const struct nw_http_text behind = {path, (size_t)(end - path)};
    const struct nw_http_text mark =
        query ? (struct nw_http_text){query + 1, (size_t)(target_end - query - 1)} : (struct nw_http_text){"", 0};
    request->text.length = 0;
    if (nw__context_write(&request->text, request, behind, mark) < 0)
        return false;
    nw_invoke_with_context(request->user, request->text.length);
    return true;
}

/* Whether a function sees requests as HTTP. */
static bool speaks_http(const struct nw_function *function)
{
    return function && function->current && function->current->http;
}

void nw_http_invoke(struct nw_engine *engine, struct nw_http_request *request, const char *name, size_t length)
{
    enum nw_status status;
    const char *reason;
    struct nw_function *function = find(engine, request, name, length);
    if (engine->draining) {
        nw_http_answer_error(request, NW_STATUS_DRAINING, "", 0);
        return;
    }
    bool served = function && function->current;
    if (served && function->current->cors &&
        nw__cors_answer(request, function->current->cors, speaks_http(function) ? NULL : METHODS))
        return;
    if (served && !speaks_http(function) && answer_for_it(request, name, length))
        return;
    uint64_t timeout = request->timeout ? nw_http_duration(request->timeout, request->timeout_length) : 0;
    if (request->timeout && !timeout) {
        nw_http_answer_error(request, NW_STATUS_BAD_REQUEST, NO_TIME, strlen(NO_TIME));
        return;
    }
    if (function)
        say_query(function, request);
    request->handler = &handler;
    request->user = nw_invoke_begin(function, 0, timeout, &owner, request, &status, &reason);
    if (request->user && timeout)
        nw_expire_after(request->user, timeout);
    if (request->user && speaks_http(function) &&
        !keep_context(request, name + strlen(request->function), name + length))
        no_memory(request);
    if (request->user || request->answered)
        return;
    if (function)
        answer_failure(engine, function, request, status, reason, strlen(reason), "");
    else
        nw_http_answer_error(request, status, "", 0);
}
