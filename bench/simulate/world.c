/* See world.h. */
#include "bench/simulate/world.h"

#include <errno.h>
#include <stdlib.h>

static int host_init(struct nw_sim_host *host, unsigned workers)
{
    *host = (struct nw_sim_host){.newest = NW_SIM_NONE, .oldest = NW_SIM_NONE};
    host->of = calloc(workers, sizeof *host->of);
    host->seats = calloc(workers, sizeof *host->seats);
    return host->of && host->seats ? 0 : -ENOMEM;
}

int nw__sim_world_init(struct nw_sim_world *world, const struct nw_simulation_plan *plan)
{
    int error = 0;

    *world = (struct nw_sim_world){.plan = plan};
    world->functions = calloc(plan->traffic.functions, sizeof *world->functions);
    world->hosts = calloc(plan->hosts, sizeof *world->hosts);
    if (!world->functions || !world->hosts)
        error = -ENOMEM;
    for (unsigned i = 0; i < plan->hosts && !error; i++)
        error = host_init(&world->hosts[i], plan->workers);
    for (unsigned i = 0; i < plan->traffic.functions && !error; i++)
        world->functions[i] =
            (struct nw_sim_function){.worker = NW_SIM_NONE, .newer = NW_SIM_NONE, .older = NW_SIM_NONE};
    if (error)
        nw__sim_world_fini(world);
    return error;
}

void nw__sim_world_fini(struct nw_sim_world *world)
{
    for (unsigned i = 0; world->hosts && i < world->plan->hosts; i++) {
        free(world->hosts[i].of);
        free(world->hosts[i].seats);
    }
    free(world->hosts);
    free(world->functions);
    *world = (struct nw_sim_world){0};
}

bool nw_sim_host_is_valid(const struct nw_sim_host *host)
{
    unsigned functions = 0, workers = 0;

    for (unsigned i = 0; i < host->started; i++) {
        if (host->of[i].held > host->of[i].functions)
            return false;
        functions += host->of[i].functions;
        workers += host->of[i].functions > 0;
    }
    return functions == host->warm && workers == host->workers && workers <= host->started &&
           (host->newest == NW_SIM_NONE) == (host->warm == 0);
}

struct nw_sim_host *nw__sim_host_of(struct nw_sim_world *world, unsigned function)
{
    return &world->hosts[function % world->plan->hosts];
}

bool nw__sim_is_warm(const struct nw_sim_world *world, unsigned function)
{
    return world->functions[function].worker != NW_SIM_NONE;
}

static struct nw_sim_worker *worker_of(struct nw_sim_world *world, unsigned function)
{
    return &nw__sim_host_of(world, function)->of[world->functions[function].worker];
}

/* Which key of its worker it holds; as many as are held: none. */
static unsigned key_of(const struct nw_sim_worker *worker, unsigned function)
{
    unsigned i = 0;

    while (i < worker->held && worker->holders[i] != function)
        i++;
    return i;
}

bool nw__sim_holds_key(struct nw_sim_world *world, unsigned function)
{
    const struct nw_sim_worker *worker = worker_of(world, function);

    return key_of(worker, function) < worker->held;
}

bool nw__sim_take_free_key(struct nw_sim_world *world, unsigned function)
{
    struct nw_sim_worker *worker = worker_of(world, function);

    if (worker->held == world->plan->keys)
        return false;
    worker->holders[worker->held++] = function;
    return true;
}

void nw__sim_rob_key(struct nw_sim_world *world, unsigned function)
{
    struct nw_sim_worker *worker = worker_of(world, function);
    unsigned oldest = 0;

    for (unsigned i = 1; i < worker->held; i++)
        if (world->functions[worker->holders[i]].last < world->functions[worker->holders[oldest]].last)
            oldest = i;
    worker->holders[oldest] = function;
}

static void enter(struct nw_sim_world *world, struct nw_sim_host *host, unsigned function, unsigned worker)
{
    if (worker == host->started)
        host->of[host->started++] = (struct nw_sim_worker){0};
    host->workers += host->of[worker].functions++ == 0;
    world->functions[function].worker = worker;
}

static void leave(struct nw_sim_world *world, struct nw_sim_host *host, unsigned function)
{
    struct nw_sim_worker *worker = worker_of(world, function);
    unsigned key = key_of(worker, function);

    if (key < worker->held)
        worker->holders[key] = worker->holders[--worker->held];
    host->workers -= --worker->functions == 0;
    world->functions[function].worker = NW_SIM_NONE;
}

/* Where the policy puts it, when it may not be in the worker `not`. */
static bool choose(struct nw_sim_world *world, struct nw_sim_host *host, unsigned not, struct nw_placement *placement)
{
    for (unsigned i = 0; i < host->started; i++)
        host->seats[i] =
            (struct nw_placement_seat){.keys = world->plan->keys, .replicas = host->of[i].functions, .has = i == not };
    return nw_placement_choose(host->seats, host->started, world->plan->workers, placement);
}

void nw__sim_start(struct nw_sim_world *world, struct nw_sim_host *host, unsigned function)
{
    struct nw_placement placement;

    if (!choose(world, host, NW_SIM_NONE, &placement))
        abort(); /* a function that is nowhere can be anywhere */
    enter(world, host, function, (unsigned)placement.seat);
    host->warm++;
}

bool nw__sim_move(struct nw_sim_world *world, struct nw_sim_host *host, unsigned function)
{
    struct nw_placement placement;

    if (!choose(world, host, world->functions[function].worker, &placement) || placement.rule == NW_PLACED_CROWDED)
        return false;
    leave(world, host, function);
    enter(world, host, function, (unsigned)placement.seat);
    return nw__sim_take_free_key(world, function);
}

static void unlink_function(struct nw_sim_world *world, struct nw_sim_host *host, unsigned function)
{
    struct nw_sim_function *f = &world->functions[function];

    if (f->newer != NW_SIM_NONE)
        world->functions[f->newer].older = f->older;
    else if (host->newest == function)
        host->newest = f->older;
    if (f->older != NW_SIM_NONE)
        world->functions[f->older].newer = f->newer;
    else if (host->oldest == function)
        host->oldest = f->newer;
    f->newer = f->older = NW_SIM_NONE;
}

void nw__sim_touch(struct nw_sim_world *world, struct nw_sim_host *host, unsigned function, double now)
{
    unlink_function(world, host, function);
    world->functions[function].last = now;
    world->functions[function].older = host->newest;
    if (host->newest != NW_SIM_NONE)
        world->functions[host->newest].newer = function;
    else
        host->oldest = function;
    host->newest = function;
}

void nw__sim_end(struct nw_sim_world *world, unsigned function)
{
    struct nw_sim_host *host = nw__sim_host_of(world, function);

    unlink_function(world, host, function);
    leave(world, host, function);
    host->warm--;
}
