/* See mix.h. */
#include "bench/mix/mix.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#define MEAN_NS      30000.0
#define SHORT_NS     5000
#define LONG_NS      5000000
#define LONG_OF_1000 5
#define PARETO_SHAPE 1.1

int nw_mix_parse(const char *name)
{
    static const char *const names[] = {"bimodal", "exponential", "heavy"};

    for (int i = 0; i < NW_MIX_KINDS; i++)
        if (!strcmp(name, names[i]))
            return i;
    return -EINVAL;
}

/* What a share of `below` of all requests take no longer than, in units of its own. */
static double quantile(enum nw_mix_kind kind, double below)
{
    switch (kind) {
    case NW_MIX_EXPONENTIAL:
        return -log(1 - below);
    case NW_MIX_HEAVY:
        return pow(1 - below, -1 / PARETO_SHAPE);
    default:
        return below < 1 - LONG_OF_1000 / 1000.0 ? SHORT_NS : LONG_NS;
    }
}

static double mean_of(enum nw_mix_kind kind)
{
    double sum = 0;

    for (unsigned i = 0; i < NW_MIX_POINTS; i++)
        sum += quantile(kind, (i + 0.5) / NW_MIX_POINTS);
    return sum / NW_MIX_POINTS;
}

static void find_mean(struct nw_mix *mix)
{
    mix->mean_ns = 0;
    for (unsigned i = 0; i < NW_MIX_POINTS; i++)
        mix->mean_ns += (double)mix->ns[i] / NW_MIX_POINTS;
}

void nw_mix_init(struct nw_mix *mix, enum nw_mix_kind kind)
{
    double unit = kind == NW_MIX_BIMODAL ? 1 : MEAN_NS / mean_of(kind);

    for (unsigned i = 0; i < NW_MIX_POINTS; i++)
        mix->ns[i] = (uint64_t)(unit * quantile(kind, (i + 0.5) / NW_MIX_POINTS));
    find_mean(mix);
}

void nw_mix_alike(struct nw_mix *mix, uint64_t ns)
{
    for (unsigned i = 0; i < NW_MIX_POINTS; i++)
        mix->ns[i] = ns;
    find_mean(mix);
}

bool nw_mix_is_short(const struct nw_mix *mix, unsigned point)
{
    return (double)mix->ns[point] <= mix->mean_ns * (1 + 1e-9);
}
