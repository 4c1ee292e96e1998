/* Dispatch as dispatch.h tells: queues, sending and answers. Where input goes is in place.c. */
#include "engine/dispatch/dispatch.h"
#include "common/base/without.h"
#include "engine/dispatch/count.h"
#include "engine/logs/origin.h"
#include "engine/serve/counters.h"
#include "engine/serve/engine.h"
#include "engine/serve/function.h"
#include "engine/serve/invocation.h"
#include "engine/serve/link.h"
#include "engine/serve/place.h"
#include "engine/serve/queue.h"
#include <errno.h>
#include <string.h>

#define WATCHDOG_SLACK_MS 2000
#define OWING_TRIES       16 /* in one turn */
#define SENT_MOST         3  /* workers that an invocation is sent to, one after the other as they are lost */

static enum nw_outcome outcome_of(const struct nw_invocation *inv)
{
    if (inv->violated && inv->ended == NW_STATUS_CRASHED)
        return NW_OUTCOME_VIOLATION;
    return nw_status_info(inv->ended)->outcome;
}

static void finish(struct nw_invocation *inv, const struct nw_result *result)
{
    struct nw_counters *counters = &inv->engine->counters;
    if (result->status == NW_STATUS_OK)
        counters->completed++;
    else
        counters->failed++;
    inv->ended = result->status;
    if (inv->owner) {
        inv->owner->done(inv->owner_arg, result);
        nw__count_ended(inv, outcome_of(inv));
    } else if (result->link) {
        nw_link_drop(result->link, result->offset);
    }
    nw_invocation_move(inv, NW_INVOCATION_FINISH);
}

void nw__dispatch_fail(struct nw_invocation *inv, enum nw_status status, const char *reason)
{
    finish(inv, &(struct nw_result){.status = status, .data = reason, .length = strlen(reason)});
}

void nw__dispatch_fail_openly(struct nw_invocation *inv, enum nw_status status, const char *reason)
{
    finish(inv, &(struct nw_result){.status = status, .data = reason, .length = strlen(reason), .open = true});
}

bool nw__dispatch_fail_if_hopeless(struct nw_invocation *inv)
{
    const struct nw_version *current = nw_function_heir(inv->function)->current;
    if (!current)
        nw__dispatch_fail(inv, NW_STATUS_NOT_FOUND, "it was removed");
    else if (current->state == NW_VERSION_FAILED)
        nw__dispatch_fail(inv, NW_STATUS_UNAVAILABLE, current->reason);
    else
        return false;
    return true;
}

const char *nw__dispatch_complete(struct nw_link *link, const struct nw_desc *desc)
{
    struct nw_invocation *inv = nw_invocation_find(link->engine, desc->id);
    if (!inv || (inv->home != link && !nw_unchecked(NW_CHECK_OWNER)))
        return "it completed an invocation that it does not have";
    const void *payload = nw_channel_payload(&link->channel, desc);
    if (!payload)
        return "it sent an output that is not inside its arena";
    if (desc->status >= NW_STATUS_COUNT && !nw_unchecked(NW_CHECK_STATUS))
        return "it completed an invocation with a status that there is not";
    if (desc->name_len > desc->length)
        return "it sent the head of an answer that is longer than its payload";
    if (!inv->depth)
        nw_pace_note(&inv->function->pace, nw_io_now(link->engine->io), inv->function->queued);
    struct nw_result result = {.status = (enum nw_status)desc->status,
                               .data = (const char *)payload + desc->name_len,
                               .length = desc->length - desc->name_len,
                               .head = payload,
                               .head_length = desc->name_len,
                               .offset = desc->offset};
    inv->queue->completed++;
    inv->violated = desc->more != 0;
    link->engine->counters.bytes_out += desc->length;
    if (nw_desc_has_block(desc)) {
        result.link = link;
        nw_link_ref(link);
    }
    if (result.length > link->engine->options.body_limit && (result.status == NW_STATUS_OK || result.head_length)) {
        result.status = NW_STATUS_OUTPUT_TOO_LARGE;
        result.length = result.head_length = 0;
    }
    finish(inv, &result);
    return NULL;
}

const char *nw__dispatch_read(struct nw_link *link, const struct nw_desc *desc)
{
    struct nw_invocation *inv = nw_invocation_find(link->engine, desc->id);
    if (!inv || (inv->home != link && !nw_unchecked(NW_CHECK_OWNER)) || !inv->has_block || inv->read)
        return "it read an input that it does not have";
    nw_place_read(inv);
    return NULL;
}

/* --- sending --- */

/* Before its worker can say anything of it. */
static void note_origin(const struct nw_invocation *inv, uint64_t id, uint32_t worker)
{
    if (inv->engine->origins && inv->owner->request)
        nw_origin_note(inv->engine->origins, id, worker, inv->owner->request(inv->owner_arg));
}

