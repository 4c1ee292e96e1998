/* See meter.h. */
#include "engine/tally/meter.h"
#include <stdlib.h>
#include <string.h>

struct nw_meter *nw_meter_new(uint64_t threads)
{
    unsigned n = threads ? (unsigned)threads : 1;
    struct nw_meter *meter = calloc(1, sizeof *meter + n * sizeof *meter->of_thread);
    if (!meter)
        return NULL;
    meter->references = 1;
    meter->n = n;
    return meter;
}

void nw_meter_ref(struct nw_meter *meter)
{
    nw_add_fetch(&meter->references, 1u);
}

void nw_meter_unref(struct nw_meter *meter)
{
    if (!meter || nw_fetch_sub(&meter->references, 1u) > 1)
        return;
    for (unsigned i = 0; i < meter->n; i++)
        nw__tally_unref(meter->of_thread[i]);
    free(meter);
}

struct nw_tally *nw_meter_show(struct nw_meter *meter, unsigned thread, struct nw_tally *tally)
{
    struct nw_tally *shown = meter->of_thread[thread]; /* which no other thread writes */
    if (shown && !tally) {
        nw__tally_ref(shown);
        return shown;
    }
    tally = tally ? tally : nw__tally_new();
    if (!tally)
        return NULL;
    nw__tally_ref(tally);
    nw_store_release(&meter->of_thread[thread], tally); /* pairs with nw_meter_sum */
    return tally;
}

void nw_meter_drop(struct nw_tally *tally)
{
    nw__tally_unref(tally);
}

static uint64_t since(uint64_t now, uint64_t before)
{
    return now >= before ? now - before : now;
}

/* This count may also have come past its largest value. */
static uint32_t calls_since(uint32_t now, uint32_t before)
{
    uint32_t passed = now - before;
    return passed <= UINT32_MAX / 2 ? passed : now;
}

void nw_meter_awaited(struct nw_meter *meter)
{
    if (meter)
        meter->worked.awaited = true;
}

void nw_meter_loaded(struct nw_meter *meter)
{
    if (!meter)
        return;
    meter->worked.cold_starts += meter->worked.awaited;
    meter->worked.awaited = false;
}

void nw_meter_restarted(struct nw_meter *meter, enum nw_outcome why)
{
    if (meter)
        meter->worked.restarts[why]++;
}

void nw_meter_work(struct nw_meter *meter, const struct nw_calls *before, const struct nw_calls *now)
{
    struct nw_worked *worked = meter ? &meter->worked : NULL;
    if (!worked)
        return;
    worked->begun_or_ended += calls_since(now->calls, before->calls);
    worked->ran_ns += since(now->ran, before->ran);
    worked->waited_ns += since(now->waited, before->waited);
    worked->preempted += since(now->preempted, before->preempted);
    worked->rekeyed += since(now->rekeyed, before->rekeyed);
}

bool nw_meter_sum(const struct nw_meter *meter, struct nw_tally *sum)
{
    bool some = false;
    memset(sum, 0, sizeof *sum);
    for (unsigned i = 0; i < meter->n; i++) {
        const struct nw_tally *tally = nw_load_acquire(&meter->of_thread[i]); /* pairs with nw_meter_show */
        some |= tally != NULL;
        if (tally)
            nw__tally_sum(sum, tally);
    }
    return some;
}
