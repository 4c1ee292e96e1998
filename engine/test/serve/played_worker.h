/* Workers of a dishonest world (engine/fuzz/world.h) that a test plays. */
#ifndef NW_ENGINE_TEST_SERVE_PLAYED_WORKER_H
#define NW_ENGINE_TEST_SERVE_PLAYED_WORKER_H

#include "engine/fuzz/world.h"

/* Until the workers serve this function; or what is deployed in every world. */
void played_await(struct world *world, const char *name);
void played_await_echo(struct world *world);

/* A nested call without input, made for that invocation; 0: it is not known for which. */
void played_call(struct world_worker *worker, const char *name, uint64_t parent);

#endif
