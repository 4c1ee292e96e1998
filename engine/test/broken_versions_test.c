/* Seats, replicas and deployments that are whole, and the same with one field broken: their checks find each. */
#include "common/manifest/resources.h"
#include "common/test/broken.h"
#include "engine/serve/engine.h"
#include "engine/serve/function.h"
#include "engine/serve/link.h"
#include "engine/versions/deployment.h"
#include "engine/versions/deployments.h"
#include "engine/versions/replica.h"
#include "engine/workers/seat.h"
#include "engine/workers/seats.h"
#include "engine/workers/tenant.h"
#include "engine/workers/worker.h"
#include <string.h>

static struct nw_deployments all;
static struct nw_tenant tenant, other_tenant;
static struct nw_function function;
static struct nw_link channel, other_channel;
static struct nw_worker worker;
static struct nw_seat seat, other_seat;
static struct nw_deployment deployment, other_deployment;
static struct nw_replica *replica;

/* A deployment in one seat, neither of which anything has happened to. */
static int set_up(void **state)
{
    (void)state;
    nw_list_init(&all.loading);
    nw_list_init(&all.failed);
    nw_list_init(&all.retiring);
    worker = (struct nw_worker){.seat = &seat, .link = &channel};
    seat = (struct nw_seat){.tenant = &tenant};
    nw_list_init(&seat.replicas);
    deployment = (struct nw_deployment){.all = &all, .tenant = &tenant, .function = &function};
    nw_list_init(&deployment.version.queues);
    nw_list_init(&deployment.replicas);
    nw_list_init(&deployment.of_state);
    nw_list_append(&all.loading, &deployment.of_state);
    replica = nw__replica_new(&deployment, &seat);
    assert_non_null(replica);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    nw_list_remove(&deployment.of_state);
    nw__replica_free(replica);
    return 0;
}

static void seats(void **state)
{
    (void)state;
    FOUND(nw_seat, &seat, seat.worker, &worker); /* though it is DOWN */
    FOUND(nw_seat, &seat, seat.loading, 1);
    FOUND(nw_seat, &seat, seat.retiring, 1);
    seat.untold = seat.unheard = 1; /* what is asked of a worker that was lost */
    assert_true(nw_seat_is_valid(&seat));

    seat.untold = seat.unheard = 0;
    seat.worker = &worker;
    seat.state = NW_SEAT_STARTING;
    FOUND(nw_seat, &seat, seat.worker, NULL);
    FOUND(nw_seat, &seat, worker.seat, &other_seat);
    FOUND(nw_seat, &seat, seat.untold, 7);
    FOUND(nw_seat, &seat, seat.unheard, true);
    FOUND(nw_seat, &seat, seat.loading, 1); /* before its worker has said hello */
    FOUND(nw_seat, &seat, seat.retiring, 1);

    seat.state = NW_SEAT_UP;
    seat.loading = seat.retiring = 1;
    FOUND(nw_seat, &seat, seat.load_slots, NW_LIMIT_LOAD_SLOTS + 1);
    FOUND(nw_seat, &seat, seat.state, NW_SEAT_STARTING);
    FOUND(nw_seat, &seat, seat.state, NW_SEAT_DOWN);
}

/* Moves the replica, of a worker that is up, along the usual way up to this state. */
static void move_to(enum nw_replica_state last)
{
    static const enum nw_replica_event way[] = {
        [NW_REPLICA_PENDING] = NW_REPLICA_LOAD,    [NW_REPLICA_LOADING] = NW_REPLICA_HAS_LOADED,
        [NW_REPLICA_LOADED] = NW_REPLICA_ACTIVATE, [NW_REPLICA_SERVING] = NW_REPLICA_CLOSE,
        [NW_REPLICA_CLOSING] = NW_REPLICA_RETIRE,
    };
    seat.state = NW_SEAT_UP;
    seat.worker = &worker;
    while (replica->state != last)
        assert_true(nw__replica_move(replica, way[replica->state]));
}

