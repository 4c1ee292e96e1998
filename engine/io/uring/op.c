/* Operations, see op.h: their states, and what goes to the kernel for them. */
#include "engine/io/uring/op.h"
#include "common/base/valid.h"
#include "engine/io/uring/private.h"

enum event { START, CANCEL, SUBMIT, COMPLETE, EVENTS };

#define NEVER NW__OP_STATES /* such an event cannot come in such a state */

static const enum nw__op_state next_state[NW__OP_STATES][EVENTS] = {
    [OP_IDLE] = {[START] = OP_QUEUED, [CANCEL] = OP_IDLE, [SUBMIT] = NEVER, [COMPLETE] = NEVER},
    [OP_QUEUED] = {[START] = OP_QUEUED, [CANCEL] = OP_IDLE, [SUBMIT] = OP_ARMED, [COMPLETE] = NEVER},
    [OP_ARMED] = {[START] = OP_ARMED, [CANCEL] = OP_CANCEL_QUEUED, [SUBMIT] = NEVER, [COMPLETE] = OP_IDLE},
    [OP_CANCEL_QUEUED] =
        {[START] = OP_ARMED, [CANCEL] = OP_CANCEL_QUEUED, [SUBMIT] = OP_CANCELLED, [COMPLETE] = OP_IDLE},
    [OP_CANCELLED] = {[START] = OP_CANCELLED, [CANCEL] = OP_CANCELLED, [SUBMIT] = NEVER, [COMPLETE] = OP_IDLE},
};

static bool is_queued(enum nw__op_state state)
{
    return state == OP_QUEUED || state == OP_CANCEL_QUEUED;
}

bool nw__op_is_valid(const struct nw__op *op)
{
    return op->state < NW__OP_STATES && nw_list_is_valid(&op->link) &&
           is_queued(op->state) == !nw_list_empty(&op->link);
}

/* The only place where an operation gets another state. It is in the queue in the two states that say so. */
static void op_move(struct nw__uring *uring, struct nw__op *op, enum event event)
{
    enum nw__op_state from = op->state, to = next_state[from][event];
    nw_check_valid(nw__op, op);
    nw_check_that(to != NEVER);
    if (to == NEVER || to == from)
        return;
    if (is_queued(from))
        nw_list_remove(&op->link);
    if (is_queued(to))
        nw_list_append(&uring->queue, &op->link);
    op->state = to;
    nw_check_valid(nw__op, op);
}

void nw__op_init(struct nw__op *op, void (*prepare)(struct nw__op *op, struct io_uring_sqe *sqe),
                 void (*complete)(struct nw__op *op, int result, unsigned flags))
{
    nw_list_init(&op->link);
    op->state = OP_IDLE;
    op->prepare = prepare;
    op->complete = complete;
}

void nw__op_start(struct nw__uring *uring, struct nw__op *op)
{
    op_move(uring, op, START);
}

void nw__op_cancel(struct nw__uring *uring, struct nw__op *op)
{
    op_move(uring, op, CANCEL);
}

void nw__op_first(struct nw__uring *uring, struct nw__op *op)
{
    if (op->state != OP_QUEUED)
        return;
    nw_list_remove(&op->link);
    nw_list_add(&uring->queue, &op->link);
}

void nw__op_submit(struct nw__uring *uring, struct nw__op *op, struct io_uring_sqe *sqe)
{
    if (op->state == OP_QUEUED) {
        op->prepare(op, sqe);
        io_uring_sqe_set_data(sqe, op);
    } else {
        io_uring_prep_cancel(sqe, op, 0);
        io_uring_sqe_set_data(sqe, NULL);
        sqe->flags |= IOSQE_CQE_SKIP_SUCCESS;
    }
    op_move(uring, op, SUBMIT);
}

void nw__op_completed(struct nw__uring *uring, struct nw__op *op, int result, unsigned flags)
{
    if (!(flags & IORING_CQE_F_MORE))
        op_move(uring, op, COMPLETE);
    op->complete(op, result, flags);
}

void nw__uring_end(struct nw__uring *uring, struct nw__ending *ending)
{
    if (nw_list_empty(&ending->link))
        nw_list_append(&uring->ending, &ending->link);
}
