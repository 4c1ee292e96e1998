/*
 * See quantum.h. It ends once and is set again by who was kicked: one that went on by itself could end again before the
 * signal is dealt with, and then again.
 */
#include "worker/tick/quantum.h"
#include "common/base/atomic.h"
#include "common/base/clock.h"
#include "worker/domain/executor.h"
#include "worker/tick/source.h"
#include "worker/turn/dear.h"

bool nw_quantum_ended(const struct nw_executor *ex)
{
    return nw_load_relaxed(&ex->ticked); /* stored by the handler on its thread, or by ticker_main */
}

void nw_quantum_count(struct nw_executor *ex)
{
    uint64_t now;

    if (!nw_quantum_ended(ex) || !ex->due)
        return;
    now = nw_clock_ns();
    if (now < ex->due) /* the kick is that of the one before, which came while the timer was set */
        return;
    ex->tick_cost = nw_dear_cost(ex->tick_cost, now - ex->due);
    ex->due = 0;
}

static bool set(struct nw_executor *ex, uint64_t due)
{
    ex->due = due;
    nw_store_relaxed(&ex->ticked, 0u); /* as in nw_quantum_ended; one that comes from now on may be the new one's */
    return nw__tick_at(ex, due);
}

bool nw_quantum_set(struct nw_executor *ex, uint64_t quantum)
{
    const bool ended = nw_quantum_ended(ex);

    quantum = nw_dear_quantum(quantum, ex->quantum, ex->tick_cost);
    if (quantum == ex->quantum && (!ended || !quantum))
        return true;
    if (quantum || !ended) /* one that ended is off */
        if (!set(ex, quantum ? nw_clock_ns() + quantum : 0))
            return false;
    ex->quantum = quantum;
    return true;
}
