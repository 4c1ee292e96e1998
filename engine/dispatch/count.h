/*
 * What is counted of an invocation as it goes by, for its function: how it ended, how long it waited and took. Not
 * responsible for who reads that (tally/meter.h).
 */
#ifndef NW_ENGINE_DISPATCH_COUNT_H
#define NW_ENGINE_DISPATCH_COUNT_H

#include "common/base/status.h"

struct nw_engine;
struct nw_function;
struct nw_invocation;

/* It begins; its input is complete; a worker was told of it. */
void nw__count_begun(struct nw_invocation *inv);
void nw__count_complete(struct nw_invocation *inv);
void nw__count_sent(const struct nw_invocation *inv);

/* It was answered, or given up. Once for each. */
void nw__count_ended(const struct nw_invocation *inv, enum nw_outcome outcome);

/* Something was refused before an invocation was made for it. */
void nw__count_refused(struct nw_function *function, enum nw_status status);

/* What is counted from now on has another time. To be called when the loop has waited, and now and then in long turns:
 * one look at the clock serves all that is counted until then. */
void nw_count_forget_time(struct nw_engine *engine);

#endif
