/* See count.h. */
#include "engine/dispatch/count.h"
#include "common/base/clock.h"
#include "engine/serve/engine.h"
#include "engine/serve/function.h"
#include "engine/serve/invocation.h"
#include "engine/tally/tally.h"

static uint64_t now(struct nw_engine *engine)
{
    if (!engine->counted_at)
        engine->counted_at = nw_clock_ns();
    return engine->counted_at;
}

void nw_count_forget_time(struct nw_engine *engine)
{
    engine->counted_at = 0;
}

/* NULL when memory is out: then it is not counted. */
static struct nw_tally *tally_of(struct nw_function *function)
{
    return function->tally ? function->tally : nw_function_tally(function);
}

void nw__count_begun(struct nw_invocation *inv)
{
    struct nw_tally *tally = tally_of(inv->function);
    inv->counted.tally = tally;
    inv->counted.begun = now(inv->engine);
    if (tally)
        nw_tally_add(&tally->begun, 1);
}

void nw__count_complete(struct nw_invocation *inv)
{
    inv->counted.complete = now(inv->engine);
}

/* One that is sent again waited for another reason. */
void nw__count_sent(const struct nw_invocation *inv)
{
    struct nw_tally *tally = inv->counted.tally;
    if (tally && inv->sent == 1)
        nw_histogram_add(&tally->waited, now(inv->engine) - inv->counted.complete);
}

void nw__count_ended(const struct nw_invocation *inv, enum nw_outcome outcome)
{
    struct nw_tally *tally = inv->counted.tally;
    if (!tally)
        return;
    if (inv->sent)
        nw_histogram_add(&tally->took, now(inv->engine) - inv->counted.begun);
    nw_tally_add(&tally->ended[outcome], 1);
}

void nw__count_refused(struct nw_function *function, enum nw_status status)
{
    struct nw_tally *tally = tally_of(function);
    if (!tally)
        return;
    nw_tally_add(&tally->begun, 1);
    nw_tally_add(&tally->ended[nw_status_info(status)->outcome], 1);
}