/* 0, or why it could not be sent. */
static int send_one(struct nw_queue *queue, struct nw_invocation *inv)
{
    struct nw_link *link = queue->link;
    const struct nw_version *version = queue->version;
    struct nw_desc desc = {.id = nw_invocation_id(inv),
                           .offset = inv->has_block ? inv->offset : NW_OFFSET_INLINE,
                           .length = inv->length,
                           .kind = NW_DESC_INVOKE,
                           .target = version->number,
                           .name_len = (uint32_t)inv->context,
                           .more = inv->expires ? (uint32_t)nw_invocation_left(inv, UINT32_MAX) : 0,
                           .depth = inv->depth};
    if (inv->inlined)
        memcpy(desc.data, inv->small, inv->length);
    note_origin(inv, desc.id, link->number);
    int rc = nw_link_push(link, &desc);
    if (rc < 0)
        return rc;
    if (!inv->home) {
        inv->home = link;
        nw_link_ref(link);
    }
    /* How late a healthy worker may answer. Those sent before it run `slots` at a time, each until its deadline at the
     * latest; each other thread of the engine may have sent as many. */
    inv->waits_until = inv->deadline;
    inv->sent++;
    nw__count_sent(inv);
    uint64_t waves = 1 + queue->in_flight / version->slots * inv->engine->options.threads;
    inv->deadline = nw_io_now(inv->engine->io) + waves * version->timeout_ms + WATCHDOG_SLACK_MS;
    nw_invocation_move(inv, NW_INVOCATION_SEND);
    return 0;
}

/* The first of a queue. NULL: there is none, or the worker has enough of them. Nested calls are always sent: those that
 * wait for them hold slots, and as they are not counted here, clients come to their turn beside any number of them. */
static struct nw_invocation *first_of(const struct nw_queue *queue, bool nested)
{
    const struct nw_list *waiting = &queue->waiting[nested];
    bool enough = !nested && queue->from_clients >= NW_QUEUE_WAVES * queue->version->slots;
    return nw_list_empty(waiting) || enough ? NULL : nw_container(waiting->next, struct nw_invocation, link);
}

static struct nw_invocation *next_of(const struct nw_queue *queue)
{
    struct nw_invocation *inv = first_of(queue, queue->nested_next);
    return inv ? inv : first_of(queue, !queue->nested_next);
}

/* False when the ring is full. */
static bool pump_queue(struct nw_queue *queue)
{
    struct nw_link *link = queue->link; /* NULL: nothing is queued */
    struct nw_invocation *inv;
    while ((inv = next_of(queue)) && !link->broken) {
        bool nested = inv->depth > 0;
        int rc = send_one(queue, inv);
        if (rc == -EAGAIN)
            return false;
        if (rc < 0) {
            nw_link_break(link, "its index of the ring to it is impossible");
            return true;
        }
        queue->nested_next = !nested;
    }
    return true;
}

void nw_dispatch_pump(struct nw_engine *engine)
{
    struct nw_list full;
    nw_list_init(&full);
    while (!nw_list_empty(&engine->pump)) {
        struct nw_queue *queue = nw_container(engine->pump.next, struct nw_queue, pump_link);
        nw_list_remove(&queue->pump_link);
        if (!pump_queue(queue))
            nw_list_append(&full, &queue->pump_link);
    }
    if (nw_list_empty(&full))
        return;
    nw_list_splice(&engine->pump, &full);
    nw_link_look_again(engine);
}

/* --- waiting and loss --- */

/* An invocation that waited has its place now. */
static void proceed(struct nw_invocation *inv)
{
    if (inv->complete) {
        nw_invocation_move(inv, NW_INVOCATION_QUEUE);
        return;
    }
    nw_invocation_move(inv, NW_INVOCATION_GO_ON);
    inv->deadline = 0;
    inv->owner->room(inv->owner_arg);
}

/* In their order, until one finds no room. One that has come to wait for something else leaves the list, so that it
 * does not hold up those behind it. */
static void retry_in_order(const struct nw_link *link, struct nw_list *waiters)
{
    while (!nw_list_empty(waiters)) {
        struct nw_invocation *inv = nw_container(waiters->next, struct nw_invocation, link);
        enum nw_room_kind was = inv->room;
        if (nw_place(inv, inv->wanted, false, true) == 0)
            proceed(inv);
        else if (inv->next.link || inv->capped || !inv->queue || inv->queue->link != link || inv->room != was)
            nw_invocation_move(inv, NW_INVOCATION_WAIT);
        else
            return;
    }
}

void nw__dispatch_retry_room(struct nw_link *link)
{
    for (int kind = 0; kind < NW_ROOM_KINDS; kind++)
        retry_in_order(link, &link->waiters[kind]);
}

/* Those of one function, until it has its part of the arena again. */
static void retry_capped(struct nw_list *capped)
{
    while (!nw_list_empty(capped)) {
        struct nw_invocation *inv = nw_container(capped->next, struct nw_invocation, link);
        if (nw__dispatch_fail_if_hopeless(inv))
            continue;
        if (nw_place(inv, inv->wanted, false, false) == 0)
            proceed(inv);
        else if (inv->capped)
            return;
        else
            nw_invocation_move(inv, NW_INVOCATION_WAIT);
    }
}

