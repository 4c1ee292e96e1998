/* See traffic.h. */
#include "bench/simulate/traffic.h"

#include <math.h>

#define ZONES 24
#define NIGHT 0.1 /* of the calls by day */

int nw__traffic_init(struct nw_traffic *traffic, const struct nw_traffic_plan *plan)
{
    *traffic = (struct nw_traffic){.plan = plan, .random.state = ~plan->seed};
    return nw_draw_init(&traffic->draw, plan->functions, plan->exponent, plan->seed);
}

void nw__traffic_fini(struct nw_traffic *traffic)
{
    nw_draw_fini(&traffic->draw);
}

/* The share of its calls by noon that a function has now. */
static double daylight(const struct nw_traffic *traffic, unsigned function, double time)
{
    double zone = (double)(function % ZONES) / ZONES;

    return NIGHT + (1 - NIGHT) * (1 + cos(2 * M_PI * (time / traffic->plan->seconds - zone))) / 2;
}

static unsigned draw_by_day(struct nw_traffic *traffic, double time)
{
    unsigned function = nw_draw_next(&traffic->draw);

    while (nw_random_unit(&traffic->random) >= daylight(traffic, function, time))
        function = nw_draw_next(&traffic->draw);
    return function;
}

static bool is_crowded(const struct nw_traffic_plan *plan, double time)
{
    return time >= plan->seconds * 0.5 && time < plan->seconds * 0.55;
}

/* The functions with the highest numbers are the crowd; what is popular is scattered over all numbers. */
static unsigned draw_from_crowd(struct nw_traffic *traffic)
{
    unsigned functions = traffic->plan->functions;
    unsigned crowd = functions < NW_TRAFFIC_CROWD ? functions : NW_TRAFFIC_CROWD;

    return functions - 1 - (unsigned)(nw_random_next(&traffic->random) % crowd);
}

bool nw__traffic_next(struct nw_traffic *traffic, unsigned *function, double *time)
{
    const struct nw_traffic_plan *plan = traffic->plan;

    *time = (double)traffic->drawn / plan->rate;
    if (*time >= plan->seconds)
        return false;
    traffic->drawn++;
    if (plan->kind == NW_TRAFFIC_DIURNAL)
        *function = draw_by_day(traffic, *time);
    else if (plan->kind == NW_TRAFFIC_FLASH && is_crowded(plan, *time) && nw_random_unit(&traffic->random) < 0.5)
        *function = draw_from_crowd(traffic);
    else
        *function = nw_draw_next(&traffic->draw);
    return true;
}
