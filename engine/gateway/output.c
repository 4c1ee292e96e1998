/* See output.h. */
#include "engine/gateway/output.h"
#include "common/base/without.h"
#include "engine/base/bulk.h"
#include "engine/base/carry.h"
#include "engine/http/syntax/answer.h"
#include "engine/serve/engine.h"
#include "engine/serve/function.h"
#include "engine/serve/link.h"
#include <stdlib.h>

#define OUTPUT_TYPE "application/octet-stream"  /* of a function that says nothing of its output */
#define SAID_TYPE   "text/plain; charset=utf-8" /* ... and of one that says something else */
#define LENT_MOST   8                           /* at most this part of an arena is lent, or one output of any size */
#define LENT_MS     100                         /* a client that reads has it long before */

struct output {
    struct nw_list link; /* in engine->lent, oldest first, while it is lent */
    struct nw_engine *engine;
    struct nw_function *function; /* a reference */
    struct nw_http_request *request;
    struct nw_link *worker; /* NULL: it is not lent any more */
    uint64_t offset;
    const char *data;
    size_t length;
    uint64_t since;
    char *memory; /* where it is, or moves to, from byte `from` on */
    size_t from, room;
    struct nw_carry carry;
    struct nw_spool_holder spool;
};

static void not_lent(struct output *output)
{
    if (!output->worker)
        return;
    nw_list_remove(&output->link);
    output->worker->lent -= output->length;
    nw_link_drop(output->worker, output->offset);
    output->worker = NULL;
}

static void moved(void *arg)
{
    not_lent(arg);
}

static void released(void *arg)
{
    struct output *output = arg;
    nw_carry_stop(&output->carry);
    not_lent(output);
    nw_spool_give(&output->engine->spool, &output->spool);
    nw_function_unref(output->function);
    nw_bulk_free(output->engine->ended ? NULL : &output->engine->chores, output->memory, output->room);
    free(output);
}

static void cut(void *arg)
{
    struct output *output = arg;
    nw_http_abort(output->request);
}

static void carried(struct nw_carry *carry)
{
    struct output *output = nw_container(carry, struct output, carry);
    nw_http_move(output->request, output->memory, output->from);
}

/* False: there is no memory for it. What is written while it is carried is written from the old place. */
static bool move(struct output *output)
{
    struct nw_engine *engine = output->engine;
    size_t left = nw_http_unwritten(output->request);
    size_t room = left ? left : 1;
    char *memory = nw_bulk_new(room);
    if (!memory || nw_spool_take(&engine->spool, &output->spool, room, nw_io_now(engine->io)) < 0) {
        nw_bulk_free(NULL, memory, room);
        return false;
    }
    output->memory = memory;
    output->room = room;
    output->from = output->request->body_length - left;
    output->carry = (struct nw_carry){.to = memory, .from = output->data + output->from, .left = left, .done = carried};
    nw_carry_start(&engine->chores, &output->carry);
    return true;
}

static struct output *lend(struct nw_http_request *request, struct nw_function *function,
                           const struct nw_result *result)
{
    struct output *output = malloc(sizeof *output);
    if (!output)
        return NULL;
    *output = (struct output){
        .engine = result->link->engine,
        .function = function,
        .request = request,
        .worker = result->link,
        .offset = result->offset,
        .data = result->data,
        .length = result->length,
        .since = nw_io_now(result->link->engine->io),
        .spool = {.account = &function->spooled, .moved = &request->written, .cut = cut, .arg = output},
    };
    function->references++;
    result->link->lent += result->length;
    nw_list_append(&output->engine->lent, &output->link);
    return output;
}

static bool is_too_much(const struct nw_link *worker, size_t length)
{
    return worker->lent && worker->lent + length > worker->engine->options.arena / LENT_MOST &&
           !nw_unchecked(NW_CHECK_SHARE);
}

/* All but where the body is. */
static struct nw_http_answer answer_of(const struct nw_result *result, const struct nw_http_answer_head *head)
{
    struct nw_http_answer answer = {.status = result->status, .content_type = OUTPUT_TYPE, .length = result->length};
    if (!head)
        return answer;
    answer.http = head->status;
    answer.content_type = head->typed ? NULL : SAID_TYPE;
    answer.fields = head->fields;
    answer.fields_length = head->length;
    return answer;
}

/* One that lives no longer than this call. */
static void answer_with_copy(struct nw_http_request *request, struct nw_http_answer *answer, const char *data)
{
    request->text.length = 0;
    if (nw_buffer_append(&request->text, data, answer->length) < 0) {
        nw_http_answer_error(request, NW_STATUS_INTERNAL, "", 0);
        return;
    }
    answer->body = request->text.data;
    nw_http_answer(request, answer);
}

void nw__output_answer(struct nw_http_request *request, struct nw_function *function, const struct nw_result *result,
                       const struct nw_http_answer_head *head)
{
    struct nw_http_answer answer = answer_of(result, head);
    if (!result->link) {
        answer_with_copy(request, &answer, result->data);
        return;
    }
    bool too_much = is_too_much(result->link, result->length);
    struct output *output = lend(request, function, result);
    if (!output) {
        nw_link_drop(result->link, result->offset);
        nw_http_answer_error(request, NW_STATUS_INTERNAL, "", 0);
        return;
    }
    answer.body = result->data;
    answer.moved = moved;
    answer.release = released;
    answer.release_arg = output;
    nw_http_answer(request, &answer);
    if (too_much)
        move(output);
}

void nw_outputs_tick(struct nw_engine *engine)
{
    uint64_t now = nw_io_now(engine->io);
    nw_list_each(&engine->lent, at, after)
    {
        struct output *output = nw_container(at, struct output, link);
        if (now - output->since < LENT_MS || nw_unchecked(NW_CHECK_SHARE))
            return;
        if (!output->memory && !move(output) && now - output->since >= NW_SPOOL_PATIENCE_MS)
            nw_http_abort(output->request);
    }
}
