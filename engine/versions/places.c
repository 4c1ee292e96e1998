/* See places.h. */
#include "engine/versions/places.h"
#include "engine/io/io.h"
#include "engine/placement/placement.h"
#include "engine/serve/engine.h"
#include "engine/serve/function.h"
#include "engine/versions/deployment.h"
#include "engine/versions/replica.h"
#include "engine/workers/seat.h"
#include "engine/workers/seats.h"
#include "engine/workers/tenant.h"
#include "engine/workers/worker.h"
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define HINTS_MOST 64   /* callers that are looked at */
#define COOLED_MS  3000 /* least time between two moves from a seat for want of keys: the next count tells more */

static struct nw_seat *seat_at(struct nw_list *at)
{
    return nw_container(at, struct nw_seat, of_tenant);
}

static bool is_in(const struct nw_deployment *deployment, const struct nw_seat *seat)
{
    if (deployment)
        nw_list_each(&deployment->replicas, at, after)
        {
            if (nw_container(at, struct nw_replica, of_deployment)->seat == seat)
                return true;
        }
    return false;
}

static struct nw_placement_seat describe(const struct nw_deployment *deployment, const struct nw_seat *seat)
{
    const struct nw_deployment *current = nw_deployment_of(deployment->function->current);
    return (struct nw_placement_seat){
        .ill = seat->state == NW_SEAT_DOWN && (seat->stuck || seat->deadline > nw_io_now(seat->all->engine->io)),
        .stuck = seat->stuck,
        .has = is_in(deployment, seat),
        .predecessor = current != deployment && is_in(current, seat),
        .grown = seat->grown,
        .keys = seat->all->keys,
        .replicas = seat->wanting,
        .hot = seat->hot,
        .calls = seat->worker && seat->worker->number == deployment->called_from ? deployment->calls : 0};
}

static int place_in(struct nw_deployment *deployment, struct nw_seat *seat, enum nw_placement_rule rule)
{
    struct nw_replica *replica = seat ? nw__replica_new(deployment, seat) : NULL;
    if (!replica)
        return -ENOMEM;
    replica->rule = rule;
    return 0;
}

static struct nw_replica *newest_of(const struct nw_deployment *deployment)
{
    return nw_container(deployment->replicas.prev, struct nw_replica, of_deployment);
}

/* The seats of a tenant, and what the policy (placement.h) sees of each. */
struct places {
    size_t n;
    struct nw_seat **seats;
    struct nw_placement_seat *facts;
};

static int look(const struct nw_deployment *deployment, struct places *places)
{
    *places = (struct places){0};
    nw_list_each(&deployment->tenant->seats, at, after) places->n++;
    places->seats = calloc(places->n + 1, sizeof *places->seats);
    places->facts = calloc(places->n + 1, sizeof *places->facts);
    if (!places->seats || !places->facts)
        return -ENOMEM;
    size_t i = 0;
    nw_list_each(&deployment->tenant->seats, at, after)
    {
        places->seats[i] = seat_at(at);
        places->facts[i++] = describe(deployment, seat_at(at));
    }
    return 0;
}

static void look_away(struct places *places)
{
    free(places->seats);
    free(places->facts);
}

/* Counts as a call from each seat that this version is in: less than those that were seen. */
static void hint(struct places *places, const struct nw_deployment *of)
{
    nw_list_each(&of->replicas, at, after)
    {
        for (size_t i = 0; i < places->n; i++)
            if (places->seats[i] == nw_container(at, struct nw_replica, of_deployment)->seat && !places->facts[i].calls)
                places->facts[i].calls = 1;
    }
}

/* Before anybody has called it, it goes where those are that will, as far as that was found in their files or seen of
 * their last versions, and where those are that it calls. */
static void hint_by_graph(struct places *places, const struct nw_deployment *deployment)
{
    const struct nw_engine *engine = deployment->all->engine;
    unsigned left = HINTS_MOST;
    struct nw_edge *edge = nw_graph_callers(&deployment->all->graph, deployment->manifest.name);
    for (; edge && left; edge = nw_graph_callers_next(edge), left--)
        hint(places, nw_container(edge->caller, struct nw_deployment, callees));
    for (struct nw_list *at = deployment->callees.list.next; at != &deployment->callees.list; at = at->next) {
        const char *name = nw_edge_at(at)->callee;
        const struct nw_function *callee = nw_function_find((struct nw_engine *)engine, name, strlen(name));
        if (callee && callee->current)
            hint(places, nw_deployment_of(callee->current));
    }
}

static int place_one(struct nw_deployment *deployment, size_t most)
{
    struct places places;
    struct nw_placement placement;
    int rc = look(deployment, &places);
    if (!rc)
        hint_by_graph(&places, deployment);
    if (!rc && nw_placement_choose(places.facts, places.n, most, &placement)) {
        bool starts = placement.rule == NW_PLACED_STARTED;
        rc = place_in(deployment, starts ? nw_seat_grow(deployment->tenant) : places.seats[placement.seat],
                      placement.rule);
    }
    look_away(&places);
    return rc;
}

