/* See function.h. */
#include "worker/domain/function.h"
#include "common/base/valid.h"
#include "worker/base/limits.h"
#include <stddef.h>

static struct nw_function functions[NW_FUNCTIONS_MAX];

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
#define TO(state) (NW_FUNCTION_##state + 1) /* 0, where nothing is said: it cannot come */
static const uint8_t next_state[][NW_FUNCTION_EVENTS] = {
    [NW_FUNCTION_NONE] = {[NW_FUNCTION_LOAD] = TO(LOADING), [NW_FUNCTION_ENDED] = TO(NONE) /* as it is set up */},
    [NW_FUNCTION_LOADING] =
        {[NW_FUNCTION_STARTED] = TO(UP), [NW_FUNCTION_RETIRE] = TO(RETIRING), [NW_FUNCTION_ENDED] = TO(NONE)},
    [NW_FUNCTION_UP] = {[NW_FUNCTION_STARTED] = TO(UP), [NW_FUNCTION_RETIRE] = TO(RETIRING)},
    [NW_FUNCTION_RETIRING] =
        {[NW_FUNCTION_STARTED] = TO(RETIRING), [NW_FUNCTION_RETIRE] = TO(RETIRING), [NW_FUNCTION_ENDED] = TO(NONE)},
};
#undef TO

/* One that is none has no domain; any other counts what waits for it. */
bool nw_function_is_valid(const struct nw_function *function)
{
    if (function->state == NW_FUNCTION_NONE)
        return !function->domain;
    return function->state <= NW_FUNCTION_RETIRING && !function->queue == !function->queued;
}

void nw_function_move(struct nw_function *function, enum nw_function_event event)
{
    const uint8_t next = next_state[function->state][event];

    nw_check_that(next);
    if (next)
        function->state = (enum nw_function_state)(next - 1);
    nw_check_valid(nw_function, function);
}

struct nw_function *nw_function_after(const struct nw_function *f)
{
    for (size_t i = f ? (size_t)(f - functions) + 1 : 0; i < NW_FUNCTIONS_MAX; i++)
        if (functions[i].state != NW_FUNCTION_NONE)
            return &functions[i];
    return NULL;
}

struct nw_function *nw_function_find(uint32_t deployment)
{
    for (size_t i = 0; i < NW_FUNCTIONS_MAX; i++) {
        struct nw_function *f = &functions[(deployment + i) % NW_FUNCTIONS_MAX];

        if (f->state != NW_FUNCTION_NONE && f->deployment == deployment)
            return f;
    }
    return NULL;
}

struct nw_function *nw_function_take(uint32_t deployment)
{
    for (size_t i = 0; i < NW_FUNCTIONS_MAX; i++) {
        struct nw_function *f = &functions[(deployment + i) % NW_FUNCTIONS_MAX];

        if (f->state == NW_FUNCTION_NONE)
            return f;
    }
    return NULL;
}
