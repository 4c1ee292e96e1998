/* The state machine that replica.h draws. */
#include "engine/versions/replica.h"
#include "common/base/valid.h"
#include "engine/versions/deployment.h"
#include "engine/workers/seat.h"
#include "engine/workers/worker.h"
#include <stdint.h>
#include <stdlib.h>

/* By state and event: the next state + 1; 0, what is left out, means that the event does not fit. */
#define TO(state) (NW_REPLICA_##state + 1)

static const uint8_t next_state[NW_REPLICA_STATES][NW_REPLICA_EVENTS] = {
    [NW_REPLICA_PENDING] = {[NW_REPLICA_LOAD] = TO(LOADING),
                            [NW_REPLICA_REFUSE] = TO(REFUSED),
                            [NW_REPLICA_AGAIN] = TO(PENDING),
                            [NW_REPLICA_LOST] = TO(PENDING)},
    [NW_REPLICA_LOADING] =
        {[NW_REPLICA_HAS_LOADED] = TO(LOADED), [NW_REPLICA_REFUSE] = TO(REFUSED), [NW_REPLICA_LOST] = TO(PENDING)},
    [NW_REPLICA_LOADED] =
        {[NW_REPLICA_ACTIVATE] = TO(SERVING), [NW_REPLICA_RETIRE] = TO(RETIRING), [NW_REPLICA_LOST] = TO(PENDING)},
    [NW_REPLICA_SERVING] =
        {[NW_REPLICA_CLOSE] = TO(CLOSING), [NW_REPLICA_RETIRE] = TO(RETIRING), [NW_REPLICA_LOST] = TO(PENDING)},
    [NW_REPLICA_CLOSING] = {[NW_REPLICA_RETIRE] = TO(RETIRING), [NW_REPLICA_LOST] = TO(PENDING)},
    [NW_REPLICA_RETIRING] = {[NW_REPLICA_HAS_RETIRED] = TO(PENDING), [NW_REPLICA_LOST] = TO(PENDING)},
    [NW_REPLICA_REFUSED] =
        {[NW_REPLICA_REFUSE] = TO(REFUSED), [NW_REPLICA_AGAIN] = TO(PENDING), [NW_REPLICA_LOST] = TO(PENDING)},
};

/* Only while it is SERVING do invocations choose it, and none is left once it is RETIRING. */
bool nw_replica_is_valid(const struct nw_replica *replica)
{
    bool serves = replica->state == NW_REPLICA_SERVING;
    bool has_link = serves || replica->state == NW_REPLICA_CLOSING || replica->state == NW_REPLICA_RETIRING;
    return (!replica->has_load_slot || replica->state == NW_REPLICA_LOADING) && replica->queue.open == serves &&
           (has_link || !replica->queue.link) &&
           (!serves || (replica->seat->worker && replica->queue.link == replica->seat->worker->link)) &&
           (replica->state != NW_REPLICA_RETIRING || !replica->queue.bound);
}

static bool wants_key(const struct nw_replica *replica)
{
    return replica->state != NW_REPLICA_REFUSED && replica->state != NW_REPLICA_RETIRING;
}

struct nw_replica *nw__replica_new(struct nw_deployment *deployment, struct nw_seat *seat)
{
    struct nw_replica *replica = calloc(1, sizeof *replica);
    if (!replica)
        return NULL;
    replica->deployment = deployment;
    replica->seat = seat;
    nw_queue_init(&replica->queue, &deployment->version);
    nw_list_init(&replica->round);
    nw_list_append(&deployment->replicas, &replica->of_deployment);
    nw_list_append(&seat->replicas, &replica->of_seat);
    seat->wanting += wants_key(replica);
    return replica;
}

void nw__replica_free(struct nw_replica *replica)
{
    nw__replica_give_slot(replica);
    replica->seat->wanting -= wants_key(replica);
    replica->seat->hot -= replica->heat.hot;
    nw_list_remove(&replica->of_deployment);
    nw_list_remove(&replica->of_seat);
    nw_list_remove(&replica->round);
    nw_queue_fini(&replica->queue);
    free(replica);
}

void nw__replica_heat(struct nw_replica *replica, const struct nw_heat *heat)
{
    replica->seat->hot += heat->hot;
    replica->seat->hot -= replica->heat.hot;
    replica->heat = *heat;
}

const char *nw_replica_state_name(enum nw_replica_state state)
{
    static const char *const names[NW_REPLICA_STATES] = {
        [NW_REPLICA_PENDING] = "waiting", [NW_REPLICA_LOADING] = "loading", [NW_REPLICA_LOADED] = "loaded",
        [NW_REPLICA_SERVING] = "serving", [NW_REPLICA_CLOSING] = "leaving", [NW_REPLICA_RETIRING] = "leaving",
        [NW_REPLICA_REFUSED] = "refused",
    };
    return names[state];
}

void nw__replica_give_slot(struct nw_replica *replica)
{
    replica->seat->load_slots -= replica->has_load_slot;
    replica->has_load_slot = false;
}

static void take_slot(struct nw_replica *replica)
{
    replica->has_load_slot = true;
    replica->seat->load_slots++;
}

bool nw__replica_move(struct nw_replica *replica, enum nw_replica_event event)
{
    uint8_t next = next_state[replica->state][event];
    if (!next)
        return false;
    replica->seat->retiring -= replica->state == NW_REPLICA_RETIRING;
    replica->seat->wanting -= wants_key(replica);
    replica->state = (enum nw_replica_state)(next - 1);
    replica->seat->retiring += replica->state == NW_REPLICA_RETIRING;
    replica->seat->wanting += wants_key(replica);
    if (event == NW_REPLICA_LOAD)
        take_slot(replica);
    else
        nw__replica_give_slot(replica);
    if (event == NW_REPLICA_ACTIVATE)
        nw_queue_open(&replica->queue, replica->seat->worker->link);
    else if (event == NW_REPLICA_RETIRE || event == NW_REPLICA_CLOSE)
        nw_queue_close(&replica->queue);
    else if (event == NW_REPLICA_LOST || event == NW_REPLICA_HAS_RETIRED)
        nw_queue_lost(&replica->queue);
    if (replica->state == NW_REPLICA_PENDING)
        replica->awaits_snapshot = replica->has_snapshot = false;
    if (event == NW_REPLICA_LOST || event == NW_REPLICA_HAS_RETIRED)
        nw__replica_heat(replica, &(struct nw_heat){0});
    if (event == NW_REPLICA_LOST)
        replica->held = 0; /* other threads drop what they had in this worker when they hear that it is gone */
    nw_check_valid(nw_replica, replica);
    return true;
}