void nw_dispatch_retry_capped(struct nw_engine *engine)
{
    while (!nw_list_empty(&engine->uncap)) {
        struct nw_function *function = nw_container(engine->uncap.next, struct nw_function, uncap_link);
        nw_list_remove(&function->uncap_link);
        function->references++;
        for (int kind = 0; kind < NW_ROOM_KINDS; kind++)
            retry_capped(&function->capped[kind]);
        nw_function_unref(function);
    }
}

void nw_dispatch_retry_owing(struct nw_engine *engine)
{
    engine->spool.given = false;
    for (int i = 0; i < OWING_TRIES && !nw_list_empty(&engine->owing); i++) {
        struct nw_invocation *inv = nw_container(engine->owing.next, struct nw_invocation, link);
        if (nw_place_pay(inv))
            proceed(inv);
        else
            nw_invocation_move(inv, NW_INVOCATION_WAIT); /* behind the others */
    }
}

/* A waiting one finds a place, waits somewhere else, or fails. */
static void retry(struct nw_invocation *inv)
{
    if (nw__dispatch_fail_if_hopeless(inv))
        return;
    if (nw_place(inv, inv->wanted, false, false) == 0)
        proceed(inv);
    else
        nw_invocation_move(inv, NW_INVOCATION_WAIT);
}

/* Their workers may have been lost meanwhile. */
void nw_dispatch_retry_moved(struct nw_engine *engine)
{
    while (!nw_list_empty(&engine->moved))
        retry(nw_container(engine->moved.next, struct nw_invocation, link));
}

void nw_dispatch_retry_function(struct nw_function *function)
{
    struct nw_list waiting;
    nw_list_init(&waiting);
    nw_list_splice(&waiting, &function->waiting);
    for (int kind = 0; kind < NW_ROOM_KINDS; kind++)
        nw_list_splice(&waiting, &function->capped[kind]);
    function->references++;
    while (!nw_list_empty(&waiting))
        retry(nw_container(waiting.next, struct nw_invocation, link));
    nw_function_unref(function);
}

static void look_for_another_place(struct nw_invocation *inv)
{
    if (inv->complete)
        inv->wanted = inv->inlined ? 0 : inv->length;
    nw_place_forget(inv);
    nw_invocation_move(inv, NW_INVOCATION_WAIT);
    retry(inv);
}

static void move_all(struct nw_list *list)
{
    struct nw_list moved;
    nw_list_init(&moved);
    nw_list_splice(&moved, list);
    while (!nw_list_empty(&moved))
        look_for_another_place(nw_container(moved.next, struct nw_invocation, link));
}

void nw_dispatch_unqueue(struct nw_queue *queue)
{
    nw_list_splice(&queue->waiting[0], &queue->waiting[1]); /* with the last of them it may be gone */
    move_all(&queue->waiting[0]);
}

/* An invocation whose worker is lost: what the worker cannot have begun is queued again, for the next one, and has as
 * long as it had to find that. The others fail, since nobody knows how far they came. */
static void worker_lost(struct nw_invocation *inv)
{
    const struct nw_engine *engine = inv->engine;
    bool wanted = inv->state == NW_INVOCATION_SENT && inv->sent < SENT_MOST && !engine->ended;
    bool begun = inv->read || !nw_claim_take_back(inv->home->channel.claims, nw_invocation_id(inv));
    inv->queue->lost += begun;
    if (begun || !wanted) {
        nw__dispatch_fail(inv, NW_STATUS_WORKER_LOST, "");
        return;
    }
    inv->engine->counters.sent_again++;
    inv->deadline = inv->waits_until;
    nw_invocation_move(inv, NW_INVOCATION_RETURN);
}

void nw_dispatch_link_lost(struct nw_link *link)
{
    nw_link_ref(link);
    while (!nw_list_empty(&link->sent))
        worker_lost(nw_container(link->sent.next, struct nw_invocation, link));
    for (int kind = 0; kind < NW_ROOM_KINDS; kind++)
        move_all(&link->waiters[kind]);
    nw_link_unref(link);
}

/* --- deadlines --- */

void nw__dispatch_overdue(struct nw_invocation *inv)
{
    char reason[NW_LIMIT_TEXT];
    if (inv->state == NW_INVOCATION_WAITING || inv->state == NW_INVOCATION_READY) {
        nw_invocation_limit(inv, reason, "the time to find a worker", inv->engine->options.queue_timeout,
                            "in the engine, while it waited for one");
        nw__dispatch_fail_openly(inv, NW_STATUS_UNAVAILABLE, reason);
        return;
    }
    nw_link_break(inv->home, "it did not end an invocation in time");
    nw__dispatch_fail(inv, NW_STATUS_TIMEOUT, "its worker did not answer either and is restarted");
}
