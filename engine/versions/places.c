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
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

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

/* Those that hold a key of its worker, or will want one. */
static unsigned count_replicas(const struct nw_seat *seat)
{
    unsigned n = 0;
    nw_list_each(&seat->replicas, at, after)
    {
        enum nw_replica_state state = nw_container(at, struct nw_replica, of_seat)->state;
        n += state != NW_REPLICA_REFUSED && state != NW_REPLICA_RETIRING;
    }
    return n;
}

static struct nw_placement_seat describe(const struct nw_deployment *deployment, const struct nw_seat *seat)
{
    const struct nw_deployment *current = nw_deployment_of(deployment->function->current);
    return (struct nw_placement_seat){.ill = seat->state == NW_SEAT_DOWN &&
                                             seat->deadline > nw_io_now(seat->all->engine->io),
                                      .has = is_in(deployment, seat),
                                      .predecessor = current != deployment && is_in(current, seat),
                                      .keys = seat->all->keys,
                                      .replicas = count_replicas(seat)};
}

static int place_in(struct nw_deployment *deployment, struct nw_seat *seat, enum nw_placement_rule rule)
{
    struct nw_replica *replica = seat ? nw__replica_new(deployment, seat) : NULL;
    if (!replica)
        return -ENOMEM;
    replica->rule = rule;
    return 0;
}

static int place_one(struct nw_deployment *deployment, size_t most)
{
    struct nw_tenant *tenant = deployment->tenant;
    size_t n = 0, i = 0;
    nw_list_each(&tenant->seats, at, after) n++;
    struct nw_placement_seat *seats = calloc(n + 1, sizeof *seats);
    struct nw_seat **are = calloc(n + 1, sizeof *are);
    struct nw_placement placement;
    int rc = -ENOMEM;
    if (seats && are) {
        nw_list_each(&tenant->seats, at, after)
        {
            are[i] = seat_at(at);
            seats[i++] = describe(deployment, seat_at(at));
        }
        rc = 0;
        if (nw_placement_choose(seats, n, most, &placement)) {
            bool starts = placement.rule == NW_PLACED_STARTED;
            rc = place_in(deployment, starts ? nw_seat_grow(tenant) : are[placement.seat], placement.rule);
        }
    }
    free(seats);
    free(are);
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

/* A seat without a replica would never be freed. */
static int place_in_own(struct nw_deployment *deployment)
{
    struct nw_seat *seat = nw_seat_new(deployment->tenant, deployment);
    int rc = place_in(deployment, seat, NW_PLACED_OWN);
    if (seat) /* the host is ready without what is loaded by a call */
        seat->grown = deployment->state == NW_DEPLOYMENT_SERVING;
    if (rc < 0 && seat)
        nw_seat_free(seat);
    return rc;
}

static size_t count(const struct nw_list *list)
{
    size_t n = 0;
    nw_list_each(list, at, after) n++;
    return n;
}

int nw__places_fill(struct nw_deployment *deployment)
{
    const struct nw_options *options = &deployment->all->engine->options;
    bool own = options->mode == NW_MODE_PROCESS, grows = options->workers_most > options->workers;
    size_t warm = deployment->manifest.warm, few = own ? options->workers : 1;
    size_t lacks = few < warm ? warm : few, has = count(&deployment->replicas);
    int rc = 0;
    if (!own && !grows)
        return place_everywhere(deployment);
    for (; has < lacks && !rc; has++)
        rc = own ? place_in_own(deployment) : place_one(deployment, options->workers_most);
    return rc;
}
