/* Attacks on how domains take turns with keys and executors: each by many functions at once, on a worker of its own. */
#ifndef NW_WORKER_TEST_ATTACK_DRIVER_ATTACK_TURNS_H
#define NW_WORKER_TEST_ATTACK_DRIVER_ATTACK_TURNS_H

#include "worker/test/attack/attack_host.h"
#include <stddef.h>

struct attack_turn {
    int row;
    const char *name, *expect, *without, *then; /* as in attack_table.h */
    void (*run)(char seen[NW_ATTACK_SEEN]);     /* begins with a new worker */
};

extern const struct attack_turn attack_turns[];
extern const size_t attack_turns_count;

/* Runs it: what was seen. */
void nw_attack_turn(const struct attack_turn *attack, const char *without, char seen[NW_ATTACK_SEEN]);

#endif
