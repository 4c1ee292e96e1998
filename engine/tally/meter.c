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

bool nw_meter_sum(const struct nw_meter *meter, struct nw_tally *sum)
{
    bool some = false;
    memset(sum, 0, sizeof *sum);
    for (unsigned i = 0; i < meter->n; i++) {
        const struct nw_tally *tally = nw_load_acquire(&meter->of_thread[i]); /* pairs with nw_meter_show */
        some |= tally != NULL;
        if (tally)
            nw_tally_sum(sum, tally);
    }
    return some;
}
