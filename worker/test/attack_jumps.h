/* Jumps to every byte of the gate, by functions that set every register first. */
#ifndef NW_WORKER_TEST_ATTACK_JUMPS_H
#define NW_WORKER_TEST_ATTACK_JUMPS_H

#include "worker/test/attack_host.h"
#include <stdbool.h>

/* `how`: an attack of jumps.so. `traps`: also to what is left of the gate for other modes. */
void nw_attack_jump(const char *how, bool traps, char seen[NW_ATTACK_SEEN]);

#endif
