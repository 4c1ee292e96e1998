/* See simulate.h. */
#include "bench/simulate/simulate.h"
#include "bench/simulate/world.h"

#include <errno.h>

static void count_peaks(struct nw_simulation_result *result, const struct nw_sim_host *host)
{
    if (host->warm > result->most_warm)
        result->most_warm = host->warm;
    if (host->workers > result->most_workers)
        result->most_workers = host->workers;
}

/* A call of a warm function without a key: it moves to where one is free, if the policy knows such a place, else it
 * takes one where it is. */
static void want_key(struct nw_sim_world *world, unsigned function, struct nw_simulation_result *result)
{
    struct nw_sim_host *host = nw__sim_host_of(world, function);

    if (nw__sim_holds_key(world, function) || nw__sim_take_free_key(world, function))
        return;
    if (nw__sim_move(world, host, function)) {
        result->moves++;
        return;
    }
    nw__sim_rob_key(world, function);
    result->rekeys++;
}

static void start(struct nw_sim_world *world, unsigned function, struct nw_simulation_result *result)
{
    struct nw_sim_host *host = nw__sim_host_of(world, function);

    while (host->warm >= world->plan->room) {
        nw__sim_end(world, host->oldest);
        result->evicted++;
    }
    nw__sim_start(world, host, function);
    if (!nw__sim_take_free_key(world, function)) {
        nw__sim_rob_key(world, function);
        result->rekeys++;
    }
    result->cold++;
}

static void call(struct nw_sim_world *world, unsigned function, double now, struct nw_simulation_result *result)
{
    struct nw_sim_host *host = nw__sim_host_of(world, function);

    while (host->oldest != NW_SIM_NONE && world->functions[host->oldest].last < now - world->plan->idle)
        nw__sim_end(world, host->oldest);
    result->calls++;
    if (nw__sim_is_warm(world, function)) {
        result->warm++;
        want_key(world, function, result);
    } else {
        start(world, function, result);
    }
    nw__sim_touch(world, host, function, now);
    count_peaks(result, host);
    nw_check_valid(nw_sim_host, host);
}

int nw__simulate(const struct nw_simulation_plan *plan, struct nw_simulation_result *result)
{
    struct nw_traffic traffic = {0};
    struct nw_sim_world world;
    bool counts = false;
    unsigned function;
    double now;

    *result = (struct nw_simulation_result){0};
    if (nw__sim_world_init(&world, plan))
        return -ENOMEM;
    if (nw__traffic_init(&traffic, &plan->traffic)) {
        nw__sim_world_fini(&world);
        return -ENOMEM;
    }
    while (nw__traffic_next(&traffic, &function, &now)) {
        if (!counts && now >= plan->traffic.seconds / 4) {
            *result = (struct nw_simulation_result){0};
            counts = true;
        }
        call(&world, function, now, result);
    }
    nw__traffic_fini(&traffic);
    nw__sim_world_fini(&world);
    return 0;
}
