/* See deployed.h. */
#include "worker/domain/deployed.h"
#include "common/base/valid.h"
#include "worker/base/limits.h"
#include <stddef.h>

static struct nw_deployed functions[NW_DEPLOYED_MAX];

/*
 *         load             first domain is up      another one is
 *   NONE ──────> LOADING ────────────────────> UP ────┐
 *    ^ ^           │ │                         │ ^────┘
 *    │ └─ refused ─┘ │ its domain has failed   │ the engine retires it
 *    │               v                         v
 *    └──── it has no domain any more ──── RETIRING
 *
 * A retiring function serves what it was sent; then its domain ends, and the engine hears that it has.
 */
#define TO(state) (NW_DEPLOYED_##state + 1) /* so that 0, of entries that are not listed, means: not allowed */
static const uint8_t next_state[][NW_DEPLOYED_EVENTS] = {
    [NW_DEPLOYED_NONE] = {[NW_DEPLOYED_LOAD] = TO(LOADING), [NW_DEPLOYED_ENDED] = TO(NONE) /* as it is set up */},
    [NW_DEPLOYED_LOADING] =
        {[NW_DEPLOYED_STARTED] = TO(UP), [NW_DEPLOYED_RETIRE] = TO(RETIRING), [NW_DEPLOYED_ENDED] = TO(NONE)},
    [NW_DEPLOYED_UP] = {[NW_DEPLOYED_STARTED] = TO(UP), [NW_DEPLOYED_RETIRE] = TO(RETIRING)},
    [NW_DEPLOYED_RETIRING] =
        {[NW_DEPLOYED_STARTED] = TO(RETIRING), [NW_DEPLOYED_RETIRE] = TO(RETIRING), [NW_DEPLOYED_ENDED] = TO(NONE)},
};
#undef TO

/* An unused record has no domain; in any other `queued` says whether the queue is empty. */
bool nw_deployed_is_valid(const struct nw_deployed *function)
{
    if (function->state == NW_DEPLOYED_NONE)
        return !function->domain;
    return function->state <= NW_DEPLOYED_RETIRING &&
           !function->queue == (function->queued == nw_deployed_queued_least(function));
}

void nw_deployed_move(struct nw_deployed *function, enum nw_deployed_event event)
{
    const uint8_t next = next_state[function->state][event];

    nw_check_that(next);
    if (next)
        function->state = (enum nw_deployed_state)(next - 1);
    nw_check_valid(nw_deployed, function);
}

struct nw_deployed *nw_deployed_after(const struct nw_deployed *f)
{
    for (size_t i = f ? (size_t)(f - functions) + 1 : 0; i < NW_DEPLOYED_MAX; i++)
        if (functions[i].state != NW_DEPLOYED_NONE)
            return &functions[i];
    return NULL;
}

struct nw_deployed *nw_deployed_find(uint32_t deployment)
{
    for (size_t i = 0; i < NW_DEPLOYED_MAX; i++) {
        struct nw_deployed *f = &functions[(deployment + i) % NW_DEPLOYED_MAX];

        if (f->state != NW_DEPLOYED_NONE && f->deployment == deployment)
            return f;
    }
    return NULL;
}

struct nw_deployed *nw_deployed_take(uint32_t deployment)
{
    for (size_t i = 0; i < NW_DEPLOYED_MAX; i++) {
        struct nw_deployed *f = &functions[(deployment + i) % NW_DEPLOYED_MAX];

        if (f->state == NW_DEPLOYED_NONE)
            return f;
    }
    return NULL;
}