static int place_everywhere(struct nw_deployment *deployment)
{
    nw_list_each(&deployment->tenant->seats, at, after)
    {
        if (!is_in(deployment, seat_at(at)) && place_in(deployment, seat_at(at), NW_PLACED_EVERYWHERE) < 0)
            return -ENOMEM;
    }
    return 0;
}

/* When the replica cannot be made the seat is freed here, since seats of this kind go only with their replica. */
static int place_in_own(struct nw_deployment *deployment)
{
    struct nw_seat *seat = nw_seat_new(deployment->tenant, deployment);
    int rc = place_in(deployment, seat, NW_PLACED_OWN);
    if (seat) /* a version that a call loads does not keep the host from being ready */
        seat->grown = deployment->state != NW_DEPLOYMENT_LOADING;
    if (rc < 0 && seat)
        nw_seat_free(seat);
    return rc;
}

/* While a version serves, a refused replica does not count, so that another seat is tried in its stead. It does once
 * the version is FAILED: what no worker could load is not tried in ever more of them. */
static size_t count_placed(const struct nw_deployment *deployment)
{
    bool all = deployment->state != NW_DEPLOYMENT_SERVING || !nw__places_may_move(deployment);
    size_t n = 0;
    nw_list_each(&deployment->replicas, at, after) n +=
        all || nw_container(at, struct nw_replica, of_deployment)->state != NW_REPLICA_REFUSED;
    return n;
}

static bool grows(const struct nw_options *options)
{
    return options->mode != NW_MODE_PROCESS && options->workers_most > options->workers;
}

unsigned nw__places_few(const struct nw_deployment *deployment)
{
    const struct nw_options *options = &deployment->all->engine->options;
    unsigned warm = deployment->manifest.warm, few = 1;
    if (options->mode == NW_MODE_PROCESS)
        few = (unsigned)options->workers;
    return few < warm ? warm : few;
}

bool nw__places_may_move(const struct nw_deployment *deployment)
{
    return grows(&deployment->all->engine->options);
}

int nw__places_fill(struct nw_deployment *deployment)
{
    const struct nw_options *options = &deployment->all->engine->options;
    bool own = options->mode == NW_MODE_PROCESS;
    size_t has = count_placed(deployment);
    int rc = 0;
    if (!own && !grows(options))
        return place_everywhere(deployment);
    for (; has < nw__places_few(deployment) && !rc; has++)
        rc = own ? place_in_own(deployment) : place_one(deployment, options->workers_most);
    return rc;
}

/* Whether it may move since its key is taken from it. One at a time, since who stays then has what it lacked. */
static bool fights(const struct nw_replica *replica, uint64_t now)
{
    return replica->heat.fights && now - replica->seat->cooled_at >= COOLED_MS;
}

/* It is as busy there as it is here, so that no others move there meanwhile. */
static void move_to(const struct nw_replica *replica, struct nw_seat *better, enum nw_placement_rule rule)
{
    struct nw_replica *moved = newest_of(replica->deployment);
    moved->from = replica->seat;
    if (rule != NW_PLACED_COOLER && rule != NW_PLACED_STARTED)
        return;
    nw__replica_heat(moved, &(struct nw_heat){.at = replica->heat.at, .hot = replica->heat.hot});
    replica->seat->cooled_at = better->cooled_at = nw_io_now(replica->deployment->all->engine->io);
}

/* A version that is to be in several workers cannot leave a seat for one that it is in already. So the seat would be
 * kept, and what had left it might follow its callers back there. */
static void mark_shared(struct places *places, const struct nw_seat *from)
{
    nw_list_each(&from->replicas, at, after)
    {
        const struct nw_deployment *deployment = nw_container(at, struct nw_replica, of_seat)->deployment;
        for (size_t i = 0; i < places->n && deployment->manifest.warm > 1; i++)
            places->facts[i].shares |= places->seats[i] != from && is_in(deployment, places->seats[i]);
    }
}

struct nw_seat *nw__places_move(const struct nw_replica *replica, bool gathers)
{
    struct nw_deployment *deployment = replica->deployment;
    const struct nw_engine *engine = deployment->all->engine;
    const struct nw_seat *seat = replica->seat;
    struct places places;
    struct nw_placement placement;
    struct nw_seat *better = NULL;
    size_t from = 0;
    gathers &= seat->grown;
    if (!gathers && !deployment->calls && (!seat->all->keys || seat->wanting <= seat->all->keys))
        return NULL; /* the usual case, and cheap: it has no caller to follow, and its seat is not crowded */
    if (look(deployment, &places) == 0) {
        while (from < places.n && places.seats[from] != seat)
            from++;
        places.facts[from].grown = gathers;
        if (gathers)
            mark_shared(&places, seat);
        if (from < places.n && nw_placement_improve(places.facts, places.n, engine->options.workers_most, from,
                                                    fights(replica, nw_io_now(engine->io)), &placement))
            better = placement.seat < places.n ? places.seats[placement.seat] : nw_seat_grow(deployment->tenant);
        if (better && place_in(deployment, better, placement.rule) < 0)
            better = NULL;
    }
    look_away(&places);
    if (better)
        move_to(replica, better, placement.rule);
    return better;
}
