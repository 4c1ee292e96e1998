/* See pieces.h. */
#include "engine/admin/pieces.h"
#include "engine/http/http.h"
#include "engine/serve/engine.h"
#include <stdlib.h>
#include <string.h>

#define SENT 65536 /* bytes of an answer that streams go out together, and a little more */

void nw__pieces_add(struct nw__pieces *pieces, const char *text, size_t length)
{
    pieces->failed |= nw_buffer_append(&pieces->text, text, length) < 0;
}

void nw__pieces_add_json(struct nw__pieces *pieces, char *json, size_t skip, size_t drop)
{
    const struct nw_buffer *text = &pieces->text;
    size_t length = json ? strcspn(json, "\n") : 0;
    pieces->failed |= length < skip + drop || !json;
    if (text->length && !strchr("[{", text->data[text->length - 1]))
        nw__pieces_add(pieces, ",", 1);
    if (!pieces->failed)
        nw__pieces_add(pieces, json + skip, length - skip - drop);
    free(json);
}

static void end(struct nw__pieces *pieces)
{
    nw_chore_stop(&pieces->chore);
    nw_buffer_fini(&pieces->text);
    pieces->kind->end(pieces);
}

static void release(void *arg)
{
    end(arg);
}

/* The client has what was written so far. */
static void go_on(void *arg)
{
    struct nw__pieces *pieces = arg;
    pieces->text.length = 0;
    if (pieces->over)
        nw_http_answer_more(pieces->request, NULL, 0);
    else
        nw_chore_start(&pieces->engine->chores, &pieces->chore);
}

static void send_first(struct nw__pieces *pieces)
{
    pieces->begun = true;
    nw_http_answer(pieces->request, &(struct nw_http_answer){.status = NW_STATUS_OK,
                                                             .content_type = pieces->kind->type,
                                                             .body = pieces->text.data,
                                                             .length = pieces->text.length,
                                                             .more = go_on,
                                                             .release = release,
                                                             .release_arg = pieces});
}

/* A client that has some of it sees that the rest is missing. */
static void fail(struct nw__pieces *pieces)
{
    if (pieces->begun) {
        nw_http_abort(pieces->request);
        return;
    }
    nw_http_answer_error(pieces->request, NW_STATUS_INTERNAL, "out of memory", strlen("out of memory"));
    end(pieces);
}

static bool step(struct nw_chore *chore)
{
    struct nw__pieces *pieces = nw_container(chore, struct nw__pieces, chore);
    pieces->over = pieces->failed || !pieces->kind->add(pieces);
    if (!pieces->over && (!pieces->kind->streams || pieces->text.length < SENT))
        return true;
    if (pieces->failed) {
        fail(pieces);
    } else if (pieces->begun) {
        nw_http_answer_more(pieces->request, pieces->text.data, pieces->text.length);
    } else if (!pieces->over) {
        send_first(pieces);
    } else {
        nw_http_answer_text(pieces->request, NW_STATUS_OK, pieces->kind->type, &pieces->text);
        end(pieces);
    }
    return false;
}

static void request_end(struct nw_http_request *request)
{
    struct nw__pieces *pieces = request->user;
    nw_chore_start(&pieces->engine->chores, &pieces->chore);
}

static void client_gone(struct nw_http_request *request)
{
    end(request->user);
}

static const struct nw_http_handler handler = {
    .reserve = nw_http_reserve_nothing, .data = nw_http_pass_over, .end = request_end, .gone = client_gone};

void nw__pieces_begin(struct nw__pieces *pieces, const struct nw__pieces_kind *kind, struct nw_engine *engine,
                      struct nw_http_request *request)
{
    pieces->chore.step = step;
    pieces->kind = kind;
    pieces->engine = engine;
    pieces->request = request;
    request->user = pieces;
    request->handler = &handler;
}
