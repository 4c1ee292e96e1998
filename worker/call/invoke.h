/* Invocations and their results. Lock held. */
#ifndef NW_WORKER_CALL_INVOKE_H
#define NW_WORKER_CALL_INVOKE_H

#include "common/base/status.h"
#include "common/shm/channel.h"
#include "worker/base/span.h"
#include "worker/domain/slot.h"
#include <stdint.h>

struct nw_deployed;

/* An invocation that has arrived and has no slot yet: an INVOKE from the ring, or a nested call that found no free
 * slot. */
struct nw_arrival {
    struct nw_arrival *next;
    struct nw_slot *caller;   /* a nested call: who waits; NULL for one from the ring */
    struct nw_ticket id;      /* from the ring */
    struct nw_source input;   /* in the engine's arena, or in the caller's domain */
    struct nw_source request; /* from the ring: its record, in the engine's arena; empty: there is none */
    uint32_t depth;
    uint64_t until;                     /* ns: so long whoever asked waits; 0: no limit */
    unsigned char small[NW_INLINE_MAX]; /* an input that came in its descriptor */
};

void nw_deployed_feed(struct nw_deployed *function);
uint64_t
nw_deployed_first(const struct nw_deployed *function); /* a number for what is first in its queue; 0: nothing */
void nw__deployed_enqueue(struct nw_deployed *function, struct nw_arrival *invocation);
void nw__deployed_enqueue_first(struct nw_deployed *function, struct nw_arrival *invocation);
void nw_queue_cancel(struct nw_slot *caller);  /* the queued nested call fails with ETIMEDOUT */
void nw__queue_forget(struct nw_slot *caller); /* drops the queued nested call of a slot that will not run again */
struct nw_arrival *nw__arrival_new(void);
void nw__arrival_free(struct nw_arrival *invocation);
void nw__arrival_fail(struct nw_arrival *invocation, enum nw_status status, long error, const char *reason);
struct nw_gate_context *nw_turn(struct nw_slot *slot); /* a func worker has answered: it goes on, or NULL: it waits */
void nw_renewed(struct nw_slot *slot);                 /* one of a fresh function is what it was, and waits */
void nw_workers_dismiss(struct nw_domain *domain);     /* lets free func workers destroy their handles and end */
/* Where the output of a caller's nested call goes; the call's result says so. NULL: nowhere. */
char *nw__reply_place(struct nw_slot *caller, uint64_t length);
void nw__reply_fail(struct nw_slot *caller, long error); /* it has none after all */
void nw__held_drop(struct nw_slot *caller);
long nw_fetch_carried(struct nw_slot *slot, int error); /* what was held is, too: the result of the fetch */
void nw_answer_carried(struct nw_slot *slot,
                       int error);          /* the output of a nested call is at its caller, or cannot be */
void nw_input_failed(struct nw_slot *slot); /* the func worker has another turn */
void nw__answer_engine(const struct nw_slot *slot, enum nw_status status, const char *reason);
void nw__answer(struct nw_slot *callee, enum nw_status status, const char *reason);

/* A func worker has called to wait for the next invocation. It goes on with one, or NULL: another slot has a turn. */
struct nw_gate_context *nw_slot_done(struct nw_slot *slot);

/* A nested call that is not the ordinary case: it waits in the callee's queue, or has failed. NULL: no such function.
 */
void nw_slot_call(struct nw_slot *slot, struct nw_deployed *function, struct nw_source input);

#endif
