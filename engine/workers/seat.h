/* The types of a seat, which is the place of a worker and lives on when its process ends, and of all of them. What they
 * do: seats.h. */
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
    NW_SEAT_DOWN,     /* no worker: waits for a launcher, or for its pause to end */
    NW_SEAT_STARTING, /* the launcher was asked to start a worker, which has not said HELLO yet */
    NW_SEAT_UP,
    NW_SEAT_STATES
};

struct nw_seat {
    struct nw_list link; /* in all->seats */
    struct nw_list of_tenant;
    struct nw_list attended;        /* in all->attended while time can change something for it */
    struct nw_list due;             /* in all->due while it is DOWN and too many others are STARTING */
    struct nw_list fresh;           /* in all->fresh while it is UP, and other threads of the engine do not know that */
    struct nw_table_node by_number; /* in all->by_number, under `numbered`, unless that is 0 */
    struct nw_workers *all;
    struct nw_tenant *tenant;
    struct nw_deployment *only; /* mode process: the one deployment that it serves */
    enum nw_seat_state state;
    struct nw_worker *worker; /* while STARTING or UP */
    struct nw_list replicas;
    bool grown;           /* beyond those that its tenant always has; the host is ready without it, and it may go */
    uint64_t empty_since; /* grown: since when it has had no replica; 0 while it has some */
    unsigned loading;     /* replicas that are LOADING */
    unsigned load_slots;  /* ... of these, those that hold a load slot (resources.def) */
    unsigned retiring;    /* replicas that are RETIRING */
    unsigned wanting;     /* ... that hold a hardware key of its worker, or will want one */
    unsigned hot;         /* ... that are called often (versions/heat.h) */
    uint64_t cooled_at;   /* when a replica last moved from or to it since too many were; 0: never */
    uint64_t deadline;    /* DOWN: when to start; STARTING: when HELLO is late */
    uint64_t up_since;
    struct nw_backoff backoff;
    unsigned restarts;
    uint32_t numbered;   /* the number of its last worker; 0: there was none */
    uint32_t untold;     /* DOWN: the worker that was lost, while the launcher has not said how it ended; else 0 */
    uint64_t lived;      /* how long its last lost worker was up, in ms */
    bool lost_loading;   /* it was lost while it loaded something */
    bool lost_own;       /* it ended by itself, as far as is known */
    bool unheard;        /* DOWN: other threads of the engine have not said yet what they had begun in it */
    uint64_t late_until; /* until then some of its replicas are not loaded; 0: none is late */
    char why[512];       /* why no process could be started for it the last time; "": one could */
    bool stuck;          /* that has happened again and again */
};

/* What versions/, which loads functions into workers, hears of a seat. */
struct nw_seat_events {
    void (*up)(struct nw_seat *seat); /* its worker said hello */

    /* Its worker is lost. `lost` comes first, while seat->worker is still there; `buried` once that is gone and its
     * invocations are dealt with; `judged` once it is known, or as good as known, whether it ended by itself (`own`) or
     * was killed: true when a function is to blame, so that the worker need not wait for its next start. */
    void (*lost)(struct nw_seat *seat);
    void (*buried)(struct nw_seat *seat);
    bool (*judged)(struct nw_seat *seat, bool own);

    /* No worker could be started for it several times, for seat->why: nobody should wait for it. */
    void (*stuck)(struct nw_seat *seat);

    /* Comes at ticks while the seat is UP and attended. */
    void (*tick)(struct nw_seat *seat);

    /* A message of its worker, which is UP. Returns NULL, or what is wrong with the message. */
    const char *(*said)(struct nw_seat *seat, const struct nw_control_message *message);
};

/* A way through all seats that goes on though some are freed meanwhile. */
struct nw_seat_walk {
    struct nw_list link; /* in all->walks */
    struct nw_workers *all;
    struct nw_list *next;
};

struct nw_workers {
    struct nw_engine *engine;
    struct nw_threads *threads;
    const struct nw_seat_events *events;
    struct nw_list tenants;
    struct nw_list seats;
    struct nw_list walks;       /* through the seats */
    struct nw_list attended;    /* seats that are not UP, load or end something, or may be spare */
    struct nw_list due;         /* seats that wait because too many are STARTING */
    struct nw_list fresh;       /* seats of whose workers other threads, if there are any, are to be told */
    struct nw_table by_number;  /* seats, by the number of their last worker */
    unsigned starting;          /* seats that are STARTING */
    uint64_t stopped_looked_at; /* see stopped.h */
    struct nw_list unsent;      /* workers with messages that their control sockets did not take yet */
    uint32_t last_number;
    unsigned keys; /* hardware keys that a worker has for functions; 0: this mode uses none */
    struct nw_launcher launcher;
    bool ready;   /* the host was ready once */
    bool proven;  /* a worker has said hello: this machine can run them, so a failed start no longer ends the engine */
    char *layers; /* what the launcher said last of how workers that only compute are confined; see launcher/start.h */
};

#endif
