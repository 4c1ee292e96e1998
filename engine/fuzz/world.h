/*
 * A whole engine in one thread, for fuzz targets: the loop of io_fake.h under it, a registry in memory, and behind its
 * control sockets and rings workers that are functions. They are honest unless a target plays them itself.
 */
#ifndef NW_ENGINE_FUZZ_WORLD_H
#define NW_ENGINE_FUZZ_WORLD_H

#include "common/shm/channel.h"
#include "engine/control/controller.h"
#include "engine/fuzz/io_fake.h"

#define WORLD_WORKERS 16
#define WORLD_CALLS   64
#define WORLD_HELD    64

enum { WORLD_GATEWAY, WORLD_ADMIN };

struct world_worker {
    bool used;
    uint32_t number;
    int control;
    struct nw_channel ch;
    uint64_t held[WORLD_HELD]; /* invocations that it has and does not answer yet */
    unsigned n_held;
    uint64_t calls[WORLD_CALLS]; /* the invocation behind each of its nested calls, or 0 */
    bool read[WORLD_CALLS];      /* the engine has read the input of that call */
};

struct world {
    struct nw_controller controller;
    struct nw_engine *engine; /* its own */
    int launcher;
    struct world_worker workers[WORLD_WORKERS];
    bool dishonest; /* workers are started and say hello; all else is the target's */
    bool held;      /* honest workers keep what they are sent and answer nothing for now */
};

/* Size of the arena of each world that is made from now on. The limit of bodies is three eighths of it. */
extern size_t world_arena;

/* Makes an engine of that mode with `echo` deployed, lets the target play, then ends all there is in an orderly way and
 * checks that nothing is left over. */
void world_run(enum nw_mode mode, unsigned workers, bool dishonest, void (*play)(struct world *world, void *arg),
               void *arg);

/* Turns of engine and workers, the first `ms` later, until nothing happens any more. */
void world_turn(struct world *world, uint64_t ms);

/* One such turn. False: nothing happened. */
bool world_turn_once(struct world *world, uint64_t ms);

/* Deploys `code`, whose first letter says how a worker takes it: R refuses it, D dies of it. Without waiting. */
void world_deploy(struct world *world, const char *name, const char *code);
void world_deploy_http(struct world *world, const char *name, const char *code); /* ... and it speaks HTTP */
void world_remove(struct world *world, const char *name);

/* The process ends. */
void world_kill(struct world *world, struct world_worker *worker);

#endif
