/*
 * The operations of the gate: what the stub inside a domain may ask of the monitor, each with its arguments, in one
 * table. From it come the numbers (here), the audit of the arguments (op_audit.h), the dispatch (dispatch.c, op.c), the
 * hostile tests (worker/test/attack/acts/operations.c) and docs/reference/gate-operations.md.
 *
 * A call has the operation's number in the low 32 bits of its first word and a scalar in the high 32, and two pairs of
 * words, which mostly are an address and a length.
 */
#ifndef NW_WORKER_BASE_OPS_H
#define NW_WORKER_BASE_OPS_H

#include "common/http/record.h"
#include "protect/rewrite/shortcut.h"
#include "worker/base/limits.h"

/*
 * OP(PATH, NAME, handler, scalar, first pair, second pair, what it does)
 *
 * PATH: FAST operations are handled without the monitor's lock; SLOW ones under it.
 *
 * Scalars:
 *   ANY(x)              any 32 bits
 *   FLAG(x)             0 or 1, else EINVAL
 *   ROUTE(x)            a handle that NW_OP_ROUTE gave, else EINVAL
 * Pairs of an address and a length; outside the caller's domain: EFAULT:
 *   SOURCE(x, max)      memory that is read; longer: E2BIG
 *   OVERLONG(x, max)    the same; of one that is longer only the length is taken, and nothing is read
 *   SINK(x)             memory that is written
 *   NAME(x)             the name of a function, or of a version, copied; EINVAL unless it is one
 *   TEXT(x, max)        a string, copied; longer: E2BIG
 *   RECORD(x, type)     a structure, copied; the second word is not looked at
 *   UNUSED              not looked at
 * Either:
 *   NONE                zeros, else EINVAL
 */
/* clang-format off */
#define NW_OPS(OP)                                                                                              \
    OP(FAST, WAIT, wait, ANY(status), SINK(inbox), OVERLONG(output, NW_PAYLOAD_MAX),                            \
       "A func worker ends its invocation, with what faas_func_call returned, and waits for the next. Returns " \
       "the length of the next input, which lies in the inbox, with NW_RESTORED as second result if it is a "   \
       "fresh function's, whose memory is a copy; or, with NW_MORE_ROOM, the "                                  \
       "size that the inbox must have before the same call is made again; or, with NW_NO_MORE, that the func "  \
       "worker is to be destroyed and its thread to end.")                                                      \
    OP(FAST, CALL, call, ROUTE(route), SOURCE(input, NW_PAYLOAD_MAX), SINK(reply),                              \
       "A nested call of a function in this worker. Returns the length of the output, which lies in the reply " \
       "buffer; -ENOBUFS with the length as second result when it is larger: fetch it; -EPERM when the caller may "      \
       "not call that function.")                        \
    OP(SLOW, CALL_NAME, call_name, NONE, SOURCE(input, NW_PAYLOAD_MAX), NAME(callee),                           \
       "A nested call of a function elsewhere, whose output goes where NW_OP_REPLY said. Returns as NW_OP_CALL does.") \
    OP(SLOW, REPLY, reply, NONE, SINK(reply), NONE, "Where the output of the following NW_OP_CALL_NAME goes.")  \
    OP(SLOW, FETCH, fetch, NONE, SINK(buffer), NONE,                                                            \
       "Takes the output that was too large for the reply buffer. Returns its length.")                         \
    OP(SLOW, ROUTE, route, NONE, NAME(name), NONE,                                                              \
       "Returns the route of a function, or -ENOENT when it is not in this worker; -EPERM when the caller may not "  \
       "call it, -ELOOP outside of an invocation.")                            \
    OP(SLOW, READY, ready, FLAG(failed), TEXT(reason, NW_REASON_MAX - 1), NONE,                                 \
       "The function is up, or cannot start and why: the domain's first thread says it, and no other. Returns " \
       "when another func worker is wanted, for an invocation that found none free; called again when it is "   \
       "made, or as failed when it cannot be. With NW_NO_MORE as second result all func workers have ended, and "  \
       "the program is to end. With NW_RESTORED it may be a copy of another that said it was up: the result is where " \
       "the gate is now, and it says so again.") \
    OP(FAST, SYSCALL, direct, NONE, RECORD(call, struct nw_shortcut_call), UNUSED,                              \
       "A system call of the domain's libc that took the shortcut. Returns as the system call does; or, with "  \
       "NW_SHORTCUT_MISS as second result, that the SYSCALL instruction must be used.")                         \
    OP(SLOW, TIME_LEFT, time_left, NONE, NONE, NONE,                                                            \
       "Milliseconds until nobody waits for the running invocation any more; -ENODATA when none runs.")          \
    OP(SLOW, REQUEST, request, ANY(from), SINK(buffer), NONE,                                                   \
       "The record of the request that the running invocation answers, from byte `from` on: as much as has room, "  \
       "4096 bytes at most. Returns the length of the whole; -ENODATA when there is none.")                     \
    OP(SLOW, ANSWER, answer, NONE, SOURCE(record, NW_ANSWER_MAX), NONE,                                         \
       "What the running invocation says of its answer: a record, which is copied, and sent with the output; a "   \
       "later one takes its place. Of no effect in a nested call; -ENODATA when none runs.")
/* clang-format on */

#define NW_OP_NUMBER(path, NAME, ...) NW_OP_##NAME,
enum nw_op { NW_OP_NONE, NW_OPS(NW_OP_NUMBER) };
#undef NW_OP_NUMBER

/* Where a domain finds its function's own file, by the function's name; there is nothing else in that folder. */
#define NW_OWN_FOLDER "/function/"

#define NW_MORE_ROOM 1
#define NW_NO_MORE   2
#define NW_RESTORED  3

#endif
