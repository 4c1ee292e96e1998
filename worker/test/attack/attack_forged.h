/* Attacks by the file of a snapshot that a stranger made, or can change (row 38): each on a worker of its own. */
#ifndef NW_WORKER_TEST_ATTACK_ATTACK_FORGED_H
#define NW_WORKER_TEST_ATTACK_ATTACK_FORGED_H

#include "worker/test/attack/driver/attack_turns.h"

extern const struct attack_turn attack_forgeries[];
extern const size_t attack_forgeries_count;

#endif
