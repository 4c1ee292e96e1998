/*
 * A child of `nightward up`: the engine or the launcher.
 *
 *              START              CLOSE
 *   DOWN ─────────────> RUNNING ─────────> LEAVING
 *    ^                     │ DISMISS          │ DISMISS
 *    │                     v                  │
 *    │                 DISMISSED <────────────┘
 *    └── END (from each of the three)
 *
 * CLOSE: it closed its socket, and so is about to end. DISMISS: we close ours, by which it is told to end. With both
 * patience begins: who does not end in time is killed. A child that ended without being dismissed is started again
 * after a pause when it keeps ending (common/host/backoff.h). Not responsible for which children there are when
 * (host.c).
 */
#ifndef NW_DEPLOY_HOST_CHILD_H
#define NW_DEPLOY_HOST_CHILD_H

#include "common/host/backoff.h"
#include "common/host/spawn.h"
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define NW_NEVER         INT64_MAX
#define NW_STOP_PATIENCE 2000 /* ms */

enum nw_child_state { NW_CHILD_DOWN, NW_CHILD_RUNNING, NW_CHILD_LEAVING, NW_CHILD_DISMISSED, NW_CHILD_STATES };

/* All times in milliseconds of nw__host_now. */
struct nw_child {
    const char *name;
    enum nw_child_state state; /* written by its table alone */
    pid_t pid;                 /* 0 while it is DOWN */
    int socket;                /* our end; closing it tells the child that we are gone. -1 when closed */
    int64_t started_at;
    int64_t start_at; /* DOWN: when to start it */
    int64_t kill_at;  /* when patience with it ends */
    struct nw_backoff backoff;
};

int64_t nw__host_now(void);

void nw__child_init(struct nw_child *child, const char *name);

bool nw_child_is_valid(const struct nw_child *child);

static inline bool nw__child_is_up(const struct nw_child *child)
{
    return child->state != NW_CHILD_DOWN;
}

/* Starts it; `socket`, which becomes ours, is our end of its socket. 0, or negative errno with *step, what it failed
 * at: then it is tried again after a pause. */
int nw__child_start(struct nw_child *child, const struct nw_spawn *spec, int socket, const char **step);

/* It could not even be tried to start it. */
void nw__child_start_failed(struct nw_child *child);

/* It closed its socket. */
void nw__child_closed(struct nw_child *child);

/* Tells it to end; good for one that is DOWN. */
void nw__child_dismiss(struct nw_child *child);

/* Asks it by a signal to end within `patience`; it may use its socket meanwhile. */
void nw__child_ask_to_end(struct nw_child *child, int64_t patience);

/* Whether it has ended now, and as what; whether it had been dismissed. */
bool nw__child_ended(struct nw_child *child, int *status, bool *dismissed);

/* Ends it if patience with it is over. */
void nw__child_kill_if_late(struct nw_child *child);

/* Says for people how it ended, and when it is started again. */
void nw__child_say_ended(const struct nw_child *child, int status);

#endif
