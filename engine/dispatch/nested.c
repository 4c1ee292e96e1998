/*
 * A nested call: CALL from the ring of the caller's worker, an invocation of the callee, REPLY to the caller's worker.
 * The input goes from arena to arena in one copy, and so does the output; large ones in pieces (chores.h). Once a large
 * input is copied its block in the caller's arena is free: who waits for an answer holds no room.
 */
#include "engine/dispatch/nested.h"
#include "engine/base/carry.h"
#include "engine/dispatch/dispatch.h"
#include "engine/dispatch/expire.h"
#include "engine/dispatch/invoke.h"
#include "engine/logs/origin.h"
#include "engine/serve/engine.h"
#include "engine/serve/function.h"
#include "engine/serve/link.h"
#include "engine/serve/role.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define CALLS_MAX 8192 /* of one worker at a time; it has at most 64 slots for each of its functions */

struct call {
    struct nw_list of_link; /* origin->calls */
    struct nw_list waiting; /* origin->reply_waiters */
    struct nw_link *origin; /* never lost while the call lives: nw_nested_link_lost ends it before */
    uint64_t id;            /* the worker's */
    const char *input;      /* in the origin's arena, until it is copied; a small one only until the call is begun */
    size_t input_length;
    uint64_t parent;              /* the invocation for which it is made; 0: not known */
    char request[NW_LOG_REQUEST]; /* the id of the request for which that is made; "": not known */
    struct nw_invocation *inv;    /* NULL when it is done */
    struct nw_result result;
    struct nw_chore writing; /* of the input */
    struct nw_carry placing; /* of the output */
    bool has_block;          /* for it, in the origin's arena */
    uint64_t offset;
};

static void post_status(struct nw_link *link, uint64_t id, enum nw_status status)
{
    nw_link_post(link, &(struct nw_desc){.id = id, .kind = NW_DESC_REPLY, .status = status});
}

static void call_free(struct call *call)
{
    nw_list_remove(&call->of_link);
    nw_list_remove(&call->waiting);
    call->origin->n_calls--;
    nw_chore_stop(&call->writing);
    nw_carry_stop(&call->placing);
    if (call->has_block)
        nw_link_free_block(call->origin, call->offset);
    if (call->result.link)
        nw_link_drop(call->result.link, call->result.offset);
    free(call);
}

static void placed(struct nw_carry *carry)
{
    struct call *call = nw_container(carry, struct call, placing);
    call->has_block = false; /* it is the worker's now */
    nw_link_give_block(call->origin, call->offset);
    nw_link_post(call->origin, &(struct nw_desc){.id = call->id,
                                                 .kind = NW_DESC_REPLY,
                                                 .status = NW_STATUS_OK,
                                                 .offset = call->offset,
                                                 .length = call->result.length});
    call_free(call);
}

/* Puts the output into the arena of the caller's worker. 0: it is on its way, and ends the call; -ENOMEM when there is
 * no room for it now. */
static int place_output(struct call *call)
{
    struct nw_link *origin = call->origin;
    int rc = nw_link_alloc(origin, call->result.length, &call->offset);
    if (rc < 0)
        return rc;
    call->has_block = true;
    nw_list_remove(&call->waiting);
    call->placing = (struct nw_carry){
        .to = nw_link_at(origin, call->offset), .from = call->result.data, .left = call->result.length, .done = placed};
    nw_carry_start(&origin->engine->chores, &call->placing);
    return 0;
}

/* False when there is no room for the output now. */
static bool reply(struct call *call)
{
    const struct nw_result *result = &call->result;
    struct nw_desc desc = {.id = call->id, .kind = NW_DESC_REPLY, .status = result->status};
    if (result->status == NW_STATUS_OK && result->length <= NW_INLINE_MAX) {
        desc.offset = NW_OFFSET_INLINE;
        desc.length = result->length;
        memcpy(desc.data, result->data, result->length);
    } else if (result->status == NW_STATUS_OK) {
        int rc = place_output(call);
        if (rc == 0 || rc == -ENOMEM)
            return rc == 0;
        desc.status = NW_STATUS_OUTPUT_TOO_LARGE;
    }
    nw_link_post(call->origin, &desc);
    call_free(call);
    return true;
}

/* A small output lives no longer than this call, and needs no room. */
static void call_done(void *arg, const struct nw_result *result)
{
    struct call *call = arg;
    bool waits = result->length > NW_INLINE_MAX && !nw_list_empty(&call->origin->reply_waiters);
    nw_chore_stop(&call->writing);
    call->inv = NULL;
    call->result = *result;
    if (waits || !reply(call))
        nw_list_append(&call->origin->reply_waiters, &call->waiting);
}

static bool write_piece(struct nw_chore *chore)
{
    struct call *call = nw_container(chore, struct call, writing);
    size_t written = call->inv->length, left = call->input_length - written;
    size_t piece = left < NW_CARRY_PIECE ? left : NW_CARRY_PIECE;
    if (nw_invoke_write(call->inv, call->input + written, piece) < 0) {
        nw__dispatch_fail(call->inv, NW_STATUS_UNAVAILABLE, "no memory is left for its input");
        return false;
    }
    if (piece < left)
        return true;
    if (call->input_length > NW_READ_LEAST)
        nw_link_post(call->origin, &(struct nw_desc){.id = call->id, .kind = NW_DESC_READ});
    nw_invoke_end(call->inv);
    return false;
}

