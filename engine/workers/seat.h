/* The type of a seat, which is the place of a worker and lives on when the process ends, and of all of them. Their life
 * is in seats.h. */
#ifndef NW_ENGINE_WORKERS_SEAT_H
#define NW_ENGINE_WORKERS_SEAT_H

#include "common/host/backoff.h"
#include "engine/base/list.h"
#include "engine/lookup/table.h"
#include "engine/workers/launcher.h"
#include <stdbool.h>
#include <stdint.h>

struct nw_deployment;
struct nw_engine;
struct nw_tenant;
struct nw_threads;
struct nw_worker;
struct nw_workers;

enum nw_seat_state {
    NW_SEAT_DOWN,     /* waits for a launcher or for its backoff */
    NW_SEAT_STARTING, /* the launcher was asked to start it; it has not said HELLO */
    NW_SEAT_UP,
    NW_SEAT_STATES
};

struct nw_seat {
    struct nw_list link; /* in all->seats */
    struct nw_list of_tenant;
    struct nw_list attended;        /* in all->attended while time can change something for it */
    struct nw_list due;             /* in all->due while it is DOWN and waits for others to have started */
    struct nw_table_node by_number; /* in all->by_number while `numbered`: its last worker */
    struct nw_workers *all;
    struct nw_tenant *tenant;
    struct nw_deployment *only; /* mode process: the one deployment that it serves */
    enum nw_seat_state state;
    struct nw_worker *worker; /* while STARTING or UP */
    struct nw_list replicas;
    bool grown;           /* beyond those that its tenant always has: it goes when it was empty for a while */
    uint64_t empty_since; /* grown: 0 while it has replicas */
    unsigned loading;     /* replicas that are LOADING */
    unsigned retiring;    /* ... RETIRING */
    uint64_t deadline;    /* DOWN: when to start; STARTING: HELLO */
    uint64_t up_since;
    struct nw_backoff backoff;
    unsigned restarts;
    uint32_t numbered; /* the number of its last worker; 0: there was none */
    uint32_t untold;   /* DOWN: the worker that was lost, when nobody has said yet how it ended; 0: none */
    uint64_t lived;    /* ms, the one that was lost */
    bool lost_loading; /* ... while it loaded something */
    char why[512];     /* no process could be started for it the last time; "": one could */
    bool stuck;        /* ... and again and again */
};

/* What those who load versions into workers hear of a seat. */
struct nw_seat_events {
    void (*up)(struct nw_seat *seat); /* its worker said hello */

    /* Its worker is lost: before what that had is dealt with, after, and once it is known whether that was its own
     * doing, as far as anybody can know. */
    void (*lost)(struct nw_seat *seat);
    void (*buried)(struct nw_seat *seat);
    void (*judged)(struct nw_seat *seat, bool own);

    /* No worker can be started for it, for seat->why, and that is not over in a moment. */
    void (*stuck)(struct nw_seat *seat);

    /* Its worker is up, and time has passed. */
    void (*tick)(struct nw_seat *seat);

    /* A message of its worker, which is up: NULL, or what is wrong with it. */
    const char *(*said)(struct nw_seat *seat, const struct nw_control *head, const char *text);
};

struct nw_workers {
    struct nw_engine *engine;
    struct nw_threads *threads;
    const struct nw_seat_events *events;
    struct nw_list tenants;
    struct nw_list seats;
    struct nw_list attended;    /* seats that are not UP, load or end something, or may be spare */
    struct nw_list due;         /* seats that wait because too many are STARTING */
    struct nw_table by_number;  /* seats, by the number of the last worker */
    unsigned starting;          /* seats that are STARTING */
    uint64_t stopped_looked_at; /* see stopped.h */
    struct nw_list unsent;      /* workers with messages that their control sockets did not take yet */
    uint32_t last_number;
    unsigned keys; /* hardware keys that a worker has for functions; 0: there are none */
    struct nw_launcher launcher;
    bool ready;   /* the host was ready once */
    bool proven;  /* a worker said hello: this machine can run them, and one that cannot be started ends nothing */
    char *layers; /* what the launcher said last of how workers that only compute are confined; see launcher/start.h */
};

#endif
