/* The state of the monitor. */
#ifndef NW_WORKER_DOMAIN_MONITOR_H
#define NW_WORKER_DOMAIN_MONITOR_H

#include "common/manifest/control.h"
#include "common/shm/channel.h"
#include "worker/base/limits.h"
#include "worker/call/function.h"
#include "worker/domain/domain.h"
#include "worker/domain/executor.h"
#include "worker/domain/function.h"
#include "worker/domain/slot.h"
#include "worker/wire/line.h"
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct nw_monitor {
    uint32_t worker;
    int control;
    unsigned n_untold;                     /* messages that wait for the engine to read */
    int wake;                              /* of wake.h: what wakes the control thread */
    struct nw_line lines[NW_CHANNELS_MAX]; /* calls go by the first, whose doorbell serves all */
    uint32_t n_lines;
    struct nw_geometry geometry;
    struct nw_slot *arena_waiters;
    bool room_made; /* in an arena, without word from the engine: they try again at the next look at the rings */
    struct nw_invocation *spare_invocations;
    struct nw_function functions[NW_FUNCTIONS_MAX];
    struct nw_route routes[NW_FUNCTIONS_MAX];
    uint32_t n_routes;
};

extern struct nw_monitor nw_m;

#endif