static void call_room(void *arg)
{
    struct call *call = arg;
    call->writing.step = write_piece;
    if (call->input_length > NW_CARRY_PIECE)
        nw_chore_start(&call->origin->engine->chores, &call->writing);
    else
        write_piece(&call->writing);
}

static const char *request_of(const void *arg)
{
    const struct call *call = arg;
    return call->request;
}

static const struct nw_invocation_owner call_owner = {.room = call_room, .done = call_done, .request = request_of};

/* Begins the invocation. NW_STATUS_OK, or why not. */
static enum nw_status call_start(struct call *call, struct nw_function *function, uint32_t depth)
{
    enum nw_status status;
    const char *reason;
    if (call->input_length > call->origin->engine->options.body_limit)
        return NW_STATUS_TOO_LARGE;
    call->inv = nw_invoke_begin(function, depth, 0, &call_owner, call, &status, &reason);
    if (!call->inv)
        return status;
    nw__expire_with(call->inv, call->parent ? nw_invocation_find(call->inv->engine, call->parent) : NULL);
    int rc = call->input_length ? nw_invoke_reserve(call->inv, call->input_length, false) : 0;
    if (rc == 0)
        call_room(call);
    if (rc != -E2BIG) /* `call` may be through already */
        return NW_STATUS_OK;
    nw_invoke_abandon(call->inv, NW_OUTCOME_REJECTED);
    return NW_STATUS_TOO_LARGE;
}

static uint64_t parent_of(const struct nw_desc *desc)
{
    return (uint64_t)desc->more << 32 | (desc->more ? desc->target : 0);
}

/* Whether nobody waits any more for the invocation of this id, which the worker behind `link` says it calls for: its
 * word, that harms its own calls alone. */
static bool is_orphan(const struct nw_link *link, uint64_t parent)
{
    const struct nw_invocation *inv = parent ? nw_invocation_find(link->engine, parent) : NULL;
    return parent && (!inv || inv->home != link || inv->state != NW_INVOCATION_SENT);
}

static struct call *call_new(struct nw_link *link, const struct nw_desc *desc, const char *payload)
{
    struct call *call = link->n_calls < CALLS_MAX ? calloc(1, sizeof *call) : NULL;
    if (!call)
        return NULL;
    call->origin = link;
    call->id = desc->id;
    call->parent = parent_of(desc);
    if (link->engine->origins)
        nw_origin_find(link->engine->origins, call->parent, link->number, call->request);
    call->input = payload + desc->name_len;
    call->input_length = desc->length - desc->name_len;
    nw_list_append(&link->calls, &call->of_link);
    nw_list_init(&call->waiting);
    link->n_calls++;
    return call;
}

const char *nw__nested_call(struct nw_link *link, const struct nw_desc *desc)
{
    char name[NW_NAME_MAX + 1] = "";
    const struct nw_role *role = link->engine->role;
    const char *payload = nw_channel_payload(&link->channel, desc);
    if (!role->may_call)
        return "it called by a channel that carries no calls";
    if (!payload)
        return "it sent an input that is not inside its arena";
    if (desc->name_len > desc->length)
        return "it sent a name that is longer than its payload";
    if (desc->depth > NW_DEPTH_MAX)
        return "it sent a depth that there is not";
    link->engine->counters.nested_calls++;
    struct nw_function *function = NULL;
    if (desc->name_len <= NW_NAME_MAX) {
        memcpy(name, payload, desc->name_len); /* the worker may change it while it is looked up */
        function = nw_function_choose(link->engine, name, desc->name_len);
    }
    enum nw_status status = role->may_call(link, desc->status, name, function);
    if (status != NW_STATUS_OK) {
        post_status(link, desc->id, status);
        return NULL;
    }
    bool orphan = is_orphan(link, parent_of(desc));
    struct call *call = orphan ? NULL : call_new(link, desc, payload);
    if (!call) {
        post_status(link, desc->id, NW_STATUS_UNAVAILABLE);
        return NULL;
    }
    status = call_start(call, function, desc->depth + 1);
    if (status != NW_STATUS_OK) {
        call->inv = NULL;
        call_free(call);
        post_status(link, desc->id, status);
    }
    return NULL;
}

void nw__nested_retry(struct nw_link *link)
{
    while (!nw_list_empty(&link->reply_waiters)) {
        struct call *call = nw_container(link->reply_waiters.next, struct call, waiting);
        if (!reply(call))
            return;
    }
}

static void cancel(struct call *call)
{
    post_status(call->origin, call->id, NW_STATUS_UNAVAILABLE);
    nw_invoke_abandon(call->inv, NW_OUTCOME_CANCELLED);
    call->inv = NULL;
    call_free(call);
}

/* With each call that is cancelled the link to its callee may join those to look at. */
void nw_nested_cancel(struct nw_engine *engine)
{
    while (!nw_list_empty(&engine->orphan)) {
        struct nw_link *link = nw_container(engine->orphan.next, struct nw_link, orphan_link);
        nw_list_remove(&link->orphan_link);
        nw_list_each(&link->calls, at, after)
        {
            struct call *call = nw_container(at, struct call, of_link);
            if (call->inv && is_orphan(link, call->parent))
                cancel(call);
        }
    }
}

void nw_nested_link_lost(struct nw_link *link)
{
    while (!nw_list_empty(&link->calls)) {
        struct call *call = nw_container(link->calls.next, struct call, of_link);
        if (call->inv)
            nw_invoke_abandon(call->inv, NW_OUTCOME_CANCELLED);
        call_free(call);
    }
}
