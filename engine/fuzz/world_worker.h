/* The workers of a world, and the launcher that starts them. */
#ifndef NW_ENGINE_FUZZ_WORLD_WORKER_H
#define NW_ENGINE_FUZZ_WORLD_WORKER_H

#include "engine/fuzz/world.h"

/* Starts and ends what the engine asks for, and lets workers do what there is to do. Whether anything happened. */
bool world_workers_turn(struct world *world);

/* Honest workers got back everything that they lent, and have nothing to do. */
void world_workers_check_idle(struct world *world);

void world_workers_fini(struct world *world);

#endif