static void replicas_that_do_not_serve(void **state)
{
    (void)state;
    for (enum nw_replica_state last = NW_REPLICA_PENDING; last < NW_REPLICA_SERVING; last++) {
        move_to(last);
        FOUND(nw_replica, replica, replica->queue.open, true);
        FOUND(nw_replica, replica, replica->queue.link, &channel);
        FOUND(nw_replica, replica, replica->state, NW_REPLICA_SERVING);
    }
    FOUND(nw_replica, replica, replica->has_load_slot, true); /* though it is loaded */
}

static void replicas_that_serve(void **state)
{
    (void)state;
    move_to(NW_REPLICA_SERVING);
    FOUND(nw_replica, replica, replica->queue.open, false);
    FOUND(nw_replica, replica, replica->queue.link, NULL);
    FOUND(nw_replica, replica, replica->queue.link, &other_channel);
    FOUND(nw_replica, replica, seat.worker, NULL);
    FOUND(nw_replica, replica, replica->state, NW_REPLICA_CLOSING); /* its queue is open */

    move_to(NW_REPLICA_CLOSING);
    replica->queue.bound = 1; /* invocations that had chosen it finish */
    FOUND(nw_replica, replica, replica->queue.open, true);
    FOUND(nw_replica, replica, replica->state, NW_REPLICA_RETIRING); /* they have not */
    FOUND(nw_replica, replica, replica->state, NW_REPLICA_REFUSED);

    replica->queue.bound = 0;
    move_to(NW_REPLICA_RETIRING);
    FOUND(nw_replica, replica, replica->queue.bound, 1);
    FOUND(nw_replica, replica, replica->queue.open, true);
    nw__replica_move(replica, NW_REPLICA_LOST);
}

static void replicas_of_a_deployment(void **state)
{
    (void)state;
    FOUND(nw_deployment, &deployment, replica->deployment, &other_deployment);
    FOUND(nw_deployment, &deployment, seat.tenant, &other_tenant);
    FOUND(nw_deployment, &deployment, seat.only, &other_deployment); /* which alone may have a replica there */
    seat.only = &deployment;
    assert_true(nw_deployment_is_valid(&deployment));
}

static void deployments_that_are_loaded(void **state)
{
    (void)state;
    FOUND(nw_deployment, &deployment, deployment.version.state, NW_VERSION_SERVING);
    FOUND(nw_deployment, &deployment, deployment.function, NULL);                  /* though it does not retire */
    FOUND(nw_deployment, &deployment, deployment.state, NW_DEPLOYMENT_COMMITTING); /* in the list of those LOADING */
    nw_list_remove(&deployment.of_state);
    assert_false(nw_deployment_is_valid(&deployment)); /* LOADING, and in no list */

    deployment.state = NW_DEPLOYMENT_COMMITTING;
    FOUND(nw_deployment, &deployment, deployment.persisted, true); /* its row is being written */
}

static void deployments_that_are_settled(void **state)
{
    (void)state;
    nw_list_remove(&deployment.of_state);
    deployment.persisted = true;
    deployment.state = NW_DEPLOYMENT_SERVING;
    deployment.version.state = NW_VERSION_SERVING;
    FOUND(nw_deployment, &deployment, deployment.persisted, false);
    FOUND(nw_deployment, &deployment, deployment.version.state, NW_VERSION_RETIRED);
    FOUND(nw_deployment, &deployment, deployment.function, NULL);

    nw_list_append(&all.failed, &deployment.of_state);
    deployment.state = NW_DEPLOYMENT_FAILED;
    deployment.version.state = NW_VERSION_FAILED;
    FOUND(nw_deployment, &deployment, deployment.persisted, false);
    FOUND(nw_deployment, &deployment, deployment.version.state, NW_VERSION_SERVING);

    deployment.state = NW_DEPLOYMENT_RETIRING;
    deployment.version.state = NW_VERSION_RETIRED;
    deployment.function = NULL;
    FOUND(nw_deployment, &deployment, deployment.function, &function);
    FOUND(nw_deployment, &deployment, deployment.version.state, NW_VERSION_SERVING);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(seats),
        CASE(replicas_that_do_not_serve),
        CASE(replicas_that_serve),
        CASE(replicas_of_a_deployment),
        CASE(deployments_that_are_loaded),
        CASE(deployments_that_are_settled),
    };
    return cmocka_run_group_tests_name("engine/broken_versions", tests, NULL, NULL);
}
