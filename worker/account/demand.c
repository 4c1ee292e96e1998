/* See demand.h. */
#include "worker/account/demand.h"

#define WHOLE   65536ull
#define SPAN_NS 1000000000ull /* what is older counts a third and less */
#define LONG_NS 10000000ull

void nw_demand_sample(struct nw_demand *demand, uint32_t busy, uint64_t waiting, uint64_t now)
{
    uint64_t part = now - demand->sampled_at, seen = busy * WHOLE;

    part = part < SPAN_NS ? part : SPAN_NS;
    part = part * WHOLE / SPAN_NS;
    demand->average = (demand->average * (WHOLE - part) + seen * part) / WHOLE;
    demand->sampled_at = now;
    if (demand->waiting != waiting)
        demand->waiting_since = now;
    demand->waiting = waiting;
}

uint32_t nw_demand_keeps(const struct nw_demand *demand, uint32_t most)
{
    uint64_t needs = (demand->average + WHOLE - 1) / WHOLE;

    needs += needs / 4;
    return needs < 1 ? 1 : needs < most ? (uint32_t)needs : most;
}

bool nw_demand_grows(const struct nw_demand *demand, uint32_t runnable, uint32_t executors)
{
    return runnable < executors || (demand->waiting && demand->sampled_at - demand->waiting_since >= LONG_NS);
}
