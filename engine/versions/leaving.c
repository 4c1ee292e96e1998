/* See leaving.h. */
#include "engine/versions/leaving.h"
#include "common/base/log.h"
#include "engine/dispatch/dispatch.h"
#include "engine/io/io.h"
#include "engine/serve/engine.h"
#include "engine/threads/threads.h"
#include "engine/versions/deployments.h"
#include "engine/versions/loads.h"
#include "engine/versions/places.h"
#include "engine/workers/seat.h"
#include "engine/workers/worker.h"

#define MOVE_MS      1000  /* least time between two moves of a version; twice as long with each that fails */
#define FAILED_MOST  10    /* ... up to so often */
#define MOVE_MOST_MS 30000 /* a move that has not begun to load by then has failed */
#define LOOKED_AT    64    /* replicas in a tick, so that a tick takes no longer when there are more of them */

static struct nw_replica *replica_at(struct nw_list *at)
{
    return nw_container(at, struct nw_replica, round);
}

/* --- which replicas leave --- */

static struct nw_replica *other_at(struct nw_list *at)
{
    return nw_container(at, struct nw_replica, of_deployment);
}

static unsigned count_serving(const struct nw_deployment *deployment)
{
    unsigned n = 0;
    nw_list_each(&deployment->replicas, at, after) n +=
        other_at(at)->state == NW_REPLICA_SERVING && !other_at(at)->leaves;
    return n;
}

/* When it was last known to be called. */
static uint64_t used(struct nw_replica *replica, uint64_t now)
{
    if (replica->queue.bound)
        replica->used = now;
    return replica->used;
}

/* The same for the replica of a version that was called last. One that loads counts as called now: it soon will be. */
static uint64_t any_used(const struct nw_deployment *deployment, uint64_t now)
{
    uint64_t newest = 0;
    nw_list_each(&deployment->replicas, at, after)
    {
        struct nw_replica *replica = other_at(at);
        bool loads = replica->state == NW_REPLICA_LOADING || replica->state == NW_REPLICA_LOADED;
        uint64_t last = loads ? now : used(replica, now);
        newest = last > newest ? last : newest;
    }
    return newest;
}

/* How long it stays loaded though nobody calls it; 0: for ever. */
static uint64_t patience_of(const struct nw_deployment *deployment)
{
    uint32_t own = deployment->manifest.idle_ms;
    return own ? own : deployment->all->engine->options.function_idle;
}

/* Where every worker has a version, its calls go to one replica while they are few, and the others are for when they
 * are more: so all are unloaded together, or none. */
static bool is_idle(struct nw_replica *replica, uint64_t now)
{
    const struct nw_deployment *deployment = replica->deployment;
    uint64_t idle = patience_of(deployment);
    unsigned warm = deployment->manifest.warm;
    if (!idle || replica->state != NW_REPLICA_SERVING || deployment->state != NW_DEPLOYMENT_SERVING)
        return false;
    if (nw__places_may_move(deployment))
        return now - used(replica, now) >= idle && count_serving(deployment) > warm;
    return !warm && now - any_used(deployment, now) >= idle;
}

static void leave(struct nw_replica *replica)
{
    struct nw_deployments *all = replica->deployment->all;
    replica->leaves = true;
    nw_list_remove(&replica->round);
    nw_list_append(&all->leaving, &replica->round);
    all->reap = true;
}

static void leave_for_idleness(struct nw_replica *replica)
{
    if (nw__places_may_move(replica->deployment)) {
        leave(replica);
        return;
    }
    nw_list_each(&replica->deployment->replicas, at, after)
    {
        if (!other_at(at)->leaves && other_at(at)->state != NW_REPLICA_REFUSED)
            leave(other_at(at));
    }
}

/* --- moving: one more is loaded elsewhere, and once it serves the one that was there first leaves --- */

static uint64_t pause_of(const struct nw_deployment *deployment)
{
    unsigned failed = deployment->moves_failed;
    return (uint64_t)MOVE_MS << (failed < FAILED_MOST ? failed : FAILED_MOST);
}

static void move(struct nw_replica *replica, uint64_t now, bool gathers)
{
    struct nw_deployment *deployment = replica->deployment;
    if (deployment->moved_at && now - deployment->moved_at < pause_of(deployment))
        return;
    struct nw_seat *seat = nw__places_move(replica, gathers);
    if (!seat)
        return;
    deployment->moved_at = now;
    deployment->calls = 0;
    nw__deployments_load_next(seat);
}

/* The better place does not load it: it was refused, its worker ended meanwhile, or there is no worker. */
static bool has_failed(const struct nw_replica *replica, uint64_t now)
{
    bool waits = replica->from && replica->state == NW_REPLICA_PENDING;
    return replica->state == NW_REPLICA_REFUSED ||
           (waits && (replica->suspect || now - replica->deployment->moved_at >= MOVE_MOST_MS));
}

/* The version stays where it is. */
static void give_up_move(struct nw_replica *replica, uint64_t now)
{
    struct nw_deployment *deployment = replica->deployment;
    if (replica->from) {
        deployment->moves_failed++;
        deployment->moved_at = now;
        nw_log(NW_LOG_WARN, "function \"%s\" cannot be moved to another worker, and stays; tried again in %llu ms",
               deployment->manifest.name, (unsigned long long)pause_of(deployment));
    }
    nw__deployment_drop(replica);
}

