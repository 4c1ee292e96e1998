/*
 * The operations that the io_uring backend has in the kernel.
 *
 * Nobody but the turn of the loop (io/uring/loop.c) touches the submission queue. Everybody else queues operations, so
 * that all of a turn go to the kernel in one call, no callback runs while that happens, and an operation whose
 * descriptor is closed meanwhile can still be taken back. An operation is part of the object that it works for, and
 * that object is freed at the end of a turn, when none of its operations is in the kernel any more.
 *
 *           start           submit          complete (the last completion)
 *     IDLE --------> QUEUED --------> ARMED ------------------------------> IDLE
 *          <--------               cancel | ^ start                          ^
 *           cancel                        v |          submit                |
 *                                 CANCEL_QUEUED -----------------> CANCELLED |
 *                                         | complete          complete |     |
 *                                         +----------------------------+-----+
 *
 * To start or cancel an operation in any other state changes nothing. One that is CANCELLED can be started again when
 * its last completion comes.
 */
#ifndef NW_ENGINE_IO_URING_OP_H
#define NW_ENGINE_IO_URING_OP_H

#include "engine/base/list.h"
#include <liburing.h>

struct nw__uring;

enum nw__op_state { OP_IDLE, OP_QUEUED, OP_ARMED, OP_CANCEL_QUEUED, OP_CANCELLED, NW__OP_STATES };

struct nw__op {
    struct nw_list link; /* in nw__uring.queue, when QUEUED or CANCEL_QUEUED */
    enum nw__op_state state;
    unsigned passed; /* by this scan of completions, at one of it that stays: those behind it do, too */
    void (*prepare)(struct nw__op *op, struct io_uring_sqe *sqe);
    /* For each completion; the state is already what it is afterwards. It may start the operation again. */
    void (*complete)(struct nw__op *op, int result, unsigned flags);
};

/* An object that waits for the end of the turn to be freed. */
struct nw__ending {
    struct nw_list link; /* in nw__uring.ending */
    void (*end)(struct nw__ending *ending);
};

bool nw__op_is_valid(const struct nw__op *op);

void nw__op_init(struct nw__op *op, void (*prepare)(struct nw__op *op, struct io_uring_sqe *sqe),
                 void (*complete)(struct nw__op *op, int result, unsigned flags));
void nw__op_start(struct nw__uring *uring, struct nw__op *op);
void nw__op_cancel(struct nw__uring *uring, struct nw__op *op);

/* An operation that is queued goes to the kernel before all others. */
void nw__op_first(struct nw__uring *uring, struct nw__op *op);

/* For the turn of the loop: fills an entry of the submission queue for an operation that is queued; and tells the
 * operation what came back. */
void nw__op_submit(struct nw__uring *uring, struct nw__op *op, struct io_uring_sqe *sqe);
void nw__op_completed(struct nw__uring *uring, struct nw__op *op, int result, unsigned flags);

/* Has `end` called when the turn ends. */
void nw__uring_end(struct nw__uring *uring, struct nw__ending *ending);

#endif