/* The replica that it moved from leaves as soon as that serves: its worker may have been lost meanwhile. */
static void arrive(struct nw_replica *replica)
{
    struct nw_replica *left = NULL;
    nw_list_each(&replica->deployment->replicas, at, after)
    {
        if (other_at(at)->seat == replica->from)
            left = other_at(at);
    }
    replica->deployment->moves_failed = 0;
    if (left && left->state != NW_REPLICA_SERVING)
        return;
    if (left && !left->leaves)
        leave(left);
    replica->from = NULL;
}

static void follow(struct nw_deployment *deployment, uint64_t now)
{
    nw_list_each(&deployment->replicas, at, after)
    {
        struct nw_replica *replica = other_at(at);
        if (has_failed(replica, now))
            give_up_move(replica, now);
        else if (replica->from && replica->state == NW_REPLICA_SERVING)
            arrive(replica);
    }
}

static void look_for_better(struct nw_replica *replica, uint64_t now, bool gathers)
{
    struct nw_deployment *deployment = replica->deployment;
    if (!nw__places_may_move(deployment) || deployment->state != NW_DEPLOYMENT_SERVING ||
        replica->state != NW_REPLICA_SERVING)
        return;
    unsigned n = 0;
    nw_list_each(&deployment->replicas, at, after) n++;
    if (n <= nw__places_few(deployment))
        move(replica, now, gathers);
    else
        follow(deployment, now);
}

static void cool(struct nw_replica *replica, uint64_t now)
{
    struct nw_heat heat = replica->heat;
    nw_heat_cool(&heat, now);
    nw__replica_heat(replica, &heat);
}

void nw_leaving_tick(struct nw_deployments *all)
{
    uint64_t now = nw_io_now(all->engine->io);
    struct nw_list looked_at;
    nw_list_init(&looked_at);
    all->gathered = (all->gathered + 1) % LOOKED_AT;
    for (unsigned i = 0; i < LOOKED_AT && !nw_list_empty(&all->round); i++) {
        struct nw_replica *replica = replica_at(all->round.next);
        nw_list_remove(&replica->round);
        nw_list_append(&looked_at, &replica->round);
        cool(replica, now);
        if (is_idle(replica, now))
            leave_for_idleness(replica);
        else
            look_for_better(replica, now, i == all->gathered);
    }
    nw_list_splice(&all->round, &looked_at);
}

void nw__leaving_stuck(const struct nw_seat *seat)
{
    if (!seat->grown || seat->only)
        return;
    nw_list_each(&seat->replicas, at, after)
    {
        struct nw_replica *replica = nw_container(at, struct nw_replica, of_seat);
        enum nw_deployment_state state = replica->deployment->state;
        bool waits = state == NW_DEPLOYMENT_SERVING || state == NW_DEPLOYMENT_FAILED;
        if (waits && replica->state == NW_REPLICA_PENDING && !replica->leaves)
            leave(replica);
    }
}

/* --- how one leaves --- */

static void close_queue(struct nw_replica *replica)
{
    nw__replica_move(replica, NW_REPLICA_CLOSE);
    nw__deployment_changed(replica->deployment);
}

/* Whether a version has replicas that stay: some may have been placed anew while others were leaving. */
static bool goes_on(const struct nw_deployment *deployment)
{
    nw_list_each(&deployment->replicas, at, after)
    {
        if (!other_at(at)->leaves && other_at(at)->state != NW_REPLICA_REFUSED)
            return true;
    }
    return false;
}

/* A worker has at most one domain of a version, so calls that came meanwhile waited until this one was gone. */
static void end(struct nw_replica *replica)
{
    struct nw_deployment *deployment = replica->deployment;
    nw__deployment_drop(replica);
    nw__deployment_changed(deployment);
    if (nw_list_empty(&deployment->replicas) && !deployment->code.reading && !deployment->code.keeping)
        nw_code_forget(&deployment->code);
    if (goes_on(deployment))
        nw_deployment_wanted(deployment->function);
    nw_dispatch_retry_function(deployment->function);
}

static void carry_on(struct nw_replica *replica)
{
    if (replica->state == NW_REPLICA_SERVING)
        close_queue(replica);
    if (replica->state == NW_REPLICA_CLOSING && !replica->queue.bound && !replica->held)
        nw__load_retire(replica);
    else if (replica->state == NW_REPLICA_PENDING || replica->state == NW_REPLICA_REFUSED)
        end(replica);
}

void nw_leaving_reap(struct nw_deployments *all)
{
    if (!all->reap && !all->engine->unbound)
        return;
    nw_list_each(&all->leaving, at, after)
    {
        if (replica_at(at)->deployment->state != NW_DEPLOYMENT_RETIRING) /* else it ends with its version */
            carry_on(replica_at(at));
    }
}

void nw_leaving_vacated(const struct nw_deployment *deployment, uint32_t worker)
{
    nw_list_each(&deployment->replicas, at, after)
    {
        struct nw_replica *replica = other_at(at);
        if (replica->state != NW_REPLICA_CLOSING || replica->seat->worker->number != worker || !replica->held)
            continue;
        replica->held--;
        deployment->all->reap = true;
    }
}
